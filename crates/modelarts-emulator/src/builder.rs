//! Starting, holding and stopping an emulator.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use modelarts_client::Secret;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::account::Account;
use crate::app::{App, ServerConfig, Timeouts, initial};
use crate::clock::{Clock, ClockMode, LATEST, Millis, system_millis};
use crate::domain::{
    Durations, FixtureError, InstanceStatus, Settings, Snapshot, State, TransitionFault,
};
use crate::faults::Fault;
use crate::fixtures::{Capacity, DEFAULT_REGION, Fixtures};
use crate::http::authority::{Addresses, external_url, host_name};
use crate::http::server::serve;
use crate::ids::random_seed;
use crate::log::{LogFilter, LoggedRequest};
use crate::store::{Loaded, Store};

/// The time at which a manual clock of an emulator with an rng_seed begins: 2026-01-01T00:00:00Z.
const SEEDED_START: Millis = 1_767_225_600_000;

/// Why fixtures and a state file do not go together.
const OTHER_FIXTURES: &str = "this state began with other fixtures, and what it holds would win; start without fixtures to \
                              go on with it, remove the file to begin anew, or add fixtures with POST /_emulator/fixtures";

/// Waiting connections; more are refused by the system.
const BACKLOG: u32 = 4096;

/// Why an emulator cannot be started or does not do what it was told.
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
    #[error("{0} is reachable from other machines; allow_remote(true) says that this is meant")]
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

/// How an emulator is to be; [`Emulator::builder`] begins one.
#[derive(Clone, Debug)]
#[must_use]
pub struct EmulatorBuilder {
    address: SocketAddr,
    addresses: Addresses,
    rng_seed: Option<u64>,
    fixtures: Option<Fixtures>,
    mode: ClockMode,
    factor: f64,
    start_at: Option<Millis>,
    system_time: Option<Millis>,
    durations: Durations,
    strict: bool,
    stale_reads: Duration,
    data: Option<PathBuf>,
    faults: Vec<Fault>,
    region: String,
    log_entries: usize,
    timeouts: Timeouts,
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            addresses: Addresses::default(),
            rng_seed: None,
            fixtures: None,
            mode: ClockMode::Real,
            factor: 1.0,
            start_at: None,
            system_time: None,
            durations: Durations::default(),
            strict: false,
            stale_reads: Duration::ZERO,
            data: None,
            faults: Vec::new(),
            region: DEFAULT_REGION.into(),
            log_entries: 1_000,
            timeouts: Timeouts::default(),
        }
    }
}

impl EmulatorBuilder {
    /// Where to listen; a free port on the loopback address without it.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The port on the address; 0 for a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Whether an address that other machines reach may be bound, and the control plane used from there.
    pub fn allow_remote(mut self, allowed: bool) -> Self {
        self.addresses.remote = allowed;
        self
    }

    /// A name of this machine, beside `localhost` and its addresses, under which clients may use the control plane: that of
    /// a container, for example. With [`allow_remote`](Self::allow_remote) these names are then the only ones.
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.addresses.host_names.push(name.into());
        self
    }

    /// What URLs in responses begin with, for example `https://dev.example/emulator` behind a proxy. Without it they follow
    /// `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Prefix`, or the host that the client asked for.
    pub fn external_url(mut self, url: impl Into<String>) -> Self {
        self.addresses.external_url = Some(url.into());
        self
    }

    /// The number from which all ids and secrets are drawn; the same number gives the same ones.
    ///
    /// With a [manual](Self::manual) clock the times repeat too: it begins at 2026-01-01T00:00:00Z.
    pub fn rng_seed(mut self, seed: u64) -> Self {
        self.rng_seed = Some(seed);
        self
    }

    /// Accounts and resources to begin with.
    pub fn fixtures(mut self, fixtures: Fixtures) -> Self {
        self.fixtures = Some(fixtures);
        self
    }

    /// A clock that stands until it is advanced, or until the clients of this process all wait.
    pub fn manual(mut self) -> Self {
        self.mode = ClockMode::Manual;
        self
    }

    /// A clock that runs `factor` times as fast as real time.
    pub fn scale(mut self, factor: f64) -> Self {
        self.mode = ClockMode::Scaled;
        self.factor = factor;
        self
    }

    /// When the emulated time begins, in milliseconds since the epoch; now without it.
    pub fn start_at(mut self, millis: i64) -> Self {
        self.start_at = Some(millis);
        self
    }

    /// The machine's time of day at the start, in milliseconds since the epoch; that of its clock without it.
    ///
    /// A state that is kept in a file goes on from where it was left by as much as has passed since then. So a test need not
    /// wait for what falls due between two runs.
    pub fn system_time(mut self, millis: i64) -> Self {
        self.system_time = Some(millis);
        self
    }

    /// How long things take.
    pub fn durations(mut self, durations: Durations) -> Self {
        self.durations = durations;
        self
    }

    /// Whether the documentation wins where practice is more lenient.
    ///
    /// | request | by default | strict |
    /// |---|---|---|
    /// | a property that the operation does not have | ignored | `ModelArts.6336` |
    /// | an empty number or boolean in the query | taken for absent | `ModelArts.6332` |
    /// | deleting what runs, in either generation | accepted | `ModelArts.6304` |
    /// | name, description or disk of a running notebook | changed | `ModelArts.6347` |
    /// | an SSH endpoint, or one with addresses, without a key pair | accepted | `ModelArts.6335` |
    /// | a profile for other hardware than the flavor | accepted | `ModelArts.6330` |
    ///
    /// Everything else is the same in both.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// How long, in emulated time, a read still shows the status from before a change, and does not find an instance, a
    /// mount or a saved image that was just created. Responses to the changes themselves are up to date, and so are lists
    /// but for the status.
    pub fn stale_reads(mut self, behind: Duration) -> Self {
        self.stale_reads = behind;
        self
    }

    /// A SQLite file that keeps the state. One that began with other [`fixtures`](Self::fixtures) than are given is refused,
    /// and so is one that is damaged in any way.
    ///
    /// The emulated time goes on from where it was, and while no emulator ran it passed as fast as before; a time that
    /// stood has not moved. Its mode and pace from now on are those of this builder.
    pub fn data(mut self, file: impl AsRef<Path>) -> Self {
        self.data = Some(file.as_ref().to_owned());
        self
    }

    /// A fault that stands from the start.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The region in the catalogue of the identity service; `eu-de` without it.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// How many requests the log keeps; 1000 without it, 0 for none.
    pub fn log_entries(mut self, entries: usize) -> Self {
        self.log_entries = entries;
        self
    }

    /// How long, in real time, a client may take to send the head of a request, and so how long a connection may idle; a
    /// minute without it. Then the connection is closed.
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.head = timeout;
        self
    }

    /// How long, in real time, a client may take to send a body (then it is answered with 408), and to take the next part
    /// of an answer (then the connection is closed); half a minute without it.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.body = timeout;
        self
    }

    /// Starts the emulator in the background of the present Tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound or is not allowed, the fixtures contradict each other, or the state file cannot be used.
    pub async fn start(mut self) -> Result<Emulator, Error> {
        self.check()?;
        let ip = self.address.ip();
        if !ip.is_loopback() && !self.addresses.remote {
            return Err(Kind::Remote(ip).into());
        }
        let number = self.rng_seed.unwrap_or_else(random_seed);
        let (store, loaded) = self.open()?;
        let clock = self.clock(loaded.as_ref());
        let settings = Settings {
            durations: self.durations.clone(),
            strict: self.strict,
            stale_reads: Millis::try_from(self.stale_reads.as_millis()).unwrap_or(Millis::MAX / 4),
        };
        let (mut state, fresh) = match loaded {
            Some(loaded) => {
                let state = State::load(settings, loaded.rows)
                    .map_err(|error| self.data_error(error.to_string()))?;
                if let (Some(given), Some(beginning)) = (&self.fixtures, &state.beginning)
                    && given.digest() != beginning.fixtures.digest()
                {
                    return Err(self.data_error(OTHER_FIXTURES));
                }
                (state, false)
            }
            None => {
                let now = clock.now_millis();
                let fixtures = self.fixtures.clone().unwrap_or_default();
                let state = initial(settings, fixtures, number, now).map_err(Kind::Fixtures)?;
                (state, true)
            }
        };
        if store.is_some() {
            state.remember_changes(fresh);
        }
        let config = ServerConfig {
            region: self.region,
            addresses: self.addresses,
            log_entries: self.log_entries,
            timeouts: self.timeouts,
        };
        let app = App::new(state, clock, store, config)
            .ok_or_else(|| Kind::Refused("the key for tokens cannot be used".into()))?;
        app.begin().await?;
        for fault in self.faults {
            app.faults.add(fault).map_err(Kind::Refused)?;
        }
        Emulator::listen(Arc::new(app), self.address).await
    }

    /// Starts the emulator and serves until `shutdown` completes and the answers under way are out.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn serve_until(self, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
        let emulator = self.start().await?;
        shutdown.await;
        emulator.shutdown().await;
        Ok(())
    }

    fn data_error(&self, error: impl std::fmt::Display) -> Error {
        let file = self.data.as_deref().unwrap_or_else(|| Path::new(""));
        Kind::Data(format!("{}: {error}", file.display())).into()
    }

    /// Refuses what cannot be meant, before anything is opened.
    fn check(&mut self) -> Result<(), Error> {
        let addresses = &mut self.addresses;
        if let Some(url) = &mut addresses.external_url {
            *url = external_url(url).map_err(Kind::Refused)?;
        }
        for name in &addresses.host_names {
            host_name(name).map_err(Kind::Refused)?;
        }
        if let Some(start) = self.start_at
            && !(0..=LATEST).contains(&start)
        {
            let error = format!("the time cannot start at {start}; 0 to {LATEST} ms are possible");
            return Err(Kind::Refused(error).into());
        }
        for fault in &self.faults {
            fault.check().map_err(Kind::Refused)?;
        }
        Ok(())
    }

    #[cfg(feature = "sqlite")]
    fn open(&self) -> Result<Opened, Error> {
        let Some(file) = &self.data else {
            return Ok((None, None));
        };
        let (store, loaded) =
            crate::store::SqliteStore::open(file).map_err(|error| Kind::Data(error.to_string()))?;
        Ok((Some(Arc::new(store)), loaded))
    }

    #[cfg(not(feature = "sqlite"))]
    fn open(&self) -> Result<Opened, Error> {
        match &self.data {
            None => Ok((None, None)),
            Some(_) => Err(Kind::Data("this build has no SQLite".into()).into()),
        }
    }

    /// The clock, which goes on where a loaded state was left.
    fn clock(&self, loaded: Option<&Loaded>) -> Clock {
        let real = self.system_time.unwrap_or_else(system_millis);
        let begin = match (self.start_at, self.mode, self.rng_seed) {
            (Some(start), _, _) => start,
            (None, ClockMode::Manual, Some(_)) => SEEDED_START,
            _ => real,
        };
        let start = match loaded.map(|loaded| loaded.checkpoint) {
            None => begin,
            Some(checkpoint) => {
                // As fast as it passed when it was written, so that nothing that was seen is still to come.
                let passed = (real - checkpoint.real).max(0) as f64 * checkpoint.rate;
                checkpoint.emulated.saturating_add(passed as Millis)
            }
        };
        match self.mode {
            ClockMode::Manual => Clock::manual(start),
            ClockMode::Scaled if self.factor.is_finite() && self.factor > 0.0 => {
                Clock::new(ClockMode::Scaled, start, self.factor)
            }
            _ => Clock::new(ClockMode::Real, start, 1.0),
        }
    }
}

/// A file and what was in it, if there is one.
type Opened = (Option<Arc<dyn Store>>, Option<Loaded>);

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
    /// Starts one with the defaults: in memory, in real time, on a free port of the loopback address.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Begins the description of another kind of emulator.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }

    async fn listen(app: Arc<App>, address: SocketAddr) -> Result<Self, Error> {
        let told = |source| Kind::Bind { address, source };
        let socket = if address.is_ipv6() {
            TcpSocket::new_v6()
        } else {
            TcpSocket::new_v4()
        }
        .map_err(told)?;
        // A port that was in use a moment ago may be taken over.
        #[cfg(unix)]
        socket.set_reuseaddr(true).map_err(told)?;
        socket.bind(address).map_err(told)?;
        let listener = socket.listen(BACKLOG).map_err(told)?;
        let address = listener.local_addr().map_err(told)?;
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

    /// Where it is, without a slash at the end: `http://127.0.0.1:40001`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where clients find it: the [external URL](EmulatorBuilder::external_url), or [`base_url`](Self::base_url).
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

    /// A new token of the first user for the first project, good for 24 hours of emulated time.
    pub fn token(&self) -> Secret {
        Secret::new(self.account.token(&self.app))
    }

    /// Its clock.
    pub fn clock(&self) -> &Clock {
        &self.app.clock
    }

    /// Adds a fault; gives it back with its number.
    ///
    /// # Errors
    /// When it names an operation that does not exist or could never act as it says, or too many stand already.
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

    /// The faults that stand.
    pub fn faults(&self) -> Vec<Fault> {
        self.app.faults.list()
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// The last requests that fit, oldest first, without secrets.
    ///
    /// # Errors
    /// When the filter names an operation, a method or a status that no request can have.
    pub fn requests(&self, filter: &LogFilter) -> Result<Vec<LoggedRequest>, Error> {
        Ok(self.app.log.list(filter).map_err(Kind::Refused)?)
    }

    /// Lets something fail that the service does by itself: the next creation, start, mount and so on.
    ///
    /// # Errors
    /// When the fault could never act, or the state file cannot be written, like every method that changes the state.
    pub async fn add_transition_fault(&self, fault: TransitionFault) -> Result<(), Error> {
        let added = self.app.write(|state, _| state.add_transition_fault(fault));
        Ok(added.await?)
    }

    /// Sets what there is to give out.
    ///
    /// # Errors
    /// When it names a flavor that does not exist, or the state file cannot be written.
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

    /// Adds what fixtures describe.
    ///
    /// # Errors
    /// When the fixtures contradict each other or what is there, or the state file cannot be written.
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

    /// Puts an instance into a status; `false` if there is none of this id.
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

    /// Lets an instance be in use, so that the countdown of an idle lease begins anew; `false` if there is none of this id.
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

    /// Goes back to the state at the start, the first one if there is a state file; accounts, tokens and the time stay,
    /// faults and log are emptied.
    ///
    /// # Errors
    /// When the state file cannot be written, or is so old that it does not say what it began with.
    pub async fn reset(&self) -> Result<(), Error> {
        Ok(self.app.reset().await?)
    }

    /// The whole state.
    ///
    /// # Errors
    /// When it cannot be put into words, which does not happen.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.app
            .read(|state, now| state.save(now))
            .map_err(|error| Kind::Refused(error.to_string()).into())
    }

    /// Takes over a snapshot, with its time if the clock is a manual one.
    ///
    /// # Errors
    /// When it is no snapshot, or the state file cannot be written.
    pub async fn restore(&self, snapshot: Snapshot) -> Result<(), Error> {
        Ok(self.app.restore(snapshot).await?)
    }

    /// Stops taking connections, waits for the answers under way, and ends.
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
        // Its tasks end when the runtime comes to them; the file is free at once.
        self.app.close();
    }
}
