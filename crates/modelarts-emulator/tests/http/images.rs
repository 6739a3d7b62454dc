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

#[tokio::test]
async fn a_group_is_changed_and_deleted_with_all_its_versions() {
    let client = Client::start().await;
    let register = async |tag: &str, changes: serde_json::Value| {
        let mut body = json!({"swr_path": format!("swr.example.com/nlp/bert:{tag}")});
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        client.post("/images", body).await.ok()
    };
    let first = register(
        "1",
        json!({"flavor_type": "ASCEND_SNT9B", "read_me": "Old."}),
    )
    .await;
    assert_eq!(first["flavor_type"], "ASCEND_SNT9B");
    let second = register("2", json!({"swr_instance_id": "registry-1"})).await;
    let groups = client.get("/images/group?name=bert").await.ok();
    let group = &groups["data"][0];
    assert_eq!(
        (
            &group["version_count"],
            &group["read_me"],
            &groups["is_swr_enterprise"]
        ),
        (&json!(2), &json!("Old."), &json!(true))
    );
    let path = format!("/images/group/{}", group["id"].as_str().unwrap());
    let tags = json!([{"key": "team", "value": "nlp"}]);
    let change = json!({"read_me": "New.", "tags": tags});
    client.send("PUT", &path, Some(change)).await.ok();
    // A version that comes later is like the others.
    let third = register("3", json!({})).await;
    for image in [&first, &second, &third] {
        let shown = client
            .get(&format!("/images/{}", image["id"].as_str().unwrap()))
            .await
            .ok();
        assert_eq!(shown["tags"], tags);
    }
    let groups = client.get("/images/group?name=bert").await.ok();
    assert_eq!(groups["data"][0]["read_me"], "New.");
    let many = vec![json!({"key": "k"}); 21];
    let refused = client.send("PUT", &path, Some(json!({"tags": many}))).await;
    assert_eq!(refused.status, 400);

    let user = client.create(json!({"image_id": third["id"]})).await;
    let refused = client.send("DELETE", &path, None).await;
    assert_eq!(refused.code(), "ModelArts.6357");
    assert_eq!(
        client.get("/images?name=bert").await.ok()["total"],
        3,
        "all of them or none"
    );
    client.pass(200);
    client
        .send("DELETE", &format!("/notebooks/{user}"), None)
        .await
        .ok();
    client.pass(30);
    let force = json!({"is_force": true});
    client.send("DELETE", &path, Some(force)).await.ok();
    assert_eq!(client.get("/images?name=bert").await.ok()["total"], 0);
    let gone = client.send("DELETE", &path, None).await;
    assert_eq!(gone.code(), "ModelArts.6404");
}

#[tokio::test]
async fn groups_come_in_pages_and_built_in_ones_stay() {
    let client = Client::start().await;
    let all = client.get("/images/group").await.ok();
    let page = client.get("/images/group?limit=1&offset=1").await.ok();
    assert_eq!(page["data"][0], all["data"][1]);
    assert_eq!(page["total"], all["total"]);
    let path = format!("/images/group/{}", all["data"][0]["id"].as_str().unwrap());
    let refused = client
        .send("PUT", &path, Some(json!({"read_me": "x"})))
        .await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn an_image_of_the_project_is_synchronized() {
    let client = Client::start().await;
    let body = json!({"swr_path": "swr.example.com/nlp/bert:1"});
    let image = client.post("/images", body).await.ok();
    let path = format!("/images/{}/sync", image["id"].as_str().unwrap());
    client.pass(5);
    let after = client.send("POST", &path, None).await.ok();
    assert_eq!(after["id"], image["id"]);
    assert!(after["update_at"].as_i64() > image["update_at"].as_i64());
    let refused = client
        .send("POST", &format!("/images/{IMAGE}/sync"), None)
        .await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn an_efs_file_system_is_mounted_into_a_running_notebook() {
    let client = Client::start().await;
    let id = client.running().await;
    let path = format!("/notebooks/{id}/storage");
    let body =
        json!({"category": "EFS", "mount_path": "/data/corpus/", "uri": "efs.example.com:/corpus"});
    let refused = client.post(&path, body.clone()).await;
    assert!(
        refused.body["error_msg"]
            .as_str()
            .unwrap()
            .contains("'efs_id'")
    );
    let mut whole = body.clone();
    whole["efs_id"] = json!("9f8e7d6c-0000-4000-8000-000000000001");
    client
        .emulator
        .add_transition_fault(TransitionFault::new(Step::Mount))
        .await
        .unwrap();
    client.post(&path, whole.clone()).await.ok();
    client.pass(30);
    let failed = client.get(&path).await.ok()["data"][0].clone();
    assert_eq!(failed["status"], "MOUNT_FAILED");
    assert!(failed["failure_reason"].is_string(), "{failed}");
    whole["mount_path"] = json!("/data/second/");
    let mount = client.post(&path, whole).await.ok();
    assert_eq!(
        (&mount["category"], &mount["efs_id"], &mount["mount_type"]),
        (
            &json!("EFS"),
            &json!("9f8e7d6c-0000-4000-8000-000000000001"),
            &json!("DYNAMIC")
        )
    );
}
