//! The emulator's time: real, scaled or advanced manually.

mod handle;
mod in_flight;
mod reading;
mod real;
mod shared;
mod sleeper;

pub use handle::Clock;
pub(crate) use in_flight::Side;
pub(crate) use reading::{Checkpoint, FASTEST, LATEST, iso};
pub use reading::{ClockMode, ClockReading};
pub(crate) use real::{Millis, real_instant, real_sleep, system_millis};
