//! What all requests share.

use std::sync::{Arc, OnceLock};

use http::StatusCode;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};

use crate::auth::signature::{Authorization, Refusal};
use crate::auth::token::{Claims, LIFETIME, Tokens};
use crate::clock::{Clock, ClockMode, Millis, system_millis};
use crate::error::{ApiError, ApiResult, code};
use crate::faults::Faults;
use crate::ids::{Ids, RequestIds};
use crate::log::Log;
use crate::seed::Seed;
use crate::state::{Core, Saved, SeedError, Settings, State};
use crate::store::{Change, Stamp, Store, Written};

/// An emulator without its socket.
#[derive(Debug)]
pub(crate) struct App {
    state: RwLock<State>,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) request_ids: RequestIds,
    pub(crate) tokens: Tokens,
    pub(crate) region: String,
    /// Whether others than this machine may use the control plane.
    pub(crate) remote: bool,
    pub(crate) base_url: OnceLock<String>,
    /// What a reset goes back to.
    beginning: Seed,
    store: Option<Arc<dyn Store>>,
    /// Where randomness that is no part of the state comes from.
    chance: Mutex<Ids>,
}

/// What is no part of the state.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    pub(crate) region: String,
    pub(crate) remote: bool,
    pub(crate) log_entries: usize,
}

/// Who is asking, as far as it was proven.
#[derive(Clone, Debug)]
pub(crate) enum Session {
    Token(Arc<Claims>),
    /// The user whose access key made the signature.
    Signature(String),
}

impl Session {
    pub(crate) fn user(&self) -> &str {
        match self {
            Self::Token(claims) => &claims.user,
            Self::Signature(user) => user,
        }
    }

    /// The project that the proof is limited to.
    pub(crate) fn project(&self) -> Option<&str> {
        match self {
            Self::Token(claims) => claims.project.as_deref(),
            Self::Signature(_) => None,
        }
    }

    /// How it was proven.
    pub(crate) fn by(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Signature(_) => "signature",
        }
    }
}

impl App {
    pub(crate) fn new(
        state: State,
        clock: Clock,
        beginning: Seed,
        store: Option<Arc<dyn Store>>,
        outside: Outside,
    ) -> Option<Self> {
        let mut ids = Ids::seeded(state.core.seed).fork();
        Some(Self {
            settings: state.settings.clone(),
            tokens: Tokens::new(&state.core.token_key)?,
            faults: Faults::new(ids.fork()),
            log: Log::new(outside.log_entries),
            request_ids: RequestIds::new(&mut ids),
            chance: Mutex::new(ids),
            base_url: OnceLock::new(),
            state: RwLock::new(state),
            clock,
            beginning,
            store,
            region: outside.region,
            remote: outside.remote,
        })
    }

    /// Looks at the state as it is now.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State, Millis) -> T) -> T {
        let now = self.clock.now_millis();
        {
            let state = self.state.read();
            if !state.is_due(now) {
                return look(&state, now);
            }
        }
        let mut state = self.state.write();
        state.advance(now);
        // What happens by itself happens again after a crash, so nobody waits for it.
        drop(self.submit(&mut state, now, false));
        let state = RwLockWriteGuard::downgrade(state);
        look(&state, now)
    }

    /// Changes the state as it is now; returns once the change cannot get lost any more.
    pub(crate) async fn write<T>(
        &self,
        change: impl FnOnce(&mut State, Millis) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let (result, written) = {
            let mut state = self.state.write();
            let now = self.clock.now_millis();
            state.advance(now);
            let result = change(&mut state, now);
            (result, self.submit(&mut state, now, false))
        };
        wait(written).await?;
        result
    }

    /// Hands over what has changed. Under the lock, so that the order is that of the changes.
    fn submit(&self, state: &mut State, now: Millis, replace: bool) -> Option<Written> {
        let store = self.store.as_ref()?;
        let rows = state.take_changes();
        if rows.is_empty() && !replace {
            return None;
        }
        let stamp = Stamp {
            emulated: now,
            real: system_millis(),
        };
        Some(store.submit(Change {
            rows,
            stamp,
            replace,
        }))
    }

    /// Writes the time down, after it was moved by hand.
    pub(crate) async fn stamp(&self) -> ApiResult<()> {
        self.write(|state, _| {
            state.touch_core();
            Ok(())
        })
        .await
    }

    async fn replace(&self, mut fresh: State, now: Millis) -> ApiResult<()> {
        let written = {
            let mut state = self.state.write();
            // Tokens that were issued stay good.
            fresh.core.token_key = state.core.token_key;
            if self.store.is_some() {
                fresh.remember_changes(true);
            }
            *state = fresh;
            self.submit(&mut state, now, true)
        };
        wait(written).await
    }

    /// Goes back to the state at the start; the clock stays, faults and log are emptied.
    pub(crate) async fn reset(&self) -> ApiResult<()> {
        let now = self.clock.now_millis();
        let number = self.state.read().core.seed;
        let state = initial(self.settings.clone(), self.beginning.clone(), number, now)
            .map_err(|error| ApiError::new(code::INTERNAL, error.to_string()))?;
        self.faults.clear();
        self.log.clear();
        self.replace(state, now).await
    }

    /// Takes over a snapshot, with its time if the clock is a manual one.
    pub(crate) async fn restore(&self, saved: Saved) -> ApiResult<()> {
        let (state, taken) = State::restore(self.settings.clone(), saved)
            .map_err(|error| ApiError::value("snapshot", error))?;
        if self.clock.mode() == ClockMode::Manual {
            self.clock.set(taken);
        }
        self.replace(state, self.clock.now_millis()).await
    }

    // Signing in

    /// A token for a user, if that user may work there.
    pub(crate) fn issue(&self, user: &str, project: Option<&str>, now: Millis) -> (String, Claims) {
        let claims = Claims {
            user: user.to_owned(),
            project: project.map(ToOwned::to_owned),
            issued: now,
            expires: now + LIFETIME,
        };
        (self.tokens.issue(&claims), claims)
    }

    pub(crate) fn random_hex(&self) -> String {
        self.chance.lock().hex32()
    }

    /// Whom a token speaks for.
    pub(crate) fn by_token(&self, token: &str) -> ApiResult<Session> {
        let claims = self.tokens.read(token).ok_or_else(|| {
            ApiError::new(
                code::BAD_TOKEN,
                "The token cannot be read or was issued elsewhere; sign in again.",
            )
        })?;
        if claims.expires <= self.clock.now_millis() {
            return Err(ApiError::new(
                code::EXPIRED_TOKEN,
                "The token has expired; sign in again.",
            ));
        }
        Ok(Session::Token(claims))
    }

    /// Whom a signature speaks for.
    pub(crate) fn by_signature(
        &self,
        parts: &http::request::Parts,
        body: &bytes::Bytes,
        text: &str,
    ) -> ApiResult<Session> {
        let verify = || -> Result<Session, Refusal> {
            let authorization = Authorization::parse(text)?;
            let key = self
                .read(|state, _| state.accounts.keys.get(authorization.access_key).cloned())
                .ok_or(Refusal::AccessKey)?;
            if let Some(expected) = &key.security_token {
                let sent = parts.headers.get("x-security-token");
                if sent.map(http::HeaderValue::as_bytes) != Some(expected.expose().as_bytes()) {
                    return Err(Refusal::SecurityToken);
                }
            }
            authorization.verify(parts, body, key.secret.expose(), |signed_at| {
                self.nearest_present(signed_at)
            })?;
            Ok(Session::Signature(key.user))
        };
        verify().map_err(|refusal| {
            ApiError::with_status(
                StatusCode::UNAUTHORIZED,
                code::GATEWAY_SIGN_IN,
                format!("Incorrect IAM authentication information: {refusal}."),
            )
        })
    }

    /// The present, by the clock that suits a date: emulated time, or in a time that runs faster also the
    /// real one, which is all that a client outside can know.
    fn nearest_present(&self, date: Millis) -> Millis {
        let emulated = self.clock.now_millis();
        if self.clock.mode() != ClockMode::Scaled {
            return emulated;
        }
        let real = system_millis();
        if (real - date).abs() < (emulated - date).abs() {
            real
        } else {
            emulated
        }
    }
}

async fn wait(written: Option<Written>) -> ApiResult<()> {
    let Some(written) = written else {
        return Ok(());
    };
    match written.await {
        Ok(Ok(())) => Ok(()),
        _ => Err(ApiError::new(
            code::INTERNAL,
            "The emulator cannot write its state file, so the change is not safe.",
        )),
    }
}

/// A new state with what a seed describes.
pub(crate) fn initial(
    settings: Settings,
    seed: Seed,
    number: u64,
    now: Millis,
) -> Result<State, SeedError> {
    let mut state = State::new(settings, Core::new(number));
    state.seed(seed, now)?;
    Ok(state)
}
