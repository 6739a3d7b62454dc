//! The countdown to the automatic stop.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// The countdown to the automatic stop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) enabled: bool,
    /// Whether the countdown starts at the last activity instead of the last request.
    pub(crate) idle: bool,
    pub(crate) duration: Millis,
    /// The start of the countdown.
    pub(crate) since: Millis,
    pub(crate) updated: Millis,
}

impl Lease {
    /// Whether its settings are those of another lease.
    pub(crate) fn has_settings_of(&self, other: &Self) -> bool {
        (self.enabled, self.idle, self.duration) == (other.enabled, other.idle, other.duration)
    }

    pub(crate) fn ends(&self) -> Option<Millis> {
        self.enabled
            .then(|| self.since.saturating_add(self.duration))
    }
}
