//! The plan of a waiter: its target, and whether it sends actions or only waits.

use super::target::TargetState;
use crate::units::AutoStop;

/// What to do to reach a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(super) target: TargetState,
    /// Whether to send the necessary actions instead of only waiting.
    pub(super) acts: bool,
    pub(super) auto_stop: Option<AutoStop>,
    /// Whether a resource must be stopped before it is deleted.
    pub(super) stop_first: bool,
}

impl Plan {
    /// Waits for an action that is already under way.
    pub(crate) fn wait(target: TargetState) -> Self {
        Self {
            target,
            acts: false,
            auto_stop: None,
            stop_first: false,
        }
    }

    /// Sends the necessary actions, and waits for them.
    pub(crate) fn ensure(target: TargetState) -> Self {
        Self {
            acts: true,
            ..Self::wait(target)
        }
    }

    /// Sets when a started resource is stopped again.
    pub(crate) fn auto_stop(mut self, auto_stop: AutoStop) -> Self {
        self.auto_stop = Some(auto_stop);
        self
    }

    /// Stops a running resource before deleting it.
    pub(crate) fn stop_first(mut self) -> Self {
        self.stop_first = true;
        self
    }
}
