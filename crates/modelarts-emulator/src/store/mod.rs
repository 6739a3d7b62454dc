//! Where state is kept beside memory.

#[cfg(feature = "sqlite")]
mod database;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub(crate) use sqlite::SqliteStore;

use futures::future::BoxFuture;

use crate::clock::Checkpoint;
use crate::domain::Row;

/// What is to be written in one piece.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "without a store nobody reads it")
)]
pub(crate) struct Change {
    pub(crate) rows: Vec<Row>,
    pub(crate) checkpoint: Checkpoint,
    /// Whether everything from before is to go.
    pub(crate) replace: bool,
}

impl Change {
    /// Nothing but the passing of time.
    pub(crate) fn of_time(checkpoint: Checkpoint) -> Self {
        Self {
            rows: Vec::new(),
            checkpoint,
            replace: false,
        }
    }
}

/// Why something could not be stored.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreError(pub(crate) String);

/// Tells when something is safe on disk.
pub(crate) type Written = BoxFuture<'static, Result<(), StoreError>>;

/// What was found in a file.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Kind and body of each row.
    pub(crate) rows: Vec<(String, String)>,
    pub(crate) checkpoint: Checkpoint,
}

/// A place that keeps changes, in the order in which they are handed over.
pub(crate) trait Store: std::fmt::Debug + Send + Sync {
    /// Hands a change over without waiting for it.
    fn submit(&self, change: Change);

    /// Waits until everything that was handed over before is written; nothing to wait for if it is.
    fn unwritten(&self) -> Option<Written>;

    /// Whether what was written before is gone, so that everything has to be handed over anew.
    fn is_lost(&self) -> bool;

    /// Writes what was handed over and lets the place go; what comes later is not stored, and nobody is told that it was.
    fn close(&self);
}
