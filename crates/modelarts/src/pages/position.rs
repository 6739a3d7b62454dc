//! How a list numbers its pages, and where a page begins.

/// How a list numbers its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// By the number of records before the page, from 0.
    Offset,
    /// By page number, starting with this one.
    Page(i64),
    /// Not at all: each page has the token of the next one.
    Token,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    Number(i64),
    Token(String),
}

#[allow(dead_code, reason = "a family may have lists of every style")]
impl Position {
    /// The position for a numeric parameter.
    pub(crate) fn number(position: Option<Self>) -> Option<i64> {
        match position {
            Some(Self::Number(number)) => Some(number),
            _ => None,
        }
    }

    /// The position for a text parameter.
    pub(crate) fn token(position: Option<Self>) -> Option<String> {
        match position {
            Some(Self::Token(token)) => Some(token),
            _ => None,
        }
    }
}

impl From<i32> for Position {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Position {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Position {
    fn from(token: String) -> Self {
        Self::Token(token)
    }
}
