//! Neighbours of what has gone wrong before: at each edge, nothing is taken for done, for gone or for final that is not.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{FutureExt, StreamExt, TryStreamExt};
use modelarts::devenviron::types::{CreateImageRequest, CreateNotebookRequest, Notebook};
use modelarts::{
    CallOptions, Clock, Credentials, Error, ErrorClass, Login, ManualClock, ModelArts, RetryPolicy,
};

use crate::support::{Clients, Recorded, Reply, Server, code, json, with};

fn notebook() -> CreateNotebookRequest {
    let request = serde_json::json!({
        "name": "train-bert", "flavor": "modelarts.vm.cpu.2u", "image_id": "i1",
        "volume": {"category": "EFS", "ownership": "MANAGED"},
    });
    serde_json::from_value(request).unwrap()
}

fn image() -> CreateImageRequest {
    let request = serde_json::json!({"name": "bert", "namespace": "team", "tag": "1"});
    serde_json::from_value(request).unwrap()
}

fn status(status: &str) -> Reply {
    json(200, &format!(r#"{{"id": "x1", "status": "{status}"}}"#))
}

/// A response as it goes over the wire, with the length of its body unless that is given.
fn raw(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = match head.contains("content-length") || head.starts_with("HTTP/1.0") {
        true => String::new(),
        false => format!("content-length: {}\r\n", body.len()),
    };
    let head = format!("{head}\r\nconnection: close\r\n{length}\r\n");
    [head.as_bytes(), body].concat()
}

/// A client of a server that always responds with these bytes, without retries.
async fn with_response(bytes: Vec<u8>) -> (Server, ModelArts) {
    let server = Server::start(move |_, _| Reply::raw(bytes.clone()));
    let client = server.client(&ManualClock::default()).await;
    let client = client.with(CallOptions::new().retry_policy(RetryPolicy::off()));
    (server, client)
}

#[tokio::test]
async fn an_id_is_one_segment_of_the_path_or_refused_by_name() {
    let long = "x".repeat(10_000);
    let server = Server::start(|_, _| json(200, "{}"));
    let client = server.client(&ManualClock::default()).await;
    let ids = [
        "ü",
        "机器",
        "a b",
        "a%b",
        "%00",
        "%2F",
        "a+b",
        "a;b",
        "a/b",
        "a?b#c",
        "a\u{200b}",
        "{id}",
        "..x",
        "x..",
        "null",
        "-1",
        "start",
        long.as_str(),
        // Refused.
        "",
        ".",
        "..",
        "..;",
        "..;a=1",
        "%2e%2e%3b",
        "\0",
        "a\0",
        "a\r\nHost: b",
        "all",
        "ALL;x",
        "%61ll",
    ];
    for id in ids {
        let before = server.count();
        let (new, old) = (client.notebooks(), client.instances());
        let calls: [(&str, Result<(), Error>); 5] = [
            ("/v1/p1/notebooks/", new.delete(id).await.map(drop)),
            ("/v1/p1/notebooks/", new.show(id).await.map(drop)),
            (
                "/v1/p1/demanager/instances/",
                old.delete(id).await.map(drop),
            ),
            ("/v1/p1/images/", client.images().delete(id).await.map(drop)),
            (
                "/v1/p1/notebooks/n1/storage/",
                client.storage().unmount("n1", id).await.map(drop),
            ),
        ];
        let mut sent = server.requests().split_off(before).into_iter();
        for (prefix, result) in calls {
            match result {
                Err(error) => assert!(error.is_usage() && error.attempts() == 0, "{id:?}: {error}"),
                Ok(()) => {
                    let target = sent.next().unwrap().target;
                    let segment = target
                        .strip_prefix(prefix)
                        .unwrap_or_else(|| panic!("{target}"));
                    let decoded = percent_encoding::percent_decode_str(segment).decode_utf8();
                    assert_eq!(decoded.unwrap(), id);
                    assert!(!segment.contains(['/', ';', '?', '#', '\\']), "{target}");
                }
            }
        }
        assert!(sent.next().is_none(), "{id:?}");
    }
    let refused = server.requests();
    assert!(
        refused
            .iter()
            .all(|recorded| !recorded.target.contains("..%3B"))
    );
}

#[tokio::test]
async fn no_status_but_a_success_is_one_and_nothing_is_followed() {
    for redirect in [
        "301 M", "302 F", "303 S", "307 T", "308 P", "300 M", "304 N", "305 U",
    ] {
        let bytes = raw(
            &format!("HTTP/1.1 {redirect}\r\nlocation: http://127.0.0.1:1/x"),
            "",
        );
        let (server, client) = with_response(bytes).await;
        for (what, error) in [
            (
                "create",
                client.notebooks().create(&notebook()).await.map(drop),
            ),
            ("stop", client.notebooks().stop("n1").await.map(drop)),
            ("old", client.instances().stop("n1").await.map(drop)),
            ("gone", client.notebooks().ensure_deleted("n1").await),
            ("wait", client.instances().wait_until_deleted("n1").await),
            ("list", client.notebooks().list().collect().await.map(drop)),
        ] {
            let error = error.expect_err(what);
            assert!(
                !error.is_not_found() && !error.is_outcome_unknown(),
                "{what}: {error}"
            );
            assert!(
                !error.is_retryable() && error.is_gateway(),
                "{what}: {error}"
            );
        }
        assert_eq!(server.count(), 6, "{redirect}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_whole_object_is_no_success() {
    let gzip = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xabV\xcaLQ\xb2R\xca3T\xaa\x05\0";
    let ok = "HTTP/1.1 200 OK";
    let odd = [
        raw(ok, "[]"),
        raw(ok, r#"[{"id": "n1", "status": "STOPPED"}]"#),
        raw(ok, r#"["n1"]"#),
        raw(ok, "\u{feff}[]"),
        raw(ok, r#""n1""#),
        raw(ok, r#"{"id": "n1"} {"id": "n2"}"#),
        raw(ok, r#"{"id": "n1"}garbage"#),
        raw(
            "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 0-8/90",
            r#"{"id": "n"#,
        ),
        raw("HTTP/1.1 200 OK\r\ncontent-encoding: gzip", gzip),
        raw("HTTP/1.1 200 OK\r\ncontent-length: 8", r#"{"id": "n1"}"#),
        raw("HTTP/1.0 200 OK", r#"{"id": "n1", "#),
    ];
    for bytes in odd {
        let body_text = String::from_utf8_lossy(&bytes).into_owned();
        let (_server, client) = with_response(bytes).await;
        let error = client.notebooks().show("n1").await.expect_err(&body_text);
        assert!(
            error.is_decode() && !error.is_outcome_unknown(),
            "{body_text}: {error}"
        );
        let error = client.notebooks().stop("n1").await.expect_err(&body_text);
        assert!(error.is_decode(), "{body_text}: {error}");
        assert!(
            client.notebooks().ensure_stopped("n1").await.is_err(),
            "{body_text}"
        );
        assert!(
            client.instances().ensure_stopped("n1").await.is_err(),
            "{body_text}"
        );
        for error in [
            client.instances().stop("n1").await.map(drop),
            client.notebooks().create(&notebook()).await.map(drop),
            client.images().save("n1", &image()).await.map(drop),
        ] {
            assert!(
                error.expect_err(&body_text).is_outcome_unknown(),
                "{body_text}"
            );
        }
    }
    for bytes in [
        raw("HTTP/1.0 200 OK", r#"{"id": "n1"}"#),
        raw(ok, "\u{feff}{\"id\": \"n1\"}"),
        raw(
            "HTTP/1.1 203 Non-Authoritative",
            " {\"id\": \"n1\", \"id2\": 1e400, \"x\": 99999999999999999999} \r\n",
        ),
        raw("HTTP/1.1 206 Partial Content", r#"{"id": "n1"}"#),
    ] {
        let body_text = String::from_utf8_lossy(&bytes).into_owned();
        let (_server, client) = with_response(bytes).await;
        let shown: Result<Notebook, Error> = client.notebooks().show("n1").await;
        match shown {
            Ok(shown) => assert_eq!(shown.id.as_deref(), Some("n1"), "{body_text}"),
            Err(error) => assert!(body_text.contains("1e400"), "{body_text}: {error}"),
        }
    }
}

#[tokio::test]
async fn a_connection_that_ends_early_leaves_the_outcome_unknown() {
    for bytes in [
        b"".to_vec(),
        b"HTTP/1.1 20".to_vec(),
        b"HTTP/1.1 201 Created\r\ncontent-le".to_vec(),
        b"HTTP/1.1 201 Created\r\ncontent-length: 13\r\n\r\n{\"id\": \"n1\"}".to_vec(),
        b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\nc\r\n{\"id\": \"n1\"}\r\n"
            .to_vec(),
        b"HTTP/1.1 201 Created\r\ncontent-length: 12\r\ncontent-length: 9\r\n\r\n{\"id\": \"n1\"}"
            .to_vec(),
        b"\0\0\0\0".to_vec(),
    ] {
        let body_text = String::from_utf8_lossy(&bytes).into_owned();
        let (server, client) = with_response(bytes).await;
        let error = client
            .notebooks()
            .create(&notebook())
            .await
            .expect_err(&body_text);
        assert!(
            error.is_outcome_unknown() && !error.is_not_found(),
            "{body_text}: {error}"
        );
        assert_eq!(server.count(), 1, "{body_text}");
        let error = client
            .notebooks()
            .ensure_deleted("n1")
            .await
            .expect_err(&body_text);
        assert!(!error.is_not_found(), "{body_text}: {error}");
    }
}

#[tokio::test]
async fn an_error_in_a_success_is_one_whoever_wrote_it() {
    for body in [
        r#"{"error_code": "APIGW.0301", "error_msg": "no"}"#,
        r#"{"error": {"code": "APIGW.0301", "message": "no"}}"#,
        r#"{"error": {"code": 401, "message": "no", "title": "Unauthorized"}}"#,
        r#"{"errorCode": "X", "errorMessage": "no", "requestId": "r"}"#,
        r#"{"code": 37, "message": "no"}"#,
        r#"{"error_code": null, "code": "ModelArts.6357", "message": "no"}"#,
        "\u{feff}{\"error_code\": \"ModelArts.6357\", \"error_msg\": \"no\"}",
    ] {
        let server = Server::start(move |_, _| json(200, body));
        let client = server.client(&ManualClock::default()).await;
        for error in [
            client.notebooks().stop("n1").await.map(drop),
            client.notebooks().delete("n1").await.map(drop),
            client.instances().start("n1").await.map(drop),
            client.images().delete("n1").await.map(drop),
            client.storage().unmount("n1", "s1").await.map(drop),
            client.notebooks().ensure_stopped("n1").await.map(drop),
        ] {
            assert!(error.expect_err(body).is_decode(), "{body}");
        }
        assert!(
            client
                .notebooks()
                .create(&notebook())
                .await
                .unwrap_err()
                .is_outcome_unknown()
        );
    }
    for body in [
        r#"{"error_code": null, "error_msg": null}"#,
        r#"{"error_code": 0, "error_msg": "success"}"#,
        r#"{"error_code": "000000", "error_msg": ""}"#,
        r#"{"code": 200, "message": "ok"}"#,
        r#"{"id": "n1", "error_code": "ModelArts.6360", "error_msg": "the last start failed"}"#,
        r#"{"request_id": "r"}"#,
    ] {
        let server = Server::start(move |_, _| json(200, body));
        let client = server.client(&ManualClock::default()).await;
        client.notebooks().stop("n1").await.expect(body);
        client.instances().stop("n1").await.expect(body);
    }
}

#[tokio::test]
async fn another_services_absence_or_half_a_word_is_not_the_resources() {
    for (status, body) in [
        (
            404,
            r#"{"error_code": "IAM.0004", "error_msg": "Could not find project: p1."}"#,
        ),
        (404, r#"{"error": {"code": "IAM.0004", "message": "no"}}"#),
        (404, r#"{"error_code": "ModelArts.6309"} <!-- proxy -->"#),
        (404, r#"[{"error_code": "ModelArts.6309"}]"#),
        (
            404,
            r#"{"error_code": null, "error_msg": "ModelArts.6309"}"#,
        ),
        (404, r#"{"error_code": 0}"#),
        (404, r#"{"error_code": 6309}"#),
        (404, r#"{"error_code": ["ModelArts.6309"]}"#),
        (404, r#"{"error_code": "modelarts.6309"}"#),
        (404, r#"{"error_code": "ModelArts.6309"#),
        (410, "gone"),
        (302, r#"{"error_code": "ModelArts.6309", "error_msg": "x"}"#),
        (503, r#"{"error_code": "ModelArts.6309", "error_msg": "x"}"#),
    ] {
        let server = Server::start(move |_, _| json(status, body));
        let client = server.client(&ManualClock::default()).await;
        let client = client.with(CallOptions::new().retry_policy(RetryPolicy::off()));
        for error in [
            client.notebooks().show("n1").await.map(drop),
            client.notebooks().delete("n1").await.map(drop),
            client.notebooks().ensure_deleted("n1").await,
            client.notebooks().wait_until_deleted("n1").await,
            client.instances().stop_and_delete("n1").await,
            client.storage().wait_until_unmounted("n1", "s1").await,
        ] {
            let error = error.expect_err(body);
            assert!(!error.is_not_found(), "{status} {body}: {error}");
        }
    }
    // The service's own word with a mark before it, under several members.
    for body in [
        "\u{feff}{\"error_code\": \"ModelArts.6309\", \"error_msg\": \"x\"}",
        r#"{"error_code": null, "code": " ModelArts.6309 "}"#,
    ] {
        let server = Server::start(move |_, _| json(404, body));
        let client = server.client(&ManualClock::default()).await;
        client.notebooks().ensure_deleted("n1").await.expect(body);
    }
}

#[tokio::test]
async fn a_sign_in_that_finds_nothing_says_nothing_about_the_resource() {
    for body in [
        r#"{"error": {"code": 404, "message": "Could not find project: p1.", "title": "Not Found"}}"#,
        r#"{"error_code": "IAM.0004", "error_msg": "Could not find user."}"#,
    ] {
        // The first sign-in succeeds; the token ends before the next call.
        let server = Server::start(move |recorded, n| {
            match recorded.target.contains("/auth/tokens") {
                true if n == 0 => {
                    let token = r#"{"token": {"expires_at": "2025-11-03T08:30:00.000000Z", "issued_at": "2025-11-03T08:15:00.000000Z", "methods": ["password"], "project": {"id": "p1", "name": "eu-de"}, "user": {"id": "u1", "name": "u", "domain": {"id": "d1", "name": "d"}}}}"#;
                    with(json(201, token), "x-subject-token", "t0p-s3cret")
                }
                true => json(404, body),
                false => code(401, "APIGW.0301"),
            }
        });
        let clock = ManualClock::default();
        let login = Login::new("u", "Pa55w0rd!").domain_name("d");
        let client = server
            .builder(&clock)
            .credentials(Credentials::password(login));
        let client = client.build().await.unwrap();
        for error in [
            client.notebooks().delete("n1").await.map(drop),
            client.notebooks().ensure_deleted("n1").await,
            client.instances().wait_until_deleted("n1").await,
        ] {
            let error = error.expect_err(body);
            assert!(!error.is_not_found() && error.is_auth(), "{error}");
            assert!(!error.is_outcome_unknown(), "{error}");
        }
    }
}

#[tokio::test]
async fn an_error_of_a_creation_or_a_waiter_says_where_and_under_which_id() {
    let server = Server::start(|recorded, _| match recorded.method.as_str() {
        "POST" => with(json(201, r#"{"name": "x"}"#), "x-request-id", "r-1"),
        _ => status("CREATING"),
    });
    let host = server.url.trim_start_matches("http://").to_owned();
    let client = server.client(&ManualClock::default()).await;
    for error in [
        client.notebooks().create(&notebook()).await.map(drop),
        client.images().save("n1", &image()).await.map(drop),
        client
            .storage()
            .mount("n1", "obs://b/f/", "/data/f/")
            .await
            .map(drop),
    ] {
        let error = error.unwrap_err();
        let of_response = (
            error.status().map(|it| it.as_u16()),
            error.host(),
            error.request_id(),
        );
        assert_eq!(
            of_response,
            (Some(201), Some(host.as_str()), Some("r-1")),
            "{error}"
        );
        assert!(
            error.is_outcome_unknown() && error.operation().is_some(),
            "{error}"
        );
    }
    let waited = [
        client.notebooks().wait_until_running("n1").await.map(drop),
        client.instances().wait_until_stopped("n1").await.map(drop),
        client.images().wait_until_active("n1").await.map(drop),
    ];
    for error in waited {
        let error = error.unwrap_err();
        assert!(
            error.is_wait_timeout() && error.host() == Some(host.as_str()),
            "{error}"
        );
        assert_eq!(error.to_string().matches(&host).count(), 1, "{error}");
    }
}

/// Responds to reads in turn, the last for ever; to an action with success, or not at all.
async fn lagging(reads: &'static [&'static str], respond: bool) -> (Server, ModelArts) {
    let read = Mutex::new(0);
    let server = Server::start(move |recorded, _| match recorded.method.as_str() {
        "GET" => {
            let mut read = read.lock().unwrap();
            *read += 1;
            status(reads[(*read - 1).min(reads.len() - 1)])
        }
        _ if respond => json(200, ""),
        _ => Reply::raw(""),
    });
    let client = server.client(&ManualClock::default()).await;
    let client = client.with(CallOptions::new().retry_policy(RetryPolicy::off()));
    (server, client)
}

fn seen(server: &Server) -> usize {
    server
        .requests()
        .iter()
        .filter(|recorded| recorded.method == "GET")
        .count()
}

#[tokio::test]
async fn a_read_from_before_an_action_is_not_its_result() {
    // A restart shows RUNNING for a while, then what it does.
    let (server, client) = lagging(&["RUNNING", "RUNNING", "RESTARTING", "RUNNING"], true).await;
    client.instances().restart("x1").await.unwrap();
    client.instances().wait_until_running("x1").await.unwrap();
    assert_eq!(seen(&server), 4);
    let (server, client) = lagging(&["RUNNING", "RESTARTING", "RUNNING"], true).await;
    client.instances().restart("x1").await.unwrap();
    client.instances().ensure_running("x1").await.unwrap();
    assert_eq!(seen(&server), 3);
    // One that was too fast to be seen, or that nothing is heard of, is believed once reads have settled.
    let (server, client) = lagging(&["RUNNING"], true).await;
    client.instances().restart("x1").await.unwrap();
    client.instances().wait_until_running("x1").await.unwrap();
    assert_eq!(seen(&server), 4, "at 40 seconds");

    // After a start, STOPPED is no stop, whether the start was acknowledged or not.
    for respond in [true, false] {
        let (server, client) =
            lagging(&["STOPPED", "STARTING", "RUNNING", "STOPPED"], respond).await;
        assert_eq!(client.notebooks().start("x1").await.is_ok(), respond);
        client.notebooks().wait_until_stopped("x1").await.unwrap();
        assert_eq!(seen(&server), 4);
        let (server, client) = lagging(&["STOPPED", "STARTING", "STOPPED"], respond).await;
        assert_eq!(client.instances().start("x1").await.is_ok(), respond);
        client.instances().ensure_stopped("x1").await.unwrap();
        assert_eq!(seen(&server), 3);
    }
    // After a stop, RUNNING is not what a later start has led to.
    let (server, client) = lagging(
        &["RUNNING", "STOPPING", "STOPPED", "STARTING", "RUNNING"],
        true,
    )
    .await;
    client.notebooks().stop("x1").await.unwrap();
    client.notebooks().ensure_running("x1").await.unwrap();
    let starts = |recorded: &Recorded| recorded.target.ends_with("/start");
    assert_eq!(
        (
            seen(&server),
            server.requests().iter().filter(|it| starts(it)).count()
        ),
        (5, 1)
    );
    // After a deletion, neither counts.
    let (_server, client) = lagging(&["RUNNING", "DELETING"], true).await;
    client.notebooks().delete("x1").await.unwrap();
    assert!(
        client
            .notebooks()
            .ensure_running("x1")
            .await
            .unwrap_err()
            .is_wait_failed()
    );
}

#[tokio::test]
async fn a_failed_state_ends_the_wait_and_what_vanishes_is_reported() {
    let absent = |image: bool| match image {
        true => code(400, "ModelArts.6404"),
        false => code(400, "ModelArts.6624"),
    };
    // An image that is deleted while it is saved, a mount whose notebook takes it away.
    let clock = ManualClock::default();
    let server = Server::start(move |recorded, n| match n {
        0..4 => status(if recorded.target.contains("images") {
            "CREATING"
        } else {
            "MOUNTING"
        }),
        _ => absent(recorded.target.contains("images")),
    });
    let client = server.client(&clock).await;
    let error = client.images().wait_until_active("x1").await.unwrap_err();
    assert!(
        error.is_not_found() && clock.elapsed().as_secs() < 60,
        "{error}"
    );
    let error = client
        .storage()
        .wait_until_mounted("n1", "x1")
        .await
        .unwrap_err();
    assert!(
        error.is_not_found() && clock.elapsed().as_secs() < 120,
        "{error}"
    );
    assert!(
        error.to_string().contains("while waiting for storage x1"),
        "{error}"
    );
    for (failed, when) in [
        ("CREATE_FAILED", 10),
        ("MOUNT_FAILED", 10),
        ("UNMOUNTED", 10),
    ] {
        let clock = ManualClock::default();
        let server = Server::start(move |_, _| status(failed));
        let client = server.client(&clock).await;
        let waited = match failed {
            "CREATE_FAILED" => client.images().wait_until_active("x1").await.map(drop),
            _ => client
                .storage()
                .wait_until_mounted("n1", "x1")
                .await
                .map(drop),
        };
        let error = waited.unwrap_err();
        assert!(
            error.is_wait_failed() && clock.elapsed().as_secs() == when,
            "{error}"
        );
    }
}

/// An instance that takes one poll for each change, and refuses what does not fit its state.
fn stateful(begins: &'static str) -> Server {
    let state = Mutex::new(begins);
    Server::start(move |recorded, _| {
        let mut state = state.lock().unwrap();
        let verb = match recorded.method.as_str() {
            "GET" => "show",
            "DELETE" => "delete",
            _ if recorded.target.ends_with("/start") || recorded.body.contains("start") => "start",
            _ => "stop",
        };
        match (verb, *state) {
            ("show", "gone") => return code(400, "ModelArts.6309"),
            ("show", now) => {
                *state = match now {
                    "STARTING" => "RUNNING",
                    "STOPPING" => "STOPPED",
                    "DELETING" => "gone",
                    now => now,
                };
                return status(now);
            }
            ("start", "STOPPED") => *state = "STARTING",
            ("stop", "RUNNING") => *state = "STOPPING",
            ("delete", "RUNNING" | "STOPPED") => *state = "DELETING",
            (_, "gone") => return code(400, "ModelArts.6309"),
            _ => return code(400, "ModelArts.6357"),
        }
        status(*state)
    })
}

#[tokio::test]
async fn two_tasks_reach_the_same_state_at_once() {
    macro_rules! both {
        ($begins:literal, $group:ident, $method:ident) => {{
            let server = stateful($begins);
            let (one, other) = (
                server.client(&ManualClock::default()).await,
                server.client(&ManualClock::default()).await,
            );
            let (a, b) = (one.$group(), other.$group());
            let shared = one.clone().$group();
            let results = futures::join!(a.$method("x1"), b.$method("x1"), shared.$method("x1"));
            assert!(
                results.0.is_ok() && results.1.is_ok() && results.2.is_ok(),
                "{results:?}"
            );
        }};
    }
    both!("STOPPED", notebooks, ensure_running);
    both!("STOPPED", instances, ensure_running);
    both!("RUNNING", notebooks, ensure_stopped);
    both!("RUNNING", instances, ensure_stopped);
    both!("RUNNING", notebooks, ensure_deleted);
    both!("RUNNING", instances, stop_and_delete);
}

#[tokio::test]
async fn a_waiter_that_is_dropped_or_left_alone_harms_nobody() {
    let server = stateful("STOPPED");
    let client = server.client(&ManualClock::default()).await;
    // Dropped in the middle of its first request, whose action may have been accepted all the same.
    for polls in 1..20 {
        let mut waiter = Box::pin(client.notebooks().ensure_running("x1"));
        for _ in 0..polls {
            if waiter.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    client.notebooks().ensure_running("x1").await.unwrap();
    client.notebooks().ensure_stopped("x1").await.unwrap();
    // Polled now and then, by whoever.
    let mut waiter = client.notebooks().ensure_running("x1");
    let running = loop {
        match (&mut waiter).now_or_never() {
            Some(running) => break running,
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(running.unwrap().status.unwrap().as_str(), "RUNNING");
}

#[tokio::test]
async fn a_hint_of_any_size_never_hangs_or_hammers() {
    let date = "Mon, 03 Nov 2025 08:55:00 GMT";
    for (hint, expected) in [
        ("0", 0),
        ("-1", 0),
        ("1.5", 0),
        ("soon", 0),
        ("Mon, 03 Nov 2025 07:00:00 GMT", 0),
        ("7", 7),
        // By the service's clock, which is 40 minutes ahead.
        ("Mon, 03 Nov 2025 08:55:30 GMT", 30),
    ] {
        let server = Server::start(move |_, n| match n {
            0 => with(with(json(503, ""), "retry-after", hint), "date", date),
            _ => json(200, "{}"),
        });
        let clock = ManualClock::default();
        server
            .client(&clock)
            .await
            .notebooks()
            .show("n1")
            .await
            .unwrap();
        assert_eq!(server.count(), 2, "{hint}");
        let slept = clock.elapsed().as_secs();
        assert!(
            slept == expected || expected == 0 && slept <= 1,
            "{hint}: {slept}"
        );
    }
    for hint in [
        "3600",
        "18446744073709551615",
        "99999999999999999999999",
        "Thu, 30 Dec 9999 12:00:00 GMT",
    ] {
        let server = Server::start(move |_, _| with(json(429, ""), "retry-after", hint));
        let clock = ManualClock::default();
        let client = server.client(&clock).await;
        let error = client.notebooks().show("n1").await.unwrap_err();
        assert!(
            error.is_throttled() && error.retry_after().unwrap() >= Duration::from_secs(3600),
            "{error}"
        );
        assert_eq!(
            (server.count(), clock.elapsed()),
            (1, Duration::ZERO),
            "{hint}"
        );
        let waiter = client
            .notebooks()
            .wait_until_running("n1")
            .deadline(Duration::from_secs(60));
        assert!(waiter.await.unwrap_err().is_wait_timeout());
        assert_eq!(
            (server.count(), clock.elapsed().as_secs()),
            (2, 60),
            "{hint}"
        );
    }
}

#[tokio::test]
async fn a_page_size_of_nothing_cannot_end_a_list_before_its_end() {
    let queries = Arc::new(Mutex::new(Vec::new()));
    let recorded = queries.clone();
    let server = Server::start(move |request, n| {
        recorded.lock().unwrap().push(request.target.clone());
        let rows = match (request.target.contains("limit=0"), n) {
            (false, 0) => r#"{"id": "n1"}"#,
            _ => "",
        };
        json(200, &format!(r#"{{"data": [{rows}], "total": 1}}"#))
    });
    let client = server.client(&ManualClock::default()).await;
    let list = client.notebooks().list().page_size(0);
    let listed = list.collect().await.unwrap();
    assert_eq!(listed.len(), 1, "{:?}", queries.lock().unwrap());
}

#[tokio::test]
async fn a_filter_that_does_not_fit_is_reported_before_anything_is_sent() {
    let server = Server::start(|_, _| json(200, r#"{"data": [], "total": 0}"#));
    let client = server.client(&ManualClock::default()).await;
    let list = || client.notebooks().list().name("bert").offset(u64::MAX);
    for error in [
        list().send().await.unwrap_err(),
        list().collect().await.unwrap_err(),
        list().items().try_next().await.unwrap_err(),
    ] {
        assert!(error.is_usage(), "{error}");
        let text = error.to_string();
        let expected = "listNotebooks: `offset` is invalid: out of range";
        assert!(text.starts_with(expected), "{text}");
    }
    assert_eq!(server.count(), 0);
    // The last call of a setter counts.
    list().offset(20).status(None::<&str>).send().await.unwrap();
    let target = &server.requests()[0].target;
    assert!(
        target.ends_with("?limit=50&name=bert&offset=20"),
        "{target}"
    );
}

#[tokio::test]
async fn a_list_inside_a_list_is_no_item() {
    let page = r#"{"data": [{"id": "n-1"}, [], ["n-3"], {}], "total": 4}"#;
    let server = Server::start(move |_, _| json(200, page));
    let client = server.client(&ManualClock::default()).await;
    let rows: Vec<_> = client.notebooks().list().items().collect().await;
    let texts: Vec<_> = rows
        .iter()
        .map(|row| match row {
            Ok(notebook) => notebook.id.clone().unwrap_or_default(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!((texts[0].as_str(), texts[3].as_str()), ("n-1", ""));
    for (row, text) in [(1, &texts[1]), (2, &texts[2])] {
        let expected = format!("item {row} of the list, which has no ID, is not as documented");
        assert!(text.contains(&expected), "{text}");
        assert!(rows[row].as_ref().unwrap_err().is_decode());
    }
    assert!(client.notebooks().list().collect().await.is_err());
}

#[tokio::test]
async fn codes_of_gateways_say_what_their_lists_say() {
    for (status, gateway_code, class) in [
        (405, "APIG.0501", ErrorClass::Quota),
        (405, "APIGW.0502", ErrorClass::Frozen),
        (403, "APIG.0310", ErrorClass::Permission),
        (500, "APIG.0201", ErrorClass::Busy),
        (400, "APIGW.0104", ErrorClass::Internal),
        (429, "IAM.0012", ErrorClass::Throttled),
        (401, "IAM.0061", ErrorClass::Authentication),
    ] {
        let server = Server::start(move |_, _| code(status, gateway_code));
        let client = server.client(&ManualClock::default()).await;
        let client = client.with(CallOptions::new().retry_policy(RetryPolicy::off()));
        let error = client.notebooks().show("n1").await.unwrap_err();
        assert_eq!(error.class(), Some(class), "{gateway_code}");
        assert!(error.remedy().is_some(), "{gateway_code}");
    }
}
