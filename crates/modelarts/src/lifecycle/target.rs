//! The target of a waiter, and what the phase of a resource means for it.

use modelarts_client::{Action, Phase};

/// The target of a waiter: the phase in which an action ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetState {
    Active,
    Running,
    Stopped,
    Mounted,
    Unmounted,
    Deleted,
}

impl TargetState {
    pub(super) fn action(self) -> Action {
        match self {
            Self::Active => Action::Create,
            Self::Running => Action::Start,
            Self::Stopped => Action::Stop,
            Self::Mounted => Action::Mount,
            Self::Unmounted => Action::Unmount,
            Self::Deleted => Action::Delete,
        }
    }

    pub(super) fn is_gone(self) -> bool {
        matches!(self, Self::Unmounted | Self::Deleted)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Active => "to be ACTIVE",
            Self::Running => "to run",
            Self::Stopped => "to stop",
            Self::Mounted => "to be mounted",
            Self::Unmounted => "to be unmounted",
            Self::Deleted => "to be deleted",
        }
    }

    /// What a phase means for a waiter with this target.
    pub(super) fn meaning(self, phase: Phase) -> Meaning {
        match phase {
            Phase::Gone if self.is_gone() => Meaning::Reached,
            Phase::Gone => Meaning::Lost("does not lead to that state"),
            Phase::Settled(ends) if ends.contains(&self.action()) => Meaning::Reached,
            Phase::Failed(repeatable) if repeatable.contains(&self.action()) => Meaning::Failed,
            // A resource in any other phase can be deleted.
            _ if self.is_gone() => Meaning::OnTheWay,
            Phase::Ending(_) => Meaning::Lost("does not lead to that state"),
            Phase::Failed(_) => Meaning::Lost("is a failed state"),
            Phase::Settled([]) => Meaning::Lost("does not change by itself"),
            // The end of its lease stops a running resource, too.
            Phase::Settled(ends) if ends.contains(&Action::Start) => Meaning::OnTheWay,
            Phase::Settled(_) => Meaning::AtRest,
            _ => Meaning::OnTheWay,
        }
    }
}

/// What a phase means for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Reached,
    OnTheWay,
    /// The action that leads to the target was not started, or the read is older than the action.
    AtRest,
    /// The action that leads to the target failed, or the read shows a failure from before it.
    Failed,
    /// The target cannot be reached from here.
    Lost(&'static str),
}
