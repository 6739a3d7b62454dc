use std::time::Duration;

use modelarts_emulator::{Emulator, Fault, LogFilter};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, plain_http};

#[tokio::test]
async fn health_reset_and_fixtures() {
    let client = Client::start().await;
    let before = client.control("GET", "/health", None).await.ok();
    assert_eq!(
        (&before["status"], &before["instances"]),
        (&json!("ok"), &json!(0))
    );
    let fixtures = json!({"instances": [{"name": "old", "count": 3}]});
    assert_eq!(
        client
            .control("POST", "/fixtures", Some(fixtures))
            .await
            .ok()["instances"],
        3
    );
    assert_eq!(client.control("POST", "/reset", None).await.status, 204);
    assert_eq!(client.control("GET", "/health", None).await.ok(), before);
    // The token from before is still good.
    assert_eq!(client.get("/notebooks").await.status, 200);
    let wrong = client
        .control("POST", "/fixtures", Some(json!({"colour": 1})))
        .await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.body["error"].as_str().unwrap().contains("colour"),
        "{wrong:?}"
    );
    let wrong = json!({"instances": [{"owner": "nobody"}]});
    assert_eq!(
        client
            .control("POST", "/fixtures", Some(wrong))
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn fixtures_that_contradict_themselves_change_nothing() {
    let client = Client::start().await;
    let kept = client.running().await;
    let before = client.emulator.snapshot().unwrap();
    for instances in [
        json!([{"name": "good"}, {"name": "bad", "project": "no-such-project"}]),
        json!([{"count": 3}, {"generation": "dev_env", "profile_id": "no-such-profile"}]),
        json!([{"id": "twice", "status": "CREATING"}, {"id": "twice"}]),
        json!([{ "id": kept }]),
    ] {
        let fixtures = json!({
            "projects": [{"name": "another"}],
            "users": [{"name": "somebody"}],
            "flavors": [{"id": "modelarts.vm.cpu.2u", "vcpus": 99}],
            "images": [{"status": "CREATING", "image": {"name": "new"}}],
            "capacity": {"instances": 1},
            "instances": instances,
        });
        let refused = client.control("POST", "/fixtures", Some(fixtures)).await;
        assert_eq!(refused.status, 400, "{refused:?}");
        let after = client.emulator.snapshot().unwrap();
        assert_eq!(
            serde_json::to_value(after).unwrap(),
            serde_json::to_value(&before).unwrap()
        );
        assert_eq!(client.get("/notebooks").await.ok()["total"], 1);
    }
    client.pass(1_000);
    assert_eq!(client.status(&kept).await, "RUNNING");
}

#[tokio::test]
async fn the_clock_is_shown_and_moved() {
    let client = Client::with(Emulator::builder().manual().rng_seed(1)).await;
    let shown = client.control("GET", "/clock", None).await.ok();
    assert_eq!(shown["now_text"], "2026-01-01T00:00:00.000000Z");
    let id = client.create(json!({})).await;
    let change = json!({"advance_ms": 90_000});
    let moved = client.control("POST", "/clock", Some(change)).await.ok();
    assert_eq!(moved["now_text"], "2026-01-01T00:01:30.000000Z");
    assert_eq!(client.status(&id).await, "RUNNING");
    let refused = client
        .control("POST", "/clock", Some(json!({"scale": 0})))
        .await;
    assert_eq!(refused.status, 400);
    let scaled = client
        .control("POST", "/clock", Some(json!({"scale": 60, "frozen": true})))
        .await
        .ok();
    assert_eq!(
        (&scaled["mode"], &scaled["frozen"]),
        (&json!("scaled"), &json!(true))
    );
}

#[tokio::test]
async fn an_rng_seed_repeats_ids_and_times() {
    let run = async || {
        let client = Client::with(Emulator::builder().manual().rng_seed(42)).await;
        let id = client.create(json!({})).await;
        (
            client.show(&id).await,
            client.emulator.access_key().to_owned(),
        )
    };
    assert_eq!(run().await, run().await);
}

#[tokio::test]
async fn a_snapshot_is_restored_with_its_time() {
    let client = Client::start().await;
    let id = client.create(json!({})).await;
    client.pass(40);
    let taken = client.control("GET", "/snapshot", None).await.ok();
    client.pass(10_000);
    client
        .send("DELETE", &format!("/notebooks/{id}"), None)
        .await
        .ok();
    client.pass(100);
    assert_eq!(
        client
            .control("PUT", "/snapshot", Some(taken.clone()))
            .await
            .status,
        204
    );
    assert_eq!(client.status(&id).await, "CREATING");
    client.pass(50);
    assert_eq!(client.status(&id).await, "RUNNING");
    let other = Client::start().await;
    assert_eq!(
        other.control("PUT", "/snapshot", Some(taken)).await.status,
        204
    );
    assert_eq!(
        other.control("GET", "/health", None).await.ok()["instances"],
        1
    );
    let wrong = client
        .control("PUT", "/snapshot", Some(json!({"format": 1})))
        .await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test]
async fn the_log_shows_requests_without_secrets() {
    let client = Client::start().await;
    client.get("/notebooks?limit=10").await.ok();
    client.get("/notebooks/none").await;
    let secret = "hunter2";
    let body = json!({"auth": {"identity": {"methods": ["password"], "password": {
        "user": {"name": "x", "password": secret},
    }}}});
    client
        .finish(client.request(Method::POST, "/v3/auth/tokens").json(&body))
        .await;
    let log = client.control("GET", "/requests", None).await.ok();
    let text = log.to_string();
    assert!(
        !text.contains(secret) && !text.contains(client.emulator.token().expose()),
        "{text}"
    );
    let list = &log[0];
    assert_eq!(list["operation"], "listNotebooks");
    assert_eq!(
        (&list["query"], &list["credentials"]),
        (&json!("limit=10"), &json!("token"))
    );
    let failed = client
        .control("GET", "/requests?status=400&limit=1", None)
        .await
        .ok();
    assert_eq!(failed[0]["error_code"], "ModelArts.6309");
    assert_eq!(client.emulator.requests(&LogFilter::default()).len(), 3);
    assert_eq!(
        client.control("DELETE", "/requests", None).await.status,
        204
    );
    assert_eq!(
        client.control("GET", "/requests", None).await.ok(),
        json!([])
    );
    assert_eq!(
        client
            .control("GET", "/requests?limit=x", None)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn web_pages_from_elsewhere_do_not_control_it() {
    let client = Client::start().await;
    let path = "/_emulator/reset";
    for (name, value) in [("Origin", "https://evil.example"), ("Host", "evil.example")] {
        let request = client.request(Method::POST, path).header(name, value);
        assert_eq!(client.finish(request).await.status, 403, "{name}");
    }
    let own = client
        .request(Method::POST, path)
        .header("Origin", client.emulator.base_url());
    assert_eq!(client.finish(own).await.status, 204);
}

#[tokio::test]
async fn the_documents_are_served() {
    let client = Client::start().await;
    for (name, path) in [
        ("devenviron", "/v1/{project_id}/notebooks"),
        ("iam", "/v3/auth/tokens"),
        ("control", "/_emulator/faults/responses"),
    ] {
        let document = client
            .control("GET", &format!("/openapi/{name}.json"), None)
            .await
            .ok();
        assert!(document["paths"][path].is_object(), "{name}");
    }
    assert_eq!(
        client.control("GET", "/openapi/x.json", None).await.status,
        404
    );
}

#[tokio::test]
async fn other_machines_are_let_in_only_when_that_is_meant() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let refused = Emulator::builder()
        .bind(everywhere)
        .start()
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("allow_remote"), "{refused}");
    let allowed = Emulator::builder()
        .bind(everywhere)
        .allow_remote(true)
        .start()
        .await
        .unwrap();
    assert!(allowed.base_url().starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn a_dropped_emulator_is_gone_and_a_stopped_one_answers_first() {
    let client = Client::start().await;
    let address = client.emulator.address();
    drop(client);
    tokio::task::yield_now().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());

    let slow = Fault::delay(Duration::from_millis(50)).times(1);
    let emulator = Emulator::builder().fault(slow).start().await.unwrap();
    let url = format!(
        "{}/v1/{}/notebooks",
        emulator.base_url(),
        emulator.project_id()
    );
    let token = emulator.token().expose().to_owned();
    let request = plain_http().get(url).header("X-Auth-Token", token);
    let answer = tokio::spawn(request.send());
    // The fault is gone as soon as the request is under way.
    while !emulator.faults().is_empty() {
        tokio::task::yield_now().await;
    }
    emulator.shutdown().await;
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
}
