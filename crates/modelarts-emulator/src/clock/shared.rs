//! What all clones of a clock share.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::Waker;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::reading::{Checkpoint, LATEST, Reading};
use super::real::real_instant;

/// A callback that is called when the time is moved.
pub(super) type ClockObserver = Box<dyn Fn(Checkpoint) + Send + Sync>;

pub(super) struct Shared {
    pub(super) reading: Mutex<Reading>,
    /// Notified whenever the time is moved or its rate changes, but not by a jump.
    pub(super) changed: Notify,
    /// Notified by every jump.
    pub(super) jumped: Notify,
    /// The sleeping clients of this process, by wake-up time and a unique number. This lock is acquired before the
    /// one of `reading`.
    pub(super) sleepers: Mutex<BTreeMap<(u64, u64), Option<Waker>>>,
    pub(super) next_sleeper: AtomicU64,
    /// Requests in flight: those that the emulator is handling, and those that clients of this process have sent.
    pub(super) in_flight: [AtomicUsize; 2],
    /// Counts the actions of clients; the clock only jumps while the count does not change.
    pub(super) activity: AtomicU64,
    /// Notified when the last request in flight ends.
    pub(super) idle: Notify,
    pub(super) observer: OnceLock<ClockObserver>,
}

impl Shared {
    pub(super) fn new(reading: Reading) -> Self {
        Self {
            reading: Mutex::new(reading),
            changed: Notify::new(),
            jumped: Notify::new(),
            sleepers: Mutex::default(),
            next_sleeper: AtomicU64::new(0),
            in_flight: Default::default(),
            activity: AtomicU64::new(0),
            idle: Notify::new(),
            observer: OnceLock::new(),
        }
    }

    /// Records that a client did something, which delays the next jump.
    pub(super) fn note_activity(&self) {
        self.activity.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether no request is in flight.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight
            .iter()
            .all(|count| count.load(Ordering::Acquire) == 0)
    }

    /// Changes the reading, and reports the change to the observer.
    pub(super) fn change(&self, with: impl FnOnce(&mut Reading)) {
        let mut reading = self.reading.lock();
        let instant = real_instant();
        reading.base = reading.at(instant);
        reading.anchor = instant;
        with(&mut reading);
        reading.base = reading.base.clamp(0.0, LATEST as f64);
        if let Some(observer) = self.observer.get() {
            observer(reading.checkpoint(instant));
        }
    }
}
