//! The query of a request.

use crate::error::{ApiError, ApiResult, code};
use crate::identity::signature::decode;

/// The decoded query of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(raw: &str) -> ApiResult<Self> {
        let decoded = |text: &str| {
            String::from_utf8(decode(&text.replace('+', " "))).map_err(|_| {
                ApiError::new(code::PARAMETER, "The query is not UTF-8 after decoding.")
            })
        };
        let pairs = raw
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((decoded(name)?, decoded(value)?))
            })
            .collect::<ApiResult<_>>()?;
        Ok(Self { pairs })
    }

    /// Returns the first value of a parameter that is not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).find(|value| !value.is_empty())
    }

    /// Returns the first value of a parameter, empty or not.
    pub(crate) fn sent(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Adds a value.
    pub(crate) fn push(&mut self, name: &str, value: String) {
        self.pairs.push((name.to_owned(), value));
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_name = move |(known, _): &&(String, String)| known == name;
        self.pairs
            .iter()
            .filter(of_name)
            .map(|(_, value)| value.as_str())
    }
}

/// Parses a boolean of a query, in any letter case: some clients send `True`.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
