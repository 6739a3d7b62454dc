//! What a rule is.

use crate::document::Document;
use crate::problem::Problem;

/// A house rule for documents.
pub(super) struct Rule {
    /// Name, as it stands in messages.
    pub(super) name: &'static str,
    /// Why the rule is there.
    pub(super) why: &'static str,
    /// Finds what breaks it.
    pub(super) run: fn(&Document) -> Vec<Problem>,
}
