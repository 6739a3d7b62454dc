//! Errors of reading a document.

use std::fmt;

/// A `$ref` that cannot be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferenceError {
    /// JSON pointer to the `$ref`.
    pub pointer: String,
    /// The value of the `$ref`.
    pub reference: String,
    /// Whether it refers back to itself through references only.
    pub is_circular: bool,
}

impl fmt::Display for ReferenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way_out = if self.is_circular {
            "refers back to itself; replace one reference of the cycle with a schema"
        } else {
            "does not exist; define it or correct the name"
        };
        write!(f, "`{}` {way_out}", self.reference)
    }
}

/// The error of a text that is not a valid OpenAPI document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The text is not JSON, or not YAML; the message includes line and column.
    Syntax(String),
    /// Some references cannot be resolved.
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
