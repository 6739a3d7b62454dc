//! Retries of transient failures.
//!
//! Policy, backoff and budget decide whether to retry, [`Attempts`] combines them, and the transport sends the
//! requests. For waiting until a resource reaches a state, see [`wait`](crate::wait).

mod after;
mod attempts;
mod backoff;
mod budget;
mod failure;
mod policy;

pub(crate) use after::{date, retry_after};
pub(crate) use attempts::Attempts;
pub use attempts::RetryLimit;
pub use backoff::Backoff;
pub use budget::RetryBudget;
pub(crate) use failure::FailureKind;
pub use policy::RetryPolicy;
