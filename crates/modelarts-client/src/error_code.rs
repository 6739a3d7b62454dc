//! The error codes of the service: their meanings, and what to do about them.

use std::borrow::Cow;
use std::fmt;

use crate::generated::errors::CATALOGUE;

/// The kind of failure that an error code stands for, which determines what a program can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The resource does not exist, or not in this project. The status may also be 400.
    NotFound,
    /// The state of the resource does not allow the operation: read it again, then decide.
    Conflict,
    /// The service or the resource is busy: the same request may succeed later.
    Busy,
    /// The region has no resources of this kind left: wait, or ask for another flavor.
    Capacity,
    /// A limit of the account is reached: delete something, or have the limit raised.
    Quota,
    /// There were too many requests: wait for up to a minute.
    Throttled,
    /// The caller is not authenticated: sign in again.
    Authentication,
    /// The caller is authenticated but lacks a permission: have it granted.
    Permission,
    /// The account is frozen or in arrears: settle this first, nothing else helps.
    Frozen,
    /// The request is invalid, and a retry would not help: correct it.
    InvalidArgument,
    /// The service had an internal failure: report it with the request ID.
    Internal,
}

/// An error code of the service, such as `ModelArts.6309`.
///
/// Any text can be a code; for a code that is not in the catalogue, `describe`, `class` and `remedy` return `None`.
/// Every code in the catalogue is a constant.
///
/// ```
/// use modelarts_client::{ErrorClass, ErrorCode};
///
/// let code = ErrorCode::new("ModelArts.6309");
/// assert_eq!(code, ErrorCode::MODELARTS_6309);
/// assert_eq!(code.class(), Some(ErrorClass::NotFound));
/// assert!(code.remedy().is_some());
/// assert_eq!(ErrorCode::new("ModelArts.9999").class(), None);
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErrorCode(pub(crate) Cow<'static, str>);

impl ErrorCode {
    /// Creates a code from a text; white space around it is trimmed.
    pub fn new(code: impl AsRef<str>) -> Self {
        Self(Cow::Owned(code.as_ref().trim().to_owned()))
    }

    /// Creates a code from a static text, without copying it.
    pub const fn from_static(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// Returns the text of the code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the entry of the catalogue; `None` if the code is unknown.
    pub fn describe(&self) -> Option<&'static ErrorEntry> {
        CATALOGUE
            .binary_search_by(|entry| entry.code.cmp(self.as_str()))
            .ok()
            .map(|index| &CATALOGUE[index])
    }

    /// Returns the class; `None` if the code is unknown.
    pub fn class(&self) -> Option<ErrorClass> {
        self.describe().map(ErrorEntry::class)
    }

    /// Returns advice on what to do; `None` if the code is unknown.
    pub fn remedy(&self) -> Option<&'static str> {
        self.describe().map(ErrorEntry::remedy)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for ErrorCode {
    fn from(code: &str) -> Self {
        Self::new(code)
    }
}

/// An entry of the error catalogue.
#[derive(Debug)]
pub struct ErrorEntry {
    pub(crate) code: &'static str,
    pub(crate) statuses: &'static [u16],
    pub(crate) already_in_state: bool,
    pub(crate) main: Meaning,
    pub(crate) by_status: &'static [(u16, Meaning)],
}

#[derive(Debug)]
pub(crate) struct Meaning {
    pub(crate) class: ErrorClass,
    pub(crate) text: &'static str,
    pub(crate) remedy: &'static str,
}

impl Meaning {
    pub(crate) const fn new(class: ErrorClass, text: &'static str, remedy: &'static str) -> Self {
        Self {
            class,
            text,
            remedy,
        }
    }
}

/// How the catalogue is written.
impl ErrorEntry {
    pub(crate) const fn new(code: &'static str, statuses: &'static [u16], main: Meaning) -> Self {
        Self {
            code,
            statuses,
            already_in_state: false,
            main,
            by_status: &[],
        }
    }

    pub(crate) const fn in_state(self) -> Self {
        Self {
            already_in_state: true,
            ..self
        }
    }

    pub(crate) const fn by_status(self, by_status: &'static [(u16, Meaning)]) -> Self {
        Self { by_status, ..self }
    }
}

impl ErrorEntry {
    /// Returns all entries, in ascending order of their codes.
    pub fn all() -> &'static [ErrorEntry] {
        CATALOGUE
    }

    /// Returns the code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the HTTP statuses that the code comes with, in ascending order.
    pub fn statuses(&self) -> &'static [u16] {
        self.statuses
    }

    /// Returns the class, for the first status.
    pub fn class(&self) -> ErrorClass {
        self.main.class
    }

    /// Returns the meaning of the code.
    pub fn meaning(&self) -> &'static str {
        self.main.text
    }

    /// Returns advice on what to do.
    pub fn remedy(&self) -> &'static str {
        self.main.remedy
    }

    /// Returns whether the resource may already be in the desired state, so that you have to read it to find out.
    pub fn already_in_state(&self) -> bool {
        self.already_in_state
    }

    /// Returns class, meaning and remedy for an HTTP status; a few codes have two meanings, depending on the status.
    pub fn under(&self, status: u16) -> (ErrorClass, &'static str, &'static str) {
        let meaning = self
            .by_status
            .iter()
            .find(|(known, _)| *known == status)
            .map_or(&self.main, |(_, meaning)| meaning);
        (meaning.class, meaning.text, meaning.remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_for_its_search() {
        assert!(CATALOGUE.is_sorted_by(|a, b| a.code < b.code));
        for entry in CATALOGUE {
            assert_eq!(
                ErrorCode::new(entry.code).describe().unwrap().code,
                entry.code
            );
        }
    }

    #[test]
    fn a_code_under_several_statuses_means_what_its_status_says() {
        let entry = ErrorCode::new("ModelArts.0206").describe().unwrap();
        assert_eq!(entry.statuses(), [401, 403]);
        assert_ne!(entry.under(401).1, entry.under(403).1);
    }

    #[test]
    fn an_unknown_code_is_no_error() {
        let code = ErrorCode::new(" Vendor.1 ");
        assert_eq!(code.as_str(), "Vendor.1");
        assert!(code.describe().is_none());
    }
}
