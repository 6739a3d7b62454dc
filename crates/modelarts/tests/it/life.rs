//! Waiting, ensuring and listing against a small model of the service.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{Clients, Recorded, Reply, Server, code, json};
use futures::TryStreamExt;
use modelarts::{AutoStop, Clock, ManualClock, PollPolicy};

/// One notebook that walks through statuses: one step for every read.
struct Life {
    statuses: Vec<&'static str>,
}

impl Life {
    fn new(statuses: &[&'static str]) -> Arc<Mutex<Self>> {
        let statuses = statuses.iter().rev().copied().collect();
        Arc::new(Mutex::new(Self { statuses }))
    }

    fn read(&mut self) -> Reply {
        let status = match self.statuses.len() {
            1 => self.statuses[0],
            _ => self.statuses.pop().unwrap(),
        };
        match status {
            "gone" => code(400, "ModelArts.6309"),
            "missing image" => code(400, "ModelArts.6404"),
            "missing mount" => code(400, "ModelArts.6624"),
            status => json(
                200,
                &format!(r#"{{"id": "n1", "status": "{status}", "fail_reason": "no luck"}}"#),
            ),
        }
    }

    /// What follows from here on.
    fn then(&mut self, statuses: &[&'static str]) {
        self.statuses = statuses.iter().rev().copied().collect();
    }
}

fn actions(server: &Server) -> Vec<String> {
    let recorded = server.requests();
    let actions = recorded.iter().filter(|recorded| recorded.method != "GET");
    actions
        .map(|recorded| {
            format!(
                "{} {}",
                recorded.method,
                recorded.target.trim_start_matches("/v1/p1/")
            )
        })
        .collect()
}

fn is_read(recorded: &Recorded) -> bool {
    recorded.method == "GET"
}

#[tokio::test]
async fn a_stopping_notebook_is_waited_for_and_started() {
    let life = Life::new(&["STOPPING", "STOPPED"]);
    let started = Mutex::new(false);
    let server = Server::start(move |recorded, _| {
        let mut life = life.lock().unwrap();
        if !is_read(recorded) {
            if std::mem::replace(&mut *started.lock().unwrap(), true) {
                return code(400, "ModelArts.6357");
            }
            life.then(&["STOPPED", "STARTING", "RUNNING"]);
            return json(200, r#"{"status": "STARTING"}"#);
        }
        life.read()
    });
    let clock = ManualClock::default();
    let client = server.client(&clock).await;
    let seen: Vec<_> = client
        .notebooks()
        .ensure_running("n1")
        .events()
        .map_ok(|event| event.status.status)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(
        seen,
        ["STOPPING", "STOPPED", "STOPPED", "STARTING", "RUNNING"]
    );
    // The read that still showed STOPPED does not make it ask twice.
    assert_eq!(actions(&server), ["POST notebooks/n1/start"]);
    assert_eq!(clock.elapsed(), Duration::from_secs(40));
}

#[tokio::test]
async fn reads_that_lag_behind_are_waited_out_and_no_longer() {
    let wait = async |script: &[&'static str]| {
        let life = Life::new(script);
        let server = Server::start(move |_, _| life.lock().unwrap().read());
        let clock = ManualClock::default();
        let client = server.client(&clock).await;
        let result = client.notebooks().wait_until_running("n1").await;
        (result, clock.elapsed().as_secs())
    };
    for script in [
        ["gone", "gone", "CREATING", "RUNNING"],
        ["STARTING", "gone", "STOPPED", "RUNNING"],
        ["STOPPED", "STOPPED", "STOPPED", "RUNNING"],
        ["START_FAILED", "START_FAILED", "STARTING", "RUNNING"],
    ] {
        let (result, _) = wait(&script).await;
        let status = result.unwrap().status.unwrap();
        assert_eq!(status.as_str(), "RUNNING", "{script:?}");
    }
    for script in ["gone", "STOPPED", "START_FAILED"] {
        let (result, elapsed) = wait(&[script]).await;
        let error = result.unwrap_err();
        assert!(error.is_not_found() || error.is_wait_failed(), "{error}");
        assert_eq!(elapsed, 40, "{script}");
    }
    let (result, elapsed) = wait(&["STARTING", "START_FAILED"]).await;
    assert!(result.unwrap_err().is_wait_failed());
    assert_eq!(elapsed, 20, "it is newer than the start");
}

#[tokio::test]
async fn the_policy_of_a_waiter_holds_for_its_reads_too() {
    let life = Life::new(&["STOPPED"]);
    let server = Server::start(move |_, _| life.lock().unwrap().read());
    let clock = ManualClock::default();
    let client = server.client(&clock).await;
    let policy = PollPolicy::default().read_lag(Duration::ZERO);
    let waiter = client.notebooks().wait_until_running("n1").policy(policy);
    assert!(waiter.await.unwrap_err().is_wait_failed());
    assert_eq!(clock.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn images_and_mounts_are_removed_by_the_same_machine() {
    let (image, mount) = (Life::new(&["ACTIVE"]), Life::new(&["MOUNTED"]));
    let server = Server::start(move |asked, _| {
        let is_image = asked.target.contains("/images/");
        let mut life = if is_image { image.lock() } else { mount.lock() }.unwrap();
        match (is_read(asked), is_image, life.statuses.as_slice()) {
            // In use, and then no more.
            (false, true, ["ACTIVE"]) => {
                life.then(&["ACTIVE", "ACTIVE", "missing image"]);
                code(400, "ModelArts.6357")
            }
            (false, false, _) => {
                life.then(&["UNMOUNTING", "missing mount"]);
                json(200, r#"{"id": "s1", "status": "UNMOUNTING"}"#)
            }
            (false, true, _) => json(200, "{}"),
            (true, ..) => life.read(),
        }
    });
    let client = server.client(&ManualClock::default()).await;
    let storage = client.storage();
    client.images().ensure_deleted("i1").await.unwrap();
    storage.ensure_unmounted("n1", "s1").await.unwrap();
    // Once more, it is as it should be.
    let before = actions(&server).len();
    client.images().ensure_deleted("i1").await.unwrap();
    storage.ensure_unmounted("n1", "s1").await.unwrap();
    assert_eq!(
        actions(&server)[..],
        [
            "DELETE images/i1",
            "DELETE images/i1",
            "DELETE notebooks/n1/storage/s1"
        ]
    );
    assert_eq!(before, 3);
}

#[tokio::test]
async fn a_conflict_means_another_poll() {
    let life = Life::new(&["RUNNING"]);
    let server = Server::start(move |recorded, _| {
        let mut life = life.lock().unwrap();
        if !is_read(recorded) {
            // Somebody else was faster.
            life.then(&["STOPPING", "STOPPED"]);
            return code(400, "ModelArts.6357");
        }
        life.read()
    });
    let client = server.client(&ManualClock::default()).await;
    let stopped = client.notebooks().ensure_stopped("n1").await.unwrap();
    assert_eq!(stopped.status.unwrap().as_str(), "STOPPED");
    assert_eq!(actions(&server), ["POST notebooks/n1/stop"]);
}

#[tokio::test]
async fn a_refusal_that_lasts_is_the_cause_of_the_last_error() {
    let server = Server::start(|recorded, _| match is_read(recorded) {
        true => json(200, r#"{"id": "n1", "status": "RUNNING"}"#),
        false => code(400, "ModelArts.6357"),
    });
    let client = server.client(&ManualClock::default()).await;
    let error = client.notebooks().ensure_stopped("n1").await.unwrap_err();
    assert!(error.is_wait_timeout(), "{error}");
    assert_eq!(error.last_poll().unwrap().status, "RUNNING");
    let message = error.to_string();
    assert!(
        message.contains("; the last refusal: stopNotebook: HTTP 400, ModelArts.6357"),
        "{message}"
    );
    assert!(error.is_conflict() && error.cause().unwrap().operation() == Some("stopNotebook"));
}

#[tokio::test]
async fn what_is_as_it_should_be_is_left_alone() {
    let server = Server::start(|_, _| code(400, "ModelArts.6309"));
    let clock = ManualClock::default();
    let client = server.client(&clock).await;
    client.notebooks().ensure_deleted("n1").await.unwrap();
    client.instances().ensure_deleted("n1").await.unwrap();
    assert_eq!((server.count(), clock.sleeps().len()), (2, 0));
    assert!(
        client
            .notebooks()
            .ensure_running("n1")
            .await
            .unwrap_err()
            .is_not_found()
    );
}

#[tokio::test]
async fn a_running_notebook_is_stopped_when_its_deletion_demands_it() {
    let life = Life::new(&["RUNNING"]);
    let stopped = Mutex::new(false);
    let server = Server::start(move |recorded, _| {
        let (mut life, mut stopped) = (life.lock().unwrap(), stopped.lock().unwrap());
        match recorded.method.as_str() {
            "DELETE" if !*stopped => return code(400, "ModelArts.6304"),
            "DELETE" => {
                life.then(&["DELETING", "gone"]);
                return json(200, "{}");
            }
            "POST" => {
                *stopped = true;
                life.then(&["STOPPING", "STOPPED"]);
                return json(200, "{}");
            }
            _ => {}
        }
        life.read()
    });
    let client = server.client(&ManualClock::default()).await;
    client.notebooks().ensure_deleted("n1").await.unwrap();
    let expected = [
        "DELETE notebooks/n1",
        "POST notebooks/n1/stop",
        "DELETE notebooks/n1",
    ];
    assert_eq!(actions(&server), expected);
}

#[tokio::test]
async fn a_failed_start_is_reported_with_its_reason() {
    let life = Life::new(&["STARTING", "START_FAILED"]);
    let server = Server::start(move |_, _| life.lock().unwrap().read());
    let client = server.client(&ManualClock::default()).await;
    let error = client
        .notebooks()
        .wait_until_running("n1")
        .await
        .unwrap_err();
    assert!(error.is_wait_failed());
    let host = server.url.trim_start_matches("http://");
    assert_eq!(
        error.to_string(),
        format!(
            "waiting for notebook n1 to run: START_FAILED is a failed state: no luck (host {host})"
        )
    );
}

#[tokio::test]
async fn the_old_generation_speaks_seconds_and_actions() {
    let server = Server::start(|recorded, _| match recorded.method.as_str() {
        "POST" => json(
            200,
            r#"{"current_status": "STOPPING", "previous_state": "RUNNING"}"#,
        ),
        _ => json(200, r#"{"id": "i1", "status": "RUNNING"}"#),
    });
    let client = server.client(&ManualClock::default()).await;
    client
        .instances()
        .set_auto_stop("i1", AutoStop::hours(2))
        .await
        .unwrap();
    client.instances().stop("i1").await.unwrap();
    let recorded = server.requests();
    let auto_stop = serde_json::json!({"spec": {"auto_stop": {"duration": 7200, "enable": true}}});
    assert_eq!(recorded[0].json(), auto_stop);
    assert_eq!(recorded[1].json(), serde_json::json!({"action": "stop"}));
    client
        .notebooks()
        .start_with("n1", AutoStop::Off)
        .await
        .unwrap();
    assert!(
        server.requests()[2]
            .target
            .ends_with("/start?duration=-1&type=timing")
    );
}

/// The `n`th of `all` notebooks and those after it.
fn page(recorded: &Recorded, all: usize) -> Reply {
    let query = recorded.target.split_once('?').unwrap().1;
    let number = |name: &str| -> usize {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(name));
        pair.map_or(0, |text| text.parse().unwrap())
    };
    let (limit, offset) = (number("limit="), number("offset="));
    let ids = (offset..all.min(offset + limit)).map(|n| format!(r#"{{"id": "n{n}"}}"#));
    let data: Vec<_> = ids.collect();
    json(
        200,
        &format!(r#"{{"data": [{}], "total": {all}}}"#, data.join(",")),
    )
}

#[tokio::test]
async fn a_list_is_a_stream_of_all_its_pages() {
    let server = Server::start(|recorded, _| page(recorded, 123));
    let client = server.client(&ManualClock::default()).await;
    let list = client.notebooks().list().status("RUNNING").name("bert");
    let ids: Vec<_> = list
        .items()
        .map_ok(|notebook| notebook.id.unwrap())
        .try_collect()
        .await
        .unwrap();
    assert_eq!((ids.len(), ids[122].as_str()), (123, "n122"));
    let targets: Vec<_> = server
        .requests()
        .into_iter()
        .map(|recorded| recorded.target)
        .collect();
    assert_eq!(
        targets,
        [0, 50, 100].map(|offset| format!(
            "/v1/p1/notebooks?limit=50&name=bert&offset={offset}&status=RUNNING"
        ))
    );
}

#[tokio::test]
async fn an_error_ends_the_stream_after_what_came_before_it() {
    let server = Server::start(|recorded, n| match n {
        0 => page(recorded, 123),
        _ => code(403, "ModelArts.0209"),
    });
    let client = server.client(&ManualClock::default()).await;
    let mut items = client.notebooks().list().items();
    for _ in 0..50 {
        items.try_next().await.unwrap().unwrap();
    }
    assert!(items.try_next().await.unwrap_err().is_auth());
}

#[tokio::test]
async fn instances_and_flavors_have_their_own_forms_of_a_list() {
    let server = Server::start(
        |recorded, n| match (recorded.target.contains("demanager"), n) {
            (true, _) => json(200, r#"{"instances": [{"id": "i1"}], "total_count": 1}"#),
            (false, _) => json(200, r#"{"flavors": [{"id": "f1"}], "total": 1}"#),
        },
    );
    let client = server.client(&ManualClock::default()).await;
    let instances: Vec<_> = client
        .instances()
        .list()
        .items()
        .try_collect()
        .await
        .unwrap();
    let flavors: Vec<_> = client.flavors().list().items().try_collect().await.unwrap();
    assert_eq!((instances.len(), flavors.len(), server.count()), (1, 1, 2));
    assert!(server.requests()[0].target.contains("de_type=Notebook"));
    assert_eq!(client.flavors().switchable("n1").await.unwrap().len(), 1);
}

#[tokio::test]
async fn everything_can_run_in_a_task_of_its_own() {
    let server = Server::start(|recorded, _| match recorded.target.contains('?') {
        true => page(recorded, 120),
        false => json(200, r#"{"id": "n1", "status": "RUNNING"}"#),
    });
    let client = server.client(&ManualClock::default()).await;
    let task = tokio::spawn(async move {
        let created = client.notebooks().show("n1").await?;
        client.notebooks().ensure_running("n1").await?;
        client.leases().renew("n1", AutoStop::hours(1)).await?;
        client.devenviron();
        client.call("showNotebook").path("id", "n1").send().await?;
        let list = client.notebooks().list().name("a");
        let all: Vec<_> = list.items().try_collect().await?;
        let outcomes = modelarts::map_concurrent(["n1", "n2"], 2, |id| {
            let notebooks = client.notebooks();
            async move { notebooks.stop(id).await }
        });
        Ok::<_, modelarts::Error>((created.id, all.len(), outcomes.await.len()))
    });
    assert_eq!(
        task.await.unwrap().unwrap(),
        (Some("n1".to_owned()), 120, 2)
    );
}
