//! The SQLite file: where it is, its schema, and how what is in it is read, written and proved.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest as _, Sha256};

use super::backend::{Change, Loaded, Row, StoreError};
use crate::clock::Checkpoint;

/// What each version of the schema adds to the one before; the file's `user_version` counts them.
pub(super) const MIGRATIONS: &[&str] = &[
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
    // What a row holds and how many there are can be proved. Filled below.
    "ALTER TABLE state ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE stamp ADD COLUMN rows INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE stamp ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE stamp ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;",
    // What the state was made from is a row too, which an emulator from before would take for damage.
    "",
];

/// The schema from which on rows and the checkpoint have digests.
const WITH_DIGESTS: usize = 3;

/// Marks the file as ours.
pub(super) const APPLICATION_ID: i32 = 0x6d61_656d;

/// Where the file is, and what tells it from another one.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    identity: (u64, u64),
    pub(super) length: u64,
}

/// What has happened to a file that somebody writes.
pub(super) enum Loss {
    /// It is not there, or shorter than it was: it can be made anew.
    Gone(&'static str),
    /// There is another one, which is not ours to write.
    Replaced,
}

impl Place {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            identity: identity(&metadata),
            length: metadata.len(),
        })
    }

    pub(super) fn check(&mut self) -> Result<(), Loss> {
        match fs::metadata(&self.path) {
            Err(_) => Err(Loss::Gone("was deleted")),
            Ok(metadata) if identity(&metadata) != self.identity => Err(Loss::Replaced),
            Ok(metadata) if metadata.len() < self.length => Err(Loss::Gone("was truncated")),
            Ok(metadata) => {
                self.length = metadata.len();
                Ok(())
            }
        }
    }

    pub(super) fn named(&self, what: impl std::fmt::Display) -> StoreError {
        StoreError(format!("{}: {what}", self.path.display()))
    }
}

#[cfg(unix)]
fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_: &fs::Metadata) -> (u64, u64) {
    // Where a file that is open cannot be deleted or replaced.
    (0, 0)
}

/// Refuses what SQLite takes for something else than a file.
pub(super) fn check_path(path: &Path) -> Result<(), StoreError> {
    let text = path.to_string_lossy();
    if text.is_empty() || text.starts_with(':') || text.starts_with("file:") {
        return Err(StoreError(format!(
            "`{text}` does not name a file; a state in memory needs no file at all"
        )));
    }
    // What a write-ahead log adds to is more than nothing.
    let is_empty = fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0);
    let log = fs::metadata(format!("{text}-wal")).is_ok_and(|metadata| metadata.len() > 0);
    if is_empty && log {
        return Err(StoreError(format!(
            "{text}: this file was truncated, for {text}-wal belongs to a longer one; {WAY_OUT}"
        )));
    }
    Ok(())
}

const WAY_OUT: &str = "put a copy of it in its place, or remove it to begin anew";

pub(super) fn unreadable(error: io::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// Opens a file, alone, and brings it to the present schema.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let store_error = |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
    let mut connection = Connection::open(path).map_err(store_error)?;
    prepare(&connection).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
            StoreError(format!(
                "{}: another emulator uses this file",
                path.display()
            ))
        }
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            damaged(path, error)
        }
        _ => store_error(error),
    })?;
    migrate(&mut connection, path)?;
    Ok(connection)
}

fn damaged(path: &Path, what: impl std::fmt::Display) -> StoreError {
    StoreError(format!(
        "{}: this file is damaged ({what}); {WAY_OUT}",
        path.display()
    ))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_millis(500))?;
    // Exclusive: a second emulator on the file is refused, and no shared memory file is needed.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    // All that is committed stands in the file itself. A write-ahead log would take a quarter of the time, but SQLite
    // quietly leaves out what comes after a damaged frame of it. A journal that stays and is overwritten takes a fifth less
    // than one that is truncated (16 ms instead of 20 ms a commit), and is as safe.
    connection.pragma_update(None, "journal_mode", "PERSIST")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;")
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let store_error = |error: rusqlite::Error| StoreError(format!("{}: {error}", path.display()));
    let pragma = |connection: &Connection, name: &str| {
        connection
            .pragma_query_value(None, name, |row| row.get::<_, i32>(0))
            .map_err(store_error)
    };
    if let Err(error) = connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(())) {
        return Err(damaged(path, error));
    }
    let version = pragma(connection, "user_version")?;
    let application = pragma(connection, "application_id")?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(store_error)?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(StoreError(format!(
            "{}: this is a database of something else",
            path.display()
        )));
    }
    if tables > 0 && version < 1 {
        return Err(damaged(path, format_args!("schema {version}")));
    }
    let known = usize::try_from(version).unwrap_or(usize::MAX);
    if known > MIGRATIONS.len() {
        return Err(StoreError(format!(
            "{}: written by a newer emulator (schema {version}, this one knows {})",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    if known == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction().map_err(store_error)?;
    for migration in &MIGRATIONS[known..] {
        transaction.execute_batch(migration).map_err(store_error)?;
    }
    if tables > 0 && known < WITH_DIGESTS {
        add_digests(&transaction).map_err(store_error)?;
    }
    transaction
        .pragma_update(None, "user_version", MIGRATIONS.len() as i64)
        .map_err(store_error)?;
    transaction
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(store_error)?;
    transaction.commit().map_err(store_error)
}

/// Gives the rows of an older file their digests.
fn add_digests(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut rows = transaction.prepare("SELECT kind, key, body FROM state")?;
    let rows: Vec<(String, i64, String)> = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut sums = Sums::default();
    for (kind, key, body) in rows {
        let digest = digest_of_row(&kind, key, &body);
        sums.add(digest);
        transaction.execute(
            "UPDATE state SET digest = ?3 WHERE kind = ?1 AND key = ?2",
            params![kind, key, digest],
        )?;
    }
    let checkpoint = transaction
        .query_row("SELECT emulated, real, pace FROM stamp", [], checkpoint_of)
        .optional()?;
    checkpoint.map_or(Ok(()), |checkpoint| {
        put_checkpoint(transaction, checkpoint, sums)
    })
}

fn checkpoint_of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Checkpoint> {
    Ok(Checkpoint {
        emulated: row.get(0)?,
        real: row.get(1)?,
        rate: row.get::<_, Option<f64>>(2)?.unwrap_or(1.0),
    })
}

/// How many rows there are, and the sum of their digests: a row that is missing shows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    rows: i64,
    total: i64,
}

impl Sums {
    fn add(&mut self, digest: i64) {
        self.rows += 1;
        self.total = self.total.wrapping_add(digest);
    }

    fn remove(&mut self, digest: i64) {
        self.rows -= 1;
        self.total = self.total.wrapping_sub(digest);
    }
}

fn digest(parts: &[&[u8]]) -> i64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    hash.iter()
        .take(8)
        .fold(0, |all, byte| all << 8 | i64::from(*byte))
}

fn digest_of_row(kind: &str, key: i64, body: &str) -> i64 {
    digest(&[kind.as_bytes(), &key.to_le_bytes(), body.as_bytes()])
}

fn digest_of_checkpoint(checkpoint: Checkpoint, sums: Sums) -> i64 {
    let numbers = [
        checkpoint.emulated,
        checkpoint.real,
        checkpoint.rate.to_bits().cast_signed(),
        sums.rows,
        sums.total,
    ];
    let bytes: Vec<u8> = numbers
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    digest(&[&bytes])
}

fn put_checkpoint(
    transaction: &Transaction<'_>,
    checkpoint: Checkpoint,
    sums: Sums,
) -> rusqlite::Result<()> {
    let mut put = transaction.prepare_cached(
        "INSERT OR REPLACE INTO stamp (id, emulated, real, pace, rows, total, digest)
         VALUES (0, ?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let digest = digest_of_checkpoint(checkpoint, sums);
    put.execute(params![
        checkpoint.emulated,
        checkpoint.real,
        checkpoint.rate,
        sums.rows,
        sums.total,
        digest
    ])?;
    Ok(())
}

/// What the file holds, all of it, or why it cannot be all of it.
pub(super) fn load(connection: &Connection, path: &Path) -> Result<Option<Loaded>, StoreError> {
    let store_error = |error: rusqlite::Error| damaged(path, error);
    let verdict: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(store_error)?;
    if verdict != "ok" {
        return Err(damaged(path, verdict.replace('\n', " ")));
    }
    let checkpoint = connection
        .query_row(
            "SELECT emulated, real, pace, rows, total, digest FROM stamp",
            [],
            |row| {
                let sums = Sums {
                    rows: row.get(3)?,
                    total: row.get(4)?,
                };
                Ok((checkpoint_of(row)?, sums, row.get::<_, i64>(5)?))
            },
        )
        .optional()
        .map_err(store_error)?;
    // The core comes before the instances that it counts.
    let mut statement = connection
        .prepare("SELECT kind, key, body, digest FROM state ORDER BY kind, key")
        .map_err(store_error)?;
    let rows: Vec<(String, i64, String, i64)> = statement
        .query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .and_then(Iterator::collect)
        .map_err(store_error)?;
    let Some((checkpoint, sums, digest)) = checkpoint else {
        return match rows.is_empty() {
            true => Ok(None),
            false => Err(damaged(path, "its time is missing")),
        };
    };
    if digest != digest_of_checkpoint(checkpoint, sums) {
        return Err(damaged(path, "its time does not have its digest"));
    }
    let mut found = Sums::default();
    for (kind, key, body, digest) in &rows {
        if *digest != digest_of_row(kind, *key, body) {
            return Err(damaged(
                path,
                format_args!("row {key} of kind {kind} does not have its digest"),
            ));
        }
        found.add(*digest);
    }
    if found != sums {
        return Err(damaged(
            path,
            format_args!("{} rows instead of {}", found.rows, sums.rows),
        ));
    }
    let rows = rows
        .into_iter()
        .map(|(kind, _, body, _)| (kind, body))
        .collect();
    Ok(Some(Loaded { rows, checkpoint }))
}

/// The time to write down: changes come from many threads, and one that was made first may be handed over last.
pub(super) fn later(time: Option<Checkpoint>, change: &Change) -> Checkpoint {
    match time {
        Some(time) if time.emulated > change.checkpoint.emulated && !change.replace => time,
        _ => change.checkpoint,
    }
}

pub(super) fn commit(
    connection: &mut Connection,
    changes: &[Change],
    time: Option<Checkpoint>,
) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    let mut sums = transaction
        .query_row("SELECT rows, total FROM stamp", [], |row| {
            Ok(Sums {
                rows: row.get(0)?,
                total: row.get(1)?,
            })
        })
        .optional()?
        .unwrap_or_default();
    for change in changes {
        apply(&transaction, change, &mut sums)?;
    }
    if let Some(time) = time {
        put_checkpoint(&transaction, time, sums)?;
    }
    transaction.commit()
}

fn apply(transaction: &Transaction<'_>, change: &Change, sums: &mut Sums) -> rusqlite::Result<()> {
    if change.replace {
        transaction.execute("DELETE FROM state", [])?;
        *sums = Sums::default();
    }
    let mut known =
        transaction.prepare_cached("SELECT digest FROM state WHERE kind = ?1 AND key = ?2")?;
    let mut put = transaction.prepare_cached(
        "INSERT OR REPLACE INTO state (kind, key, body, digest) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let mut delete =
        transaction.prepare_cached("DELETE FROM state WHERE kind = ?1 AND key = ?2")?;
    for Row { kind, key, body } in &change.rows {
        let key = i64::try_from(*key).unwrap_or(i64::MAX);
        if let Some(digest) = known
            .query_row(params![kind, key], |row| row.get(0))
            .optional()?
        {
            sums.remove(digest);
        }
        match body {
            Some(body) => {
                let digest = digest_of_row(kind, key, body);
                sums.add(digest);
                put.execute(params![kind, key, body, digest])?
            }
            None => delete.execute(params![kind, key])?,
        };
    }
    Ok(())
}
