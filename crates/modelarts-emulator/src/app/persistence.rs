//! Persistence of the state, and its replacement by a reset or a snapshot.

use std::sync::Arc;

use http::StatusCode;

use super::state::{App, initial};
use crate::clock::ClockMode;
use crate::domain::{Beginning, Snapshot, State};
use crate::error::{ApiError, ApiResult, code};
use crate::store::{Change, Store, StoreError};

const NO_INITIAL_STATE: &str = "The state file was created by an older emulator, which did not store the initial state, so it \
                                cannot be restored; remove the file to start again.";

impl App {
    /// Submits the changes to the store. Called under the lock, so that they are submitted in order.
    pub(super) fn submit(&self, state: &mut State, replace: bool) {
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

    /// Waits until every change that is visible so far is on disk.
    ///
    /// Changes are visible in memory before they are written. Every response waits here, whether it makes a change or
    /// only shows one, so that a crash loses nothing that a client has seen.
    pub(crate) async fn persisted(&self) -> ApiResult<()> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        if store.is_lost() {
            self.rewrite(&**store);
        }
        let mut written = wait_until_written(&**store).await;
        if written.is_err() && store.is_lost() {
            self.rewrite(&**store);
            written = wait_until_written(&**store).await;
        }
        written.map_err(|StoreError(error)| {
            ApiError::new(
                code::INTERNAL,
                format!("The emulator cannot write its state file: {error}."),
            )
        })
    }

    /// Submits the whole state again, since the state file is lost.
    fn rewrite(&self, store: &dyn Store) {
        let mut state = self.state.write();
        // Another request may have done it meanwhile.
        if store.is_lost() {
            state.remember_changes(true);
            self.submit(&mut state, true);
        }
    }

    /// Writes all changes and closes the state file.
    pub(crate) fn close(&self) {
        if let Some(store) = &self.store {
            if store.is_lost() {
                self.rewrite(&**store);
            }
            store.close();
        }
    }

    /// Persists the initial state, which includes the time.
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
            // Tokens that were issued stay valid.
            fresh.core.token_key = state.core.token_key;
            // A snapshot may come from another emulator; a reset still restores the initial state of this one.
            fresh.beginning.clone_from(&state.beginning);
            if self.store.is_some() {
                fresh.remember_changes(true);
            }
            *state = fresh;
            self.submit(&mut state, true);
        }
        self.persisted().await
    }

    /// Restores the initial state. The clock is kept; faults and log are cleared.
    pub(crate) async fn reset(&self) -> ApiResult<()> {
        let now = self.clock.now_millis();
        let beginning = self.state.read().beginning.clone();
        let Beginning { rng_seed, fixtures } =
            beginning
                .map(Arc::unwrap_or_clone)
                .ok_or_else(|| ApiError {
                    status: StatusCode::CONFLICT,
                    ..ApiError::new(code::INTERNAL, NO_INITIAL_STATE)
                })?;
        let state = initial(self.settings.clone(), fixtures, rng_seed, now)
            .map_err(|error| ApiError::new(code::INTERNAL, error.to_string()))?;
        self.faults.clear();
        self.log.clear();
        self.replace(state).await
    }

    /// Restores a snapshot, including its time if the clock is manual.
    pub(crate) async fn restore(&self, snapshot: Snapshot) -> ApiResult<()> {
        let (state, taken) = State::restore(self.settings.clone(), snapshot)
            .map_err(|error| ApiError::value("snapshot", error))?;
        if self.clock.mode() == ClockMode::Manual {
            self.clock.set(taken);
        }
        self.replace(state).await
    }
}

async fn wait_until_written(store: &dyn Store) -> Result<(), StoreError> {
    match store.unwritten() {
        None => Ok(()),
        Some(written) => written.await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use axum::body::Body;
    use axum::response::Response;
    use futures::FutureExt;
    use futures::future::BoxFuture;
    use http::Request;
    use tokio::sync::watch;

    use super::super::config::{ServerConfig, Timeouts};
    use super::*;
    use crate::clock::Clock;
    use crate::domain::Settings;
    use crate::faults::Fault;
    use crate::fixtures::Fixtures;
    use crate::http::authority::Addresses;

    /// A store that only writes on demand.
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

        fn unwritten(&self) -> Option<BoxFuture<'static, Result<(), StoreError>>> {
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
    fn a_state_without_its_initial_state_is_not_reset() {
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
    fn no_response_is_sent_before_the_changes_that_it_may_show_are_written() {
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
    fn changes_that_cannot_be_written_are_not_shown() {
        let (app, store) = app();
        let full = StoreError("disk full".into());
        let _ = store.written.send_replace(Err(full));
        for path in PATHS {
            let response = get(&app, path).now_or_never().unwrap();
            assert_eq!(response.status(), 500, "{path}");
        }
    }
}
