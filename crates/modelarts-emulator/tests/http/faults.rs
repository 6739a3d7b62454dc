use std::time::Duration;

use modelarts_emulator::Fault;
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, notebook};

async fn plain(client: &Client) -> reqwest::Result<reqwest::Response> {
    let path = format!("/v1/{}/notebooks", client.emulator.project_id());
    let token = client.emulator.token();
    client
        .request(Method::GET, &path)
        .header("X-Auth-Token", token.expose())
        .send()
        .await
}

#[tokio::test]
async fn responses_are_replaced_by_faults() {
    let client = Client::start().await;
    client
        .emulator
        .add_fault(Fault::status(429).header("Retry-After", "7").times(1))
        .unwrap();
    let throttled = client.get("/notebooks").await;
    assert_eq!(
        (throttled.status, throttled.code()),
        (429, "ModelArts.6101")
    );
    assert_eq!(throttled.headers["retry-after"], "7");
    client
        .emulator
        .add_fault(Fault::status(502).body("<html>bad gateway</html>").times(1))
        .unwrap();
    let html = client.get("/notebooks").await;
    assert_eq!(html.headers["content-type"], "text/html");
    client
        .emulator
        .add_fault(Fault::status(400).code("ModelArts.6357").times(1))
        .unwrap();
    assert_eq!(client.get("/notebooks").await.code(), "ModelArts.6357");
    assert_eq!(client.get("/notebooks").await.status, 200);
}

#[tokio::test]
async fn connections_are_reset_and_bodies_cut() {
    let client = Client::start().await;
    client.emulator.add_fault(Fault::reset().times(1)).unwrap();
    assert!(plain(&client).await.is_err());
    client
        .emulator
        .add_fault(Fault::truncated().times(1))
        .unwrap();
    let cut = plain(&client).await.unwrap();
    assert_eq!(cut.status(), 200);
    assert!(cut.text().await.is_err());
    client
        .emulator
        .add_fault(Fault::delay(Duration::from_millis(5)).times(1))
        .unwrap();
    assert_eq!(plain(&client).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_response_can_get_lost_after_the_operation() {
    let client = Client::start().await;
    let fault = Fault::status(500)
        .operation("createNotebook")
        .times(1)
        .after_the_operation();
    client.emulator.add_fault(fault).unwrap();
    assert_eq!(
        client.post("/notebooks", notebook(json!({}))).await.status,
        500
    );
    assert_eq!(client.get("/notebooks").await.ok()["total"], 1);
}

#[tokio::test]
async fn faults_are_managed_over_http() {
    let client = Client::start().await;
    let fault = json!({"operation": "showNotebook", "status": 503, "times": 1});
    let added = client
        .control("POST", "/faults/responses", Some(fault))
        .await;
    assert_eq!(added.status, 201);
    assert_eq!(
        client.control("GET", "/faults/responses", None).await.ok(),
        json!([added.body])
    );
    assert_eq!(client.get("/notebooks").await.status, 200);
    assert_eq!(client.get("/notebooks/x").await.status, 503);
    assert_eq!(
        client.control("GET", "/faults/responses", None).await.ok(),
        json!([])
    );
    let standing = client
        .control("POST", "/faults/responses", Some(json!({"reset": true})))
        .await
        .ok();
    let path = format!("/faults/responses/{}", standing["id"]);
    assert_eq!(client.control("DELETE", &path, None).await.status, 204);
    assert_eq!(client.control("DELETE", &path, None).await.status, 404);
    for wrong in [
        json!({"status": 99}),
        json!({"probability": 2}),
        json!({"times": 0}),
        json!({"colour": 1}),
    ] {
        let status = client
            .control("POST", "/faults/responses", Some(wrong))
            .await
            .status;
        assert!((400..500).contains(&status), "{status}");
    }
    let never = json!({"step": "create", "times": 0});
    let refused = client
        .control("POST", "/faults/transitions", Some(never))
        .await;
    assert_eq!(refused.status, 400, "{refused:?}");
}
