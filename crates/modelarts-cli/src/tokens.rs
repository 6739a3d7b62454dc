//! The token cache on disk, so that not every command has to sign in.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Mutex;

use anyhow::{Context as _, Result};
use etcetera::AppStrategy as _;
use modelarts::{Clock as _, Secret, SystemClock, Timestamp, TokenCache};
use serde::{Deserialize, Serialize};

use crate::files::{directories, write_private};
use crate::output::note;

/// A file with the tokens of all users and projects, which only its owner can read.
#[derive(Debug)]
pub(crate) struct Tokens {
    folder: PathBuf,
    /// Whether to sign in although a token is cached.
    ignore_cached: bool,
    /// The expiry of the token that this process stored.
    stored: Mutex<Option<Timestamp>>,
}

#[derive(Deserialize, Serialize)]
struct CachedToken {
    /// The entry in the library's format; it contains a token.
    entry: String,
    /// Milliseconds since 1970.
    expires_at: i64,
}

type CachedTokens = BTreeMap<String, CachedToken>;

impl Tokens {
    /// Returns the cache in the user's cache directory; `None` if there is no such directory.
    pub(crate) fn of_user(ignore_cached: bool) -> Option<Self> {
        Some(Self::in_folder(directories()?.cache_dir(), ignore_cached))
    }

    fn in_folder(folder: PathBuf, ignore_cached: bool) -> Self {
        Self {
            folder,
            ignore_cached,
            stored: Mutex::new(None),
        }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("tokens.json")
    }

    /// Returns the expiry of the token that this process stored, if it stored one.
    pub(crate) fn stored(&self) -> Option<Timestamp> {
        self.stored.lock().ok().and_then(|stored| *stored)
    }

    /// Removes all tokens; returns how many there were.
    pub(crate) fn clear(&self) -> Result<usize> {
        if !self.path().exists() {
            return Ok(0);
        }
        let _lock = self.lock()?;
        let count = self.read().len();
        fs::remove_file(self.path())
            .with_context(|| format!("removing {}", self.path().display()))?;
        Ok(count)
    }

    /// Reads the cache. A file that cannot be read is treated as empty.
    fn read(&self) -> CachedTokens {
        let text = fs::read(self.path()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Acquires the lock that ensures that only one process at a time changes the file.
    fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("creating {}", self.folder.display()))?;
        let path = self.folder.join("tokens.lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .with_context(|| format!("opening {}", path.display()))?;
        lock.lock()
            .with_context(|| format!("locking {}", path.display()))?;
        Ok(lock)
    }

    fn write(&self, key: &str, entry: &Secret, expires_at: Timestamp) -> Result<()> {
        let _lock = self.lock()?;
        let now = SystemClock.now().as_millisecond();
        let mut all = self.read();
        all.retain(|_, cached| cached.expires_at > now);
        let cached = CachedToken {
            entry: entry.expose().to_owned(),
            expires_at: expires_at.as_millisecond(),
        };
        all.insert(key.to_owned(), cached);
        write_private(&self.path(), &serde_json::to_vec(&all)?)
    }
}

impl TokenCache for Tokens {
    fn load(&self, key: &str) -> Option<Secret> {
        if self.ignore_cached {
            return None;
        }
        let cached = self.read().remove(key)?;
        Some(Secret::from(cached.entry))
    }

    fn store(&self, key: &str, entry: &Secret, expires_at: Timestamp) {
        match self.write(key, entry, expires_at) {
            Ok(()) => {
                if let Ok(mut stored) = self.stored.lock() {
                    *stored = Some(expires_at);
                }
            }
            Err(error) => note(&format!("warning: the token was not cached: {error:#}")),
        }
    }
}
