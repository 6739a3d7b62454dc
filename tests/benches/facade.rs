//! What the facade costs beside what nobody can do without: CPU time, in ratios.
//!
//! With `--calls facade N` or `--calls bare N` it makes N calls one way and nothing else, for a profiler. The difference of
//! two numbers of calls leaves out what is done once:
//!
//! ```console
//! $ bench=$(cargo bench -p modelarts-tests --bench facade --no-run 2>&1 | sed -n 's/.*(\(.*\))/\1/p')
//! $ valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file=out $bench --calls facade 1000
//! $ grep -h ^totals: out-01
//! ```

#![allow(clippy::unwrap_used, reason = "nothing is to be saved here")]

use std::hint::black_box;

use hmac::{Hmac, KeyInit, Mac};
use modelarts::devenviron::types::NotebookList;
use modelarts::signing::{Signable, SigningKey, format_date, sign};
use modelarts_test_support::BenchServer;
use modelarts_tests::bench::callers::{Bare, ID, PROJECT, facade};
use modelarts_tests::bench::measure::{Comparison, compare, stay_on_one_core};
use modelarts_tests::bench::pages::Notebooks;
use modelarts_tests::bench::plain;
use modelarts_tests::bench::table::{Aim, Table, short};
use sha2::{Digest, Sha256};
use tokio::runtime::Builder;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let notebooks = Notebooks::documented();
    if let Some(at) = arguments.iter().position(|it| it == "--calls") {
        let (who, number) = (&arguments[at + 1], arguments[at + 2].parse().unwrap());
        return calls(who, number, &notebooks);
    }
    stay_on_one_core();
    let table = Table::new("Facade: CPU time, ours to bare");
    call(&table, &notebooks);
    signing(&table);
    decoding(&table, &notebooks, 100, 41, 20);
    decoding(&table, &notebooks, 10_000, 21, 1);
}

fn row(table: &Table, figure: &str, aim: Aim, comparison: Comparison) {
    let (ours, bare) = (short(comparison.ours), short(comparison.bare));
    table.row(figure, aim, comparison.ratio, format!("{ours} to {bare}"));
}

fn call(table: &Table, notebooks: &Notebooks) {
    let one = notebooks.one();
    let server = BenchServer::start(move |_, body| body.extend_from_slice(&one));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let client = runtime.block_on(facade(&server));
    let figure = "a call, to reqwest with the same body and type";
    for (figure, aim, bare) in [
        (figure.to_owned(), Aim::AtMost(1.05), Bare::new(&server)),
        (
            format!("{figure} and a time limit"),
            Aim::None,
            Bare::limited(&server),
        ),
    ] {
        let comparison = compare(
            101,
            100,
            || runtime.block_on(client.notebooks().show(ID)).unwrap(),
            || runtime.block_on(bare.show()),
        );
        row(table, &figure, aim, comparison);
    }
}

/// Calls of one kind only.
fn calls(who: &str, number: usize, notebooks: &Notebooks) {
    let one = notebooks.one();
    let server = BenchServer::start(move |_, body| body.extend_from_slice(&one));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let bare = Bare::limited(&server);
    let client = runtime.block_on(facade(&server));
    for _ in 0..number {
        match who {
            "facade" => drop(runtime.block_on(client.notebooks().show(ID)).unwrap()),
            _ => drop(runtime.block_on(bare.show())),
        }
    }
}

fn signing(table: &Table) {
    let secret = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc";
    let key = SigningKey::new("QTWAOYTTINDUT2QVKYUC", &secret.into());
    let now = "2025-11-03T08:15:00Z".parse().unwrap();
    let date = format_date(now);
    let path = format!("/v1/{PROJECT}/notebooks/{ID}/storage");
    let headers = [
        ("accept", "application/json"),
        ("content-type", "application/json"),
        ("host", "modelarts.eu-de.otc.t-systems.com"),
        ("x-project-id", PROJECT),
        ("x-sdk-date", &date),
    ];
    let request = Signable {
        method: "POST",
        path: &path,
        query: "offset=0&limit=50",
        headers: &headers,
        body: &[b'x'; 1024],
    };
    let signature = sign(&key, &date, &request);
    let keyed = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let ours = || sign(&key, &format_date(black_box(now)), black_box(&request));
    let bare = || {
        let payload = Sha256::digest(black_box(request.body));
        let canonical = Sha256::digest(black_box(&signature.canonical_request));
        let mut mac = keyed.clone();
        mac.update(black_box(signature.string_to_sign.as_bytes()));
        (payload, canonical, mac.finalize().into_bytes())
    };
    row(
        table,
        "signing a request of 1 KiB, to its SHA-256 and HMAC",
        Aim::AtMost(1.5),
        compare(101, 1000, ours, bare),
    );
}

fn decoding(table: &Table, notebooks: &Notebooks, length: usize, rounds: usize, pages: u32) {
    let page = notebooks.page(length);
    let ours = || serde_json::from_slice::<NotebookList>(black_box(&page)).unwrap();
    let bare = || serde_json::from_slice::<plain::NotebookList>(black_box(&page)).unwrap();
    row(
        table,
        &format!("decoding {length} notebooks, to types written by hand"),
        Aim::AtMost(1.1),
        compare(rounds, pages, ours, bare),
    );
}
