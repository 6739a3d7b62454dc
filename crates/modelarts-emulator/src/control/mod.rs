//! The control plane, `/_emulator/`: requests with which a test or an operator controls the emulator itself.

mod accounts;
mod capacity;
mod clock;
mod error;
mod extract;
mod faults;
mod guard;
mod instances;
mod log;
mod routes;
mod state;

pub(crate) use error::{ControlError, to_json_error};
pub(crate) use extract::Segment;
#[cfg(feature = "docs")]
pub(crate) use guard::forbidden;
pub(crate) use guard::guard;
pub(crate) use routes::api;
