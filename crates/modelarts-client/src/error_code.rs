//! What the error codes of the service mean, and what to do about them.

use std::borrow::Cow;
use std::fmt;

use crate::generated::errors::CATALOGUE;

/// What kind of failure a code stands for, and so what a program can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The resource does not exist, or not for this project. The status may well be 400.
    NotFound,
    /// The state of the resource does not allow it: look at it again, then decide.
    Conflict,
    /// The service or the resource is occupied: the same request may succeed later.
    Busy,
    /// The region has no resources of this kind left: wait, or ask for another flavor.
    Capacity,
    /// A limit of the account is reached: free something or have the limit raised.
    Quota,
    /// Too many requests: pause, up to a minute.
    Throttled,
    /// Who is asking is not proven: sign in again.
    Authentication,
    /// Who is asking is known and may not: have the permission granted.
    Permission,
    /// The account is frozen or in arrears: nothing but settling that helps.
    Frozen,
    /// The request is wrong and stays wrong: correct it.
    InvalidArgument,
    /// The service failed inside: report it with the request id.
    Internal,
}

/// A code as the service writes it, like `ModelArts.6309`.
///
/// Any text is a code; one that the catalogue does not list merely has nothing to tell. Those that it lists are constants.
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
    /// Takes a code as it is; white space around it is dropped.
    pub fn new(code: impl AsRef<str>) -> Self {
        Self(Cow::Owned(code.as_ref().trim().to_owned()))
    }

    /// Takes a code that the program knows, without copying it.
    pub const fn from_static(code: &'static str) -> Self {
        Self(Cow::Borrowed(code))
    }

    /// The text of the code.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The catalogue's entry, unless the code is unknown.
    pub fn describe(&self) -> Option<&'static ErrorEntry> {
        CATALOGUE
            .binary_search_by(|entry| entry.code.cmp(self.as_str()))
            .ok()
            .map(|index| &CATALOGUE[index])
    }

    /// The class, unless the code is unknown.
    pub fn class(&self) -> Option<ErrorClass> {
        self.describe().map(ErrorEntry::class)
    }

    /// What to do, unless the code is unknown.
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

/// An entry of the catalogue.
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
    /// All entries, ascending by code.
    pub fn all() -> &'static [ErrorEntry] {
        CATALOGUE
    }

    /// The code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP statuses under which it comes, ascending.
    pub fn statuses(&self) -> &'static [u16] {
        self.statuses
    }

    /// The class, as under its first status.
    pub fn class(&self) -> ErrorClass {
        self.main.class
    }

    /// What it says.
    pub fn meaning(&self) -> &'static str {
        self.main.text
    }

    /// What to do.
    pub fn remedy(&self) -> &'static str {
        self.main.remedy
    }

    /// Whether the resource may be in the desired state already, so that looking at it decides.
    pub fn already_in_state(&self) -> bool {
        self.already_in_state
    }

    /// Class, meaning and remedy under an HTTP status, for the few codes that mean two things.
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
