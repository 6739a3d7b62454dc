//! The countdown to the automatic stop.

use serde::{Deserialize, Serialize};

use crate::clock::Millis;

/// The countdown to the automatic stop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) enabled: bool,
    /// Whether it counts from the last activity instead of the last request.
    pub(crate) idle: bool,
    pub(crate) duration: Millis,
    /// When the countdown began.
    pub(crate) since: Millis,
    pub(crate) updated: Millis,
}

impl Lease {
    /// Whether it stops an instance in the same way as another one.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        (self.enabled, self.idle, self.duration) == (other.enabled, other.idle, other.duration)
    }

    pub(crate) fn ends(&self) -> Option<Millis> {
        self.enabled
            .then(|| self.since.saturating_add(self.duration))
    }
}
