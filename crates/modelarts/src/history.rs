//! What this client has had done lately: a read may still show what was before.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What the service accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Created,
    Started,
    Restarted,
    Stopped,
    Deleted,
}

/// Events by ID with their times, on the clock's elapsed scale; the oldest are forgotten.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<VecDeque<(String, Event, Duration)>>);

/// More than this hardly happens within the time that reads lag behind.
const MOST: usize = 4096;

impl History {
    pub(crate) fn add(&self, id: &str, event: Event, now: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == MOST {
            known.pop_front();
        }
        known.push_back((id.to_owned(), event, now));
    }

    /// The last event of an ID that fits, and when it was.
    pub(crate) fn last(&self, id: &str, fits: impl Fn(Event) -> bool) -> Option<(Event, Duration)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut latest = known.iter().rev();
        let (_, event, at) = latest.find(|(known, event, _)| known == id && fits(*event))?;
        Some((*event, *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_events_are_known() {
        let history = History::default();
        let seconds = Duration::from_secs;
        (0..5000).for_each(|n| history.add(&n.to_string(), Event::Created, seconds(n)));
        history.add("4999", Event::Stopped, seconds(5001));
        let last = |id| history.last(id, |_| true);
        assert_eq!(last("4999"), Some((Event::Stopped, seconds(5001))));
        assert_eq!(last("0"), None);
        let created = history.last("4999", |event| event == Event::Created);
        assert_eq!(created, Some((Event::Created, seconds(4999))));
    }
}
