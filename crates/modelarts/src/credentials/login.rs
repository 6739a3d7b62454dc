//! A user with a password, and the scope of a token.

use modelarts_client::Secret;

use crate::error::{Error, Result};
use crate::line_end::without_line_end;

/// A user and a password. A user given by name also needs the domain (account).
///
/// ```
/// let login = modelarts::Login::new("trainer", "s3cr3t").domain_name("nlp-department");
/// assert!(!format!("{login:?}").contains("s3cr3t"));
/// ```
#[derive(Clone, Debug)]
pub struct Login {
    pub(crate) user: Named,
    pub(crate) password: Secret,
    pub(crate) domain: Option<Named>,
}

/// Something given by its ID or by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Id(String),
    Name(String),
}

impl Named {
    pub(crate) fn id(&self) -> Option<String> {
        match self {
            Self::Id(id) => Some(id.clone()),
            Self::Name(_) => None,
        }
    }

    pub(crate) fn name(&self) -> Option<String> {
        match self {
            Self::Id(_) => None,
            Self::Name(name) => Some(name.clone()),
        }
    }
}

impl Login {
    /// Creates a login for a user given by name.
    pub fn new(user_name: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self {
            user: Named::Name(user_name.into()),
            password: password.into(),
            domain: None,
        }
    }

    /// Creates a login for a user given by ID, who needs no domain.
    pub fn with_id(user_id: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self {
            user: Named::Id(user_id.into()),
            password: password.into(),
            domain: None,
        }
    }

    /// Sets the name of the user's domain (account).
    #[must_use]
    pub fn domain_name(mut self, name: impl Into<String>) -> Self {
        self.domain = Some(Named::Name(name.into()));
        self
    }

    /// Sets the ID of the user's domain (account).
    #[must_use]
    pub fn domain_id(mut self, id: impl Into<String>) -> Self {
        self.domain = Some(Named::Id(id.into()));
        self
    }

    /// Checks that everything required is set, and trims names and IDs and the line end of the password.
    pub(super) fn checked(mut self) -> Result<Self> {
        let trimmed = |what: &str, named: Named| {
            let named = match named {
                Named::Id(id) => Named::Id(id.trim().to_owned()),
                Named::Name(name) => Named::Name(name.trim().to_owned()),
            };
            let (Named::Id(text) | Named::Name(text)) = &named;
            match text.is_empty() || text.contains(char::is_control) {
                true => Err(Error::configuration(format!(
                    "the {what} is empty or contains control characters"
                ))),
                false => Ok(named),
            }
        };
        self.user = trimmed("user", self.user)?;
        self.domain = match self.domain {
            Some(domain) => Some(trimmed("domain (account) of the user", domain)?),
            None => None,
        };
        self.password = Secret::from(without_line_end(self.password.expose()));
        if self.password.is_empty() {
            return Err(Error::configuration("the password is empty"));
        }
        if matches!(self.user, Named::Name(_)) && self.domain.is_none() {
            return Err(Error::configuration(
                "a user name needs the domain (account) of the user: call `domain_name` or `domain_id`, \
                 or set OS_USER_DOMAIN_NAME",
            ));
        }
        Ok(self)
    }
}

/// The project that a token is valid for.
#[derive(Clone, Debug)]
pub(crate) struct TokenScope {
    pub(crate) project: Named,
    /// The domain of the project. Defaults to the user's.
    pub(crate) domain: Option<Named>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_needs_a_domain() {
        assert!(Login::new("u", "p").checked().is_err());
        assert!(Login::new("u", "p").domain_id("d").checked().is_ok());
        assert!(Login::with_id("u", "p").checked().is_ok());
        assert!(Login::with_id("u", "\n").checked().is_err());
        let login = Login::new(" u\n", " p \r\n")
            .domain_name("d ")
            .checked()
            .unwrap();
        assert_eq!(login.user, Named::Name("u".to_owned()));
        assert_eq!(login.domain, Some(Named::Name("d".to_owned())));
        assert_eq!(login.password.expose(), " p ");
    }
}
