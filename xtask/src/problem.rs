//! A problem that a check reports.

use std::fmt;

pub use modelarts_document::push;

/// A problem: file, place, rule, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path from the root of the checkout.
    pub file: String,
    /// JSON pointer to the place; empty for the whole file.
    pub pointer: String,
    /// Name of the rule.
    pub rule: &'static str,
    /// What is wrong and how to fix it.
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
