//! A finding of `cargo xtask tidy`.

use std::fmt;

/// A finding: file, line, rule, and what to do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// Path from the root of the checkout.
    pub(super) file: String,
    /// Line number from 1; 0 for the whole file.
    pub(super) line: usize,
    pub(super) rule: &'static str,
    pub(super) message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            rule,
            message,
        } = self;
        match line {
            0 => write!(f, "{file}: {rule}: {message}"),
            _ => write!(f, "{file}:{line}: {rule}: {message}"),
        }
    }
}
