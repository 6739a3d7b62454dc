//! An emulator without its socket.

use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock, RwLockWriteGuard};

use super::config::{ServerConfig, Timeouts};
use crate::clock::{Clock, Millis};
use crate::domain::{Beginning, Core, FixtureError, Settings, State};
use crate::error::ApiResult;
use crate::faults::Faults;
use crate::fixtures::Fixtures;
use crate::http::authority::Addresses;
use crate::identity::accounts::Accounts;
use crate::identity::token::Tokens;
use crate::ids::{Ids, RequestIds};
use crate::log::Log;
use crate::store::{Change, Store};

/// An emulator without its socket.
#[derive(Debug)]
pub(crate) struct App {
    pub(super) state: RwLock<State>,
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
    pub(super) store: Option<Arc<dyn Store>>,
    /// The source of random values that are not part of the state.
    pub(super) rng: Mutex<Ids>,
}

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

    /// Reads the present state; transitions that are due are carried out first.
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

    /// Reads the accounts, which do not depend on the time.
    pub(crate) fn with_accounts<T>(&self, read: impl FnOnce(&Accounts) -> T) -> T {
        read(&self.state.read().accounts)
    }

    /// Changes the present state. Returns once the change is persisted.
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

    /// Returns the prefix of URLs in a response: the address that the client used, so that URLs also work behind a
    /// forwarded port.
    pub(crate) fn base_url(&self, headers: &http::HeaderMap) -> String {
        let asked = self.addresses.base_url(headers);
        asked.unwrap_or_else(|| self.base_url.get().cloned().unwrap_or_default())
    }
}

/// Returns a new state with the accounts and resources of the fixtures.
pub(crate) fn initial(
    settings: Settings,
    fixtures: Fixtures,
    rng_seed: u64,
    now: Millis,
) -> Result<State, FixtureError> {
    let mut state = State::new(settings, Core::new(rng_seed));
    state.beginning = Some(Arc::new(Beginning {
        rng_seed,
        fixtures: fixtures.clone(),
    }));
    state.add_fixtures(fixtures, now)?;
    Ok(state)
}
