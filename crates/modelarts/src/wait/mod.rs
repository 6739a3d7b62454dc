//! Waiting until a resource has reached a state.
//!
//! A [`Waiter`] gives the result when awaited, and the progress as a stream ([`events`](Waiter::events)).

mod policy;
mod poll;
mod run;
#[cfg(test)]
mod testing;
mod waiter;

pub use policy::PollPolicy;
pub use poll::PollEvent;
pub(crate) use poll::{PollContext, PollFn, Polled, Verdict};
pub(crate) use run::PollSettings;
pub use waiter::{PollEvents, Waiter};
