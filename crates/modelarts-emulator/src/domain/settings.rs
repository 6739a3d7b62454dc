//! The behavior of the service.

use super::durations::Durations;
use crate::clock::Millis;

/// The behavior of the service; not part of the saved state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) durations: Durations,
    /// Whether the documentation is followed where the service is more lenient.
    pub(crate) strict: bool,
    /// How long reads still show the state from before a change.
    pub(crate) stale_reads: Millis,
}
