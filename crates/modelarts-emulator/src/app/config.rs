//! The settings of an emulator that are not part of its state.

use std::time::Duration;

use crate::http::authority::Addresses;

/// The timeouts for clients, in real time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// For sending the head of a request.
    pub(crate) head: Duration,
    /// For sending a body, and for reading the next part of a response.
    pub(crate) body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(60),
            body: Duration::from_secs(30),
        }
    }
}

/// The settings of an emulator that are not part of its state.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    pub(crate) region: String,
    pub(crate) addresses: Addresses,
    pub(crate) log_entries: usize,
    pub(crate) timeouts: Timeouts,
}
