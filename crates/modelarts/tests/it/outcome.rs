//! An error reports whether any attempt of its call may have been carried out, not only the last one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use modelarts::devenviron::types::CreateNotebookRequest;
use modelarts::{
    Authenticator, BoxFuture, CallOptions, Credentials, Error, Login, ManualClock, ModelArts,
    ModelArtsBuilder, RetryBudget, RetryLimit, RetryPolicy,
};

use crate::support::{Clients, Reply, Server, code, json, with};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What credentials do about a request.
enum Step {
    Authorize,
    Fail,
    /// Nothing more happens until the deadline of the call.
    Hang(ManualClock),
}

/// Credentials that follow a script from the second attempt on; a refusal finds no others.
struct Scripted {
    calls: AtomicU32,
    later: Box<dyn Fn(&mut reqwest::Request) -> Step + Send + Sync>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted").finish_non_exhaustive()
    }
}

fn failure() -> Error {
    CreateNotebookRequest::builder().build().unwrap_err().into()
}

impl Authenticator for Scripted {
    fn authorize<'a>(
        &'a self,
        request: &'a mut reqwest::Request,
    ) -> BoxFuture<'a, Result<u64, Error>> {
        let step = match self.calls.fetch_add(1, Ordering::SeqCst) {
            0 => Step::Authorize,
            _ => (self.later)(request),
        };
        Box::pin(async move {
            match step {
                Step::Authorize => Ok(1),
                Step::Fail => Err(failure()),
                Step::Hang(clock) => {
                    tokio::task::yield_now().await;
                    clock.advance(DAY);
                    std::future::pending().await
                }
            }
        })
    }

    fn renew(&self, _: u64) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async { Err(failure()) })
    }
}

fn scripted(later: impl Fn(&mut reqwest::Request) -> Step + Send + Sync + 'static) -> Credentials {
    Credentials::custom(Arc::new(Scripted {
        calls: AtomicU32::new(0),
        later: Box::new(later),
    }))
}

fn plain() -> Credentials {
    scripted(|_| Step::Authorize)
}

/// A server that closes the connection of the first request, and replies to every other one like this.
fn breaks_off_then(later: impl Fn() -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |_, n| match n {
        0 => Reply::raw(""),
        _ => later(),
    })
}

fn accepts() -> Reply {
    json(200, r#"{"id": "n1"}"#)
}

async fn build(builder: ModelArtsBuilder, credentials: Credentials) -> ModelArts {
    builder.credentials(credentials).build().await.unwrap()
}

async fn stop(client: &ModelArts) -> Error {
    client.notebooks().stop("n1").await.unwrap_err()
}

/// The first attempt may have been carried out, and the error says so, whatever ended the call.
#[track_caller]
fn assert_unknown(error: &Error, attempts: u32) {
    assert!(error.is_outcome_unknown(), "{error}");
    assert_eq!(error.attempts(), attempts, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("; an earlier attempt of stopNotebook may have been carried out"),
        "{text}"
    );
}

#[tokio::test]
async fn an_attempt_that_gets_no_credentials_leaves_the_earlier_one_unknown() {
    let clock = ManualClock::default();
    let server = breaks_off_then(accepts);
    let client = build(server.builder(&clock), scripted(|_| Step::Fail)).await;
    let error = stop(&client).await;
    assert_unknown(&error, 1);
    assert_eq!(
        (error.operation(), server.count()),
        (Some("stopNotebook"), 1)
    );

    // The first attempt itself was not sent, or is known to have been refused.
    let client = build(server.builder(&clock), scripted(|_| Step::Fail)).await;
    client.notebooks().stop("n1").await.unwrap();
    let error = stop(&client).await;
    assert!(
        !error.is_outcome_unknown() && error.attempts() == 0,
        "{error}"
    );
    let server = Server::start(|_, _| with(json(429, ""), "retry-after", "1"));
    let client = build(server.builder(&clock), scripted(|_| Step::Fail)).await;
    let error = stop(&client).await;
    assert!(
        !error.is_outcome_unknown() && error.attempts() == 1,
        "{error}"
    );
}

#[tokio::test]
async fn a_sign_in_that_fails_between_attempts_leaves_the_earlier_one_unknown() {
    let clock = ManualClock::default();
    let time = clock.clone();
    let server = Server::start(move |recorded, n| match (recorded.path(), n) {
        ("/v3/auth/tokens", 0) => with(
            json(
                201,
                r#"{"token": {
                    "issued_at": "2020-01-01T00:00:00Z", "expires_at": "2020-01-02T00:00:00Z",
                    "project": {"id": "p1", "name": "eu-de"}, "catalog": []
                }}"#,
            ),
            "x-subject-token",
            "t1",
        ),
        ("/v3/auth/tokens", _) => json(503, ""),
        _ => {
            time.advance(2 * DAY);
            Reply::raw("")
        }
    });
    let password = Credentials::password(Login::new("trainer", "t0p-s3cret").domain_name("nlp"));
    let client = build(server.builder(&clock), password).await;
    let client = client.with(CallOptions::new().deadline(7 * DAY));
    let error = stop(&client).await;
    // Its attempts, its status and its host are those of the sign-in.
    assert_unknown(&error, 5);
    assert_eq!(error.status().unwrap(), 503);
    assert_ne!(error.operation(), Some("stopNotebook"));
}

#[tokio::test]
async fn an_attempt_that_runs_out_of_time_before_it_is_sent_leaves_the_earlier_one_unknown() {
    for hangs in [true, false] {
        let clock = ManualClock::default();
        let server = breaks_off_then(accepts);
        let time = clock.clone();
        let late = scripted(move |_| match hangs {
            true => Step::Hang(time.clone()),
            false => {
                time.advance(DAY);
                Step::Authorize
            }
        });
        let error = stop(&build(server.builder(&clock), late).await).await;
        assert_unknown(&error, 1);
        assert!(error.is_deadline_exceeded(), "{error}");
        assert_eq!(server.count(), 1);
    }
}

#[tokio::test]
async fn an_attempt_that_the_rate_limit_holds_back_leaves_the_earlier_one_unknown() {
    let clock = ManualClock::default();
    let server = breaks_off_then(accepts);
    let slow = server.builder(&clock).rate_limit(0.001);
    let error = stop(&build(slow, plain()).await).await;
    assert_unknown(&error, 1);
    assert!(error.is_deadline_exceeded(), "{error}");
    assert!(error.to_string().contains("the rate limit"), "{error}");
}

/// As `cargo test -p modelarts --no-default-features` builds it.
#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[tokio::test]
async fn an_attempt_with_a_refused_destination_leaves_the_earlier_one_unknown() {
    let clock = ManualClock::default();
    let server = breaks_off_then(accepts);
    let secure = scripted(|request| {
        request.url_mut().set_scheme("https").unwrap();
        Step::Authorize
    });
    let proxied = server.builder(&clock).proxy(&server.url);
    let error = stop(&build(proxied, secure).await).await;
    assert_unknown(&error, 1);
    assert!(error.is_usage(), "{error}");
}

#[tokio::test]
async fn an_attempt_without_a_connection_leaves_the_earlier_one_unknown() {
    let clock = ManualClock::default();
    let server = breaks_off_then(accepts);
    let elsewhere = scripted(|request| {
        request.url_mut().set_port(Some(1)).unwrap();
        Step::Authorize
    });
    let error = stop(&build(server.builder(&clock), elsewhere).await).await;
    assert_unknown(&error, 5);
    assert!(error.is_connect(), "{error}");
    assert_eq!(error.retry_limit(), Some(RetryLimit::Attempts));
}

#[tokio::test]
async fn whatever_ends_the_retries_leaves_the_earlier_attempt_unknown() {
    let clock = ManualClock::default();
    let throttled = || with(json(429, ""), "retry-after", "3600");
    let server = breaks_off_then(throttled);
    let client = build(server.builder(&clock), plain()).await;
    let error = stop(&client).await;
    assert_unknown(&error, 2);
    assert_eq!(error.retry_limit(), Some(RetryLimit::Deadline));

    let throttled = || with(json(429, ""), "retry-after", "1");
    let budget = RetryBudget::new(1);
    let server = breaks_off_then(throttled);
    let client = build(server.builder(&clock).retry_budget(budget), plain()).await;
    let error = stop(&client).await;
    assert_unknown(&error, 2);
    assert_eq!(error.retry_limit(), Some(RetryLimit::Budget));

    let server = breaks_off_then(throttled);
    let twice = RetryPolicy::default().max_attempts(2);
    let client = build(server.builder(&clock).retry_policy(twice), plain()).await;
    let error = stop(&client).await;
    assert_unknown(&error, 2);
    assert_eq!(error.retry_limit(), Some(RetryLimit::Attempts));
}

#[tokio::test]
async fn a_refusal_says_nothing_about_the_attempt_before_it() {
    let clock = ManualClock::default();
    // A conflict may be the effect of the first attempt.
    for (status, text) in [(400, "ModelArts.6357"), (403, "ModelArts.7003")] {
        let server = breaks_off_then(move || code(status, text));
        let error = stop(&build(server.builder(&clock), plain()).await).await;
        assert_unknown(&error, 2);
    }
    // Other credentials cannot be obtained, and are not needed for the first attempt to have an effect.
    let server = breaks_off_then(|| json(401, ""));
    let error = stop(&build(server.builder(&clock), plain()).await).await;
    assert_unknown(&error, 2);
}

#[tokio::test]
async fn the_response_to_a_later_attempt_determines_the_outcome_of_a_read_and_a_success() {
    let clock = ManualClock::default();
    let missing = || code(400, "ModelArts.6309");
    let server = breaks_off_then(missing);
    let client = build(server.builder(&clock), plain()).await;
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(
        error.is_not_found() && !error.is_outcome_unknown(),
        "{error}"
    );
    assert!(!error.to_string().contains("earlier"), "{error}");

    let server = breaks_off_then(|| json(200, "{"));
    let client = build(server.builder(&clock), plain()).await;
    let error = stop(&client).await;
    assert!(error.is_decode() && !error.is_outcome_unknown(), "{error}");

    // An error in a success is a refusal, which does not settle what an earlier attempt did.
    let refusal = || json(200, r#"{"error_code": "APIGW.0201", "error_msg": "late"}"#);
    let server = breaks_off_then(refusal);
    let client = build(server.builder(&clock), plain()).await;
    assert_unknown(&stop(&client).await, 2);
    let server = breaks_off_then(refusal);
    let client = build(server.builder(&clock), plain()).await;
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(error.is_decode() && !error.is_outcome_unknown(), "{error}");

    // Without a response, a read is like any other request.
    let server = breaks_off_then(accepts);
    let client = build(server.builder(&clock), scripted(|_| Step::Fail)).await;
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(
        error.is_outcome_unknown() && error.attempts() == 1,
        "{error}"
    );
}

#[tokio::test]
async fn a_waiter_whose_action_broke_off_reports_it_with_the_error_of_a_later_poll() {
    let clock = ManualClock::default();
    let server = Server::start(|recorded, n| match (recorded.method.as_str(), n) {
        ("GET", 0) => json(200, r#"{"id": "n1", "status": "RUNNING"}"#),
        ("GET", _) => code(403, "ModelArts.7003"),
        _ => Reply::raw(""),
    });
    let client = build(server.builder(&clock), plain()).await;
    let error = client.notebooks().ensure_stopped("n1").await.unwrap_err();
    assert!(error.is_auth(), "{error}");
    assert_unknown(&error, 2);

    // So does a refusal of the action when it is sent again.
    let server = Server::start(|recorded, n| match (recorded.method.as_str(), n) {
        ("GET", _) => json(200, r#"{"id": "n1", "status": "RUNNING"}"#),
        (_, 1) => Reply::raw(""),
        _ => code(400, "ModelArts.6357"),
    });
    let client = build(server.builder(&clock), plain()).await;
    let error = client.notebooks().ensure_stopped("n1").await.unwrap_err();
    assert!(
        error.is_wait_timeout() && error.is_outcome_unknown(),
        "{error}"
    );

    // An accepted action is no open question.
    let server = Server::start(|recorded, n| match (recorded.method.as_str(), n) {
        ("GET", 0) => json(200, r#"{"id": "n1", "status": "RUNNING"}"#),
        ("GET", _) => code(403, "ModelArts.7003"),
        _ => accepts(),
    });
    let client = build(server.builder(&clock), plain()).await;
    let error = client.notebooks().ensure_stopped("n1").await.unwrap_err();
    assert!(error.is_auth() && !error.is_outcome_unknown(), "{error}");
}
