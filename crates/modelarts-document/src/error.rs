//! Why a document cannot be read.

use std::fmt;

/// A `$ref` that does not lead to anything.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferenceError {
    /// JSON pointer to the `$ref`.
    pub pointer: String,
    /// What stands there.
    pub reference: String,
    /// Whether following it comes back to it without meeting anything else.
    pub is_circular: bool,
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way_out = if self.is_circular {
            "leads back to itself; one of these references must be a schema"
        } else {
            "leads nowhere; define it or correct the name"
        };
        write!(f, "`{}` {way_out}", self.reference)
    }
}

/// A text that is no OpenAPI document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The text is not JSON, or not YAML; the message has line and column.
    Syntax(String),
    /// References lead nowhere.
    References(Vec<ReferenceError>),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => f.write_str(message),
            Self::References(errors) => {
                for (index, error) in errors.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}at {}: {error}", error.pointer)?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ReadError {}
