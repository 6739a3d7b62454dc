//! A rule for documents.

use crate::document::Document;
use crate::problem::Problem;

/// A rule for documents.
pub(super) struct Rule {
    /// The name, as printed in messages.
    pub(super) name: &'static str,
    /// The reason for the rule.
    pub(super) why: &'static str,
    /// Finds violations.
    pub(super) run: fn(&Document) -> Vec<Problem>,
}
