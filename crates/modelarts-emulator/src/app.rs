//! What all requests share.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::StatusCode;
use parking_lot::{Mutex, RwLock, RwLockWriteGuard};

use crate::clock::{Clock, ClockMode, Millis, system_millis};
use crate::domain::{Beginning, Core, FixtureError, Settings, Snapshot, State};
use crate::error::{ApiError, ApiResult, code};
use crate::faults::Faults;
use crate::fixtures::Fixtures;
use crate::http::authority::Addresses;
use crate::identity::accounts::Accounts;
use crate::identity::signature::{Authorization, Refusal};
use crate::identity::token::{Claims, LIFETIME, Tokens};
use crate::ids::{Ids, RequestIds};
use crate::log::Log;
use crate::store::{Change, Store, StoreError};

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
    pub(crate) addresses: Addresses,
    pub(crate) timeouts: Timeouts,
    pub(crate) base_url: OnceLock<String>,
    store: Option<Arc<dyn Store>>,
    /// Where randomness that is no part of the state comes from.
    rng: Mutex<Ids>,
}

/// How long a client may take, in real time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// To send the head of a request.
    pub(crate) head: Duration,
    /// To send a body, and to read the next part of a response.
    pub(crate) body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(60),
            body: Duration::from_secs(30),
        }
    }
}

/// How an emulator is set up, apart from what it holds.
#[derive(Clone, Debug)]
pub(crate) struct ServerConfig {
    pub(crate) region: String,
    pub(crate) addresses: Addresses,
    pub(crate) log_entries: usize,
    pub(crate) timeouts: Timeouts,
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

const UNKNOWN_BEGINNING: &str = "This state file is from an emulator that did not keep the fixtures that it began with, so \
                                 there is no beginning to go back to; remove the file to begin anew.";

impl App {
    pub(crate) fn new(
        state: State,
        clock: Clock,
        store: Option<Arc<dyn Store>>,
        config: ServerConfig,
    ) -> Option<Self> {
        let mut ids = Ids::seeded(state.core.rng_seed).fork();
        if let Some(store) = &store {
            // Weak: a clock may outlive its emulator.
            let store = Arc::downgrade(store);
            clock.observe(Box::new(move |checkpoint| {
                if let Some(store) = store.upgrade() {
                    store.submit(Change::of_time(checkpoint));
                }
            }));
        }
        Some(Self {
            settings: state.settings.clone(),
            tokens: Tokens::new(&state.core.token_key)?,
            faults: Faults::new(ids.fork()),
            log: Log::new(config.log_entries),
            request_ids: RequestIds::new(&mut ids),
            rng: Mutex::new(ids),
            base_url: OnceLock::new(),
            state: RwLock::new(state),
            clock,
            store,
            region: config.region,
            addresses: config.addresses,
            timeouts: config.timeouts,
        })
    }

    /// Reads the state as it is now.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&State, Millis) -> T) -> T {
        let now = self.clock.now_millis();
        {
            let state = self.state.read();
            if !state.is_due(now) {
                return read(&state, now);
            }
        }
        let mut state = self.state.write();
        state.advance(now);
        self.submit(&mut state, false);
        let state = RwLockWriteGuard::downgrade(state);
        read(&state, now)
    }

    /// Looks something up that does not depend on the time.
    pub(crate) fn with_accounts<T>(&self, look_up: impl FnOnce(&Accounts) -> T) -> T {
        look_up(&self.state.read().accounts)
    }

    /// Changes the state as it is now; returns once the change cannot get lost any more.
    pub(crate) async fn write<T>(
        &self,
        change: impl FnOnce(&mut State, Millis) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let result = {
            let mut state = self.state.write();
            let now = self.clock.now_millis();
            state.advance(now);
            let result = change(&mut state, now);
            self.submit(&mut state, false);
            result
        };
        self.persisted().await?;
        result
    }

    /// Hands over what has changed. Under the lock, so that the order is that of the changes.
    fn submit(&self, state: &mut State, replace: bool) {
        let Some(store) = &self.store else {
            return;
        };
        let rows = state.take_changes();
        if rows.is_empty() && !replace {
            return;
        }
        store.submit(Change {
            rows,
            checkpoint: self.clock.checkpoint(),
            replace,
        });
    }

    /// Waits until everything that could be seen so far is on disk.
    ///
    /// Changes are seen in memory before they are written. No response leaves before this, whether it changes something or
    /// only shows it, so that nothing that anybody saw is lost in a crash.
    pub(crate) async fn persisted(&self) -> ApiResult<()> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        if store.is_lost() {
            self.rewrite(&**store);
        }
        let mut written = unwritten(&**store).await;
        if written.is_err() && store.is_lost() {
            self.rewrite(&**store);
            written = unwritten(&**store).await;
        }
        written.map_err(|StoreError(error)| {
            ApiError::new(
                code::INTERNAL,
                format!("The emulator cannot write its state file: {error}."),
            )
        })
    }

    /// Hands everything over anew, since the state file has got lost.
    fn rewrite(&self, store: &dyn Store) {
        let mut state = self.state.write();
        // Somebody else may have done it meanwhile.
        if store.is_lost() {
            state.remember_changes(true);
            self.submit(&mut state, true);
        }
    }

    /// What URLs in a response begin with: where the client found the emulator, so that a forwarded port is right, too.
    pub(crate) fn base_url(&self, headers: &http::HeaderMap) -> String {
        let asked = self.addresses.base_url(headers);
        asked.unwrap_or_else(|| self.base_url.get().cloned().unwrap_or_default())
    }

    /// Lets the state file go.
    pub(crate) fn close(&self) {
        if let Some(store) = &self.store {
            if store.is_lost() {
                self.rewrite(&**store);
            }
            store.close();
        }
    }

    /// Writes down what the emulator begins with, its time above all.
    pub(crate) async fn begin(&self) -> ApiResult<()> {
        self.write(|state, _| {
            state.set_core_dirty();
            Ok(())
        })
        .await
    }

    async fn replace(&self, mut fresh: State) -> ApiResult<()> {
        {
            let mut state = self.state.write();
            // Tokens that were issued stay good.
            fresh.core.token_key = state.core.token_key;
            // A snapshot may come from elsewhere; what this state was made from stays the same.
            fresh.beginning.clone_from(&state.beginning);
            if self.store.is_some() {
                fresh.remember_changes(true);
            }
            *state = fresh;
            self.submit(&mut state, true);
        }
        self.persisted().await
    }

    /// Goes back to the state at the start; the clock stays, faults and log are emptied.
    pub(crate) async fn reset(&self) -> ApiResult<()> {
        let now = self.clock.now_millis();
        let beginning = self.state.read().beginning.clone();
        let Beginning { rng_seed, fixtures } =
            beginning
                .map(Arc::unwrap_or_clone)
                .ok_or_else(|| ApiError {
                    status: StatusCode::CONFLICT,
                    ..ApiError::new(code::INTERNAL, UNKNOWN_BEGINNING)
                })?;
        let state = initial(self.settings.clone(), fixtures, rng_seed, now)
            .map_err(|error| ApiError::new(code::INTERNAL, error.to_string()))?;
        self.faults.clear();
        self.log.clear();
        self.replace(state).await
    }

    /// Takes over a snapshot, with its time if the clock is a manual one.
    pub(crate) async fn restore(&self, snapshot: Snapshot) -> ApiResult<()> {
        let (state, taken) = State::restore(self.settings.clone(), snapshot)
            .map_err(|error| ApiError::value("snapshot", error))?;
        if self.clock.mode() == ClockMode::Manual {
            self.clock.set(taken);
        }
        self.replace(state).await
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
        self.rng.lock().hex32()
    }

    /// Whom a token speaks for.
    pub(crate) fn by_token(&self, token: &str, now: Millis) -> ApiResult<Session> {
        let claims = self.tokens.read(token).ok_or_else(|| {
            ApiError::new(
                code::BAD_TOKEN,
                "The token cannot be read or was issued elsewhere; sign in again.",
            )
        })?;
        if claims.expires <= now {
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
                .with_accounts(|accounts| accounts.keys.get(authorization.access_key).cloned())
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

    /// The present, by the clock that is nearer to a date: emulated time, which clients of this process sign with, or
    /// real time, which is all that a client outside can know.
    fn nearest_present(&self, date: Millis) -> Millis {
        let (emulated, real) = (self.clock.now_millis(), system_millis());
        if (real - date).abs() < (emulated - date).abs() {
            real
        } else {
            emulated
        }
    }
}

async fn unwritten(store: &dyn Store) -> Result<(), StoreError> {
    match store.unwritten() {
        None => Ok(()),
        Some(written) => written.await,
    }
}

/// A new state with what fixtures describe.
pub(crate) fn initial(
    settings: Settings,
    fixtures: Fixtures,
    number: u64,
    now: Millis,
) -> Result<State, FixtureError> {
    let mut state = State::new(settings, Core::new(number));
    state.beginning = Some(Arc::new(Beginning {
        rng_seed: number,
        fixtures: fixtures.clone(),
    }));
    state.add_fixtures(fixtures, now)?;
    Ok(state)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use axum::body::Body;
    use axum::response::Response;
    use futures::FutureExt;
    use http::Request;
    use tokio::sync::watch;

    use super::*;
    use crate::faults::Fault;
    use crate::store::Written;

    /// Writes nothing before it is told to.
    #[derive(Debug)]
    struct Slow {
        submitted: AtomicU64,
        written: watch::Sender<Result<u64, StoreError>>,
    }

    impl Slow {
        fn write(&self) {
            let all = self.submitted.load(Ordering::SeqCst);
            let _ = self.written.send_replace(Ok(all));
        }
    }

    impl Store for Slow {
        fn submit(&self, _: Change) {
            self.submitted.fetch_add(1, Ordering::SeqCst);
        }

        fn unwritten(&self) -> Option<Written> {
            let wanted = self.submitted.load(Ordering::SeqCst);
            let mut written = self.written.subscribe();
            Some(Box::pin(async move {
                let reached = |written: &Result<u64, _>| !matches!(written, Ok(it) if *it < wanted);
                written.wait_for(reached).await.unwrap().clone().map(drop)
            }))
        }

        fn is_lost(&self) -> bool {
            false
        }

        fn close(&self) {}
    }

    fn app() -> (Arc<App>, Arc<Slow>) {
        let store = Arc::new(Slow {
            submitted: AtomicU64::new(0),
            written: watch::Sender::new(Ok(0)),
        });
        let state = initial(Settings::default(), Fixtures::default(), 1, 0).unwrap();
        let config = ServerConfig {
            region: "eu-de".into(),
            addresses: Addresses::default(),
            log_entries: 0,
            timeouts: Timeouts::default(),
        };
        let dynamic: Arc<dyn Store> = store.clone();
        let clock = Clock::manual(0);
        let app = App::new(state, clock, Some(dynamic), config).unwrap();
        (Arc::new(app), store)
    }

    async fn get(app: &Arc<App>, path: &str) -> Response {
        let token = app.read(|state, _| {
            let first = &state.accounts.first;
            app.issue(&first.user, Some(&first.project), 0).0
        });
        let request = Request::get(path).header("x-auth-token", token);
        let request = request.body(Body::empty()).unwrap();
        let others = crate::http::router::others(app);
        crate::http::pipeline::respond(app, &others, request)
            .await
            .unwrap()
    }

    #[test]
    fn a_state_that_does_not_know_its_beginning_is_not_reset() {
        let (app, store) = app();
        app.state.write().beginning = None;
        app.faults.add(Fault::status(500)).unwrap();
        let error = app.reset().now_or_never().unwrap().unwrap_err();
        assert_eq!(error.status, StatusCode::CONFLICT);
        assert!(error.message.contains("remove the file"), "{error:?}");
        assert_eq!(app.faults.list().len(), 1, "nothing was done");
        store.write();
    }

    const PATHS: [&str; 4] = [
        "/v1/7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f/notebooks",
        "/v1/7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f/notebooks/none",
        "/v3/projects",
        "/_emulator/health",
    ];

    #[test]
    fn no_response_leaves_before_what_it_may_show_is_written() {
        let (app, store) = app();
        for path in PATHS {
            app.clock.advance(Duration::from_secs(1));
            let mut response = Box::pin(get(&app, path));
            assert!(response.as_mut().now_or_never().is_none(), "{path}");
            store.write();
            assert!(response.now_or_never().is_some(), "{path}");
        }
    }

    #[test]
    fn what_cannot_be_written_is_not_shown_either() {
        let (app, store) = app();
        let full = StoreError("disk full".into());
        let _ = store.written.send_replace(Err(full));
        for path in PATHS {
            let response = get(&app, path).now_or_never().unwrap();
            assert_eq!(response.status(), 500, "{path}");
        }
    }
}
