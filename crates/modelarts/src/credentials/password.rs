//! Signing in with a password and caching the token.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use futures::future::{Either, select};
use http::HeaderValue;
use jiff::Timestamp;
use modelarts_client::iam::types::Token;
use tracing::{debug, warn};

use super::authenticator::{Authenticator, TOKEN};
use super::cache::{Entry, TokenCache, key};
use super::login::{Login, TokenScope};
use super::token;
use crate::clock::{BoxFuture, Clock};
use crate::error::{Error, Result};
use crate::identity::IdentityService;

/// A token is renewed this long before it expires, or a tenth of its lifetime before if that is shorter.
const LEAD: Duration = Duration::from_secs(30 * 60);

/// The delay between attempts to renew a token that is still valid. Requests use the old token meanwhile.
const RENEWAL_DELAY: Duration = Duration::from_secs(60);

/// The longest time that a call waits for the renewal of a token that is still valid.
const RENEWAL_LIMIT: Duration = Duration::from_secs(10);

/// The lifetime of a token unless the service states another.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Signs in when necessary and caches the token for all calls.
#[derive(Debug)]
pub(crate) struct PasswordAuthenticator {
    identity: IdentityService,
    login: Login,
    scope: TokenScope,
    clock: Arc<dyn Clock>,
    cache: Option<Arc<dyn TokenCache>>,
    session: RwLock<Option<Arc<Session>>>,
    /// Locked while signing in. Holds the error of the last attempt for the callers that waited for it.
    gate: tokio::sync::Mutex<Option<Error>>,
    attempts: AtomicU64,
}

/// A token in use. Its times are values of [`Clock::elapsed`].
#[derive(Clone, Debug)]
struct Session {
    token: HeaderValue,
    generation: u64,
    renew_at: Duration,
    ends_at: Duration,
}

impl PasswordAuthenticator {
    pub(crate) fn new(
        identity: IdentityService,
        login: Login,
        scope: TokenScope,
        clock: Arc<dyn Clock>,
        cache: Option<Arc<dyn TokenCache>>,
    ) -> Result<Self> {
        Ok(Self {
            identity,
            login: login.checked()?,
            scope,
            clock,
            cache,
            session: RwLock::default(),
            gate: tokio::sync::Mutex::default(),
            attempts: AtomicU64::new(0),
        })
    }

    /// Uses the token of an earlier process, or signs in. Returns the description of the token.
    pub(crate) async fn resume_or_sign_in(&self) -> Result<Token> {
        match self.resume() {
            Some(token) => Ok(token),
            None => self.sign_in().await,
        }
    }

    /// Uses a token from the cache, unless it is about to expire.
    fn resume(&self) -> Option<Token> {
        let entry = Entry::read(&self.cache.as_ref()?.load(&self.key())?)?;
        let (lead, left) = (lead(entry.lifetime()), entry.remaining(self.clock.now())?);
        let renew_in = left.checked_sub(lead).filter(|time| !time.is_zero())?;
        let (secret, token) = entry.into_parts();
        let now = self.clock.elapsed();
        self.set_session(Session {
            token: token::header("token", &secret).ok()?,
            generation: 1,
            renew_at: now + renew_in,
            ends_at: now + left,
        });
        debug!("resumed with a cached token");
        Some(token)
    }

    fn key(&self) -> String {
        key(&self.identity.endpoint, &self.login, &self.scope)
    }

    /// Signs in and stores the token. Returns the description of the token.
    async fn sign_in(&self) -> Result<Token> {
        let began = self.clock.elapsed();
        let (secret, token) = self.identity.create_token(&self.login, &self.scope).await?;
        let now = self.clock.now();
        let lifetime = lifetime(&token, now);
        let session = Session {
            token: token::header("token", &secret)?,
            generation: self.current().map_or(1, |session| session.generation + 1),
            renew_at: began + lifetime.saturating_sub(lead(lifetime)),
            ends_at: began + lifetime,
        };
        debug!(generation = session.generation, ?lifetime, "signed in");
        self.set_session(session);
        let entry = Entry::new(&secret, &token, now, lifetime);
        if let (Some(cache), Some(text), Some(ends_at)) =
            (&self.cache, entry.write(), entry.ends_at())
        {
            cache.store(&self.key(), &text, ends_at);
        }
        Ok(token)
    }

    /// Returns a valid token, and signs in or renews it if necessary.
    async fn session(&self) -> Result<Arc<Session>> {
        let now = self.clock.elapsed();
        let Some(session) = self.current() else {
            return self.session_after(None).await;
        };
        if now < session.renew_at {
            return Ok(session);
        }
        if now >= session.ends_at {
            return self.session_after(Some(session.generation)).await;
        }
        // Still valid: one caller renews it, the others go on using it, and a failed renewal is not an error.
        if self.gate.try_lock().is_err() {
            return Ok(session);
        }
        // Postponed in advance, so that not every other call tries again if this attempt hangs and is dropped.
        self.postpone(&session, now + RENEWAL_DELAY);
        let renewal = std::pin::pin!(self.session_after(Some(session.generation)));
        match select(renewal, self.clock.timer(RENEWAL_LIMIT)).await {
            Either::Left((Ok(renewed), _)) => return Ok(renewed),
            Either::Left((Err(error), _)) => warn!(%error, "the token could not be renewed yet"),
            Either::Right(_) => warn!("the token could not be renewed in {RENEWAL_LIMIT:?}"),
        }
        Ok(session)
    }

    /// Returns a session newer than the refused generation. Of many concurrent callers, only one signs in.
    async fn session_after(&self, refused: Option<u64>) -> Result<Arc<Session>> {
        let attempts = self.attempts.load(Ordering::Acquire);
        let mut last_error = self.gate.lock().await;
        let newer = || {
            self.current()
                .filter(|session| Some(session.generation) != refused)
        };
        if let Some(session) = newer() {
            return Ok(session);
        }
        // Another caller tried while this one waited. Trying a wrong password once per caller would lock the account.
        if self.attempts.load(Ordering::Acquire) != attempts
            && let Some(error) = &*last_error
        {
            return Err(error.clone());
        }
        *last_error = None;
        self.attempts.fetch_add(1, Ordering::AcqRel);
        if let Err(error) = self.sign_in().await {
            *last_error = Some(error.clone());
            return Err(error);
        }
        newer().ok_or_else(|| Error::configuration("the sign-in has stored no token"))
    }

    fn current(&self) -> Option<Arc<Session>> {
        let session = self.session.read().unwrap_or_else(PoisonError::into_inner);
        session.clone()
    }

    fn set_session(&self, session: Session) {
        *self.session_mut() = Some(Arc::new(session));
    }

    /// Postpones the renewal of a session, unless it has been replaced in the meantime.
    fn postpone(&self, session: &Session, renew_at: Duration) {
        let mut current = self.session_mut();
        if current.as_ref().map(|current| current.generation) == Some(session.generation) {
            let renew_at = renew_at.min(session.ends_at);
            *current = Some(Arc::new(Session {
                renew_at,
                ..session.clone()
            }));
        }
    }

    fn session_mut(&self) -> RwLockWriteGuard<'_, Option<Arc<Session>>> {
        self.session.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Authenticator for PasswordAuthenticator {
    fn authorize<'a>(&'a self, request: &'a mut reqwest::Request) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let session = self.session().await?;
            request.headers_mut().insert(TOKEN, session.token.clone());
            Ok(session.generation)
        })
    }

    fn renew(&self, refused: u64) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move { self.session_after(Some(refused)).await.map(|_| true) })
    }
}

/// Returns how long before its expiry a token is renewed.
fn lead(lifetime: Duration) -> Duration {
    LEAD.min(lifetime / 10)
}

/// Returns the lifetime of a token by the service's clock, which may differ from this machine's.
fn lifetime(token: &Token, now: Timestamp) -> Duration {
    let read = |text: &Option<String>| text.as_deref()?.parse::<Timestamp>().ok();
    let Some(end) = read(&token.expires_at) else {
        return LIFETIME;
    };
    let begin = read(&token.issued_at).unwrap_or(now);
    Duration::try_from(end.duration_since(begin)).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use modelarts_client::Secret;

    use super::*;
    use crate::credentials::Named;

    #[test]
    fn the_lifetime_is_the_services_own() {
        let now = "2030-01-01T00:00:00Z".parse().unwrap();
        let token = |expires: Option<&str>, issued: Option<&str>| {
            let mut token = Token::default();
            token.expires_at = expires.map(str::to_owned);
            token.issued_at = issued.map(str::to_owned);
            token
        };
        let hours = |token: Token| lifetime(&token, now).as_secs_f64() / 3600.0;
        assert_eq!(
            hours(token(
                Some("2024-07-06T09:00:00.000000Z"),
                Some("2024-07-05T09:00:00.000000Z")
            )),
            24.0
        );
        assert_eq!(hours(token(Some("2030-01-01T02:00:00Z"), None)), 2.0);
        assert_eq!(hours(token(Some("2020-01-01T00:00:00Z"), None)), 0.0);
        assert_eq!(hours(token(None, None)), 24.0);
        assert_eq!(hours(token(Some("soon"), None)), 24.0);
    }

    #[test]
    fn an_expired_entry_is_not_used() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let hour = Duration::from_secs(3600);
        let entry = Entry::new(&Secret::from("t0p"), &Token::default(), now, hour);
        let entry = Entry::read(&entry.write().unwrap()).unwrap();
        assert_eq!(entry.remaining(now), Some(hour));
        assert_eq!(entry.remaining(now + hour / 4), Some(hour / 4 * 3));
        assert_eq!(entry.remaining(now + hour * 2), None);
        // The clock was set back, so the remaining time is unknown.
        assert_eq!(entry.remaining(now - hour), None);
        assert!(Entry::read(&Secret::from("{\"token\": 5}")).is_none());
        assert_eq!(entry.into_parts().0.expose(), "t0p");
    }

    #[test]
    fn a_key_differs_by_user_and_project_and_contains_no_password() {
        let scope = |project: Named| TokenScope {
            project,
            domain: None,
        };
        let login = |user: &str| Login::new(user, "hush").domain_name("d");
        let keys = [
            key("https://a/v3", &login("u"), &scope(Named::Id("p".into()))),
            key("https://b/v3", &login("u"), &scope(Named::Id("p".into()))),
            key("https://a/v3", &login("w"), &scope(Named::Id("p".into()))),
            key("https://a/v3", &login("u"), &scope(Named::Name("p".into()))),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert!(keys.iter().all(|key| !key.contains("hush")));
    }
}
