//! State in a SQLite file.

use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tokio::sync::oneshot;

use super::{Change, Loaded, Stamp, Store, StoreError, Written};
use crate::state::Row;

/// What each version of the schema adds to the one before; the file's `user_version` counts them.
const MIGRATIONS: &[&str] = &["CREATE TABLE state (
         kind TEXT NOT NULL,
         key  INTEGER NOT NULL,
         body TEXT NOT NULL,
         PRIMARY KEY (kind, key)
     ) WITHOUT ROWID;
     CREATE TABLE stamp (
         id       INTEGER PRIMARY KEY CHECK (id = 0),
         emulated INTEGER NOT NULL,
         real     INTEGER NOT NULL
     );"];

/// Marks the file as ours.
const APPLICATION_ID: i32 = 0x6d61_656d;

/// How many waiting changes share one transaction at most.
const BATCH: usize = 256;

type Job = (Change, oneshot::Sender<Result<(), StoreError>>);

/// A file, and the thread that writes it.
///
/// One thread writes everything in the order in which it was handed over. Changes that arrive while it
/// waits for the disk share the next transaction.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
}

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
        let (jobs, queue) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("modelarts-emulator-store".into())
            .spawn(move || write(connection, &queue))
            .map_err(|error| StoreError(error.to_string()))?;
        let store = Self {
            jobs: Some(jobs),
            writer: Some(writer),
        };
        Ok((store, loaded))
    }
}

impl Store for SqliteStore {
    fn submit(&self, change: Change) -> Written {
        let (done, written) = oneshot::channel();
        if let Some(jobs) = &self.jobs {
            // A writer that has gone drops `done`, which the receiver notices.
            let _ = jobs.send((change, done));
        }
        written
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // Closing the queue lets the writer finish what is in it.
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
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
        .query_row("SELECT emulated, real FROM stamp", [], |row| {
            Ok(Stamp {
                emulated: row.get(0)?,
                real: row.get(1)?,
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

fn write(mut connection: Connection, queue: &mpsc::Receiver<Job>) {
    let mut broken: Option<StoreError> = None;
    while let Ok(first) = queue.recv() {
        let jobs: Vec<Job> = std::iter::once(first)
            .chain(queue.try_iter().take(BATCH - 1))
            .collect();
        if broken.is_none()
            && let Err(error) = commit(&mut connection, &jobs)
        {
            // Memory is ahead of the file now: nothing more may be acknowledged.
            tracing::error!(%error, "the state file cannot be written");
            broken = Some(StoreError(error.to_string()));
        }
        for (_, done) in jobs {
            let _ = done.send(broken.clone().map_or(Ok(()), Err));
        }
    }
}

fn commit(connection: &mut Connection, jobs: &[Job]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for (change, _) in jobs {
        apply(&transaction, change)?;
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
    transaction
        .prepare_cached("INSERT OR REPLACE INTO stamp (id, emulated, real) VALUES (0, ?1, ?2)")?
        .execute(params![change.stamp.emulated, change.stamp.real])?;
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
        let stamp = Stamp {
            emulated: 7,
            real: 8,
        };
        Change {
            rows,
            stamp,
            replace,
        }
    }

    #[tokio::test]
    async fn what_was_written_is_loaded() {
        let file = TempFile::new("round");
        {
            let (store, loaded) = SqliteStore::open(&file.0).unwrap();
            assert!(loaded.is_none());
            let first = store.submit(change(vec![row(1, Some("a")), row(2, Some("b"))], false));
            let second = store.submit(change(vec![row(1, None), row(2, Some("c"))], false));
            first.await.unwrap().unwrap();
            second.await.unwrap().unwrap();
        }
        {
            let (store, loaded) = SqliteStore::open(&file.0).unwrap();
            let loaded = loaded.unwrap();
            assert_eq!(loaded.rows, [("instance".to_owned(), "c".to_owned())]);
            assert_eq!(loaded.stamp.emulated, 7);
            store
                .submit(change(vec![row(9, Some("z"))], true))
                .await
                .unwrap()
                .unwrap();
        }
        let (_, loaded) = SqliteStore::open(&file.0).unwrap();
        assert_eq!(
            loaded.unwrap().rows,
            [("instance".to_owned(), "z".to_owned())]
        );
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
