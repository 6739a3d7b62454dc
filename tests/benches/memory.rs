//! The allocations of the facade. Separate from the other benchmarks, since counting takes time.

#![allow(clippy::unwrap_used, reason = "nothing is to be saved here")]

use std::alloc::System;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use futures::TryStreamExt;
use modelarts::{Credentials, ModelArts};
use modelarts_emulator::{Emulator, Fixtures};
use modelarts_test_support::BenchServer;
use modelarts_tests::bench::callers::{Bare, ID, facade};
use modelarts_tests::bench::pages::Notebooks;
use modelarts_tests::bench::table::{Aim, Table};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::Builder;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Set in the processes that run the emulator, whose allocations must not count.
const SERVE: &str = "MODELARTS_BENCH_SERVE";

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    if let Ok(instances) = std::env::var(SERVE) {
        return runtime.block_on(serve(instances.parse().unwrap()));
    }
    runtime.block_on(async {
        let table = Table::new("Facade: memory");
        call(&table).await;
        stream(&table).await;
    });
}

async fn call(table: &Table) {
    let one = Notebooks::documented().one();
    let server = BenchServer::start(move |_, body| body.extend_from_slice(&one));
    let client = facade(&server).await;
    let bare = Bare::new(&server);
    let ours = allocations(async || drop(client.notebooks().show(ID).await.unwrap())).await;
    let theirs = allocations(async || drop(bare.show().await)).await;
    table.row(
        "additional allocations of a call, to reqwest",
        Aim::AtMost(30.0),
        ours - theirs,
        format!("{ours:.1} and {theirs:.1}"),
    );
}

/// The average number of allocations per call. Growing an allocation counts too.
async fn allocations(call: impl AsyncFn()) -> f64 {
    const CALLS: u16 = 1000;
    for _ in 0..CALLS {
        call().await;
    }
    let region = Region::new(GLOBAL);
    for _ in 0..CALLS {
        call().await;
    }
    let change = region.change();
    (change.allocations + change.reallocations) as f64 / f64::from(CALLS)
}

async fn stream(table: &Table) {
    let few = peak(1_000).await;
    let many = peak(100_000).await;
    table.row(
        "peak memory of streaming 100,000 notebooks from the emulator, to 1,000",
        Aim::AtMost(1.1),
        many / few,
        format!("{:.0} KiB to {:.0} KiB", many / 1024.0, few / 1024.0),
    );
}

/// The peak number of allocated bytes while a list of this length is streamed.
async fn peak(length: usize) -> f64 {
    let server = Served::start(length);
    let builder = ModelArts::builder()
        .endpoint(&server.url)
        .project_id(&server.project)
        .credentials(Credentials::token(server.token.as_str()));
    let client = builder.build().await.unwrap();
    let before = live();
    let mut items = client.notebooks().list().items();
    let (mut count, mut peak) = (0, 0);
    while let Some(notebook) = items.try_next().await.unwrap() {
        peak = peak.max(live().saturating_sub(before));
        count += usize::from(notebook.id.is_some());
    }
    assert_eq!(count, length);
    peak as f64
}

/// An emulator in a separate process, which is stopped on drop.
struct Served {
    process: Child,
    url: String,
    project: String,
    token: String,
}

impl Served {
    fn start(instances: usize) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .env(SERVE, instances.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut next = || lines.next().unwrap().unwrap();
        let (url, project, token) = (next(), next(), next());
        Self {
            process,
            url,
            project,
            token,
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The emulator exits when its input ends.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

async fn serve(instances: usize) {
    let fixtures = json!({"instances": [{"name": "bench", "count": instances, "duration": -1}]});
    let fixtures: Fixtures = serde_json::from_value(fixtures).unwrap();
    let emulator = Emulator::builder()
        .fixtures(fixtures)
        .start()
        .await
        .unwrap();
    println!("{}", emulator.base_url());
    println!("{}", emulator.project_id());
    println!("{}", emulator.token().expose());
    let input = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    input.await.unwrap().unwrap();
}

fn live() -> usize {
    let stats = GLOBAL.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
