//! The recent actions of this client: a read may still show the state from before them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use modelarts_client::Action;

/// The actions that the service accepted: the ID of the resource, the action, and its time as given by
/// `Clock::elapsed`. The oldest are forgotten.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<(String, Action, Duration)>>);

/// The number of actions to keep; more are unlikely within the time that reads lag behind.
const MAX_ACTIONS: usize = 4096;

impl History {
    pub(crate) fn add(&self, id: &str, action: Action, now: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == MAX_ACTIONS {
            known.pop_front();
        }
        known.push_back((id.to_owned(), action, now));
    }

    /// The last matching action on a resource, and when it was accepted.
    pub(crate) fn last(
        &self,
        id: &str,
        fits: impl Fn(Action) -> bool,
    ) -> Option<(Action, Duration)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest = known.iter().rev();
        let (_, action, at) = latest.find(|(known, action, _)| known == id && fits(*action))?;
        Some((*action, *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_actions_are_known() {
        let history = History::default();
        let seconds = Duration::from_secs;
        (0..5000).for_each(|n| history.add(&n.to_string(), Action::Create, seconds(n)));
        history.add("4999", Action::Stop, seconds(5001));
        let last = |id| history.last(id, |_| true);
        assert_eq!(last("4999"), Some((Action::Stop, seconds(5001))));
        assert_eq!(last("0"), None);
        let created = history.last("4999", |action| action == Action::Create);
        assert_eq!(created, Some((Action::Create, seconds(4999))));
    }
}
