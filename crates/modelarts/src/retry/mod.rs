//! Repeating what failed for a passing reason: policy, backoff and budget decide, [`Attempts`] joins
//! them, and the transport drives. Waiting for a state is another matter, see [`wait`](crate::wait).

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
