//! A running emulator.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use modelarts_client::Secret;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::app::App;
use crate::clock::Clock;
use crate::domain::{FixtureError, InstanceStatus, Snapshot, TransitionFault};
use crate::faults::Fault;
use crate::fixtures::{Capacity, Fixtures};
use crate::http::server::serve;
use crate::log::{LogFilter, LoggedRequest};

/// The maximum number of pending connections; the system refuses more.
const BACKLOG: u32 = 4096;

/// The error when an emulator cannot be started or rejects a call.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Kind);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("cannot listen on {address}: {source}")]
    Bind {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("{0} is reachable from other machines; allow that with allow_remote(true)")]
    Remote(IpAddr),
    #[error(transparent)]
    Fixtures(#[from] FixtureError),
    #[error("state file: {0}")]
    Data(String),
    #[error("{0}")]
    Refused(String),
}

impl From<crate::error::ApiError> for Error {
    fn from(error: crate::error::ApiError) -> Self {
        Kind::Refused(error.message).into()
    }
}

/// A running emulator; dropping it stops it.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use modelarts_emulator::Emulator;
/// use std::time::Duration;
///
/// let emulator = Emulator::builder().manual().start().await?;
/// let url = format!("{}/v1/{}/notebooks", emulator.base_url(), emulator.project_id());
/// // … create a notebook there with the header X-Auth-Token: emulator.token() …
/// emulator.clock().advance(Duration::from_secs(90));
/// // … and it is RUNNING.
/// # assert!(url.starts_with("http://127.0.0.1:"));
/// # Ok::<(), modelarts_emulator::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Emulator {
    app: Arc<App>,
    address: SocketAddr,
    base_url: String,
    account: Account,
    stop: watch::Sender<bool>,
    server: Option<JoinHandle<()>>,
}

impl Emulator {
    pub(crate) async fn listen(app: Arc<App>, address: SocketAddr) -> Result<Self, Error> {
        let reported = |source| Kind::Bind { address, source };
        let socket = if address.is_ipv6() {
            TcpSocket::new_v6()
        } else {
            TcpSocket::new_v4()
        }
        .map_err(reported)?;
        // A port that was in use a moment ago may be reused.
        #[cfg(unix)]
        socket.set_reuseaddr(true).map_err(reported)?;
        socket.bind(address).map_err(reported)?;
        let listener = socket.listen(BACKLOG).map_err(reported)?;
        let address = listener.local_addr().map_err(reported)?;
        let reachable = match address.ip() {
            ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        let base_url = format!("http://{}", SocketAddr::new(reachable, address.port()));
        let _ = app.base_url.set(base_url.clone());
        let (stop, stopped) = watch::channel(false);
        let server = tokio::spawn(serve(listener, Arc::clone(&app), stopped));
        Ok(Self {
            account: Account::first(&app),
            app,
            address,
            base_url,
            stop,
            server: Some(server),
        })
    }

    /// The URL of the emulator, without a trailing slash: `http://127.0.0.1:40001`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The URL that clients use: the [external URL](crate::EmulatorBuilder::external_url), or
    /// [`base_url`](Self::base_url).
    pub fn public_url(&self) -> &str {
        let external = self.app.addresses.external_url.as_deref();
        external.unwrap_or(&self.base_url)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The id of its first project.
    pub fn project_id(&self) -> &str {
        &self.account.project
    }

    /// The name of its first project.
    pub fn project_name(&self) -> &str {
        &self.account.project_name
    }

    /// The region in its catalogue.
    pub fn region(&self) -> &str {
        &self.app.region
    }

    /// The name of its first user.
    pub fn user_name(&self) -> &str {
        &self.account.user_name
    }

    /// The id of its first user.
    pub fn user_id(&self) -> &str {
        &self.account.user
    }

    /// The account (domain) of its first user.
    pub fn domain_name(&self) -> &str {
        &self.account.domain
    }

    /// The password of its first user.
    pub fn password(&self) -> &Secret {
        &self.account.password
    }

    /// An access key of its first user.
    pub fn access_key(&self) -> &str {
        &self.account.access_key
    }

    /// The secret key that belongs to [`access_key`](Self::access_key).
    pub fn secret_key(&self) -> &Secret {
        &self.account.secret_key
    }

    /// Returns a new token of the first user for the first project, valid for 24 hours of emulated time.
    pub fn token(&self) -> Secret {
        Secret::new(self.account.token(&self.app))
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.app.clock
    }

    /// Adds a fault and returns it with its number.
    ///
    /// # Errors
    /// If the fault names an operation that does not exist, could never act as described, or too many are active.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use modelarts_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::start().await?;
    /// emulator.add_fault(Fault::status(429).operation("listNotebooks").times(1))?;
    /// let error = emulator.add_fault(Fault::reset().operation("listNotebook")).unwrap_err();
    /// assert!(error.to_string().contains("listNotebooks"));
    /// # Ok::<(), modelarts_emulator::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_fault(&self, fault: Fault) -> Result<Fault, Error> {
        Ok(self.app.faults.add(fault).map_err(Kind::Refused)?)
    }

    /// The active faults.
    pub fn faults(&self) -> Vec<Fault> {
        self.app.faults.list()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// Returns the logged requests that match the filter, oldest first, without secrets.
    ///
    /// # Errors
    /// When the filter names an operation, a method or a status that no request can have.
    pub fn requests(&self, filter: &LogFilter) -> Result<Vec<LoggedRequest>, Error> {
        Ok(self.app.log.list(filter).map_err(Kind::Refused)?)
    }

    /// Makes an automatic transition fail: the next creation, start, mount and so on.
    ///
    /// # Errors
    /// When the fault could never act, or the state file cannot be written, as for every method that changes the
    /// state.
    pub async fn add_transition_fault(&self, fault: TransitionFault) -> Result<(), Error> {
        let added = self.app.write(|state, _| state.add_transition_fault(fault));
        Ok(added.await?)
    }

    /// Sets the available capacity.
    ///
    /// # Errors
    /// When the capacity names a flavor that does not exist, or the state file cannot be written.
    pub async fn set_capacity(&self, capacity: Capacity) -> Result<(), Error> {
        self.app
            .write(|state, now| {
                state
                    .check_capacity(&capacity)
                    .map_err(|error| crate::error::ApiError::value("flavors", error))?;
                state.set_capacity(capacity, now);
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Adds the accounts and resources that the fixtures describe.
    ///
    /// # Errors
    /// When the fixtures contradict each other or the present state, or the state file cannot be written.
    pub async fn add_fixtures(&self, fixtures: Fixtures) -> Result<(), Error> {
        self.app
            .write(|state, now| {
                state
                    .add_fixtures(fixtures, now)
                    .map_err(|error| crate::error::ApiError::value("fixtures", error))
            })
            .await?;
        Ok(())
    }

    /// Puts an instance into a status. Returns `false` if no instance has this id.
    ///
    /// # Errors
    /// When neither generation lists the status, or the state file cannot be written.
    pub async fn set_status(
        &self,
        id: &str,
        status: impl Into<InstanceStatus>,
        fail_reason: Option<&str>,
    ) -> Result<bool, Error> {
        let status = status.into().listed()?;
        let reason = fail_reason.map(ToOwned::to_owned);
        let known = self
            .app
            .write(|state, now| Ok(state.force_status(id, status, reason, now)))
            .await?;
        Ok(known)
    }

    /// Marks an instance as in use, which restarts the countdown of an idle lease. Returns `false` if no instance has
    /// this id.
    ///
    /// # Errors
    /// When the state file cannot be written.
    pub async fn note_activity(&self, id: &str) -> Result<bool, Error> {
        let known = self
            .app
            .write(|state, now| Ok(state.note_activity(id, now)))
            .await?;
        Ok(known)
    }

    /// Restores the state at the start; with a state file, the state at its first start.
    ///
    /// Accounts, tokens and the time are kept; faults and log are cleared.
    ///
    /// # Errors
    /// When the state file cannot be written, or is so old that it does not contain its initial state.
    pub async fn reset(&self) -> Result<(), Error> {
        Ok(self.app.reset().await?)
    }

    /// Returns the whole state.
    ///
    /// # Errors
    /// If it cannot be serialized, which does not happen.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.app
            .read(|state, now| state.save(now))
            .map_err(|error| Kind::Refused(error.to_string()).into())
    }

    /// Restores a snapshot, including its time if the clock is manual.
    ///
    /// # Errors
    /// When it is not a valid snapshot, or the state file cannot be written.
    pub async fn restore(&self, snapshot: Snapshot) -> Result<(), Error> {
        Ok(self.app.restore(snapshot).await?)
    }

    /// Stops accepting connections, waits for the responses in flight, and ends.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(server) = self.server.take() {
            // A server that panicked has ended too.
            let _ = server.await;
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(server) = &self.server {
            server.abort();
        }
        // The tasks end when the runtime next polls them; the file is released at once.
        self.app.close();
    }
}
