//! Tokens that outlive a process.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use modelarts_client::Secret;
use modelarts_client::iam::types::Token;
use serde::{Deserialize, Serialize};

use super::login::{Login, Named, TokenScope};

/// Keeps tokens from one process to the next, so that not every process has to sign in.
///
/// It only receives tokens from signing in with a password, never the password itself. A key is text that names the
/// identity service, the user and the project. An entry is opaque text that **contains a token**: store it where only
/// its owner can read it.
///
/// Neither method returns an error: an entry that cannot be read is treated as missing, and one that cannot be stored
/// means that the next process signs in again.
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex};
///
/// #[derive(Default)]
/// struct InMemory(Mutex<HashMap<String, modelarts::Secret>>);
///
/// impl std::fmt::Debug for InMemory {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str("InMemory")
///     }
/// }
///
/// impl modelarts::TokenCache for InMemory {
///     fn load(&self, key: &str) -> Option<modelarts::Secret> {
///         self.0.lock().ok()?.get(key).cloned()
///     }
///
///     fn store(&self, key: &str, entry: &modelarts::Secret, _ends_at: modelarts::Timestamp) {
///         if let Ok(mut entries) = self.0.lock() {
///             entries.insert(key.to_owned(), entry.clone());
///         }
///     }
/// }
///
/// let builder = modelarts::ModelArts::builder().token_cache(Arc::new(InMemory::default()));
/// ```
pub trait TokenCache: fmt::Debug + Send + Sync {
    /// Returns the entry last stored under this key.
    fn load(&self, key: &str) -> Option<Secret>;

    /// Stores an entry, replacing an earlier one. It is of no use after `ends_at`.
    fn store(&self, key: &str, entry: &Secret, ends_at: Timestamp);
}

/// The content of a cache entry.
#[derive(Deserialize, Serialize)]
pub(super) struct Entry {
    token: String,
    /// Milliseconds since 1970, by this machine's clock.
    ends_at: i64,
    /// Seconds.
    lifetime: u64,
    /// The identity service's description of the token.
    description: Token,
}

impl Entry {
    pub(super) fn new(
        token: &Secret,
        description: &Token,
        now: Timestamp,
        lifetime: Duration,
    ) -> Self {
        let ends_at = now.checked_add(lifetime).unwrap_or(now);
        Self {
            token: token.expose().trim().to_owned(),
            ends_at: ends_at.as_millisecond(),
            lifetime: lifetime.as_secs(),
            description: description.clone(),
        }
    }

    pub(super) fn read(text: &Secret) -> Option<Self> {
        serde_json::from_str(text.expose()).ok()
    }

    pub(super) fn write(&self) -> Option<Secret> {
        serde_json::to_string(self).ok().map(Secret::from)
    }

    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        Timestamp::from_millisecond(self.ends_at).ok()
    }

    pub(super) fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime)
    }

    /// Returns how long the token is still valid, or `None` if it has expired or the clock has been set back since.
    pub(super) fn remaining(&self, now: Timestamp) -> Option<Duration> {
        let left = Duration::try_from(self.ends_at()?.duration_since(now)).ok()?;
        (left <= self.lifetime()).then_some(left)
    }

    pub(super) fn into_parts(self) -> (Secret, Token) {
        (Secret::from(self.token), self.description)
    }
}

/// Returns the key of an entry, which names the identity service, the user and the project.
pub(super) fn key(auth_url: &str, login: &Login, scope: &TokenScope) -> String {
    let text = |named: &Named| match named {
        Named::Id(id) => format!("id {id}"),
        Named::Name(name) => format!("name {name}"),
    };
    let of = |named: &Option<Named>| named.as_ref().map(text);
    serde_json::json!([
        auth_url,
        text(&login.user),
        of(&login.domain),
        text(&scope.project),
        of(&scope.domain),
    ])
    .to_string()
}
