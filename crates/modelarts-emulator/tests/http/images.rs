use modelarts_emulator::{Step, TransitionFault};
use serde_json::json;

use crate::client::{Client, IMAGE};

#[tokio::test]
async fn an_image_is_saved_and_then_used_by_its_notebook() {
    let client = Client::start().await;
    let id = client.running().await;
    let save = format!("/notebooks/{id}/create-image");
    let body = json!({"name": "bert-env", "namespace": "nlp", "tag": "1.0.0", "workspace_id": "0"});
    let saved = client.post(&save, body.clone()).await.ok();
    assert_eq!(
        (&saved["status"], &saved["origin"]),
        (&json!("INIT"), &json!("IMAGE_SAVE"))
    );
    let image = saved["id"].as_str().unwrap();
    assert_eq!(client.status(&id).await, "SNAPSHOTTING");
    assert_eq!(
        client.post(&save, body.clone()).await.code(),
        "ModelArts.6357"
    );
    let path = format!("/images/{image}");
    assert_eq!(client.get(&path).await.ok()["status"], "CREATING");
    assert_eq!(
        client.send("DELETE", &path, None).await.code(),
        "ModelArts.6357"
    );
    client.pass(120);
    assert_eq!(client.get(&path).await.ok()["status"], "ACTIVE");
    let notebook = client.show(&id).await;
    assert_eq!(
        (&notebook["status"], &notebook["image"]["id"]),
        (&json!("RUNNING"), &json!(image))
    );
    assert_eq!(client.post(&save, body).await.code(), "ModelArts.6737");
    assert_eq!(
        client.send("DELETE", &path, None).await.code(),
        "ModelArts.6357"
    );
    client
        .send("DELETE", &format!("/notebooks/{id}"), None)
        .await
        .ok();
    client.pass(20);
    assert_eq!(
        client.send("DELETE", &path, None).await.ok()["status"],
        "DELETED"
    );
    assert_eq!(client.get(&path).await.code(), "ModelArts.6404");
}

#[tokio::test]
async fn a_failed_saving_leaves_the_notebook_as_it_was() {
    let client = Client::start().await;
    let id = client.running().await;
    client
        .emulator
        .add_transition_fault(TransitionFault::new(Step::SaveImage))
        .await
        .unwrap();
    let saved = client
        .post(&format!("/notebooks/{id}/create-image"), json!({}))
        .await
        .ok();
    client.pass(120);
    let image = client
        .get(&format!("/images/{}", saved["id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(image["status"], "CREATE_FAILED");
    assert!(image["status_message"].is_string());
    let notebook = client.show(&id).await;
    assert_eq!(
        (&notebook["status"], &notebook["image"]["id"]),
        (&json!("RUNNING"), &json!(IMAGE))
    );
}

#[tokio::test]
async fn images_are_registered_listed_and_grouped() {
    let client = Client::start().await;
    for tag in ["1", "2"] {
        let path = format!("swr.example.com/team/jax:{tag}");
        let registered = client
            .post("/images", json!({"swr_path": path, "arch": "AARCH64"}))
            .await
            .ok();
        assert_eq!(registered["arch"], "aarch64");
        assert_eq!(registered["dev_services"], json!(["NOTEBOOK", "SSH"]));
        client.pass(1);
    }
    assert_eq!(
        client
            .post("/images", json!({"swr_path": "swr.example.com/team/jax:2"}))
            .await
            .code(),
        "ModelArts.6737"
    );
    assert_eq!(
        client
            .post("/images", json!({"swr_path": "jax"}))
            .await
            .code(),
        "ModelArts.6336"
    );
    let own = client
        .get("/images?type=DEDICATED&limit=1&sort_key=createTime")
        .await
        .ok();
    assert_eq!(
        (&own["total"], &own["current"], &own["pages"]),
        (&json!(2), &json!(1), &json!(2))
    );
    assert_eq!(own["data"][0]["tag"], "2");
    assert_eq!(client.get("/images?name=ja").await.ok()["total"], 2);
    assert_eq!(
        client
            .get("/images?name=ja&name_fuzzy_match=false")
            .await
            .ok()["total"],
        0
    );
    let groups = client.get("/images/group?type=DEDICATED").await.ok();
    assert_eq!(groups["data"][0]["version_count"], 2);
    let all = client.get("/images").await.ok();
    assert_eq!(all["size"], 200);
    let built_in = client
        .send("DELETE", &format!("/images/{IMAGE}"), None)
        .await;
    assert_eq!(built_in.status, 403);
}
