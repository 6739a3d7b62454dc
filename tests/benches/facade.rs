//! What the facade costs beside what nobody can do without: CPU time, in ratios.
//!
//! For a profiler, `--profile WHAT N` does one thing N times and nothing else: `call` and `decode` (a page of 100) as
//! the facade does them, `bare-call` and `bare-decode` without it, and `sign`. The difference of two numbers leaves
//! out what is done once:
//!
//! ```console
//! $ bench=$(cargo bench -p modelarts-tests --bench facade --no-run 2>&1 | sed -n 's/.*(\(.*\))/\1/p')
//! $ valgrind --tool=callgrind --separate-threads=yes --callgrind-out-file=out $bench --profile call 1000
//! $ grep -h ^totals: out-01
//! ```

#![allow(clippy::unwrap_used, reason = "nothing is to be saved here")]

use std::hint::black_box;

use hmac::{Hmac, KeyInit, Mac};
use modelarts::devenviron::types::NotebookList;
use modelarts::jiff::Timestamp;
use modelarts::signing::{Signable, Signature, SigningKey, format_date, sign};
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
    if let Some(at) = arguments.iter().position(|it| it == "--profile") {
        return profile(
            &arguments[at + 1],
            arguments[at + 2].parse().unwrap(),
            &notebooks,
        );
    }
    stay_on_one_core();
    let table = Table::new("Facade: CPU time, ours to bare");
    call(&table, &notebooks);
    signing(&table);
    decoding(&table, &notebooks, 100, 41, 20);
    decoding(&table, &notebooks, 1000, 41, 2);
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

/// Does one thing only.
fn profile(what: &str, number: usize, notebooks: &Notebooks) {
    let one = notebooks.one();
    let page = notebooks.page(100);
    let server = BenchServer::start(move |_, body| body.extend_from_slice(&one));
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let bare = Bare::limited(&server);
    let client = runtime.block_on(facade(&server));
    let request = RequestToSign::new();
    for _ in 0..number {
        match what {
            "call" => drop(runtime.block_on(client.notebooks().show(ID)).unwrap()),
            "bare-call" => drop(runtime.block_on(bare.show())),
            "decode" => drop(serde_json::from_slice::<NotebookList>(&page).unwrap()),
            "bare-decode" => drop(serde_json::from_slice::<plain::NotebookList>(&page).unwrap()),
            "sign" => drop(black_box(request.sign())),
            other => panic!("unknown profile {other}"),
        }
    }
}

const SECRET: &str = "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc";

/// A request of 1 KiB with a query.
struct RequestToSign {
    key: SigningKey,
    now: Timestamp,
    date: String,
    path: String,
}

impl RequestToSign {
    const BODY: [u8; 1024] = [b'x'; 1024];

    fn new() -> Self {
        let now = "2025-11-03T08:15:00Z".parse().unwrap();
        Self {
            key: SigningKey::new("QTWAOYTTINDUT2QVKYUC", &SECRET.into()),
            now,
            date: format_date(now),
            path: format!("/v1/{PROJECT}/notebooks/{ID}/storage"),
        }
    }

    fn sign(&self) -> Signature {
        let request = Signable {
            method: "POST",
            path: &self.path,
            query: "offset=0&limit=50",
            headers: &[
                ("accept", "application/json"),
                ("content-type", "application/json"),
                ("host", "modelarts.eu-de.otc.t-systems.com"),
                ("x-project-id", PROJECT),
                ("x-sdk-date", &self.date),
            ],
            body: &Self::BODY,
        };
        sign(
            &self.key,
            &format_date(black_box(self.now)),
            black_box(&request),
        )
    }
}

fn signing(table: &Table) {
    let request = RequestToSign::new();
    let signature = request.sign();
    let keyed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    let ours = || request.sign();
    let bare = || {
        let payload = Sha256::digest(black_box(RequestToSign::BODY));
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
