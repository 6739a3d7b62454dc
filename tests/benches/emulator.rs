//! The cost of the emulator compared with a handler that sends prepared responses.
//!
//! Shares compare the number of requests per second of the server's CPU time, so neither the load generator nor other
//! load on the machine counts. Requests per second and latencies, which depend on both, are shown beside them.

#![allow(clippy::unwrap_used, reason = "nothing is to be saved here")]

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use modelarts_client::devenviron::types::NotebookList;
use modelarts_emulator::{Emulator, Fixtures};
use modelarts_tests::bench::host::Host;
use modelarts_tests::bench::load::{Connections, Request};
use modelarts_tests::bench::measure::{median, stay_on_one_core};
use modelarts_tests::bench::table::{Aim, Table, short};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

const FEW: usize = 100;
const MANY: usize = 100_000;
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 21;

fn main() {
    stay_on_one_core();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let table = Table::new("Emulator: requests per second of CPU time, ours to bare");
        let aims = [Aim::AtLeast(0.8), Aim::AtLeast(0.7)];
        measure(&table, "in memory", aims, None).await;
        let files = [StateFile::new("few"), StateFile::new("many")];
        let aims = [Aim::AtLeast(0.5), Aim::None];
        measure(&table, "SQLite", aims, Some(&files)).await;
    });
}

async fn measure(
    table: &Table,
    storage: &str,
    [show, list]: [Aim; 2],
    files: Option<&[StateFile; 2]>,
) {
    let mut few = Side::emulator(FEW, files.map(|files| files[0].path())).await;
    let many = Side::emulator(MANY, files.map(|files| files[1].path())).await;
    let bare = Side::bare(&mut few).await;
    let mut sides = [bare, few, many];

    let [bare, few, many] = compete(&mut sides, |side| &side.show, 64).await;
    for (number, ours) in [(FEW, &few), (MANY, &many)] {
        let figure = format!("show, {number} instances, {storage}: share of bare");
        table.row(&figure, show, ours.share_of(&bare), Pair(ours, &bare));
    }

    let memory = resident();
    let [bare, few, many] = compete(&mut sides, |side| &side.list, 8).await;
    for (number, ours) in [(FEW, &few), (MANY, &many)] {
        let figure = format!("list of 50, {number} instances, {storage}: share of bare");
        table.row(&figure, list, ours.share_of(&bare), Pair(ours, &bare));
    }
    let figure = format!("list of 50, {storage}: cost at {MANY} to {FEW} instances");
    let cost = few.share_of(&many);
    table.row(&figure, Aim::AtMost(2.0), cost, Pair(&many, &few));
    if let (Some(before), Some(after)) = (memory, resident()) {
        let figure = format!("memory, {storage}: after the lists to before");
        let details = format!("{after:.0} MiB to {before:.0} MiB");
        table.row(&figure, Aim::AtMost(1.05), after / before, details);
    }
}

/// Sends the same requests to all servers in turn, `times` on each connection in a round.
async fn compete(
    sides: &mut [Side; 3],
    request: fn(&Side) -> &Request,
    times: usize,
) -> [Figures; 3] {
    let mut figures: [Figures; 3] = Default::default();
    for round in 0..=ROUNDS {
        for (side, figures) in sides.iter_mut().zip(&mut figures) {
            let request = request(side).clone();
            let before = side.host.cpu_time().await;
            let taken = side.connections.round(&request, times).await;
            let cpu = side.host.cpu_time().await - before;
            // The first round fills caches.
            if round > 0 {
                let requests = taken.latencies.len() as f64;
                figures.cpu.push(cpu.as_secs_f64() / requests);
                figures.rates.push(requests / taken.wall.as_secs_f64());
                figures.latencies.extend(taken.latencies);
            }
        }
    }
    for figures in &mut figures {
        figures.latencies.sort_unstable();
    }
    figures
}

/// A server under load.
struct Side {
    host: Host<Address>,
    connections: Connections,
    show: Request,
    list: Request,
}

/// The address of a server and the path of the request.
#[derive(Clone)]
struct Address {
    url: String,
    notebooks: String,
    token: String,
}

impl Address {
    fn request(&self, rest: &str) -> Request {
        Request::get(&format!("{}{rest}", self.notebooks), &self.token)
    }
}

impl Side {
    async fn emulator(instances: usize, file: Option<&Path>) -> Self {
        let fixtures =
            json!({"instances": [{"name": "bench", "count": instances, "duration": -1}]});
        let fixtures: Fixtures = serde_json::from_value(fixtures).unwrap();
        let mut builder = Emulator::builder().rng_seed(7).fixtures(fixtures);
        if let Some(file) = file {
            builder = builder.data(file);
        }
        let host = Host::start(|| async {
            let emulator = builder.start().await.unwrap();
            let address = Address {
                url: emulator.base_url().to_owned(),
                notebooks: format!("/v1/{}/notebooks", emulator.project_id()),
                token: emulator.token().expose().to_owned(),
            };
            (address, emulator)
        })
        .await;
        let mut connections = Connections::open(&host.server.url, CONNECTIONS).await;
        let list = host
            .server
            .request(&format!("?limit=50&offset={}", instances / 2));
        let page: NotebookList = serde_json::from_slice(&connections.body(&list).await).unwrap();
        let page = page.data.unwrap();
        assert_eq!(page.len(), 50);
        let show = host
            .server
            .request(&format!("/{}", page[0].id.as_ref().unwrap()));
        Self {
            host,
            connections,
            show,
            list,
        }
    }

    /// A server that responds to the same requests with prepared bytes.
    async fn bare(other: &mut Self) -> Self {
        let show = ready(other.connections.body(&other.show).await);
        let list = ready(other.connections.body(&other.list).await);
        let router = Router::new()
            .route("/v1/{project_id}/notebooks/{id}", get(async || show))
            .route("/v1/{project_id}/notebooks", get(async || list));
        let mut address = other.host.server.clone();
        let host = Host::start(|| async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.url = format!("http://{}", listener.local_addr().unwrap());
            let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
            let serving = tokio::spawn(axum::serve(listener, router).into_future());
            (address, serving)
        })
        .await;
        Self {
            connections: Connections::open(&host.server.url, CONNECTIONS).await,
            host,
            show: other.show.clone(),
            list: other.list.clone(),
        }
    }
}

type ReadyResponse = ([(http::HeaderName, &'static str); 1], Bytes);

fn ready(body: Vec<u8>) -> ReadyResponse {
    ([(CONTENT_TYPE, "application/json")], body.into())
}

/// The measurements of one server.
#[derive(Default)]
struct Figures {
    /// CPU time per request in seconds, by round.
    cpu: Vec<f64>,
    /// Requests per second, by round.
    rates: Vec<f64>,
    /// Latencies of all requests, ascending.
    latencies: Vec<Duration>,
}

impl Figures {
    fn share_of(&self, other: &Self) -> f64 {
        let rounds = self.cpu.iter().zip(&other.cpu);
        median(rounds.map(|(ours, other)| other / ours).collect())
    }

    fn latency(&self, percent: usize) -> String {
        short(self.latencies[self.latencies.len() * percent / 100])
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = short(Duration::from_secs_f64(median(self.cpu.clone())));
        let rate = median(self.rates.clone());
        let (middle, high) = (self.latency(50), self.latency(99));
        write!(f, "CPU {cpu}, {rate:.0}/s, p50 {middle}, p99 {high}")
    }
}

/// The figures behind a ratio.
struct Pair<'a>(&'a Figures, &'a Figures);

impl fmt::Display for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) to ({})", self.0, self.1)
    }
}

/// The resident memory of this process in MiB, if the system reports it.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

/// A state file that is removed on drop.
struct StateFile(PathBuf);

impl StateFile {
    fn new(name: &str) -> Self {
        let unique = format!("modelarts-bench-{}-{name}.db", std::process::id());
        Self(std::env::temp_dir().join(unique))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        for end in ["", "-wal", "-shm"] {
            // The file may not exist.
            let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}
