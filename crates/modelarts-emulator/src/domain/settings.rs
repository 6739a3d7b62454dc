//! How the service behaves.

use super::durations::Durations;
use crate::clock::Millis;

/// How the service behaves; not part of what is saved.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) durations: Durations,
    /// Whether the documentation wins where practice is more lenient.
    pub(crate) strict: bool,
    /// How long a read still shows what was before a change.
    pub(crate) stale_reads: Millis,
}
