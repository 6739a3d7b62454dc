//! Waiting for resources and acting on them: one state machine for everything that has a life cycle.
//!
//! A resource implements [`Lifecycle`]. A [`Plan`] names the [`TargetState`] of a waiter. The waiter polls through
//! `poller`, which reads the resource once per poll and passes the result to the state machine in `reconciler`.

mod plan;
mod poller;
mod reconciler;
mod resource;
mod target;

pub(crate) use plan::Plan;
pub(crate) use poller::waiter;
pub(crate) use resource::{FromLastPoll, Lifecycle, status_text};
pub(crate) use target::TargetState;
