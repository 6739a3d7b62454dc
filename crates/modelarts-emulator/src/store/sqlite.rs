//! The thread that keeps the state in a SQLite file.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::watch;

use super::database::{Loss, Place, check_path, commit, connect, later, load, unreadable};
use super::{Change, Loaded, Store, StoreError, Written};
use crate::clock::Checkpoint;

/// How many waiting changes share one transaction at most.
const BATCH: usize = 256;

/// How long the writer waits before it tries again what could not be written.
const RETRY: Duration = Duration::from_millis(250);

/// How often the writer sees whether its file is still there when there is nothing to write.
const WATCH: Duration = Duration::from_secs(1);

/// A file, and the thread that writes it.
///
/// One thread writes everything in the order in which it was handed over. Changes that arrive while it
/// waits for the disk share the next transaction. What cannot be written is kept and tried again.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    /// Held while a change is counted and queued, so that the count says which change is which.
    queue: Mutex<Option<mpsc::Sender<Change>>>,
    /// How many changes were handed over; read on every answer, so without the lock.
    submitted: AtomicU64,
    /// How many of them are safe on disk.
    written: Arc<AtomicU64>,
    /// Whether the file is gone and everything has to be handed over anew.
    lost: Arc<AtomicBool>,
    /// The same for those who wait, or why there will be no more.
    progress: watch::Receiver<Progress>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// How far the writer has come.
#[derive(Clone, Debug, Default)]
struct Progress {
    written: u64,
    /// Why the changes up to this one could not be written for the time being.
    failed: Option<(u64, StoreError)>,
}

impl Progress {
    /// How it went for the changes up to this one, once that is known.
    fn outcome(&self, wanted: u64) -> Option<Result<(), StoreError>> {
        if self.written >= wanted {
            return Some(Ok(()));
        }
        let (tried, error) = self.failed.as_ref()?;
        (*tried >= wanted).then(|| Err(error.clone()))
    }
}

impl SqliteStore {
    /// Opens or creates a file; the state in it, if there is any.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<Loaded>), StoreError> {
        let store_error =
            |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
        check_path(path)?;
        let connection = connect(path)?;
        let loaded = load(&connection, path)?;
        let place = Place::of(path).map_err(|error| store_error(unreadable(error)))?;
        Ok((Self::over(connection, Some(place))?, loaded))
    }

    /// Lets a thread write to a prepared file.
    fn over(connection: Connection, place: Option<Place>) -> Result<Self, StoreError> {
        let (sender, queue) = mpsc::channel();
        let written = Arc::new(AtomicU64::new(0));
        let lost = Arc::new(AtomicBool::new(false));
        let (reports, progress) = watch::channel(Progress::default());
        let writer = Writer {
            connection,
            place,
            time: None,
            pending: Vec::new(),
            superseded: 0,
            written: Arc::clone(&written),
            lost: Arc::clone(&lost),
            is_lost: false,
            reports,
        };
        let writer = std::thread::Builder::new()
            .name("modelarts-emulator-store".into())
            .spawn(move || writer.run(&queue))
            .map_err(|error| StoreError(error.to_string()))?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            submitted: AtomicU64::new(0),
            written,
            lost,
            progress,
            writer: Mutex::new(Some(writer)),
        })
    }
}

impl Store for SqliteStore {
    fn submit(&self, change: Change) {
        let queue = self.queue.lock();
        self.submitted.fetch_add(1, Ordering::Release);
        if change.replace {
            self.lost.store(false, Ordering::Release);
        }
        if let Some(sender) = &*queue {
            // A writer that has gone never counts the change, so nobody takes it for written.
            let _ = sender.send(change);
        }
    }

    fn unwritten(&self) -> Option<Written> {
        let wanted = self.submitted.load(Ordering::Acquire);
        if self.written.load(Ordering::Acquire) >= wanted {
            return None;
        }
        let mut progress = self.progress.clone();
        Some(Box::pin(async move {
            let outcome = match progress
                .wait_for(|progress| progress.outcome(wanted).is_some())
                .await
            {
                Ok(progress) => progress.outcome(wanted),
                Err(_) => None,
            };
            outcome.unwrap_or_else(|| Err(StoreError("the writer has ended".into())))
        }))
    }

    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    fn close(&self) {
        // Closing the queue lets the writer finish what is in it.
        *self.queue.lock() = None;
        if let Some(writer) = self.writer.lock().take() {
            let _ = writer.join();
        }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        self.close();
    }
}

struct Writer {
    connection: Connection,
    /// `None` for a database in memory.
    place: Option<Place>,
    time: Option<Checkpoint>,
    /// What is still to be written.
    pending: Vec<Change>,
    /// How many changes need not be written any more, since everything was handed over after them.
    superseded: u64,
    written: Arc<AtomicU64>,
    lost: Arc<AtomicBool>,
    /// Whether the file has to be made anew, once everything is handed over.
    is_lost: bool,
    reports: watch::Sender<Progress>,
}

impl Writer {
    fn run(mut self, queue: &mpsc::Receiver<Change>) {
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

    /// Writes what is pending, or says why not.
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
                    tracing::warn!("the state file is written again");
                }
                return;
            }
            Err(error) => error,
        };
        // Memory is ahead of the file now: nothing of what is pending may be told to anybody.
        let before = self.reports.send_replace(Progress {
            written,
            failed: Some((written + count, failed.clone())),
        });
        if before.failed.is_none() {
            tracing::error!(error = %failed, "the state file cannot be written");
        }
    }

    /// Sees whether the file is still the one that was opened; makes it anew if it is gone and everything was handed over.
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
                    "this file was replaced while the emulator was running, which does not touch the new one; stop the \
                     emulator, or remove the file and let it be written anew",
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
        tracing::warn!(file = %path.display(), "the state file {loss} while the emulator was running; it is written anew");
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
            // What was rolled back may have made it shorter again.
            place.length = place.length.min(metadata.len());
        }
        committed.map_err(|error| place.named(error))
    }
}

#[cfg(test)]
mod tests {
    use super::super::database::{APPLICATION_ID, MIGRATIONS};
    use super::*;
    use crate::domain::Row;

    struct TempFile(std::path::PathBuf);

    impl TempFile {
        fn new(name: &str) -> Self {
            let unique = format!("modelarts-emulator-{}-{name}.db", std::process::id());
            let file = Self(std::env::temp_dir().join(unique));
            file.remove();
            file
        }

        fn remove(&self) {
            for end in ["", "-wal", "-shm", "-journal"] {
                let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
            }
        }
    }

    impl Drop for TempFile {
        fn drop(&mut self) {
            self.remove();
        }
    }

    fn row(key: u64, body: Option<&str>) -> Row {
        Row {
            kind: "instance",
            key,
            body: body.map(ToOwned::to_owned),
        }
    }

    fn change(rows: Vec<Row>, replace: bool) -> Change {
        Change {
            rows,
            checkpoint: checkpoint(7),
            replace,
        }
    }

    fn checkpoint(emulated: i64) -> Checkpoint {
        Checkpoint {
            emulated,
            real: 8,
            rate: 2.0,
        }
    }

    async fn written(store: &SqliteStore) -> Result<(), StoreError> {
        match store.unwritten() {
            None => Ok(()),
            Some(written) => written.await,
        }
    }

    fn loaded(file: &TempFile) -> Loaded {
        SqliteStore::open(&file.0).unwrap().1.unwrap()
    }

    #[tokio::test]
    async fn what_was_written_is_loaded() {
        let file = TempFile::new("round");
        {
            let (store, loaded) = SqliteStore::open(&file.0).unwrap();
            assert!(loaded.is_none());
            store.submit(change(vec![row(1, Some("a")), row(2, Some("b"))], false));
            store.submit(change(vec![row(1, None), row(2, Some("c"))], false));
            written(&store).await.unwrap();
            assert!(store.unwritten().is_none());
        }
        {
            let (store, loaded) = SqliteStore::open(&file.0).unwrap();
            let loaded = loaded.unwrap();
            assert_eq!(loaded.rows, [("instance".to_owned(), "c".to_owned())]);
            assert_eq!(loaded.checkpoint, checkpoint(7));
            store.submit(change(vec![row(9, Some("z"))], true));
            written(&store).await.unwrap();
        }
        assert_eq!(
            loaded(&file).rows,
            [("instance".to_owned(), "z".to_owned())]
        );
    }

    #[test]
    fn time_goes_back_only_with_everything_else() {
        let file = TempFile::new("time");
        let at = |emulated, replace| Change {
            checkpoint: checkpoint(emulated),
            ..change(Vec::new(), replace)
        };
        {
            let (store, _) = SqliteStore::open(&file.0).unwrap();
            store.submit(at(90, false));
            store.submit(at(80, false));
        }
        assert_eq!(loaded(&file).checkpoint, checkpoint(90));
        {
            let (store, _) = SqliteStore::open(&file.0).unwrap();
            store.submit(at(90, false));
            store.submit(at(50, true));
            store.submit(at(60, false));
        }
        assert_eq!(loaded(&file).checkpoint, checkpoint(60));
    }

    #[tokio::test]
    async fn after_a_failure_nothing_counts_as_written() {
        // Without its tables nothing can be written to it.
        let store = SqliteStore::over(Connection::open_in_memory().unwrap(), None).unwrap();
        for _ in 0..2 {
            store.submit(change(vec![row(1, Some("a"))], false));
            let error = written(&store).await.unwrap_err();
            assert!(error.0.contains("no such table"), "{error}");
        }
    }

    #[test]
    fn a_file_of_the_first_schema_is_taken_over() {
        let file = TempFile::new("first");
        let connection = Connection::open(&file.0).unwrap();
        connection.execute_batch(MIGRATIONS[0]).unwrap();
        connection
            .execute_batch(
                "INSERT INTO stamp (id, emulated, real) VALUES (0, 5, 6);
                 INSERT INTO state (kind, key, body) VALUES ('instance', 1, 'a');",
            )
            .unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        connection
            .pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        drop(connection);
        let loaded = loaded(&file);
        assert_eq!(
            (loaded.checkpoint.emulated, loaded.checkpoint.rate),
            (5, 1.0)
        );
        assert_eq!(loaded.rows.len(), 1);
    }

    #[test]
    fn a_foreign_or_newer_file_is_left_alone() {
        let file = TempFile::new("foreign");
        Connection::open(&file.0)
            .unwrap()
            .execute_batch("CREATE TABLE x (y)")
            .unwrap();
        let error = SqliteStore::open(&file.0).unwrap_err();
        assert!(error.0.contains("something else"), "{error}");

        let newer = TempFile::new("newer");
        drop(SqliteStore::open(&newer.0).unwrap());
        Connection::open(&newer.0)
            .unwrap()
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let error = SqliteStore::open(&newer.0).unwrap_err();
        assert!(error.0.contains("newer"), "{error}");
    }

    #[test]
    fn what_names_no_file_is_refused() {
        for path in [
            "",
            ":memory:",
            ":memory",
            "file:x.db",
            "file::memory:?cache=shared",
        ] {
            let error = SqliteStore::open(Path::new(path)).unwrap_err();
            assert!(error.0.contains(&format!("`{path}`")), "{error}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_gone_is_made_anew_from_everything() {
        type Harm = fn(&Path);
        let harms: [Harm; 2] = [
            |path| fs::remove_file(path).unwrap(),
            |path| {
                fs::File::options()
                    .write(true)
                    .open(path)
                    .unwrap()
                    .set_len(10)
                    .unwrap()
            },
        ];
        for harm in harms {
            let file = TempFile::new("gone");
            let (store, _) = SqliteStore::open(&file.0).unwrap();
            store.submit(change(vec![row(1, Some("a"))], false));
            written(&store).await.unwrap();
            harm(&file.0);
            store.submit(change(vec![row(2, Some("b"))], false));
            let error = written(&store).await.unwrap_err();
            assert!(
                error.0.contains("gone.db") && error.0.contains("while the emulator"),
                "{error}"
            );
            assert!(store.is_lost());
            store.submit(change(vec![row(1, Some("a")), row(2, Some("b"))], true));
            written(&store).await.unwrap();
            assert!(!store.is_lost());
            store.submit(change(vec![row(3, Some("c"))], false));
            drop(store);
            assert_eq!(loaded(&file).rows.len(), 3);
        }
    }

    #[tokio::test]
    async fn another_file_in_its_place_is_not_touched() {
        let file = TempFile::new("replaced");
        let other = TempFile::new("other");
        let (store, _) = SqliteStore::open(&file.0).unwrap();
        fs::write(&other.0, "somebody else's").unwrap();
        fs::rename(&other.0, &file.0).unwrap();
        store.submit(change(vec![row(1, Some("a"))], true));
        let error = written(&store).await.unwrap_err();
        assert!(error.0.contains("was replaced"), "{error}");
        drop(store);
        assert_eq!(fs::read_to_string(&file.0).unwrap(), "somebody else's");
    }

    #[test]
    fn a_row_that_is_missing_shows() {
        let file = TempFile::new("missing");
        {
            let (store, _) = SqliteStore::open(&file.0).unwrap();
            store.submit(change(vec![row(1, Some("a")), row(2, Some("b"))], false));
        }
        let connection = Connection::open(&file.0).unwrap();
        connection
            .execute("DELETE FROM state WHERE key = 1", [])
            .unwrap();
        drop(connection);
        let error = SqliteStore::open(&file.0).unwrap_err();
        assert!(error.0.contains("1 rows instead of 2"), "{error}");
        assert!(error.0.contains("missing.db"), "{error}");
    }

    #[test]
    fn a_second_emulator_is_refused() {
        let file = TempFile::new("second");
        let _first = SqliteStore::open(&file.0).unwrap();
        let error = SqliteStore::open(&file.0).unwrap_err();
        assert!(error.0.contains("another emulator"), "{error}");
    }
}
