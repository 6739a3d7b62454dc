//! Tests how the client handles faults: a table of faults and calls.
//!
//! Every fault persists, so the table shows the number of attempts, the delays between them (on a manual clock), and
//! the error that the user finally gets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::fmt::Write as _;
use std::time::Duration;

use modelarts::devenviron::types::{CreateNotebookRequest, VolumeReq};
use modelarts::{Credentials, ManualClock, ModelArts};
use modelarts_test_support::server::{Nobody, Recorded, Reply, Server};
use modelarts_tests::snapshots::Snapshots;
use serde_json::{Value, json};

const NOTEBOOK: &str = "5d0a1c1e-8a3b-4f39-9f4e-6a3a1f0b7c55";
const JSON: (&str, &str) = ("content-type", "application/json");
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// A fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    ThrottledForSeconds,
    ThrottledUntilDate,
    Throttled,
    InternalError,
    BadGatewayHtml,
    Unavailable,
    GatewayTimeout,
    Refused,
    ResetBeforeHeaders,
    ResetAfterHeaders,
    HalfBody,
    SlowBody,
    PlainText,
    HtmlPage,
    Empty,
    UnknownValue,
    ExtraField,
}

const FAULTS: [(Fault, &str); 17] = [
    (Fault::ThrottledForSeconds, "429, Retry-After in seconds"),
    (Fault::ThrottledUntilDate, "429, Retry-After as a date"),
    (Fault::Throttled, "429, no Retry-After"),
    (Fault::InternalError, "500"),
    (Fault::BadGatewayHtml, "502, HTML"),
    (Fault::Unavailable, "503"),
    (Fault::GatewayTimeout, "504, empty"),
    (Fault::Refused, "connection refused"),
    (Fault::ResetBeforeHeaders, "reset before the headers"),
    (Fault::ResetAfterHeaders, "reset after the headers"),
    (Fault::HalfBody, "half a body"),
    (Fault::SlowBody, "a body that stalls"),
    (Fault::PlainText, "200, JSON called text/plain"),
    (Fault::HtmlPage, "200, an HTML page"),
    (Fault::Empty, "200, empty"),
    (Fault::UnknownValue, "200, unknown enum value"),
    (Fault::ExtraField, "200, extra field"),
];

const CALLS: [&str; 5] = ["get", "list", "create", "start", "delete"];

/// The response without the fault.
fn good(request: &Recorded) -> Value {
    let notebook = json!({"id": NOTEBOOK, "name": "train-bert", "status": "RUNNING"});
    let is_list = request.method == "GET" && request.path().ends_with("/notebooks");
    match is_list {
        true => json!({"data": [notebook], "total": 1, "pages": 1, "size": 1, "current": 0}),
        false => notebook,
    }
}

/// The first notebook of a response.
fn notebook(response: &mut Value) -> &mut Value {
    match response.get("data") {
        Some(_) => &mut response["data"][0],
        None => response,
    }
}

impl Fault {
    fn reply(self, request: &Recorded, clock: &ManualClock) -> Reply {
        let mut response = good(request);
        let text = response.to_string();
        let half = &text[..text.len() / 2];
        let promising = || Reply::promising(200, &[JSON], text.len());
        let throttled = |headers: &[(&str, &str)]| {
            let body = json!({
                "error_code": "ModelArts.6101",
                "error_msg": "Pause requests, wait up to one minute.",
            });
            Reply::new(429, &[&[JSON], headers].concat(), body.to_string())
        };
        let failed = |status, message| {
            let headers = [JSON, ("x-request-id", "req-4711")];
            Reply::new(status, &headers, json!({"error_msg": message}).to_string())
        };
        let html = |status| {
            let page = "<html><body><h1>Bad gateway</h1></body></html>";
            Reply::new(status, &[("content-type", "text/html")], page)
        };
        match self {
            Self::ThrottledForSeconds => throttled(&[("retry-after", "7")]),
            // The clock of the test starts at 08:15:00.
            Self::ThrottledUntilDate => {
                throttled(&[("retry-after", "Mon, 03 Nov 2025 08:15:30 GMT")])
            }
            Self::Throttled => throttled(&[]),
            Self::InternalError => failed(500, "Something broke."),
            Self::BadGatewayHtml => html(502),
            Self::Unavailable => failed(503, "Come back later."),
            Self::GatewayTimeout => Reply::new(504, &[], ""),
            Self::Refused => unreachable!("nobody listens"),
            Self::ResetBeforeHeaders => Reply::raw("").then_reset(),
            Self::ResetAfterHeaders => promising().then_reset(),
            Self::HalfBody => promising().and(half),
            Self::SlowBody => {
                let clock = clock.clone();
                promising()
                    .and(half)
                    .then_stall(move || clock.advance(ATTEMPT_TIMEOUT))
            }
            Self::PlainText => Reply::new(200, &[("content-type", "text/plain")], text),
            Self::HtmlPage => html(200),
            Self::Empty => Reply::new(200, &[JSON], ""),
            Self::UnknownValue => {
                notebook(&mut response)["status"] = "HIBERNATING".into();
                Reply::json(200, &response)
            }
            Self::ExtraField => {
                notebook(&mut response)["added_later"] = json!({"any": ["thing"]});
                Reply::json(200, &response)
            }
        }
    }

    /// Whether the service certainly did not carry out the request, so even a creation is retried.
    fn left_nothing_behind(self) -> bool {
        matches!(
            self,
            Self::ThrottledForSeconds | Self::ThrottledUntilDate | Self::Throttled | Self::Refused
        )
    }
}

/// The outcome of one call.
struct Outcome {
    attempts: usize,
    sleeps: Vec<Duration>,
    result: Result<String, modelarts::Error>,
}

/// Makes a call whose first `times` attempts fail with the fault.
async fn run(fault: Fault, call: &str, times: usize) -> Outcome {
    let clock = ManualClock::default();
    let server = Server::start({
        let clock = clock.clone();
        move |request, before| match before < times {
            true => fault.reply(request, &clock),
            false => Reply::json(200, good(request)),
        }
    });
    let nobody = Nobody::new();
    let client = ModelArts::builder()
        .endpoint(match fault {
            Fault::Refused => nobody.url(),
            _ => server.url.clone(),
        })
        .project_id("p1")
        .credentials(Credentials::token("00000000-0000-0000-0000-000000000000"))
        .attempt_timeout(ATTEMPT_TIMEOUT)
        .clock(clock.clone())
        .rng_seed(1)
        .build()
        .await
        .unwrap();
    let result = perform(&client, call).await;
    let attempts = match (&result, fault) {
        (Err(error), Fault::Refused) => error.attempts() as usize,
        _ => server.take().len(),
    };
    if let Err(error) = &result {
        assert_eq!(error.attempts() as usize, attempts, "{fault:?} {call}");
    }
    Outcome {
        attempts,
        sleeps: clock.sleeps(),
        result,
    }
}

async fn perform(client: &ModelArts, call: &str) -> Result<String, modelarts::Error> {
    let notebooks = client.notebooks();
    let notebook = match call {
        "get" => notebooks.show(NOTEBOOK).await?,
        "list" => {
            let page = notebooks.list().send().await?;
            page.data.unwrap().remove(0)
        }
        "create" => {
            let request = CreateNotebookRequest::builder()
                .name("train-bert")
                .flavor("modelarts.vm.cpu.2u")
                .image_id("c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11")
                .volume(VolumeReq::builder().category("EFS").ownership("MANAGED"));
            notebooks.create(&request.build().unwrap()).await?
        }
        "start" => notebooks.start(NOTEBOOK).await?,
        "delete" => notebooks.delete(NOTEBOOK).await?,
        other => panic!("no such call: {other}"),
    };
    let status = notebook.status.as_ref();
    Ok(match status {
        Some(status) => format!("ok, {status}"),
        None => "ok, without a body".to_owned(),
    })
}

/// The predicates that are true for an error.
fn yes(error: &modelarts::Error) -> String {
    let responses = [
        ("throttled", error.is_throttled()),
        ("retryable", error.is_retryable()),
        ("outcome unknown", error.is_outcome_unknown()),
        ("timeout", error.is_timeout()),
        ("connect", error.is_connect()),
        ("decode", error.is_decode()),
    ];
    let yes = responses.iter().filter(|(_, yes)| *yes);
    yes.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Removes error numbers, which differ between systems, and ports, which differ between runs.
fn without_numbers(text: &str) -> String {
    let text = match text.split_once(" (os error ") {
        Some((before, after)) => {
            let rest = after.split_once(')').map_or("", |(_, rest)| rest);
            format!("{before}{rest}")
        }
        None => text.to_owned(),
    };
    let Some((before, after)) = text.split_once("host 127.0.0.1:") else {
        return text;
    };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{before}host 127.0.0.1:…{rest}")
}

fn row(fault: &str, call: &str, outcome: Outcome) -> String {
    let pauses = outcome.sleeps.iter().map(Duration::as_secs_f64);
    let pauses: Vec<_> = pauses.map(|pause| format!("{pause:.3}")).collect();
    let (pauses, attempts) = (pauses.join(" "), outcome.attempts);
    let (result, yes) = match outcome.result {
        Ok(result) => (result, String::new()),
        Err(error) => (without_numbers(&error.to_string()), yes(&error)),
    };
    let row = format!("{fault:<28} {call:<7} {attempts:>8}  {pauses:<27}  {yes:<26}  {result}");
    row.trim_end().to_owned()
}

#[tokio::test]
async fn every_fault_of_every_call_matches_the_snapshot() {
    let mut table = format!(
        "{:<28} {:<7} {:>8}  {:<27}  {:<26}  outcome\n",
        "fault", "call", "attempts", "pauses in seconds", "questions answered with yes"
    );
    for (fault, name) in FAULTS {
        table.push('\n');
        for call in CALLS {
            let outcome = run(fault, call, usize::MAX).await;
            writeln!(table, "{}", row(name, call, outcome)).unwrap();
        }
    }
    let mut snapshots = Snapshots::in_folder("faults");
    snapshots.assert("matrix", &table);
    snapshots.finish();
}

#[tokio::test]
async fn a_creation_is_retried_only_if_it_was_not_carried_out() {
    for (fault, name) in FAULTS {
        let outcome = run(fault, "create", usize::MAX).await;
        let repeated = outcome.attempts > 1;
        assert_eq!(repeated, fault.left_nothing_behind(), "{name}");
    }
}

/// A retried call succeeds once the fault is gone; other calls fail.
#[tokio::test]
async fn a_retried_call_succeeds_after_a_transient_fault() {
    for (fault, name) in FAULTS {
        if fault == Fault::Refused {
            continue;
        }
        for call in CALLS {
            let persistent = run(fault, call, usize::MAX).await;
            let passing = run(fault, call, 1).await;
            let retried = persistent.attempts > 1;
            let fine = persistent.result.is_ok();
            assert_eq!(passing.result.is_ok(), retried || fine, "{name}, {call}");
            assert_eq!(passing.attempts, 1 + usize::from(retried), "{name}, {call}");
        }
    }
}
