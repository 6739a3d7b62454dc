//! Where a resource is in its life cycle, as `x-states` of the document has it.

use crate::Action;

/// Where in its life cycle a resource with some status is, whatever its kind and generation call that.
///
/// The enumeration of every status has a method `phase`. A status that is newer than the document is [`Unknown`](Phase::Unknown).
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
    /// It changes by itself: these actions are under way.
    Transient(&'static [Action]),
    /// It changes by itself, and is gone afterwards: these actions are under way.
    Ending(&'static [Action]),
    /// It stays as it is until somebody acts. These actions end here; where none does, no action of a client leads out
    /// again but a deletion.
    Settled(&'static [Action]),
    /// An action failed, and nothing goes on by itself. These actions may be tried again.
    Failed(&'static [Action]),
    /// The resource does not exist any more.
    Gone,
    /// The document does not list the status.
    Unknown,
}

impl Phase {
    /// Whether it is a settled phase in which `action` ends.
    pub fn is_end_of(self, action: Action) -> bool {
        matches!(self, Self::Settled(ends) if ends.contains(&action))
    }

    /// Whether `action` is under way.
    pub fn is_under_way(self, action: Action) -> bool {
        matches!(self, Self::Transient(actions) | Self::Ending(actions) if actions.contains(&action))
    }
}

/// Defines the phases of an open enumeration; used by the generated code only.
#[allow(unused_macros, reason = "for documents with a life cycle")]
macro_rules! phases {
    ($name:ident { $( $variant:ident => $phase:ident $([$($action:ident),*])?, )+ }) => {
        impl $name {
            /// Where in its life cycle a resource with this status is.
            pub fn phase(&self) -> $crate::Phase {
                match self {
                    $( Self::$variant => $crate::Phase::$phase $((&[$($crate::Action::$action),*]))?, )+
                    Self::Unknown(_) => $crate::Phase::Unknown,
                }
            }

            /// Whether it changes by itself: something is under way.
            pub fn is_transient(&self) -> bool {
                matches!(self.phase(), $crate::Phase::Transient(_) | $crate::Phase::Ending(_))
            }

            /// Whether it stays as it is until somebody acts.
            pub fn is_settled(&self) -> bool {
                matches!(self.phase(), $crate::Phase::Settled(_))
            }

            /// Whether an action failed and nothing goes on by itself.
            pub fn is_failed(&self) -> bool {
                matches!(self.phase(), $crate::Phase::Failed(_))
            }

            /// Whether the resource does not exist any more.
            pub fn is_gone(&self) -> bool {
                matches!(self.phase(), $crate::Phase::Gone)
            }
        }
    };
}
#[allow(unused_imports, reason = "for documents with a life cycle")]
pub(crate) use phases;
