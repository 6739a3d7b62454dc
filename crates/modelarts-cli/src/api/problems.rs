//! The problems of an invocation, which are reported together.

use anyhow::{Result, bail};

use crate::document::Operation;

/// The missing flags and the invalid values of an invocation.
#[derive(Default)]
pub(super) struct Problems {
    missing: Vec<String>,
    invalid: Vec<String>,
}

impl Problems {
    pub(super) fn missing(&mut self, flag: String) {
        self.missing.push(flag);
    }

    pub(super) fn invalid(&mut self, message: String) {
        self.invalid.push(message);
    }

    /// Returns an error that lists all problems, if there are any.
    pub(super) fn check(mut self, operation: &Operation) -> Result<()> {
        if !self.missing.is_empty() {
            let or = match operation.body {
                Some(_) => " (body fields can also be given in --body)",
                None => "",
            };
            let missing = self.missing.join(", ");
            self.invalid.insert(0, format!("missing {missing}{or}"));
        }
        if !self.invalid.is_empty() {
            bail!("{}: {}", operation.id, self.invalid.join("; "));
        }
        Ok(())
    }
}
