//! The state in a SQLite file, which a thread of its own writes.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::watch;

use super::backend::{Change, Loaded, Store, StoreError, Written};
use super::database::{Place, check_path, connect, load, unreadable};
use super::writer::{Progress, Writer};

/// A file, and the thread that writes it.
///
/// The thread writes all changes in the order in which they were submitted. Changes that arrive while it waits for
/// the disk share the next transaction. Changes that cannot be written are kept, and the write is retried.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    /// Locked while a change is counted and queued, so that the counts follow the order of the queue.
    queue: Mutex<Option<mpsc::Sender<Change>>>,
    /// The number of submitted changes; read for every response, and therefore without the lock.
    submitted: AtomicU64,
    /// How many of these are safe on disk.
    written: Arc<AtomicU64>,
    /// Whether the file is gone, and the whole state has to be submitted again.
    lost: Arc<AtomicBool>,
    /// The same for those who wait for a write, with the error if it failed.
    progress: watch::Receiver<Progress>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteStore {
    /// Opens or creates a file. Returns the state that is in it, if any.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<Loaded>), StoreError> {
        let store_error =
            |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
        check_path(path)?;
        let connection = connect(path)?;
        let loaded = load(&connection, path)?;
        let place = Place::of(path).map_err(|error| store_error(unreadable(error)))?;
        Ok((Self::over(connection, Some(place))?, loaded))
    }

    /// Starts the thread that writes to an open file.
    fn over(connection: Connection, place: Option<Place>) -> Result<Self, StoreError> {
        let (sender, queue) = mpsc::channel();
        let written = Arc::new(AtomicU64::new(0));
        let lost = Arc::new(AtomicBool::new(false));
        let (reports, progress) = watch::channel(Progress::default());
        let writer = Writer::new(
            connection,
            place,
            Arc::clone(&written),
            Arc::clone(&lost),
            reports,
        );
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
            // If the writer has ended, the change is never counted as written.
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
        // The writer ends once the closed queue is empty.
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::backend::Row;
    use super::super::database::{APPLICATION_ID, MIGRATIONS};
    use super::*;
    use crate::clock::Checkpoint;

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
    async fn written_changes_are_loaded() {
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
    fn a_file_of_the_first_schema_is_migrated() {
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
        assert!(error.0.contains("another program"), "{error}");

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
    fn a_path_that_names_no_file_is_rejected() {
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
    async fn a_file_that_is_gone_is_written_again_from_the_whole_state() {
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
    fn a_missing_row_is_detected() {
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
