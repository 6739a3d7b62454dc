//! Real time; no other file of the crate reads it.

use std::time::Duration;

/// Milliseconds since the epoch, UTC.
pub(crate) type Millis = i64;

/// Real time, in milliseconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the real clock"
)]
pub(crate) fn system_millis() -> Millis {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |past| past.as_millis() as Millis)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the real clock"
)]
pub(crate) fn real_instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// Waits in real time, for what happens on the network instead of in the emulated service.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the real clock"
)]
pub(crate) async fn real_sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}
