//! State in a SQLite file.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tokio::sync::watch;

use super::{Change, Loaded, Store, StoreError, Written};
use crate::clock::Stamp;
use crate::state::Row;

/// What each version of the schema adds to the one before; the file's `user_version` counts them.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE state (
         kind TEXT NOT NULL,
         key  INTEGER NOT NULL,
         body TEXT NOT NULL,
         PRIMARY KEY (kind, key)
     ) WITHOUT ROWID;
     CREATE TABLE stamp (
         id       INTEGER PRIMARY KEY CHECK (id = 0),
         emulated INTEGER NOT NULL,
         real     INTEGER NOT NULL
     );",
    // Null where an emulator from before wrote it, which did not know how fast its time passed.
    "ALTER TABLE stamp ADD COLUMN pace REAL;",
];

/// Marks the file as ours.
const APPLICATION_ID: i32 = 0x6d61_656d;

/// How many waiting changes share one transaction at most.
const BATCH: usize = 256;

/// A file, and the thread that writes it.
///
/// One thread writes everything in the order in which it was handed over. Changes that arrive while it
/// waits for the disk share the next transaction.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    /// Held while a change is counted and queued, so that the count says which change is which.
    queue: Mutex<Option<mpsc::Sender<Change>>>,
    /// How many changes were handed over; read on every answer, so without the lock.
    submitted: AtomicU64,
    /// How many of them are safe on disk.
    written: Arc<AtomicU64>,
    /// The same for those who wait, or why there will be no more.
    told: watch::Receiver<Progress>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

type Progress = Result<u64, StoreError>;

impl SqliteStore {
    /// Opens or creates a file; the state in it, if there is any.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<Loaded>), StoreError> {
        let told = |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
        let mut connection = Connection::open(path).map_err(told)?;
        prepare(&connection).map_err(|error| match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                StoreError(format!(
                    "{}: another emulator uses this file",
                    path.display()
                ))
            }
            _ => told(error),
        })?;
        migrate(&mut connection, path)?;
        let loaded = load(&connection).map_err(told)?;
        Ok((Self::over(connection)?, loaded))
    }

    /// Lets a thread write to a prepared file.
    fn over(connection: Connection) -> Result<Self, StoreError> {
        let (sender, queue) = mpsc::channel();
        let written = Arc::new(AtomicU64::new(0));
        let (tell, told) = watch::channel(Ok(0));
        let writer = std::thread::Builder::new()
            .name("modelarts-emulator-store".into())
            .spawn({
                let written = Arc::clone(&written);
                move || write(connection, &queue, &written, &tell)
            })
            .map_err(|error| StoreError(error.to_string()))?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            submitted: AtomicU64::new(0),
            written,
            told,
            writer: Mutex::new(Some(writer)),
        })
    }
}

impl Store for SqliteStore {
    fn submit(&self, change: Change) {
        let queue = self.queue.lock();
        self.submitted.fetch_add(1, Ordering::Release);
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
        let mut told = self.told.clone();
        Some(Box::pin(async move {
            let reached = |told: &Progress| told.as_ref().map_or(true, |done| *done >= wanted);
            match told.wait_for(reached).await {
                Ok(told) => told.clone().map(drop),
                Err(_) => Err(StoreError("the writer has ended".into())),
            }
        }))
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

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_millis(500))?;
    // Exclusive: a second emulator on the file is refused, and no shared memory file is needed.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;")
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let told = |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
    let pragma = |connection: &Connection, name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i32>(0))
            .map_err(told)
    };
    let version = pragma(connection, "user_version")?;
    let application = pragma(connection, "application_id")?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(told)?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(StoreError(format!(
            "{}: this is a database of something else",
            path.display()
        )));
    }
    let known = usize::try_from(version).unwrap_or(usize::MAX);
    if known > MIGRATIONS.len() {
        return Err(StoreError(format!(
            "{}: written by a newer emulator (schema {version}, this one knows {})",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    let transaction = connection.transaction().map_err(told)?;
    for migration in &MIGRATIONS[known..] {
        transaction.execute_batch(migration).map_err(told)?;
    }
    transaction
        .pragma_update(None, "user_version", MIGRATIONS.len() as i64)
        .map_err(told)?;
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(told)?;
    transaction.commit().map_err(told)
}

fn load(connection: &Connection) -> rusqlite::Result<Option<Loaded>> {
    let stamp = connection
        .query_row("SELECT emulated, real, pace FROM stamp", [], |row| {
            Ok(Stamp {
                emulated: row.get(0)?,
                real: row.get(1)?,
                pace: row.get::<_, Option<f64>>(2)?.unwrap_or(1.0),
            })
        })
        .optional()?;
    let Some(stamp) = stamp else {
        return Ok(None);
    };
    // The core comes before the instances that it counts.
    let mut statement = connection.prepare("SELECT kind, body FROM state ORDER BY kind, key")?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(Loaded { rows, stamp }))
}

fn write(
    mut connection: Connection,
    queue: &mpsc::Receiver<Change>,
    written: &AtomicU64,
    tell: &watch::Sender<Progress>,
) {
    let mut time: Option<Stamp> = None;
    while let Ok(first) = queue.recv() {
        let changes: Vec<Change> = std::iter::once(first)
            .chain(queue.try_iter().take(BATCH - 1))
            .collect();
        for change in &changes {
            time = Some(later(time, change));
        }
        if let Err(error) = commit(&mut connection, &changes, time) {
            // Memory is ahead of the file now: nothing more may be told to anybody.
            tracing::error!(%error, "the state file cannot be written");
            let _ = tell.send_replace(Err(StoreError(error.to_string())));
            return;
        }
        let more = changes.len() as u64;
        let count = written.fetch_add(more, Ordering::Release) + more;
        let _ = tell.send_replace(Ok(count));
    }
}

/// The time to write down: changes come from many threads, and one that was made first may be handed over last.
fn later(time: Option<Stamp>, change: &Change) -> Stamp {
    match time {
        Some(time) if time.emulated > change.stamp.emulated && !change.replace => time,
        _ => change.stamp,
    }
}

fn commit(
    connection: &mut Connection,
    changes: &[Change],
    time: Option<Stamp>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for change in changes {
        apply(&transaction, change)?;
    }
    if let Some(time) = time {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO stamp (id, emulated, real, pace) VALUES (0, ?1, ?2, ?3)",
            )?
            .execute(params![time.emulated, time.real, time.pace])?;
    }
    transaction.commit()
}

fn apply(transaction: &Transaction<'_>, change: &Change) -> rusqlite::Result<()> {
    if change.replace {
        transaction.execute("DELETE FROM state", [])?;
    }
    let mut put = transaction
        .prepare_cached("INSERT OR REPLACE INTO state (kind, key, body) VALUES (?1, ?2, ?3)")?;
    let mut delete =
        transaction.prepare_cached("DELETE FROM state WHERE kind = ?1 AND key = ?2")?;
    for Row { kind, key, body } in &change.rows {
        let key = i64::try_from(*key).unwrap_or(i64::MAX);
        match body {
            Some(body) => put.execute(params![kind, key, body])?,
            None => delete.execute(params![kind, key])?,
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct TempFile(std::path::PathBuf);

    impl TempFile {
        fn new(name: &str) -> Self {
            let unique = format!("modelarts-emulator-{}-{name}.db", std::process::id());
            let file = Self(std::env::temp_dir().join(unique));
            file.remove();
            file
        }

        fn remove(&self) {
            for end in ["", "-wal", "-shm"] {
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
            stamp: stamp(7),
            replace,
        }
    }

    fn stamp(emulated: i64) -> Stamp {
        Stamp {
            emulated,
            real: 8,
            pace: 2.0,
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
            assert_eq!(loaded.stamp, stamp(7));
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
            stamp: stamp(emulated),
            ..change(Vec::new(), replace)
        };
        {
            let (store, _) = SqliteStore::open(&file.0).unwrap();
            store.submit(at(90, false));
            store.submit(at(80, false));
        }
        assert_eq!(loaded(&file).stamp, stamp(90));
        {
            let (store, _) = SqliteStore::open(&file.0).unwrap();
            store.submit(at(90, false));
            store.submit(at(50, true));
            store.submit(at(60, false));
        }
        assert_eq!(loaded(&file).stamp, stamp(60));
    }

    #[tokio::test]
    async fn after_a_failure_nothing_counts_as_written() {
        // Without its tables nothing can be written to it.
        let store = SqliteStore::over(Connection::open_in_memory().unwrap()).unwrap();
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
        assert_eq!((loaded.stamp.emulated, loaded.stamp.pace), (5, 1.0));
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
    fn a_second_emulator_is_refused() {
        let file = TempFile::new("second");
        let _first = SqliteStore::open(&file.0).unwrap();
        let error = SqliteStore::open(&file.0).unwrap_err();
        assert!(error.0.contains("another emulator"), "{error}");
    }
}
