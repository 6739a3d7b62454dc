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

use modelarts::{AccessKey, Credentials, Login, ManualClock};
use modelarts_test_support::capture::Capture;
use support::{Clients, Recorded, Reply, Server, json, with};

const SECRETS: [&str; 6] = [
    "t0p-s3cret-password",
    "t0p-s3cret-key",
    "t0p-s3cret-security-token",
    "t0p-s3cret-issued",
    "t0p-s3cret-notebook",
    "t0p-s3cret-url",
];

/// Repeats whatever it was sent, and puts its own secrets into every response.
fn indiscreet(request: &Recorded, n: usize) -> Reply {
    let values = request.headers.iter().map(|(_, value)| value.as_str());
    let echo = values.collect::<String>() + &request.body;
    let error = serde_json::json!({"error_code": "ModelArts.0211", "error_msg": echo}).to_string();
    let notebook = r#"{"id": "n1", "status": "RUNNING", "token": "t0p-s3cret-notebook", "url": "https://t0p-s3cret-url"}"#;
    match (request.target.as_str(), n % 4) {
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
    let capture = Capture::start();
    let key = AccessKey::new("AK", "t0p-s3cret-key").security_token("t0p-s3cret-security-token");
    let login = Login::new("trainer", "t0p-s3cret-password").domain_name("nlp");
    let mut shown = String::new();
    for credentials in [
        Credentials::access_key(key),
        Credentials::password(login),
        Credentials::token("t0p-s3cret-issued"),
    ] {
        let server = Server::start(indiscreet);
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
            let response = client.call("showNotebook").path("id", "n1").send().await;
            writeln!(shown, "{response:?}").unwrap();
        }
        assert!(errors > 0);
    }
    let traced = capture.lines().join("\n");
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
