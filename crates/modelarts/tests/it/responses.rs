//! What is made of responses: nothing is taken for done, for gone or for final that is not.

use std::collections::HashSet;
use std::future::IntoFuture;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt;
use modelarts::devenviron::types::{
    CreateDevEnvInstanceRequest, CreateImageRequest, CreateNotebookRequest, RegisterImageRequest,
    UpdateDevEnvInstanceRequest, UpdateNotebookRequest, VolumeReq,
};
use modelarts::{
    AutoStop, CallOptions, Clock, Credentials, Error, ErrorClass, ManualClock, ModelArts,
    PollPolicy, RetryBudget, RetryLimit, RetryPolicy,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::{Clients, Recorded, Reply, Server, code, json, with};

const HTML_404: &str = "<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center><hr><center>nginx</center></body></html>";

fn html(status: u16, body: &str) -> Reply {
    Reply::new(status, &[("content-type", "text/html")], body)
}

/// 404 as everybody says it but the service.
const FOREIGN_404: [&str; 12] = [
    HTML_404,
    "",
    "null",
    r#"{"error_msg":"The API does not exist or has not been published in the environment","error_code":"APIGW.0101","request_id":"f00d"}"#,
    r#"{"error_msg":"The API does not exist.","error_code":"APIG.0101"}"#,
    r#"{"error":{"code":"APIGW.0101","message":"The API does not exist."}}"#,
    r#"{"error":{"code":404,"message":"The resource could not be found.","title":"Not Found"}}"#,
    r#"{"code":404,"message":"no route"}"#,
    r#"{"error_code":"Ecs.0114","error_msg":"Instance not found"}"#,
    r#"{"error_code":"ModelArts.6309x","error_msg":"Instance not found"}"#,
    r#"{"error":{"code":"ModelArts.","message":"Instance not found"}}"#,
    r#"{"detail":"Not Found"}"#,
];

/// Every way to ask whether something is gone.
async fn ask_all(client: &ModelArts) -> Vec<(&'static str, Result<(), Error>)> {
    let (new, old) = (client.notebooks(), client.instances());
    vec![
        ("show notebook", new.show("n1").await.map(drop)),
        ("delete notebook", new.delete("n1").await.map(drop)),
        ("ensure notebook", new.ensure_deleted("n1").await),
        ("wait notebook", new.wait_until_deleted("n1").await),
        ("stop notebook", new.stop_and_delete("n1").await),
        ("show instance", old.show("n1").await.map(drop)),
        ("delete instance", old.delete("n1").await.map(drop)),
        ("ensure instance", old.ensure_deleted("n1").await),
        ("wait instance", old.wait_until_deleted("n1").await),
        ("stop instance", old.stop_and_delete("n1").await),
        ("show image", client.images().show("n1").await.map(drop)),
        ("delete image", client.images().delete("n1").await.map(drop)),
        (
            "show mount",
            client.storage().show("n1", "s1").await.map(drop),
        ),
        (
            "unmount",
            client.storage().unmount("n1", "s1").await.map(drop),
        ),
        (
            "wait mount",
            client.storage().wait_until_unmounted("n1", "s1").await,
        ),
    ]
}

#[tokio::test]
async fn a_404_that_is_not_the_services_own_is_no_sign_that_anything_is_gone() {
    for body in FOREIGN_404 {
        let server = Server::start(move |_, _| html(404, body));
        let client = server.client(&ManualClock::default()).await;
        let host = server.url.trim_start_matches("http://").to_owned();
        for (what, result) in ask_all(&client).await {
            let error = result.expect_err(what);
            assert!(
                !error.is_not_found()
                    && error.is_gateway() != body.contains("\"code\":404,\"message\":\"The res"),
                "{what}: {error}"
            );
            assert_eq!(error.host(), Some(host.as_str()), "{what}");
            assert!(error.to_string().contains(&host), "{what}: {error}");
            assert!(
                !error.is_retryable() && !error.is_outcome_unknown(),
                "{what}: {error}"
            );
            assert!(
                error.class().is_none() || body.contains("API"),
                "{what}: {error}"
            );
        }
        let error = client.notebooks().show("n1").await.unwrap_err();
        if error.is_gateway() {
            assert!(
                error
                    .to_string()
                    .contains("it comes from a gateway or a wrong address"),
                "{error}"
            );
            assert!(error.remedy().unwrap().contains("endpoint"), "{error}");
        }
    }
}

#[tokio::test]
async fn the_services_own_word_is_enough() {
    for (status, instance, image, mount) in [
        (400, "ModelArts.6309", "ModelArts.6404", "ModelArts.6624"),
        (404, "ModelArts.6309", "ModelArts.6404", "ModelArts.6624"),
        (404, "ModelArts.9999", "ModelArts.9999", "ModelArts.9999"),
    ] {
        let server = Server::start(move |recorded, _| match recorded.target.as_str() {
            target if target.contains("/storage/") => code(status, mount),
            target if target.contains("/images/") => code(status, image),
            _ => code(status, instance),
        });
        let client = server.client(&ManualClock::default()).await;
        for (what, result) in ask_all(&client).await {
            match result {
                Ok(()) => assert!(!what.starts_with("show"), "{what}"),
                Err(error) => {
                    assert!(error.is_not_found(), "{what}: {error}");
                    assert!(
                        what.starts_with("show") || what.contains("delete") || what == "unmount"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn something_else_that_is_missing_is_not_the_resource() {
    // The workspace, the Git repository, the agency.
    for absent in ["ModelArts.0102", "ModelArts.6341", "ModelArts.6376"] {
        let server = Server::start(move |_, _| code(400, absent));
        let client = server.client(&ManualClock::default()).await;
        assert!(
            client.notebooks().ensure_deleted("n1").await.is_err(),
            "{absent}"
        );
        assert!(
            client.instances().wait_until_deleted("n1").await.is_err(),
            "{absent}"
        );
        assert!(
            client
                .storage()
                .wait_until_unmounted("n1", "s1")
                .await
                .is_err()
        );
    }
    // Nor is an echo under a server's failure.
    let server = Server::start(|_, _| code(502, "ModelArts.6309"));
    let client = server.client(&ManualClock::default()).await;
    assert!(client.notebooks().ensure_deleted("n1").await.is_err());
}

fn notebook() -> CreateNotebookRequest {
    CreateNotebookRequest::builder()
        .name("train-bert")
        .flavor("modelarts.vm.cpu.2u")
        .image_id("i1")
        .volume(VolumeReq::builder().category("EFS").ownership("MANAGED"))
        .try_into()
        .unwrap()
}

fn instance() -> CreateDevEnvInstanceRequest {
    serde_json::from_value(serde_json::json!({
        "name": "old", "profile_id": "p", "flavor": "f",
        "spec": {"storage": {"type": "obs", "location": {"path": "/b/f/"}}},
    }))
    .unwrap()
}

fn image() -> CreateImageRequest {
    CreateImageRequest::builder()
        .name("bert")
        .namespace("team")
        .tag("1")
        .try_into()
        .unwrap()
}

fn registration() -> RegisterImageRequest {
    serde_json::from_value(serde_json::json!({"swr_path": "swr/a/b:1"})).unwrap()
}

/// Everything that makes something new.
async fn create_all(client: &ModelArts) -> Vec<(&'static str, Result<(), Error>)> {
    vec![
        (
            "notebook",
            client.notebooks().create(&notebook()).await.map(drop),
        ),
        (
            "instance",
            client.instances().create(&instance()).await.map(drop),
        ),
        (
            "register",
            client.images().register(&registration()).await.map(drop),
        ),
        ("save", client.images().save("n1", &image()).await.map(drop)),
        (
            "mount",
            client
                .storage()
                .mount("n1", "obs://b/f/", "/data/f/")
                .await
                .map(drop),
        ),
    ]
}

#[tokio::test]
async fn a_creation_whose_success_cannot_be_read_has_an_unknown_outcome() {
    let odd: [fn() -> Reply; 12] = [
        || json(201, ""),
        || json(200, ""),
        || json(204, ""),
        || json(202, "null"),
        || {
            html(
                200,
                "<html><body>Please sign in to the guest network</body></html>",
            )
        },
        || json(200, r#"{"id": "n-1", "name": "#),
        || json(200, r#"{"id": {"no": "text"}}"#),
        || json(200, "{}"),
        || json(200, r#"{"id": " "}"#),
        || {
            json(
                200,
                r#"{"error_code": "APIGW.0201", "error_msg": "backend timeout"}"#,
            )
        },
        || json(200, &format!("{{\"id\": \"{}\"}}", "x".repeat(5000))),
        || Reply::raw(b"HTTP/1.1 201 Created\r\ncontent-length: 90\r\n\r\n{\"id\":"),
    ];
    for reply in odd {
        let server = Server::start(move |_, _| reply());
        let client = server
            .builder(&ManualClock::default())
            .credentials(Credentials::token("t0p-s3cret"))
            .max_body(4000)
            .build()
            .await
            .unwrap();
        for (what, result) in create_all(&client).await {
            let error = result.expect_err(what);
            assert!(error.is_outcome_unknown(), "{what}: {error}");
            assert!(!error.is_not_found(), "{what}: {error}");
        }
        assert_eq!(server.count(), 5, "each was sent once");
    }
    // What the service refused with a code was not carried out, whatever the status.
    let refused = ["ModelArts.6302", "ModelArts.7008"];
    for refusal in refused {
        let server = Server::start(move |_, _| code(500, refusal));
        let client = server.client(&ManualClock::default()).await;
        for (what, result) in create_all(&client).await {
            let error = result.expect_err(what);
            assert!(
                !error.is_outcome_unknown() && !error.is_retryable(),
                "{what}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn an_empty_success_of_an_action_is_a_success() {
    for (status, body) in [
        (200, ""),
        (201, ""),
        (202, " "),
        (204, ""),
        (200, "null"),
        (200, "{}"),
    ] {
        let server = Server::start(move |_, _| json(status, body));
        let client = server.client(&ManualClock::default()).await;
        let (new, old) = (client.notebooks(), client.instances());
        new.start("n1").await.unwrap();
        new.start_with("n1", AutoStop::hours(1)).await.unwrap();
        new.stop("n1").await.unwrap();
        new.update("n1", &UpdateNotebookRequest::default())
            .await
            .unwrap();
        new.delete("n1").await.unwrap();
        client
            .leases()
            .renew("n1", AutoStop::hours(1))
            .await
            .unwrap();
        old.start("i1").await.unwrap();
        old.stop("i1").await.unwrap();
        old.restart("i1").await.unwrap();
        old.update("i1", &UpdateDevEnvInstanceRequest::default())
            .await
            .unwrap();
        old.delete("i1").await.unwrap();
        client.images().delete("m1").await.unwrap();
        client.storage().unmount("n1", "s1").await.unwrap();
        // A read is one only with its body.
        if body.len() < 2 && status != 204 {
            assert!(new.show("n1").await.unwrap_err().is_decode());
        }
    }
    // A portal in front of the service is no success of anything.
    let server = Server::start(|_, _| html(200, "<html>Sign in</html>"));
    let client = server.client(&ManualClock::default()).await;
    assert!(client.notebooks().stop("n1").await.unwrap_err().is_decode());
    assert!(
        client
            .instances()
            .stop("n1")
            .await
            .unwrap_err()
            .is_outcome_unknown()
    );
    let error_body = r#"{"error_code": "APIGW.0301", "error_msg": "who are you"}"#;
    let server = Server::start(move |_, _| json(200, error_body));
    let client = server.client(&ManualClock::default()).await;
    let error = client.notebooks().stop("n1").await.unwrap_err();
    assert!(error.is_decode() && error.is_auth(), "{error}");
    assert!(client.notebooks().list().collect().await.is_err());
}

/// Replies in turn to reads, the last one for ever; to everything else with success.
fn reading(replies: &[fn() -> Reply]) -> Server {
    let replies = replies.to_vec();
    let reads = Mutex::new(0);
    Server::start(move |recorded, _| {
        if recorded.method != "GET" {
            return json(200, r#"{"id": "x1", "status": "CREATING"}"#);
        }
        let mut reads = reads.lock().unwrap();
        *reads += 1;
        replies[(*reads - 1).min(replies.len() - 1)]()
    })
}

fn status(status: &str) -> Reply {
    json(200, &format!(r#"{{"id": "x1", "status": "{status}"}}"#))
}

#[tokio::test]
async fn what_was_just_created_may_not_be_found_yet() {
    let absent = || code(400, "ModelArts.6309");
    let server = reading(&[absent, || status("CREATING"), || status("RUNNING")]);
    let client = server.client(&ManualClock::default()).await;
    let id = client
        .notebooks()
        .create(&notebook())
        .await
        .unwrap()
        .id
        .unwrap();
    client.notebooks().wait_until_running(&id).await.unwrap();
    let server = reading(&[absent, absent, || status("RUNNING")]);
    let client = server.client(&ManualClock::default()).await;
    client.instances().wait_until_running("x1").await.unwrap();
    let server = reading(&[absent, || status("MOUNTING"), || status("MOUNTED")]);
    let client = server.client(&ManualClock::default()).await;
    client
        .storage()
        .wait_until_mounted("n1", "x1")
        .await
        .unwrap();
    let server = reading(&[|| code(400, "ModelArts.6404"), || status("ACTIVE")]);
    let client = server.client(&ManualClock::default()).await;
    client.images().wait_until_active("x1").await.unwrap();
    // Not for ever, and not against a gateway's word.
    let clock = ManualClock::default();
    let server = reading(&[absent]);
    let client = server.client(&clock).await;
    let error = client
        .notebooks()
        .wait_until_running("x1")
        .await
        .unwrap_err();
    assert!(
        error.is_not_found() && clock.elapsed().as_secs() == 40,
        "{error}"
    );
    let off = CallOptions::new().poll_policy(PollPolicy::default().read_lag(Duration::ZERO));
    let client = client.with(off);
    assert!(client.images().wait_until_active("x1").await.is_err());
    assert_eq!(clock.elapsed().as_secs(), 50);
    let server = reading(&[|| html(404, HTML_404)]);
    let client = server.client(&ManualClock::default()).await;
    let error = client
        .notebooks()
        .wait_until_running("x1")
        .await
        .unwrap_err();
    assert!(error.is_gateway() && server.count() == 1, "{error}");
}

#[tokio::test]
async fn what_was_just_created_is_not_gone_because_it_is_not_found_yet() {
    macro_rules! deleted {
        ($group:ident, $request:expr) => {{
            let deleted = Arc::new(Mutex::new(false));
            let reads = Mutex::new(0);
            let state = deleted.clone();
            let server = Server::start(move |recorded, _| {
                let mut reads = reads.lock().unwrap();
                match recorded.method.as_str() {
                    "POST" => return status("CREATING"),
                    "DELETE" => {
                        *state.lock().unwrap() = true;
                        return status("DELETING");
                    }
                    _ => *reads += 1,
                }
                match *reads {
                    1 | 2 => code(400, "ModelArts.6309"),
                    _ if *state.lock().unwrap() => code(400, "ModelArts.6309"),
                    _ => status("CREATING"),
                }
            });
            let client = server.client(&ManualClock::default()).await;
            let group = client.$group();
            let id = group.create(&$request).await.unwrap().id.unwrap();
            group.ensure_deleted(&id).await.unwrap();
            assert!(*deleted.lock().unwrap(), "it goes on and costs money");
        }};
    }
    deleted!(notebooks, notebook());
    deleted!(instances, instance());
}

#[tokio::test]
async fn a_status_from_before_the_start_is_waited_out() {
    let server = reading(&[
        || status("STOPPED"),
        || status("STARTING"),
        || status("RUNNING"),
    ]);
    let client = server.client(&ManualClock::default()).await;
    client.notebooks().start("x1").await.unwrap();
    client.notebooks().wait_until_running("x1").await.unwrap();
    let server = reading(&[
        || status("START_FAILED"),
        || status("STOPPED"),
        || status("RUNNING"),
    ]);
    let client = server.client(&ManualClock::default()).await;
    client.instances().start("x1").await.unwrap();
    client.instances().wait_until_running("x1").await.unwrap();
    let server = reading(&[
        || status("RUNNING"),
        || status("RUNNING"),
        || status("STOPPED"),
    ]);
    let client = server.client(&ManualClock::default()).await;
    client.notebooks().wait_until_stopped("x1").await.unwrap();
    // A second deletion after one that failed.
    let server = reading(&[
        || status("DELETE_FAILED"),
        || status("DELETE_FAILED"),
        || status("DELETING"),
        || code(400, "ModelArts.6309"),
    ]);
    let client = server.client(&ManualClock::default()).await;
    client.notebooks().ensure_deleted("x1").await.unwrap();
    let sent = server.requests();
    assert_eq!(
        sent.iter()
            .filter(|recorded| recorded.method == "DELETE")
            .count(),
        1
    );
}

/// Notebooks of which some run; lists them by page, and stops them.
#[derive(Clone, Default)]
struct Fleet(Arc<Mutex<Vec<(String, bool)>>>);

impl Fleet {
    fn new(size: usize) -> Self {
        let all = (0..size).map(|n| (format!("n{n}"), true)).collect();
        Self(Arc::new(Mutex::new(all)))
    }

    fn running(&self) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, runs)| *runs)
            .count()
    }

    fn serve(&self) -> Server {
        let fleet = self.0.clone();
        Server::start(move |recorded, _| {
            let mut fleet = fleet.lock().unwrap();
            if recorded.method == "POST" {
                let id = recorded.target.split('/').nth(4).unwrap();
                fleet
                    .iter_mut()
                    .filter(|(known, _)| known == id)
                    .for_each(|(_, runs)| *runs = false);
                return status("STOPPING");
            }
            let number = |name: &str| -> usize {
                let (_, rest) = recorded.target.split_once(name).unwrap();
                rest.split('&').next().unwrap().parse().unwrap()
            };
            let (limit, offset) = (number("limit="), number("offset="));
            let running: Vec<_> = fleet.iter().filter(|(_, runs)| *runs).collect();
            let rows: Vec<_> = running
                .iter()
                .skip(offset)
                .take(limit)
                .map(|(id, _)| format!(r#"{{"id": "{id}", "status": "RUNNING"}}"#))
                .collect();
            json(
                200,
                &format!(
                    r#"{{"data": [{}], "total": {}}}"#,
                    rows.join(","),
                    running.len()
                ),
            )
        })
    }
}

#[tokio::test]
async fn a_loop_that_stops_what_it_lists_stops_all_of_it() {
    let fleet = Fleet::new(120);
    let server = fleet.serve();
    let client = server.client(&ManualClock::default()).await;
    let running = client.notebooks().list().status("RUNNING");
    for notebook in running.collect().await.unwrap() {
        client
            .notebooks()
            .stop(&notebook.id.unwrap())
            .await
            .unwrap();
    }
    assert_eq!(fleet.running(), 0);

    let fleet = Fleet::new(120);
    let server = fleet.serve();
    let client = server.client(&ManualClock::default()).await;
    let running = client.notebooks().list().status("RUNNING");
    let (mut items, mut seen) = (running.items(), HashSet::new());
    while let Some(notebook) = items.try_next().await.unwrap() {
        let id = notebook.id.unwrap();
        client.notebooks().stop(&id).await.unwrap();
        assert!(seen.insert(id), "each comes once");
    }
    assert_eq!((fleet.running(), seen.len()), (0, 120));
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_and_the_list_goes_on() {
    let page = r#"{"current":0,"pages":1,"size":50,"total":3,"data":[
        {"id":"n-1","status":"RUNNING"},
        {"id":"n-2","status":"RUNNING","lease":"t0p-s3cret-lease"},
        {"id":"n-3","status":"STOPPED"}]}"#;
    let server = Server::start(move |_, _| with(json(200, page), "x-request-id", "r-9"));
    let client = server.client(&ManualClock::default()).await;
    let mut items = client.notebooks().list().items();
    let mut outcomes = Vec::new();
    loop {
        match items.try_next().await {
            Ok(Some(notebook)) => outcomes.push(notebook.id.unwrap()),
            Ok(None) => break,
            Err(error) => outcomes.push(error.to_string()),
        }
    }
    assert_eq!(
        (outcomes.len(), outcomes[0].as_str(), outcomes[2].as_str()),
        (3, "n-1", "n-3")
    );
    assert!(
        outcomes[1].contains("item 1 of the list, n-2, is not as documented at `lease`"),
        "{outcomes:?}"
    );
    assert!(
        outcomes[1].starts_with("listNotebooks: HTTP 200 OK") && outcomes[1].contains("r-9"),
        "{outcomes:?}"
    );
    assert!(!outcomes[1].contains("t0p-s3cret"), "{outcomes:?}");
    assert!(
        client
            .notebooks()
            .list()
            .collect()
            .await
            .unwrap_err()
            .is_decode()
    );
}

#[tokio::test]
async fn absent_members_are_read_without_complaint() {
    let body = r#"{"id":"n-1","name":null,"status":"RUNNING","action_progress":null,"endpoints":null,"image":null,"lease":null,"tags":null,"volume":null,"create_at":null,"pool":null,"hooks":{},"workspace_id":null,"description":null,"fail_reason":null,"flavor":null,"user":null,"token":null,"url":null}"#;
    let server = Server::start(move |_, _| json(200, body));
    let client = server.client(&ManualClock::default()).await;
    assert!(client.notebooks().show("n-1").await.unwrap().name.is_none());
    client.notebooks().wait_until_running("n-1").await.unwrap();
    client.instances().wait_until_running("n-1").await.unwrap();
}

fn count(server: &Server, fits: impl Fn(&Recorded) -> bool) -> usize {
    server
        .requests()
        .iter()
        .filter(|recorded| fits(recorded))
        .count()
}

#[tokio::test]
async fn five_attempts_are_five_attempts_for_what_a_waiter_does_too() {
    let server = Server::start(|recorded, _| match recorded.method.as_str() {
        "GET" => status("RUNNING"),
        _ => json(503, ""),
    });
    let client = server.client(&ManualClock::default()).await;
    for error in [
        client.notebooks().ensure_stopped("n1").await.unwrap_err(),
        client.instances().ensure_stopped("n1").await.unwrap_err(),
    ] {
        assert_eq!(error.retry_limit(), Some(RetryLimit::Attempts), "{error}");
        assert_eq!(
            (error.attempts(), error.status().unwrap().as_u16()),
            (5, 503)
        );
    }
    assert_eq!(count(&server, |recorded| recorded.method == "POST"), 10);
    let hasty = client.with(CallOptions::new().retry_policy(RetryPolicy::off()));
    let _ = hasty.notebooks().ensure_stopped("n1").await.unwrap_err();
    assert_eq!(count(&server, |recorded| recorded.method == "POST"), 11);
}

#[tokio::test]
async fn an_error_says_what_ended_the_retries() {
    let server = Server::start(|_, _| json(503, ""));
    let clock = ManualClock::default();
    let client = server.client(&clock).await;
    let show = async |client: &ModelArts| client.notebooks().show("n1").await.unwrap_err();
    let error = show(&client).await;
    assert_eq!(error.retry_limit(), Some(RetryLimit::Attempts));
    assert!(
        error.to_string().contains("after 5 attempts, the maximum"),
        "{error}"
    );
    let late = client.with(CallOptions::new().deadline(Duration::from_millis(1)));
    assert_eq!(show(&late).await.retry_limit(), Some(RetryLimit::Deadline));

    let budget = RetryBudget::new(6);
    let small = server.builder(&clock).retry_budget(budget.clone());
    let small = small
        .credentials(Credentials::token("t"))
        .build()
        .await
        .unwrap();
    assert_eq!(small.retry_budget().remaining(), 6);
    let _ = show(&small).await;
    let error = show(&small).await;
    assert_eq!(
        (error.retry_limit(), error.attempts()),
        (Some(RetryLimit::Budget), 3)
    );
    assert!(
        error.to_string().contains("the retry budget is used up"),
        "{error}"
    );
    assert_eq!(budget.remaining(), 0);
    // Where nothing would have been repeated, no limit ended it.
    assert_eq!(
        client
            .notebooks()
            .create(&notebook())
            .await
            .unwrap_err()
            .retry_limit(),
        None
    );
}

#[tokio::test]
async fn a_waiter_that_runs_out_of_time_says_why_and_what_is_missing() {
    let server = reading(&[
        || status("CREATING"),
        || status("CREATING"),
        || with(code(429, "ModelArts.6101"), "retry-after", "60"),
    ]);
    let client = server.client(&ManualClock::default()).await;
    let waiter = client.notebooks().wait_until_running("n1");
    let error = waiter.deadline(Duration::from_secs(120)).await.unwrap_err();
    assert!(
        error.is_wait_timeout() && error.is_throttled() && error.is_retryable(),
        "{error}"
    );
    assert_eq!(error.class(), Some(ErrorClass::Throttled));
    assert_eq!(error.status().unwrap().as_u16(), 429);
    let outcomes = error.to_string();
    assert!(
        outcomes.contains("the last status was CREATING") && !outcomes.contains("no poll"),
        "{outcomes}"
    );
    // Polls make one attempt each, which is no limit of the waiter.
    assert_eq!(error.retry_limit(), None);
    assert!(!outcomes.contains("retries"), "{outcomes}");

    let volume =
        r#"{"status": "RUNNING", "volume": {"category": "EVS", "status": "INITIALIZING"}}"#;
    let server = Server::start(move |_, _| json(200, volume));
    let client = server.client(&ManualClock::default()).await;
    let error = client
        .notebooks()
        .wait_until_running("n1")
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("RUNNING, but its volume is INITIALIZING"),
        "{error}"
    );
    let status = error.last_poll().unwrap();
    assert_eq!(
        status.missing.as_deref(),
        Some("its volume is INITIALIZING")
    );
}

#[tokio::test]
async fn codes_of_gateways_have_a_class_and_a_remedy() {
    for (status, gateway_code, class) in [
        (401, "APIG.0301", ErrorClass::Authentication),
        (401, "APIGW.0301", ErrorClass::Authentication),
        (401, "APIGW.0307", ErrorClass::Authentication),
        (403, "APIG.0302", ErrorClass::Permission),
        (429, "APIGW.0308", ErrorClass::Throttled),
        (429, "APIG.0308", ErrorClass::Throttled),
        (504, "APIG.0201", ErrorClass::Busy),
        (404, "APIG.0101", ErrorClass::InvalidArgument),
        (403, "IAM.0003", ErrorClass::Permission),
        (429, "ModelArts.6101", ErrorClass::Throttled),
    ] {
        let server = Server::start(move |_, _| code(status, gateway_code));
        let client = server.client(&ManualClock::default()).await;
        let error = client.notebooks().show("n1").await.unwrap_err();
        assert_eq!(error.class(), Some(class), "{gateway_code}");
        assert!(error.remedy().is_some(), "{gateway_code}");
        assert_eq!(error.is_throttled(), status == 429, "{gateway_code}");
    }
}

#[tokio::test]
async fn a_skewed_clock_is_recognised_and_reported() {
    for (date, minutes) in [
        ("Mon, 03 Nov 2025 08:55:00 GMT", -40),
        ("Mon, 03 Nov 2025 07:55:00 GMT", 20),
    ] {
        let refuse = move |_: &Recorded, _| with(code(401, "APIGW.0301"), "date", date);
        let server = Server::start(refuse);
        let client = server.client(&ManualClock::default()).await;
        let error = client.notebooks().show("n1").await.unwrap_err();
        assert_eq!(error.clock_skew().unwrap().as_mins(), minutes, "{error}");
        let side = if minutes < 0 {
            "40 minutes behind"
        } else {
            "20 minutes ahead of"
        };
        assert!(error.to_string().contains(side), "{error}");
        assert!(error.remedy().unwrap().contains("clock"), "{error}");
    }
    let date = "Mon, 03 Nov 2025 08:16:00 GMT";
    let server = Server::start(move |_, _| with(code(401, "APIGW.0301"), "date", date));
    let client = server.client(&ManualClock::default()).await;
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(error.clock_skew().is_none() && error.remedy().is_some());
}

#[tokio::test]
async fn a_time_limit_is_reported_as_it_was_set() {
    let silent = |step: u64| {
        let clock = ManualClock::default();
        let time = clock.clone();
        let server = Server::start(move |_, _| {
            time.advance(Duration::from_secs(step));
            Reply::silence()
        });
        (clock, server)
    };
    let (clock, server) = silent(20);
    let options = CallOptions::new().attempt_timeout(Duration::from_secs(20));
    let client = server
        .client(&clock)
        .await
        .with(options.retry_policy(RetryPolicy::off()));
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(
        error.is_timeout() && !error.is_deadline_exceeded(),
        "{error}"
    );
    assert!(
        error.to_string().contains("attempt timeout of 20s"),
        "{error}"
    );

    let (clock, server) = silent(50);
    let options = CallOptions::new().deadline(Duration::from_secs(50));
    let client = server.client(&clock).await.with(options);
    let error = client.notebooks().show("n1").await.unwrap_err();
    assert!(
        error.is_timeout() && error.is_deadline_exceeded(),
        "{error}"
    );
    assert!(
        error.to_string().contains("the deadline of the call, 50s"),
        "{error}"
    );
    assert!(
        client
            .notebooks()
            .create(&notebook())
            .await
            .unwrap_err()
            .is_outcome_unknown()
    );
}

#[tokio::test]
async fn a_flood_of_interim_responses_does_not_defeat_the_time_limit() {
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
    ] {
        let clock = ManualClock::default();
        let time = clock.clone();
        let server = Server::start(move |_, _| {
            let time = time.clone();
            Reply::endless(interim.repeat(1000), move |written| {
                if written == 50 {
                    time.advance(Duration::from_secs(60));
                }
            })
        });
        let options = CallOptions::new().retry_policy(RetryPolicy::off());
        let client = server.client(&clock).await.with(options);
        let error = client.notebooks().create(&notebook()).await.unwrap_err();
        assert!(error.is_timeout() && error.is_outcome_unknown(), "{error}");
    }
}

#[tokio::test]
async fn what_will_be_the_same_the_next_time_is_not_repeated() {
    let replies: [fn() -> Reply; 4] = [
        || json(200, r#"{"lease": {"duration": "long"}}"#),
        || html(200, "<html>"),
        || Reply::raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
        || code(500, "ModelArts.7008"),
    ];
    for reply in replies {
        let server = Server::start(move |_, _| reply());
        let client = server.client(&ManualClock::default()).await;
        let error = client.notebooks().show("n1").await.unwrap_err();
        assert_eq!(
            (server.count(), error.is_retryable()),
            (1, false),
            "{error}"
        );
        let error = client
            .notebooks()
            .wait_until_running("n1")
            .await
            .unwrap_err();
        assert_eq!(
            (server.count(), error.is_retryable()),
            (2, false),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("while waiting for notebook n1 to run"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_credential_in_the_id_of_the_request_is_not_shown() {
    let echo = |recorded: &Recorded, n: usize| {
        let token = recorded.header("x-auth-token").unwrap_or_default();
        let reply = match n % 3 {
            0 => code(400, "ModelArts.6318"),
            1 => json(200, r#"{"id": 7, "status": {}}"#),
            _ => json(
                400,
                &format!(
                    r#"{{"error_code": "{token}", "error_msg": "a\u001b[31mb\u202ec", "request_id": "{token}"}}"#
                ),
            ),
        };
        with(reply, "x-request-id", token)
    };
    let server = Server::start(echo);
    let client = server.client(&ManualClock::default()).await;
    for _ in 0..3 {
        let error = client.notebooks().show("n1").await.unwrap_err();
        let shown = format!(
            "{error} {error:?} {:?} {:?}",
            error.request_id(),
            error.headers()
        );
        assert!(!shown.contains("t0p-s3cret"), "{shown}");
        assert!(
            !error
                .to_string()
                .contains(|c: char| c.is_control() || c == '\u{202e}')
        );
    }
}

#[tokio::test]
async fn an_error_is_one_line_that_says_nothing_twice() {
    let server = Server::start(|_, _| {
        json(
            400,
            "{\"error_msg\": \"a\\nb\", \"error_code\": \"ModelArts.6318\"}",
        )
    });
    let clock = ManualClock::default();
    let refused = server
        .client(&clock)
        .await
        .notebooks()
        .show("n1")
        .await
        .unwrap_err();
    let nobody = server.builder(&clock).endpoint("http://127.0.0.1:1");
    let nobody = nobody
        .credentials(Credentials::token("t"))
        .build()
        .await
        .unwrap();
    let unreached = nobody.notebooks().show("n1").await.unwrap_err();
    assert_eq!(unreached.host(), Some("127.0.0.1:1"));
    assert!(unreached.transport_error().unwrap().is_connect());
    for error in [refused, unreached] {
        assert!(!error.to_string().contains('\n') && error.to_string().contains("127.0.0.1:"));
        assert!(std::error::Error::source(&error).is_none(), "{error}");
    }
}

/// Statuses, codes, bodies and headers as no page has them.
fn hostile() -> impl Strategy<Value = (u16, String, String)> {
    let status = prop_oneof![
        3 => prop::sample::select(vec![200_u16, 201, 202, 203, 206, 400, 404, 401, 403, 409, 410, 429, 500, 502, 503]),
        1 => 300_u16..600,
    ];
    let word = prop::sample::select(vec![
        "APIG.0101",
        "APIGW.0101",
        "APIGW.0301",
        "IAM.0004",
        "404",
        "Ecs.0114",
        "",
        "gone",
        "ModelArts",
        "modelarts.6309",
        "ModelArts.0102",
        "ModelArts.7005",
        "ModelArts.6309x",
        "DELETED!",
        "null",
    ]);
    let text = "[a-zA-Z0-9 {}<>\\[\\]\",:\u{202e}\u{1b}]{0,30}";
    let body = prop_oneof![
        Just(String::new()),
        Just(HTML_404.to_owned()),
        text.prop_map(|text| text),
        (word.clone(), text).prop_map(|(word, text)| {
            serde_json::json!({"error_code": word, "error_msg": text}).to_string()
        }),
        (word.clone(), text).prop_map(|(word, text)| {
            serde_json::json!({"error": {"code": word, "message": text}}).to_string()
        }),
        (0_i64..600).prop_map(|code| {
            serde_json::json!({"error": {"code": code, "message": "no", "title": "no"}}).to_string()
        }),
        (word.clone(), text).prop_map(|(word, text)| {
            serde_json::json!({"status": word, "message": text}).to_string()
        }),
        word.prop_map(|word| serde_json::json!([{"error_code": word}]).to_string()),
        prop::collection::vec(any::<u8>(), 0..20)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        "[0-9.e+-]{1,9}",
        Just("[".repeat(500)),
    ];
    (status, body, "[!-~]{0,60}")
}

/// Hands each of many hostile responses to what is asked of them.
fn against_hostile_responses(check: impl AsyncFn(&ModelArts, u16, &str)) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let current = Arc::new(Mutex::new((200, String::new(), String::new())));
    let reply = current.clone();
    let server = Server::start(move |_, _| {
        let (status, body, id) = reply.lock().unwrap().clone();
        with(json(status, &body), "x-request-id", &id)
    });
    let options =
        CallOptions::new().poll_policy(PollPolicy::default().deadline(Duration::from_secs(60)));
    let budget = RetryBudget::unlimited();
    let builder = server.builder(&ManualClock::default()).retry_budget(budget);
    let builder = builder.credentials(Credentials::token("t0p-s3cret"));
    let client = runtime.block_on(builder.build()).unwrap().with(options);
    let mut runner = TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let result = runner.run(&hostile(), |(status, body, id)| {
        *current.lock().unwrap() = (status, body.clone(), id);
        runtime.block_on(check(&client, status, &body));
        Ok(())
    });
    result.unwrap();
}

fn is_sound(error: &Error) {
    let shown = error.to_string();
    assert!(
        !shown.contains(|c: char| c.is_control() || c == '\u{202e}'),
        "{shown:?}"
    );
    assert!(!format!("{shown}{error:?}").contains("t0p-s3cret"));
    let is_of_no_request = error.is_wait_timeout() && error.cause().is_none();
    assert!(error.host().is_some() || is_of_no_request, "{shown}");
}

#[test]
fn no_hostile_response_is_taken_for_gone() {
    against_hostile_responses(async |client, _, body| {
        for (what, result) in ask_all(client).await {
            match result {
                Err(error) => {
                    is_sound(&error);
                    let elsewhere =
                        body.contains("ModelArts.0102") || body.contains("ModelArts.7005");
                    assert!(!error.is_not_found() || elsewhere, "{what}: {error}");
                }
                Ok(()) => assert!(
                    ["show", "delete", "unmount"]
                        .iter()
                        .any(|it| what.contains(it))
                        && !what.starts_with("stop"),
                    "{what}: {body}"
                ),
            }
        }
    });
}

#[test]
fn no_hostile_response_is_taken_for_a_creation() {
    against_hostile_responses(async |client, status, body| {
        for (what, result) in create_all(client).await {
            let error = result.expect_err(what);
            assert!(
                (200..300).contains(&status) == error.is_decode(),
                "{what}: {error}"
            );
            let is_unknown = error.is_outcome_unknown();
            assert!(
                is_unknown || !(200..300).contains(&status),
                "{what}: {body}: {error}"
            );
        }
    });
}

#[test]
fn no_hostile_response_is_taken_for_a_state() {
    against_hostile_responses(async |client, _, body| {
        let (new, old) = (client.notebooks(), client.instances());
        let results = [
            new.ensure_stopped("n1").into_future().await.map(drop),
            new.wait_until_running("n1").await.map(drop),
            old.ensure_running("n1").await.map(drop),
            old.wait_until_stopped("n1").await.map(drop),
            client.images().wait_until_active("n1").await.map(drop),
            client
                .storage()
                .wait_until_mounted("n1", "s1")
                .await
                .map(drop),
        ];
        for result in results {
            let error = result.expect_err(body);
            assert!(!error.to_string().is_empty());
        }
        let listed = new.list().collect().await;
        assert!(listed.is_err(), "{body}");
    });
}
