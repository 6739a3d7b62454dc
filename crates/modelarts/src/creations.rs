//! What this client has created lately: a read may not find it yet.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// IDs with the time of their creation, on the clock's elapsed scale; the oldest are forgotten.
#[derive(Debug, Default)]
pub(crate) struct Creations(Mutex<VecDeque<(String, Duration)>>);

/// More than this are hardly created within the time that reads lag behind.
const MOST: usize = 1024;

impl Creations {
    pub(crate) fn add(&self, id: &str, now: Duration) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == MOST {
            known.pop_front();
        }
        known.push_back((id.to_owned(), now));
    }

    /// The time since this client created it, if it did.
    pub(crate) fn age(&self, id: &str, now: Duration) -> Option<Duration> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, created) = known.iter().rev().find(|(known, _)| known == id)?;
        Some(now.saturating_sub(*created))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_creations_are_known() {
        let creations = Creations::default();
        let seconds = Duration::from_secs;
        (0..2000).for_each(|n| creations.add(&n.to_string(), seconds(n)));
        assert_eq!(creations.age("1999", seconds(2010)), Some(seconds(11)));
        assert_eq!(creations.age("0", seconds(2010)), None);
    }
}
