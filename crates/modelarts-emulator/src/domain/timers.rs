//! Automatic transitions, carried out when they are due.

use super::state::{DirtyKey, State, Subject};
use crate::clock::Millis;

impl State {
    /// Whether a transition is due, so that the state has to be advanced before it is read.
    pub(crate) fn is_due(&self, now: Millis) -> bool {
        self.timers.first().is_some_and(|(due, _)| *due <= now)
    }

    /// Carries out all transitions that are due at `now`, in order.
    pub(crate) fn advance(&mut self, now: Millis) {
        while self.advance_once(now) {}
    }

    /// Carries out the first transition that is due at `now`. Returns whether there was one.
    pub(super) fn advance_once(&mut self, now: Millis) -> bool {
        let first = self.timers.first().copied();
        let Some((due, subject)) = first.filter(|(due, _)| *due <= now) else {
            return false;
        };
        match subject {
            Subject::Instance(seq) => self.instance_due(seq, due),
            Subject::Image(seq) => self.image_due(seq, due),
        }
        true
    }

    fn instance_due(&mut self, seq: u64, due: Millis) {
        let queued = self
            .instances
            .get(&seq)
            .and_then(|instance| instance.queue.as_ref());
        if queued.is_some_and(|queue| queue.until <= due) {
            return self.grant(seq, due);
        }
        self.change(seq, due, |instance, durations| {
            instance.advance(due, durations);
        });
    }

    fn image_due(&mut self, seq: u64, due: Millis) {
        let Some(entry) = self.images.get_mut(&seq) else {
            self.timers.remove(&(due, Subject::Image(seq)));
            return;
        };
        self.timers.remove(&(due, Subject::Image(seq)));
        entry.advance(due, &self.settings.durations);
        if let Some(until) = entry.phase.until {
            self.timers.insert((until, Subject::Image(seq)));
        }
        self.set_dirty(DirtyKey::Image(seq));
    }
}
