//! The thread that writes a SQLite file.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use super::backend::{Change, StoreError};
use super::database::{Loss, Place, commit, connect, later};
use crate::clock::Checkpoint;

/// The maximum number of changes in one transaction.
const BATCH: usize = 256;

/// The delay before a failed write is retried.
const RETRY: Duration = Duration::from_millis(250);

/// How often the writer checks that its file still exists while there is nothing to write.
const WATCH: Duration = Duration::from_secs(1);

/// The progress of the writer.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// How many changes are written.
    written: u64,
    /// If the last write failed: the number of changes submitted before it, and the error.
    failed: Option<(u64, StoreError)>,
}

impl Progress {
    /// The outcome for the first `wanted` changes, once it is known.
    pub(super) fn outcome(&self, wanted: u64) -> Option<Result<(), StoreError>> {
        if self.written >= wanted {
            return Some(Ok(()));
        }
        let (attempted, error) = self.failed.as_ref()?;
        (*attempted >= wanted).then(|| Err(error.clone()))
    }
}

/// Writes changes to the file; owned by its thread.
pub(super) struct Writer {
    connection: Connection,
    /// `None` for a database in memory.
    place: Option<Place>,
    time: Option<Checkpoint>,
    /// The changes that are not written yet.
    pending: Vec<Change>,
    /// The number of changes that no longer have to be written, since the whole state was submitted after them.
    superseded: u64,
    written: Arc<AtomicU64>,
    lost: Arc<AtomicBool>,
    /// Whether the file has to be created again once the whole state is submitted.
    is_lost: bool,
    reports: watch::Sender<Progress>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        place: Option<Place>,
        written: Arc<AtomicU64>,
        lost: Arc<AtomicBool>,
        reports: watch::Sender<Progress>,
    ) -> Self {
        Self {
            connection,
            place,
            time: None,
            pending: Vec::new(),
            superseded: 0,
            written,
            lost,
            is_lost: false,
            reports,
        }
    }

    /// Writes what comes through the queue until it is closed.
    pub(super) fn run(mut self, queue: &mpsc::Receiver<Change>) {
        loop {
            let wait = if self.pending.is_empty() {
                WATCH
            } else {
                RETRY
            };
            let ended = match queue.recv_timeout(wait) {
                Ok(first) => {
                    let more = queue.try_iter().take(BATCH - 1);
                    for change in std::iter::once(first).chain(more) {
                        self.take(change);
                    }
                    false
                }
                Err(mpsc::RecvTimeoutError::Timeout) => false,
                Err(mpsc::RecvTimeoutError::Disconnected) => true,
            };
            self.write();
            if ended {
                return;
            }
        }
    }

    fn take(&mut self, change: Change) {
        self.time = Some(later(self.time, &change));
        if change.replace {
            self.superseded += self.pending.len() as u64;
            self.pending.clear();
        }
        self.pending.push(change);
    }

    /// Writes the pending changes and reports the outcome.
    fn write(&mut self) {
        let outcome = self.check().and_then(|()| match self.pending.is_empty() {
            true => Ok(()),
            false => self.commit(),
        });
        let count = self.superseded + self.pending.len() as u64;
        let written = self.written.load(Ordering::Acquire);
        let failed = match outcome {
            Ok(()) if count == 0 => return,
            Ok(()) => {
                self.pending.clear();
                self.superseded = 0;
                self.written.store(written + count, Ordering::Release);
                let progress = Progress {
                    written: written + count,
                    failed: None,
                };
                let before = self.reports.send_replace(progress);
                if before.failed.is_some() {
                    tracing::warn!("the state file can be written again");
                }
                return;
            }
            Err(error) => error,
        };
        // Memory is now ahead of the file: no response may show the pending changes.
        let before = self.reports.send_replace(Progress {
            written,
            failed: Some((written + count, failed.clone())),
        });
        if before.failed.is_none() {
            tracing::error!(error = %failed, "the state file cannot be written");
        }
    }

    /// Checks that the file is still the one that was opened. A file that is gone is created again once the whole
    /// state has been submitted.
    fn check(&mut self) -> Result<(), StoreError> {
        let Some(place) = &mut self.place else {
            return Ok(());
        };
        let loss = match place.check() {
            Ok(()) if !self.is_lost => return Ok(()),
            Ok(()) => "was lost",
            Err(Loss::Gone(how)) => how,
            Err(Loss::Replaced) => {
                return Err(place.named(
                    "this file was replaced while the emulator was running, and the new one is left untouched; stop the \
                     emulator, or remove the file so that it is written again",
                ));
            }
        };
        if !self.is_lost {
            self.is_lost = true;
            self.lost.store(true, Ordering::Release);
        }
        if !self.pending.first().is_some_and(|change| change.replace) {
            return Err(place.named(format!("this file {loss} while the emulator was running")));
        }
        let path = place.path.clone();
        for end in ["", "-journal", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{end}", path.display()));
        }
        self.connection = connect(&path)?;
        self.place = Some(
            Place::of(&path).map_err(|error| StoreError(format!("{}: {error}", path.display())))?,
        );
        self.is_lost = false;
        tracing::warn!(file = %path.display(), "the state file {loss} while the emulator was running; writing it again");
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let committed = commit(&mut self.connection, &self.pending, self.time);
        let Some(place) = &mut self.place else {
            return committed.map_err(|error| StoreError(error.to_string()));
        };
        if committed.is_err()
            && let Ok(metadata) = fs::metadata(&place.path)
        {
            // The rollback may have made the file shorter.
            place.length = place.length.min(metadata.len());
        }
        committed.map_err(|error| place.named(error))
    }
}
