//! Configures and starts an emulator.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::app::{App, ServerConfig, Timeouts, initial};
use crate::clock::{Clock, ClockMode, LATEST, Millis, system_millis};
use crate::domain::{Durations, Settings, State};
use crate::emulator::{Emulator, Error, Kind};
use crate::faults::Fault;
use crate::fixtures::{DEFAULT_REGION, Fixtures};
use crate::http::authority::{Addresses, external_url, host_name};
use crate::ids::random_seed;
use crate::store::{Loaded, Store};

/// The start of a manual clock if the emulator has an `rng_seed`: 2026-01-01T00:00:00Z.
const SEEDED_START: Millis = 1_767_225_600_000;

/// The error when the state file was created with other fixtures than those given.
const OTHER_FIXTURES: &str = "the state in this file was created with other fixtures, so the given ones would be ignored; \
                              start without fixtures to continue with it, remove the file to start again, or add fixtures \
                              with POST /_emulator/fixtures";

/// The configuration of an emulator; [`Emulator::builder`] returns one.
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
    /// The address to listen on. The default is a free port on the loopback address.
    pub fn bind(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The port to listen on; 0 selects a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// Whether to allow binding an address that other machines can reach, and using the control plane from there.
    pub fn allow_remote(mut self, allowed: bool) -> Self {
        self.addresses.remote = allowed;
        self
    }

    /// Adds a name of this machine, for example that of a container, under which clients may use the control plane,
    /// in addition to `localhost` and its addresses. With [`allow_remote`](Self::allow_remote) these names are then
    /// the only ones allowed.
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.addresses.host_names.push(name.into());
        self
    }

    /// The prefix of URLs in responses, for example `https://dev.example/emulator` behind a proxy.
    ///
    /// By default it is derived from `X-Forwarded-Proto`, `X-Forwarded-Host` and `X-Forwarded-Prefix`, or from the
    /// host that the client requested.
    pub fn external_url(mut self, url: impl Into<String>) -> Self {
        self.addresses.external_url = Some(url.into());
        self
    }

    /// The seed for all ids and secrets; the same seed gives the same ones.
    ///
    /// With a [manual](Self::manual) clock the times repeat too: it begins at 2026-01-01T00:00:00Z.
    pub fn rng_seed(mut self, seed: u64) -> Self {
        self.rng_seed = Some(seed);
        self
    }

    /// The accounts and resources that exist at the start.
    pub fn fixtures(mut self, fixtures: Fixtures) -> Self {
        self.fixtures = Some(fixtures);
        self
    }

    /// Uses a clock that only advances when it is advanced explicitly, or when all clients in this process are
    /// waiting.
    pub fn manual(mut self) -> Self {
        self.mode = ClockMode::Manual;
        self
    }

    /// Uses a clock that runs `factor` times as fast as real time.
    pub fn scale(mut self, factor: f64) -> Self {
        self.mode = ClockMode::Scaled;
        self.factor = factor;
        self
    }

    /// The start of the emulated time, in milliseconds since the epoch. The default is now.
    pub fn start_at(mut self, millis: i64) -> Self {
        self.start_at = Some(millis);
        self
    }

    /// The real time at the start, in milliseconds since the epoch. The default is the machine's clock.
    ///
    /// The emulated time of a state that is kept in a file continues from where it was, advanced by the time that has
    /// passed since. With this setting a test does not have to wait for transitions that become due between two runs.
    pub fn system_time(mut self, millis: i64) -> Self {
        self.system_time = Some(millis);
        self
    }

    /// The duration of each transition.
    pub fn durations(mut self, durations: Durations) -> Self {
        self.durations = durations;
        self
    }

    /// Whether the emulator follows the documentation where the service is known to be more lenient.
    ///
    /// | request | by default | strict |
    /// |---|---|---|
    /// | a property that the operation does not have | ignored | `ModelArts.6336` |
    /// | an empty number or boolean in the query | treated as absent | `ModelArts.6332` |
    /// | deleting a running instance, in either generation | accepted | `ModelArts.6304` |
    /// | name, description or disk of a running notebook | changed | `ModelArts.6347` |
    /// | an SSH endpoint, or one with addresses, without a key pair | accepted | `ModelArts.6335` |
    /// | a profile for other hardware than the flavor | accepted | `ModelArts.6330` |
    ///
    /// Everything else is the same in both.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// How long, in emulated time, reads are stale.
    ///
    /// During that time a read still shows the status from before a change, and does not find an instance, a mount or
    /// a saved image that was just created. Responses to the changes themselves are up to date, and so are lists,
    /// except for the status.
    pub fn stale_reads(mut self, behind: Duration) -> Self {
        self.stale_reads = behind;
        self
    }

    /// A SQLite file that keeps the state. A file that was created with other [`fixtures`](Self::fixtures) than those
    /// given is rejected, and so is one that is damaged in any way.
    ///
    /// The emulated time continues from where it was. While no emulator ran it passed as fast as before; a stopped
    /// clock has not moved. From now on the mode and the scale of the clock are those of this builder.
    pub fn data(mut self, file: impl AsRef<Path>) -> Self {
        self.data = Some(file.as_ref().to_owned());
        self
    }

    /// Adds a fault that is active from the start.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The region in the catalogue of the identity service. The default is `eu-de`.
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = region.into();
        self
    }

    /// The number of requests that the log keeps. The default is 1000; 0 keeps none.
    pub fn log_entries(mut self, entries: usize) -> Self {
        self.log_entries = entries;
        self
    }

    /// The timeout, in real time, for a client to send the head of a request, and therefore for an idle connection.
    ///
    /// When it expires, the connection is closed. The default is one minute.
    pub fn head_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.head = timeout;
        self
    }

    /// The timeout, in real time, for a client to send a body, and to read the next part of a response.
    ///
    /// If the body takes longer, the response is a 408; if reading takes longer, the connection is closed. The
    /// default is 30 seconds.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.body = timeout;
        self
    }

    /// Starts the emulator in the background of the current Tokio runtime.
    ///
    /// # Errors
    /// When the address cannot be bound or is not allowed, the fixtures contradict each other, or the state file
    /// cannot be used.
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
            .ok_or_else(|| Kind::Refused("the key that signs tokens is invalid".into()))?;
        app.begin().await?;
        for fault in self.faults {
            app.faults.add(fault).map_err(Kind::Refused)?;
        }
        Emulator::listen(Arc::new(app), self.address).await
    }

    /// Starts the emulator and serves until `shutdown` completes and all responses in flight are sent.
    ///
    /// # Errors
    /// The same as for [`start`](Self::start).
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

    /// Rejects invalid settings before anything is opened.
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
            let error = format!("start_at is {start} but must be between 0 and {LATEST} ms");
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
            Some(_) => Err(Kind::Data(
                "this build has no SQLite; enable the feature `sqlite`".into(),
            )
            .into()),
        }
    }

    /// Returns the clock, which continues from a loaded state.
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
                // At the rate that was stored, so that no transition that was already visible is in the future again.
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

/// The state file and its content, if there is one.
type Opened = (Option<Arc<dyn Store>>, Option<Loaded>);

impl Emulator {
    /// Starts an emulator with the defaults: in memory, in real time, on a free port of the loopback address.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Returns a builder for an emulator with other settings.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }
}
