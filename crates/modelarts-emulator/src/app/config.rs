//! How an emulator is set up.

use std::time::Duration;

use crate::http::authority::Addresses;

/// How long a client may take, in real time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// To send the head of a request.
    pub(crate) head: Duration,
    /// To send a body, and to read the next part of a response.
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

/// How an emulator is set up, apart from what it holds.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    pub(crate) region: String,
    pub(crate) addresses: Addresses,
    pub(crate) log_entries: usize,
    pub(crate) timeouts: Timeouts,
}
