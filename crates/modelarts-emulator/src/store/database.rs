//! The SQLite file: its path and identity, its schema, and how its content is read, written and verified.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use sha2::{Digest as _, Sha256};

use super::backend::{Change, Loaded, Row, StoreError};
use crate::clock::Checkpoint;

/// The migrations to each version of the schema; the file's `user_version` counts them.
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
    // Null if an older emulator wrote it, which did not store the rate of the clock.
    "ALTER TABLE stamp ADD COLUMN pace REAL;",
    // Digests prove the content of rows and their number. They are filled in below.
    "ALTER TABLE state ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE stamp ADD COLUMN rows INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE stamp ADD COLUMN total INTEGER NOT NULL DEFAULT 0;
     ALTER TABLE stamp ADD COLUMN digest INTEGER NOT NULL DEFAULT 0;",
    // The initial state is a row as well, which an older emulator would report as damage.
    "",
];

/// The first version of the schema in which rows and the checkpoint have digests.
const WITH_DIGESTS: usize = 3;

/// Marks a file as a state file of the emulator.
pub(super) const APPLICATION_ID: i32 = 0x6d61_656d;

/// The path of the file, and what distinguishes it from another file at that path.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    identity: (u64, u64),
    pub(super) length: u64,
}

/// What happened to a file while it was in use.
pub(super) enum Loss {
    /// It was deleted or truncated; it can be created again.
    Gone(&'static str),
    /// Another file is in its place, which must not be written.
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
    // On these systems an open file cannot be deleted or replaced.
    (0, 0)
}

/// Rejects a path that SQLite would not treat as a file, and a file that was truncated.
pub(super) fn check_path(path: &Path) -> Result<(), StoreError> {
    let text = path.to_string_lossy();
    if text.is_empty() || text.starts_with(':') || text.starts_with("file:") {
        return Err(StoreError(format!(
            "`{text}` does not name a file; leave it out to keep the state in memory"
        )));
    }
    // A write-ahead log belongs to a file that is not empty.
    let is_empty = fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0);
    let log = fs::metadata(format!("{text}-wal")).is_ok_and(|metadata| metadata.len() > 0);
    if is_empty && log {
        return Err(StoreError(format!(
            "{text}: this file was truncated, since {text}-wal belongs to a longer one; {REMEDY}"
        )));
    }
    Ok(())
}

const REMEDY: &str = "restore a copy of it, or remove it to start again";

pub(super) fn unreadable(error: io::Error) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// Opens a file exclusively, and migrates it to the present schema.
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
        "{}: this file is damaged ({what}); {REMEDY}",
        path.display()
    ))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_millis(500))?;
    // A second emulator cannot open the file, and no shared memory file is needed.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    // All committed data is in the file itself. A write-ahead log would take a quarter of the time, but SQLite
    // silently ignores everything after a damaged frame of it. A journal that is kept and overwritten takes a fifth
    // less time than one that is truncated (16 ms instead of 20 ms per commit), and is as safe.
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
            "{}: this database belongs to another program",
            path.display()
        )));
    }
    if tables > 0 && version < 1 {
        return Err(damaged(path, format_args!("schema {version}")));
    }
    let known = usize::try_from(version).unwrap_or(usize::MAX);
    if known > MIGRATIONS.len() {
        return Err(StoreError(format!(
            "{}: this file was written by a newer emulator (schema {version}; this one supports up to {})",
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

/// Adds digests to the rows of an older file.
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

/// The number of rows and the sum of their digests, by which a missing row is detected.
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

/// Loads the whole state from the file, or returns an error if the file is damaged or incomplete.
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
    // In this order the core comes before the instances.
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
        return Err(damaged(path, "the digest of its time is wrong"));
    }
    let mut found = Sums::default();
    for (kind, key, body, digest) in &rows {
        if *digest != digest_of_row(kind, *key, body) {
            return Err(damaged(
                path,
                format_args!("the digest of row {key} of kind {kind} is wrong"),
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

/// Returns the checkpoint to store. Changes come from many threads, so an earlier one may be submitted later.
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
