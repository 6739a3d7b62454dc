//! What a check found, in a form that leads to the place.

use std::fmt;

pub use modelarts_document::push;

/// A finding: file, place in it, rule, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path from the root of the checkout.
    pub file: String,
    /// JSON pointer to the place; empty for the whole file.
    pub pointer: String,
    /// Name of the rule.
    pub rule: &'static str,
    /// What is wrong and the way out.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            pointer,
            rule,
            message,
        } = self;
        write!(f, "{file}#{pointer}: {rule}: {message}")
    }
}
