//! What the facade allocates. Apart from the other benchmarks, since counting takes time.

#![allow(clippy::unwrap_used, reason = "nothing is to be saved here")]

use std::alloc::System;
use std::pin::pin;

use futures::TryStreamExt;
use modelarts_tests::bench::callers::{Bare, ID, facade};
use modelarts_tests::bench::loopback::{Loopback, number};
use modelarts_tests::bench::pages::Notebooks;
use modelarts_tests::bench::table::{Aim, Table};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::runtime::Builder;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let table = Table::new("Facade: memory");
        call(&table).await;
        stream(&table).await;
    });
}

async fn call(table: &Table) {
    let one = Notebooks::documented().one();
    let server = Loopback::start(move |_, body| body.extend_from_slice(&one));
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

/// How often one call allocates, on average. Growing an allocation counts as well.
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
        "peak memory of streaming 100,000 notebooks, to 1,000",
        Aim::AtMost(1.1),
        many / few,
        format!("{:.0} KiB to {:.0} KiB", many / 1024.0, few / 1024.0),
    );
}

/// The most bytes that streaming a list of this length holds at once.
async fn peak(length: usize) -> f64 {
    let notebooks = Notebooks::documented();
    let server = Loopback::start(move |target, body| {
        let offset = number(target, "offset").unwrap_or(0);
        let limit = number(target, "limit").unwrap_or(10);
        notebooks.write_page(body, offset, limit, length);
    });
    let client = facade(&server).await;
    let before = live();
    let mut items = pin!(client.notebooks().list().items());
    let (mut count, mut peak) = (0, 0);
    while let Some(notebook) = items.try_next().await.unwrap() {
        peak = peak.max(live().saturating_sub(before));
        count += usize::from(notebook.id.is_some());
    }
    assert_eq!(count, length);
    peak as f64
}

fn live() -> usize {
    let stats = GLOBAL.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
