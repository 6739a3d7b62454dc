//! Passwords, tokens and where the client finds its project and endpoint.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::time::Duration;

use crate::support::{Clients, Recorded, Reply, Server, json, with};
use modelarts::{AccessKey, Credentials, Environment, Login, ManualClock, ModelArts};

fn password() -> Credentials {
    Credentials::password(Login::new("trainer", "t0p-s3cret").domain_name("nlp"))
}

fn is_sign_in(recorded: &Recorded) -> bool {
    recorded.target == "/v3/auth/tokens"
}

fn token(name: &str, endpoint: &str) -> Reply {
    let body = format!(
        r#"{{"token": {{
            "issued_at": "2020-01-01T00:00:00Z", "expires_at": "2020-01-02T00:00:00Z",
            "project": {{"id": "p9", "name": "eu-de"}},
            "catalog": [{{"type": "modelartsv1", "endpoints": [
                {{"interface": "public", "region_id": "r1", "url": "{endpoint}/v1/p9"}}]}}]
        }}}}"#
    );
    with(json(201, &body), "x-subject-token", name)
}

/// Hands out tokens `t1`, `t2`, … and accepts the latest only.
fn cloud(signs_in: impl Fn(usize) -> bool + Send + Sync + 'static) -> (Server, Arc<AtomicUsize>) {
    let latest = Arc::new(AtomicUsize::new(0));
    let tries = AtomicUsize::new(0);
    let valid = latest.clone();
    let server = Server::start(move |recorded, _| {
        if is_sign_in(recorded) {
            if !signs_in(tries.fetch_add(1, Ordering::SeqCst)) {
                return json(
                    401,
                    r#"{"error": {"code": 401, "message": "wrong: t0p-s3cret"}}"#,
                );
            }
            let number = valid.fetch_add(1, Ordering::SeqCst) + 1;
            let host = recorded.header("host").unwrap();
            return token(&format!("t{number}"), &format!("http://{host}"));
        }
        let expected = format!("t{}", valid.load(Ordering::SeqCst));
        match recorded.header("x-auth-token") == Some(&expected) {
            true => json(200, r#"{"id": "n1"}"#),
            false => json(401, ""),
        }
    });
    (server, latest)
}

async fn client(server: &Server, clock: &ManualClock) -> ModelArts {
    ModelArts::builder()
        .auth_url(&server.url)
        .region("r1")
        .clock(clock.clone())
        .credentials(password())
        .build()
        .await
        .unwrap()
}

fn sign_ins(server: &Server) -> usize {
    server
        .requests()
        .iter()
        .filter(|recorded| is_sign_in(recorded))
        .count()
}

#[tokio::test]
async fn the_token_tells_project_and_endpoint() {
    let (server, _) = cloud(|_| true);
    let client = client(&server, &ManualClock::default()).await;
    assert_eq!(
        (client.project_id(), client.endpoint()),
        ("p9", server.url.as_str())
    );
    client.notebooks().show("n1").await.unwrap();
    client.notebooks().show("n1").await.unwrap();
    assert_eq!(sign_ins(&server), 1);
    let scope = &server.requests()[0].json()["auth"]["scope"]["project"];
    assert_eq!(scope["name"], "r1");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_and_each_call_replayed_once() {
    let (server, latest) = cloud(|_| true);
    let client = client(&server, &ManualClock::default()).await;
    // The service forgets the first token.
    latest.store(100, Ordering::SeqCst);
    let calls = (0..20).map(|_| {
        let notebooks = client.notebooks();
        async move { notebooks.show("n1").await }
    });
    let results = futures::future::join_all(calls).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(sign_ins(&server), 2);
    let refused = server
        .requests()
        .iter()
        .filter(|recorded| recorded.header("x-auth-token") == Some("t1"))
        .count();
    assert!(refused <= 20, "{refused}");
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_for_all_who_wait() {
    const CALLS: usize = 20;
    let (all_are_here, sign_ins_before) = (Barrier::new(CALLS), AtomicUsize::new(0));
    let (refused, all_are_refused) = (Mutex::new(0), Condvar::new());
    // All calls are refused at once, and no sign-in before that is done.
    let server = Server::start(move |recorded, _| {
        if !is_sign_in(recorded) {
            all_are_here.wait();
            *refused.lock().unwrap() += 1;
            all_are_refused.notify_all();
            return json(401, "");
        }
        if sign_ins_before.fetch_add(1, Ordering::SeqCst) == 0 {
            return token(
                "t1",
                &format!("http://{}", recorded.header("host").unwrap()),
            );
        }
        let refused = refused.lock().unwrap();
        drop(all_are_refused.wait_while(refused, |refused| *refused < CALLS));
        json(
            401,
            r#"{"error": {"code": 401, "message": "wrong: t0p-s3cret"}}"#,
        )
    });
    let client = client(&server, &ManualClock::default()).await;
    let calls = (0..CALLS).map(|_| {
        let notebooks = client.notebooks();
        async move { notebooks.show("n1").await.unwrap_err() }
    });
    for error in futures::future::join_all(calls).await {
        assert!(
            error.is_auth() && error.operation() == Some("createToken"),
            "{error}"
        );
        assert_eq!(
            error.to_string(),
            format!(
                "createToken: HTTP 401 Unauthorized: wrong: [redacted] (host {})",
                server.url.trim_start_matches("http://")
            )
        );
    }
    // One for the build, and few for the twenty: whoever comes after the failure may try again.
    assert!(sign_ins(&server) <= 4, "{}", sign_ins(&server));
}

#[tokio::test]
async fn a_second_401_is_final() {
    let server = Server::start(|recorded, _| match is_sign_in(recorded) {
        true => token("t", "http://127.0.0.1:1"),
        false => json(401, ""),
    });
    let clock = ManualClock::default();
    let client = server
        .builder(&clock)
        .project_id("p9")
        .credentials(password())
        .build()
        .await
        .unwrap();
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(error.is_auth(), "{error}");
    assert_eq!((sign_ins(&server), server.count()), (2, 4));
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_serves_until_then() {
    let (server, _) = cloud(|tries| tries != 1);
    let clock = ManualClock::default();
    let client = client(&server, &clock).await;
    clock.advance(Duration::from_secs(23 * 3600));
    client.notebooks().show("n1").await.unwrap();
    assert_eq!(sign_ins(&server), 1);
    // The renewal fails once, the old token goes on serving.
    clock.advance(Duration::from_secs(40 * 60));
    client.notebooks().show("n1").await.unwrap();
    client.notebooks().show("n1").await.unwrap();
    assert_eq!(sign_ins(&server), 2);
    clock.advance(Duration::from_secs(61));
    client.notebooks().show("n1").await.unwrap();
    assert_eq!(sign_ins(&server), 3);
    assert_eq!(
        server.requests().last().unwrap().header("x-auth-token"),
        Some("t2")
    );
}

#[tokio::test]
async fn a_renewal_that_hangs_costs_one_call_some_seconds_and_the_others_nothing() {
    let clock = ManualClock::default();
    let time = clock.clone();
    let server = Server::start(move |recorded, n| {
        if !is_sign_in(recorded) {
            return json(200, r#"{"id": "n1"}"#);
        }
        if n > 0 {
            time.advance(Duration::from_secs(10));
            return Reply::silence();
        }
        token(
            "t1",
            &format!("http://{}", recorded.header("host").unwrap()),
        )
    });
    let client = client(&server, &clock).await;
    clock.advance(Duration::from_secs(23 * 3600 + 40 * 60));
    for _ in 0..5 {
        client.notebooks().show("n1").await.unwrap();
    }
    assert_eq!(sign_ins(&server), 2);
    // Nor is every call a victim that is given up before the renewal is.
    clock.advance(Duration::from_secs(61));
    drop(futures::poll!(std::pin::pin!(
        client.notebooks().show("n1")
    )));
    client.notebooks().show("n1").await.unwrap();
    assert!(sign_ins(&server) <= 3);
}

#[tokio::test]
async fn a_project_is_looked_up_by_name() {
    let projects =
        r#"{"projects": [{"id": "p0", "name": "eu-de"}, {"id": "p5", "name": "eu-de_nlp"}]}"#;
    let server = Server::start(move |_, _| json(200, projects));
    let key = Credentials::access_key(AccessKey::new("AK", "SK"));
    let build = |name: &str| {
        ModelArts::builder()
            .endpoint(&server.url)
            .auth_url(&server.url)
            .project_name(name)
            .credentials(key.clone())
            .build()
    };
    assert_eq!(build("eu-de_nlp").await.unwrap().project_id(), "p5");
    let recorded = &server.requests()[0];
    assert_eq!(recorded.target, "/v3/projects?name=eu-de_nlp");
    assert!(
        recorded
            .header("authorization")
            .unwrap()
            .starts_with("SDK-HMAC-SHA256 Access=AK")
    );
    assert!(recorded.header("x-project-id").is_none());
    assert!(
        build("other")
            .await
            .unwrap_err()
            .to_string()
            .contains("no project named `other`")
    );
}

#[tokio::test]
async fn what_is_missing_is_named_with_a_remedy() {
    let token = || ModelArts::builder().credentials(Credentials::token("t"));
    for (builder, hint) in [
        (token(), "OS_PROJECT_ID"),
        (token().project_id("p"), "OS_REGION_NAME"),
        (
            token().project_id("p").region("mars-1"),
            "known regions are eu-de",
        ),
        (
            token().project_id(" ").region("eu-de"),
            "project id is empty",
        ),
        (
            token().project_name("n").endpoint("https://m.example.com"),
            "OS_AUTH_URL",
        ),
        (
            token().project_id("p").endpoint("http://m.example.com"),
            "clear text",
        ),
        (
            ModelArts::builder()
                .region("eu-de")
                .credentials(Credentials::password(Login::new("u", "p"))),
            "OS_USER_DOMAIN_NAME",
        ),
        (
            ModelArts::builder().environment(Environment::of([("A", "b")])),
            "OS_TOKEN",
        ),
    ] {
        let error = builder.build().await.unwrap_err();
        assert!(
            error.is_usage() && error.to_string().contains(hint),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_environment_is_enough() {
    let environment = Environment::of([
        ("OS_TOKEN", "t"),
        ("OS_PROJECT_ID", "p"),
        ("OS_REGION_NAME", "eu-nl"),
    ]);
    let client = ModelArts::builder()
        .environment(environment)
        .build()
        .await
        .unwrap();
    assert_eq!(
        client.endpoint(),
        "https://modelarts.eu-nl.otc.t-systems.com"
    );
    assert_eq!(client.project_id(), "p");
}

#[tokio::test]
async fn an_address_that_is_no_identity_service_is_reported() {
    let server = Server::start(|_, _| json(200, "{}"));
    let clock = ManualClock::default();
    let error = server
        .builder(&clock)
        .credentials(password())
        .build()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("returned no token for the sign-in"),
        "{error}"
    );
}

#[tokio::test]
async fn a_call_that_is_dropped_while_it_signs_in_blocks_nobody() {
    let (server, latest) = cloud(|_| true);
    let client = client(&server, &ManualClock::default()).await;
    latest.store(100, Ordering::SeqCst);
    let notebooks = client.notebooks();
    for polls in 1..30 {
        let mut call = std::pin::pin!(notebooks.show("n1"));
        for _ in 0..polls {
            if futures::poll!(&mut call).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    notebooks.show("n1").await.unwrap();
}
