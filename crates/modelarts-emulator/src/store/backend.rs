//! A place that keeps the state, and what it is given and returns.

use futures::future::BoxFuture;

use crate::clock::Checkpoint;

/// One stored item of the state; without a body it is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) key: u64,
    pub(crate) body: Option<String>,
}

/// A change that is written as a whole or not at all.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "sqlite"),
    expect(dead_code, reason = "only a store reads it")
)]
pub(crate) struct Change {
    pub(crate) rows: Vec<Row>,
    pub(crate) checkpoint: Checkpoint,
    /// Whether the rows replace all that were written before.
    pub(crate) replace: bool,
}

impl Change {
    /// A change of the time alone.
    pub(crate) fn of_time(checkpoint: Checkpoint) -> Self {
        Self {
            rows: Vec::new(),
            checkpoint,
            replace: false,
        }
    }
}

/// The reason why the state could not be read or written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct StoreError(pub(crate) String);

/// Completes when the changes submitted so far are safe on disk.
pub(crate) type Written = BoxFuture<'static, Result<(), StoreError>>;

/// The state that a file contained when it was opened.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Kind and body of each row.
    pub(crate) rows: Vec<(String, String)>,
    pub(crate) checkpoint: Checkpoint,
}

/// A store of changes, which keeps their order.
pub(crate) trait Store: std::fmt::Debug + Send + Sync {
    /// Submits a change, without waiting until it is written.
    fn submit(&self, change: Change);

    /// Returns a future that waits until all submitted changes are written, or `None` if they are.
    fn unwritten(&self) -> Option<Written>;

    /// Whether the stored state is gone, so that the whole state has to be submitted again.
    fn is_lost(&self) -> bool;

    /// Writes all submitted changes and closes the store. Later changes are not stored and never count as written.
    fn close(&self);
}
