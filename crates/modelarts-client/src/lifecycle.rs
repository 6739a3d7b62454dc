//! The phases in the life cycle of a resource, as described by `x-states` in the document.

use crate::Action;

/// The phase of a resource in its life cycle, independent of how its kind and generation name their statuses.
///
/// Every status enumeration has a method `phase`. A status that is newer than the document is
/// [`Unknown`](Phase::Unknown).
///
/// ```
/// use modelarts_client::devenviron::enums::NotebookStatus;
/// use modelarts_client::{Action, Phase};
///
/// assert_eq!(NotebookStatus::Starting.phase(), Phase::Transient(&[Action::Start]));
/// assert_eq!(NotebookStatus::StartFailed.phase(), Phase::Failed(&[Action::Start]));
/// assert!(NotebookStatus::Running.phase().is_end_of(Action::Start));
/// assert_eq!(NotebookStatus::from("THAWING").phase(), Phase::Unknown);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The resource is changing: these actions are under way.
    Transient(&'static [Action]),
    /// The resource is changing and will be gone afterwards: these actions are under way.
    Ending(&'static [Action]),
    /// The resource stays in this phase until another action. These actions end in this phase; if there are none, the
    /// only action of a client that leaves this phase is a deletion.
    Settled(&'static [Action]),
    /// An action failed, and the resource stays in this phase. These actions may be retried.
    Failed(&'static [Action]),
    /// The resource no longer exists.
    Gone,
    /// The document does not list the status.
    Unknown,
}

impl Phase {
    /// Returns whether this is a settled phase in which `action` ends.
    pub fn is_end_of(self, action: Action) -> bool {
        matches!(self, Self::Settled(ends) if ends.contains(&action))
    }

    /// Returns whether `action` is under way.
    pub fn is_under_way(self, action: Action) -> bool {
        matches!(self, Self::Transient(actions) | Self::Ending(actions) if actions.contains(&action))
    }
}

/// Defines the phases of an open enumeration; used by the generated code only.
#[allow(unused_macros, reason = "for documents with a life cycle")]
macro_rules! phases {
    ($name:ident { $( $variant:ident => $phase:ident $([$($action:ident),*])?, )+ }) => {
        impl $name {
            /// Returns the life cycle phase of a resource with this status.
            pub fn phase(&self) -> $crate::Phase {
                match self {
                    $( Self::$variant => $crate::Phase::$phase $((&[$($crate::Action::$action),*]))?, )+
                    Self::Unknown(_) => $crate::Phase::Unknown,
                }
            }

            /// Returns whether the resource is changing: an action is under way.
            pub fn is_transient(&self) -> bool {
                matches!(self.phase(), $crate::Phase::Transient(_) | $crate::Phase::Ending(_))
            }

            /// Returns whether the resource stays in this status until another action.
            pub fn is_settled(&self) -> bool {
                matches!(self.phase(), $crate::Phase::Settled(_))
            }

            /// Returns whether an action failed and the resource stays in this status.
            pub fn is_failed(&self) -> bool {
                matches!(self.phase(), $crate::Phase::Failed(_))
            }

            /// Returns whether the resource no longer exists.
            pub fn is_gone(&self) -> bool {
                matches!(self.phase(), $crate::Phase::Gone)
            }
        }
    };
}
#[allow(unused_imports, reason = "for documents with a life cycle")]
pub(crate) use phases;
