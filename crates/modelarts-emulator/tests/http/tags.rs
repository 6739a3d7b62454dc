//! Tags of notebooks.

use serde_json::{Value, json};

use crate::client::{Client, rules};

fn tags(pairs: &[(&str, &str)]) -> Value {
    let tags: Vec<Value> = pairs
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    json!({ "tags": tags })
}

async fn add(client: &Client, id: &str, pairs: &[(&str, &str)]) {
    let path = format!("/notebooks/{id}/tags/create");
    client.post(&path, tags(pairs)).await.ok();
}

#[tokio::test]
async fn tags_are_added_replaced_listed_and_removed() {
    let client = Client::start().await;
    let first = client.create(json!({"name": "first"})).await;
    let second = client.create(json!({"name": "second"})).await;
    assert_eq!(client.show(&first).await["tags"], Value::Null);
    add(&client, &first, &[("stage", "dev"), ("owner", "")]).await;
    add(&client, &first, &[("stage", "prod")]).await;
    add(&client, &second, &[("stage", "dev")]).await;
    assert_eq!(
        client.show(&first).await["tags"],
        tags(&[("owner", ""), ("stage", "prod")])["tags"]
    );
    assert_eq!(
        client.get("/notebooks/tags").await.ok(),
        json!({"tags": [{"key": "owner", "values": [""]}, {"key": "stage", "values": ["dev", "prod"]}]})
    );
    let path = format!("/notebooks/{first}/tags/delete");
    for (removed, left) in [
        // Another value is another tag.
        (json!({"key": "stage", "value": "dev"}), 2),
        (json!({"key": "stage", "value": "prod"}), 1),
        (json!({"key": "owner"}), 0),
        (json!({"key": "owner"}), 0),
    ] {
        let body = json!({"tags": [removed.clone()]});
        client.send("DELETE", &path, Some(body)).await.ok();
        let shown = client.show(&first).await;
        let count = shown["tags"].as_array().map_or(0, Vec::len);
        assert_eq!(count, left, "after {removed}");
    }
}

#[tokio::test]
async fn lists_are_filtered_by_tags() {
    let client = Client::start().await;
    for (name, pairs) in [
        ("a", &[("stage", "dev"), ("team", "nlp")][..]),
        ("b", &[("stage", "dev")]),
        ("c", &[]),
    ] {
        let id = client.create(json!({"name": name})).await;
        add(&client, &id, pairs).await;
    }
    for (filter, expected) in [
        ("stage%7Cdev", vec!["a", "b"]),
        ("stage%7Cdev,team%7Cnlp", vec!["a"]),
        ("stage", vec!["a", "b"]),
        ("stage%7Cprod", vec![]),
    ] {
        let path = format!("/notebooks?sort_key=name&sort_dir=ASC&tags={filter}");
        let list = client.get(&path).await.ok();
        let names: Vec<&Value> = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["name"])
            .collect();
        assert_eq!(names, expected, "{filter}");
    }
    for bad in [
        ",stage%7Cdev",
        "stage%7Cdev,",
        "%7Cdev",
        "stage%7C%7Cdev",
        "a,,b",
    ] {
        let refused = client.get(&format!("/notebooks?tags={bad}")).await;
        assert_eq!(refused.status, 400, "{bad}");
        let message = refused.body["error_msg"].as_str().unwrap();
        assert!(message.contains("'tags'"), "{message}");
    }
}

#[tokio::test]
async fn keys_have_their_form() {
    rules(&["tag-key"]);
    let client = Client::start().await;
    let id = client.create(json!({})).await;
    let path = format!("/notebooks/{id}/tags/create");
    let long = "k".repeat(129);
    for key in ["_sys_a", " a", "a ", "", "a*b", &long] {
        let refused = client.post(&path, tags(&[(key, "x")])).await;
        assert_eq!(refused.status, 400, "{key}");
        let message = refused.body["error_msg"].as_str().unwrap();
        assert!(message.contains("tags[0].key"), "{message}");
    }
    let refused = client.post(&path, tags(&[("a", "b|c")])).await;
    assert_eq!(refused.status, 400);
    // Letters of any language, and what else the documentation names.
    let odd = [("Stufe ä_.:=+-@", "über / 1"), ("阶段", "")];
    add(&client, &id, &odd).await;
    assert_eq!(
        client.show(&id).await["tags"].as_array().map(Vec::len),
        Some(2)
    );
}

#[tokio::test]
async fn what_is_not_there_has_no_tags() {
    let client = Client::start().await;
    let path = "/notebooks/00000000-0000-4000-8000-000000000000/tags/create";
    let refused = client.post(path, tags(&[("a", "b")])).await;
    assert_eq!(refused.code(), "ModelArts.6309");
    let path = format!(
        "/notebooks/{}/tags/create?workspace_id=nowhere",
        client.create(json!({})).await
    );
    assert_eq!(client.post(&path, tags(&[("a", "b")])).await.status, 400);
}
