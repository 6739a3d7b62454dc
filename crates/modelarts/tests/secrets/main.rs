//! Nothing secret shows up in `Debug`, `Display` or tracing.
//!
//! A process of its own: while calls of other tests run on other threads, `tracing` may not notice in time that one
//! thread listens.
#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap as tests do"
)]
#![allow(unreachable_pub, reason = "modules of one binary")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../it/support.rs"]
mod support;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use modelarts::{AccessKey, Credentials, Login, ManualClock};
use support::{Asked, Reply, Server, json, with};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const SECRETS: [&str; 6] = [
    "t0p-s3cret-password",
    "t0p-s3cret-key",
    "t0p-s3cret-security-token",
    "t0p-s3cret-issued",
    "t0p-s3cret-notebook",
    "t0p-s3cret-url",
];

/// Writes down everything at every level, from every crate underneath.
#[derive(Clone, Default)]
struct Ears(Arc<Mutex<String>>);

impl Visit for Ears {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0.lock().unwrap(), " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Ears {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        write!(self.0.lock().unwrap(), "\n{}", span.metadata().name()).unwrap();
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push('\n');
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Repeats whatever it was told, and puts its own secrets into every answer.
fn indiscreet(asked: &Asked, n: usize) -> Reply {
    let told: String = asked
        .headers
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    let told = told + &asked.body;
    let error = serde_json::json!({"error_code": "ModelArts.0211", "error_msg": told}).to_string();
    let notebook = r#"{"id": "n1", "status": "RUNNING", "token": "t0p-s3cret-notebook", "url": "https://t0p-s3cret-url"}"#;
    match (asked.target.as_str(), n % 4) {
        ("/v3/auth/tokens", 0) => json(503, &error),
        ("/v3/auth/tokens", _) => with(
            json(201, r#"{"token": {"project": {"id": "p1"}}}"#),
            "x-subject-token",
            "t0p-s3cret-issued",
        ),
        (_, 0) => json(200, notebook),
        (_, 1) => json(500, &error),
        (_, 2) => json(
            200,
            &notebook.replace("\"RUNNING\"", "{\"t0p-s3cret-url\": 1}"),
        ),
        _ => json(400, &error),
    }
}

#[tokio::test]
async fn neither_debug_nor_display_nor_tracing_tells() {
    let ears = Ears::default();
    let _guard = tracing::subscriber::set_default(ears.clone());
    let key = AccessKey::new("AK", "t0p-s3cret-key").security_token("t0p-s3cret-security-token");
    let login = Login::new("trainer", "t0p-s3cret-password").domain_name("nlp");
    let mut shown = String::new();
    for credentials in [
        Credentials::access_key(key),
        Credentials::password(login),
        Credentials::token("t0p-s3cret-issued"),
    ] {
        let server = Server::start(indiscreet).await;
        let builder = server
            .builder(&ManualClock::default())
            .credentials(credentials.clone());
        writeln!(shown, "{credentials:?} {builder:?}").unwrap();
        let client = match builder.build().await {
            Ok(client) => client,
            // The first sign-in met the repetition of the password.
            Err(error) => {
                writeln!(shown, "{error} {error:#?} {:?}", error.body_excerpt()).unwrap();
                let retry = server
                    .builder(&ManualClock::default())
                    .credentials(credentials);
                retry.build().await.unwrap()
            }
        };
        writeln!(shown, "{client:?} {:?}", client.devenviron()).unwrap();
        let mut errors = 0;
        for _ in 0..8 {
            match client.notebooks().show("n1").await {
                Ok(notebook) => writeln!(shown, "{notebook:#?}").unwrap(),
                Err(error) => {
                    errors += 1;
                    writeln!(
                        shown,
                        "{error} {error:#?} {:?}",
                        std::error::Error::source(&error)
                    )
                    .unwrap();
                }
            }
            let answer = client
                .call("showNotebook", &[("id", "n1")], &[], None)
                .await;
            writeln!(shown, "{answer:?}").unwrap();
        }
        assert!(errors > 0);
    }
    let traced = ears.0.lock().unwrap().clone();
    for part in [
        "operation=\"showNotebook\"",
        "number=2",
        "status=500",
        "millis=",
    ] {
        assert!(traced.contains(part), "{part} is not traced");
    }
    for secret in SECRETS {
        for (what, text) in [("shown", &shown), ("traced", &traced)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} is {what}");
        }
    }
}
