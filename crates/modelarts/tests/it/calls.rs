//! Single calls: what is sent, what is repeated, what an error knows.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Clients, Reply, Server, code, json, with};
use modelarts::devenviron::types::{CreateNotebookRequest, VolumeReq};
use modelarts::{
    AccessKey, Authenticator, BoxFuture, CallOptions, Credentials, Error, ManualClock, Method,
    ModelArts, RetryPolicy,
};

fn create() -> CreateNotebookRequest {
    CreateNotebookRequest::builder()
        .name("train-bert")
        .flavor("modelarts.vm.cpu.2u")
        .image_id("i1")
        .volume(VolumeReq::builder().category("EFS").ownership("MANAGED"))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_request_is_what_the_api_defines() {
    let server = Server::start(|_, _| json(200, r#"{"id": "n1", "status": "STARTING"}"#));
    let clock = ManualClock::default();
    let client = server
        .builder(&clock)
        .credentials(Credentials::token("t0p-s3cret"))
        .user_agent("nightly/1")
        .language("en-us")
        .build()
        .await
        .unwrap();
    client.notebooks().start("n/1 ~").await.unwrap();

    let recorded = &server.requests()[0];
    assert_eq!(recorded.method, "POST");
    assert_eq!(recorded.target, "/v1/p1/notebooks/n%2F1%20~/start");
    assert_eq!(recorded.body, "");
    let mut headers: Vec<_> = recorded
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    headers.retain(|(name, _)| *name != "host");
    headers.sort_unstable();
    let own = concat!("nightly/1 modelarts-rs/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        headers,
        [
            ("accept", "application/json"),
            ("content-length", "0"),
            ("content-type", "application/json"),
            ("user-agent", own),
            ("x-auth-token", "t0p-s3cret"),
            ("x-language", "en-us"),
        ]
    );
}

#[tokio::test]
async fn an_idempotent_call_outlives_bad_moments() {
    let server = Server::start(|_, n| match n {
        0 => json(503, ""),
        1 => Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{\"id\": \"n"),
        2 => Reply::raw(""),
        3 => with(json(502, "<html>"), "retry-after", "7"),
        _ => json(200, r#"{"id": "n1"}"#),
    });
    let clock = ManualClock::default();
    let client = server.client(&clock).await;
    assert_eq!(
        client.notebooks().show("n1").await.unwrap().id.as_deref(),
        Some("n1")
    );
    let sleeps = clock.sleeps();
    assert_eq!(sleeps.len(), 4);
    assert_eq!(sleeps[3], Duration::from_secs(7));
    for (sleep, ceiling) in sleeps.iter().zip([0.5, 1.0, 2.0]) {
        assert!(sleep.as_secs_f64() <= ceiling, "{sleeps:?}");
    }
}

#[tokio::test]
async fn a_creation_is_sent_again_only_when_it_was_refused() {
    let clock = ManualClock::default();
    let server = Server::start(|_, n| match n {
        0 => with(
            json(429, ""),
            "retry-after",
            "Mon, 03 Nov 2025 08:16:00 GMT",
        ),
        1 => json(429, ""),
        _ => json(200, r#"{"id": "n1"}"#),
    });
    server
        .client(&clock)
        .await
        .notebooks()
        .create(&create())
        .await
        .unwrap();
    assert_eq!(server.count(), 3);
    let sleeps = clock.sleeps();
    assert_eq!(sleeps[0].as_secs(), 60);
    assert!(sleeps[1] <= Duration::from_secs(20), "{sleeps:?}");

    let failures: [fn() -> Reply; 3] = [
        || json(500, ""),
        || Reply::raw(""),
        || Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"),
    ];
    for failure in failures {
        let server = Server::start(move |_, _| failure());
        let error = server
            .client(&clock)
            .await
            .notebooks()
            .create(&create())
            .await
            .unwrap_err();
        assert_eq!((server.count(), error.attempts()), (1, 1), "{error}");
        assert!(
            error.is_outcome_unknown() && error.is_retryable(),
            "{error}"
        );
        assert_eq!(error.operation(), Some("createNotebook"));
    }
}

/// As `cargo test -p modelarts --no-default-features` builds it.
#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[tokio::test]
async fn without_a_tls_library_https_is_an_error_that_names_the_features() {
    let client = modelarts::ModelArts::builder()
        .endpoint("https://127.0.0.1:9")
        .project_id("p1")
        .credentials(Credentials::token("t"))
        .retry_policy(RetryPolicy::off())
        .build()
        .await
        .unwrap();
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(error.is_connect());
    assert!(
        error
            .to_string()
            .contains("https needs the feature `rustls` or `native-tls` of the crate `modelarts`"),
        "{error}"
    );
}

/// It would be sent to the proxy as it is, token included.
#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[tokio::test]
async fn without_a_tls_library_no_proxy_gets_a_request_for_https() {
    let proxy = Server::start(|_, _| json(200, "{}"));
    let client = modelarts::ModelArts::builder()
        .endpoint("https://modelarts.example.com")
        .project_id("p1")
        .credentials(Credentials::token("t"))
        .proxy(&proxy.url)
        .build()
        .await
        .unwrap();
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(error.is_usage(), "{error}");
    assert!(
        error
            .to_string()
            .contains("https through the proxy http://127.0.0.1"),
        "{error}"
    );
    assert_eq!(proxy.count(), 0);
}

#[tokio::test]
async fn a_call_without_a_connection_is_repeated_and_then_says_so() {
    let server = Server::start(|_, _| Reply::silence());
    let clock = ManualClock::default();
    let client = server
        .builder(&clock)
        .endpoint("http://127.0.0.1:1")
        .credentials(Credentials::token("t0p-s3cret"))
        .build()
        .await
        .unwrap();
    let error = client.notebooks().create(&create()).await.unwrap_err();
    assert!(error.is_connect() && !error.is_outcome_unknown());
    assert_eq!((error.attempts(), clock.sleeps().len()), (5, 4));
    assert!(
        error
            .to_string()
            .starts_with("createNotebook: no connection to the service: "),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .ends_with(" (host 127.0.0.1:1, after 5 attempts, the maximum)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_silent_server_meets_the_attempt_timeout_and_the_deadline() {
    let clock = ManualClock::default();
    let time = clock.clone();
    let server = Server::start(move |_, _| {
        time.advance(Duration::from_secs(20));
        Reply::silence()
    });
    let client = server.client(&clock).await.with(
        CallOptions::new()
            .attempt_timeout(Duration::from_secs(20))
            .deadline(Duration::from_secs(50)),
    );
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(server.count(), 3);
}

/// Credentials that never come.
#[derive(Debug)]
struct Hanging;

impl Authenticator for Hanging {
    fn authorize<'a>(&'a self, _: &'a mut reqwest::Request) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(std::future::pending())
    }

    fn renew(&self, _: u64) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn the_deadline_holds_for_credentials_and_the_rate_limit_too() {
    let server = Server::start(|_, _| json(200, "{}"));
    let clock = ManualClock::default();
    let hanging = server
        .builder(&clock)
        .credentials(Credentials::custom(Arc::new(Hanging)))
        .build()
        .await
        .unwrap();
    let show = async |client: &ModelArts| client.notebooks().show("n1").await;
    let day = Duration::from_secs(24 * 3600);
    let (result, ()) = futures::join!(show(&hanging), async { clock.advance(day) });
    let error = result.unwrap_err();
    assert!(error.is_timeout() && error.is_retryable() && !error.is_outcome_unknown());

    let slow = server.builder(&clock).rate_limit(0.001);
    let slow = slow.credentials(Credentials::token("t"));
    let slow = slow.build().await.unwrap();
    show(&slow).await.unwrap();
    assert!(show(&slow).await.unwrap_err().is_timeout());
    assert_eq!(server.count(), 1, "what comes too late is not sent");
}

#[tokio::test]
async fn retries_can_be_switched_off() {
    let server = Server::start(|_, _| json(503, ""));
    let clock = ManualClock::default();
    let client = server
        .client(&clock)
        .await
        .with(CallOptions::new().retry_policy(RetryPolicy::off()));
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert_eq!((server.count(), error.attempts()), (1, 1));
}

#[tokio::test]
async fn an_error_keeps_the_message_of_the_service() {
    let server = Server::start(|_, _| with(code(400, "ModelArts.6309"), "x-request-id", "r-7"));
    let error = server
        .client(&ManualClock::default())
        .await
        .notebooks()
        .show("n1")
        .await
        .unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.request_id(), Some("r-7"));
    assert_eq!(error.headers()["content-type"], "application/json");
    let host = error.host().unwrap();
    assert_eq!(
        error.to_string(),
        format!("showNotebook: HTTP 400, ModelArts.6309: as scripted (host {host}, request r-7)")
    );
}

#[tokio::test]
async fn a_success_that_is_none_is_an_error_that_says_where() {
    let bodies = ["", "<html>ok</html>", r#"{"lease": {"duration": "long"}}"#];
    for body in bodies {
        let server = Server::start(move |_, _| with(json(200, body), "x-request-id", "r-8"));
        let error = server
            .client(&ManualClock::default())
            .await
            .notebooks()
            .show("n1")
            .await
            .unwrap_err();
        assert!(error.is_decode() && server.count() == 1, "{error}");
        assert_eq!(error.status().unwrap(), 200);
        assert_eq!(error.request_id(), Some("r-8"));
        assert_eq!(error.body_excerpt(), body.as_bytes());
        assert_eq!(error.operation(), Some("showNotebook"));
    }
}

#[tokio::test]
async fn nobody_reads_a_hundred_megabytes() {
    let head = "HTTP/1.1 400 Bad\r\ncontent-length: 104857600\r\n\r\n";
    let bad = Server::start(move |_, _| {
        let mut bytes = head.as_bytes().to_vec();
        bytes.resize(bytes.len() + 200_000, b'x');
        Reply::raw(bytes)
    });
    let clock = ManualClock::default();
    let error = bad
        .client(&clock)
        .await
        .notebooks()
        .show("n1")
        .await
        .unwrap_err();
    assert_eq!(error.status().unwrap(), 400);
    assert_eq!(error.body_excerpt().len(), 64 * 1024);

    let good = Server::start(|_, _| json(200, &format!("{{\"name\": \"{}\"}}", "x".repeat(3000))));
    let client = good
        .builder(&clock)
        .credentials(Credentials::token("t0p-s3cret"))
        .max_body(1000)
        .build()
        .await
        .unwrap();
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(
        error.to_string().contains("longer than 1000 bytes"),
        "{error}"
    );
    assert_eq!(good.count(), 1);
}

#[tokio::test]
async fn redirects_are_not_followed_with_credentials() {
    let server = Server::start(|_, _| with(json(302, ""), "location", "http://127.0.0.1:1/"));
    let error = server
        .client(&ManualClock::default())
        .await
        .notebooks()
        .show("n1")
        .await
        .unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), server.count()), (302, 1));
}

#[tokio::test]
async fn every_attempt_is_signed_afresh() {
    let server = Server::start(|_, n| match n {
        0 => with(json(429, ""), "retry-after", "30"),
        _ => json(200, r#"{"data": []}"#),
    });
    let clock = ManualClock::default();
    let key = AccessKey::new("AK", "SK").security_token("t0p-s3cret");
    let client = server
        .builder(&clock)
        .credentials(Credentials::access_key(key))
        .build()
        .await
        .unwrap();
    let list = client
        .notebooks()
        .list()
        .name("a b+c")
        .sort_key("create_at");
    list.send().await.unwrap();

    let recorded = server.requests();
    assert!(
        recorded[0].target.contains("name=a%20b%2Bc"),
        "{}",
        recorded[0].target
    );
    let dates: Vec<_> = recorded
        .iter()
        .map(|recorded| recorded.header("x-sdk-date").unwrap())
        .collect();
    assert_eq!(dates, ["20251103T081500Z", "20251103T081530Z"]);
    for recorded in &recorded {
        assert_eq!(recorded.header("x-project-id"), Some("p1"));
        assert_eq!(
            recorded.header("authorization"),
            Some(signature(recorded).as_str())
        );
    }
}

/// What a server computes from the request that it received.
fn signature(recorded: &crate::support::Recorded) -> String {
    use modelarts::signing::{Signable, SigningKey, sign};

    let claimed = recorded.header("authorization").unwrap();
    let names = claimed
        .split("SignedHeaders=")
        .nth(1)
        .unwrap()
        .split(',')
        .next()
        .unwrap();
    let headers: Vec<_> = names
        .split(';')
        .map(|name| (name, recorded.header(name).unwrap()))
        .collect();
    let (path, query) = recorded
        .target
        .split_once('?')
        .unwrap_or((&recorded.target, ""));
    let request = Signable {
        method: &recorded.method,
        path,
        query,
        headers: &headers,
        body: recorded.body.as_bytes(),
    };
    let key = SigningKey::new("AK", &"SK".into());
    sign(&key, recorded.header("x-sdk-date").unwrap(), &request).authorization
}

#[tokio::test]
async fn empty_ids_never_leave() {
    let server = Server::start(|_, _| json(200, "{}"));
    let client = server.client(&ManualClock::default()).await;
    for id in ["", " ", "..", "."] {
        let error = client.notebooks().delete(id).await.unwrap_err();
        assert!(error.is_usage(), "{error}");
        assert!(client.instances().delete(id).await.unwrap_err().is_usage());
        assert!(
            client
                .storage()
                .unmount("n1", id)
                .await
                .unwrap_err()
                .is_usage()
        );
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn the_generated_client_and_untyped_calls_share_the_pipeline() {
    let server = Server::start(|_, n| match n {
        0 | 2 => json(503, ""),
        1 => json(200, r#"{"total": 0, "data": []}"#),
        3 => json(200, r#"{"duration": 1}"#),
        _ => code(400, "ModelArts.6357"),
    });
    let clock = ManualClock::default();
    let client = server.client(&clock).await;
    let page = client
        .devenviron()
        .list_notebooks()
        .project_id("p1")
        .send()
        .await
        .unwrap();
    assert_eq!(page.total, Some(0));

    let body = serde_json::json!({"duration": 3_600_000});
    let response = client
        .call("renewLease")
        .path("id", "n1")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(&response.body[..], br#"{"duration": 1}"#);
    let recorded = server.requests();
    assert_eq!(
        (recorded[3].method.as_str(), recorded[3].target.as_str()),
        ("PATCH", "/v1/p1/notebooks/n1/lease")
    );
    assert_eq!(recorded[3].json(), body);

    let error = client
        .devenviron()
        .stop_notebook()
        .project_id("p1")
        .id("n1")
        .send()
        .await
        .unwrap_err();
    assert!(
        error.is_conflict() && error.operation() == Some("stopNotebook"),
        "{error}"
    );
    assert!(
        client
            .call("noSuchThing")
            .send()
            .await
            .unwrap_err()
            .is_usage()
    );
}

#[tokio::test]
async fn responses_may_grow() {
    let body = r#"{"id": "n1", "status": "THAWING", "new_field": {"a": [1]}, "name": null}"#;
    let server = Server::start(move |_, _| with(json(200, body), "content-type", "text/plain"));
    let client = server.client(&ManualClock::default()).await;
    let notebook = client.notebooks().show("n1").await.unwrap();
    let status = notebook.status.unwrap();
    assert!(status.is_unknown() && status.as_str() == "THAWING" && notebook.name.is_none());
}

#[tokio::test]
async fn numbers_in_every_form_nulls_and_repeated_keys_are_read() {
    let server = Server::start(|_, n| match n {
        0 => json(
            200,
            r#"{"current": 0, "pages": "1", "size": 50.0, "total": "4", "data": [
                {"id": "n1", "create_at": 1638329400000},
                {"id": "n2", "create_at": "1638329400000"},
                {"id": "n3", "create_at": 1.6383294e12},
                {"id": "n0", "create_at": null, "id": "n4", "lease": null, "endpoints": null, "hooks": {}}
            ]}"#,
        ),
        _ => json(200, r#"{"id": "n1", "lease": {"duration": "an hour"}}"#),
    });
    let client = server.client(&ManualClock::default()).await;
    let page = client.notebooks().list().send().await.unwrap();
    assert_eq!((page.total, page.size), (Some(4), Some(50)));
    let rows: Vec<_> = page
        .data
        .iter()
        .flatten()
        .map(|row| (row.id.as_deref().unwrap_or_default(), row.create_at))
        .collect();
    let time = Some(1_638_329_400_000);
    assert_eq!(
        rows,
        [("n1", time), ("n2", time), ("n3", time), ("n4", None)]
    );

    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("not as documented at `lease.duration`: expected a whole number"),
        "{error}"
    );
}

#[test]
fn a_body_that_is_not_complete_is_one_error_of_the_facade() {
    let build = || -> modelarts::Result<CreateNotebookRequest> {
        Ok(CreateNotebookRequest::builder().name("bert").build()?)
    };
    let error = build().unwrap_err();
    assert!(error.is_usage());
    assert_eq!(
        error.to_string(),
        "CreateNotebookRequest: `flavor`, `image_id` and `volume` are missing"
    );
}

#[tokio::test]
async fn a_request_without_types_takes_headers_and_the_content_type_of_its_body() {
    let server = Server::start(|_, _| json(200, "{}"));
    let client = server.client(&ManualClock::default()).await;
    let body = serde_json::json!({"duration": 1});
    let template = "/v1/{project_id}/notebooks/{id}/lease";
    let call = client.call("renewLease").path("id", "n 1").json(&body);
    let request = client.request(Method::PATCH, template).path("id", "n 1");
    for request in [call, request.json(&body).idempotent(true)] {
        let special = request
            .clone()
            .header("X-Locale", "en-us")
            .header("Content-Type", "application/merge-patch+json");
        request.send().await.unwrap();
        special.send().await.unwrap();
        let requests = server.requests();
        let [plain, special] = &requests[requests.len() - 2..] else {
            panic!("two requests were sent");
        };
        for sent in [plain, special] {
            assert_eq!(sent.target, "/v1/p1/notebooks/n%201/lease");
            assert_eq!(sent.json(), body);
        }
        assert_eq!(plain.header("content-type"), Some("application/json"));
        assert_eq!(plain.header("x-locale"), None);
        let merge_patch = Some("application/merge-patch+json");
        assert_eq!(special.header("content-type"), merge_patch);
        assert_eq!(special.header("x-locale"), Some("en-us"));
    }
    for (request, problem) in [
        (client.call("renewLease"), "`id` is missing"),
        (client.request(Method::PATCH, template), "`id` is missing"),
        (
            client.request(Method::GET, "/v1/x").path("name", "n1"),
            "`name` is not a parameter of the path",
        ),
        (
            client.call("showLease").path("id", "n1").path("name", "n1"),
            "`name` is not a path parameter",
        ),
    ] {
        let error = request.send().await.unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains(problem),
            "{error}"
        );
    }
}
