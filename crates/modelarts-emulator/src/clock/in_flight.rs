//! Requests in flight, during which a manual clock does not jump.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::shared::Shared;

/// The side that has the request in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    /// The emulator is handling it.
    Server = 0,
    /// A client of this process has sent it and has not read the whole response.
    #[cfg_attr(
        not(any(feature = "client", test)),
        expect(
            dead_code,
            reason = "only clients of this process count their requests"
        )
    )]
    Client = 1,
}

/// A request in flight; the time does not jump before this is dropped.
pub(crate) struct InFlight {
    shared: Arc<Shared>,
    side: Side,
}

impl InFlight {
    pub(super) fn new(shared: Arc<Shared>, side: Side) -> Self {
        shared.in_flight[side as usize].fetch_add(1, Ordering::AcqRel);
        shared.note_activity();
        Self { shared, side }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.shared.in_flight[self.side as usize].fetch_sub(1, Ordering::AcqRel);
        self.shared.note_activity();
        if self.shared.is_idle() {
            self.shared.idle.notify_waiters();
        }
    }
}
