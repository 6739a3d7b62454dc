//! Where state is kept beside memory.

#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub(crate) use sqlite::SqliteStore;

use crate::clock::Millis;
use crate::state::Row;

/// The time at which something was written, by both clocks: emulated time goes on from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) emulated: Millis,
    pub(crate) real: Millis,
}

/// What is to be written in one piece.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "without a store nobody reads it")
)]
pub(crate) struct Change {
    pub(crate) rows: Vec<Row>,
    pub(crate) stamp: Stamp,
    /// Whether everything from before is to go.
    pub(crate) replace: bool,
}

/// Why something could not be stored.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreError(pub(crate) String);

/// Tells when a change is safe on disk.
pub(crate) type Written = tokio::sync::oneshot::Receiver<Result<(), StoreError>>;

/// What was found in a file.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Kind and body of each row.
    pub(crate) rows: Vec<(String, String)>,
    pub(crate) stamp: Stamp,
}

/// A place that keeps changes, in the order in which they are handed over.
pub(crate) trait Store: std::fmt::Debug + Send + Sync {
    /// Hands a change over without waiting for it.
    fn submit(&self, change: Change) -> Written;
}
