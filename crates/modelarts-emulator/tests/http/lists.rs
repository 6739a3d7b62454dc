use modelarts_emulator::{Emulator, Fixtures};
use serde_json::{Value, json};

use crate::client::Client;

fn names(list: &Value) -> Vec<&str> {
    list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|notebook| notebook["name"].as_str().unwrap())
        .collect()
}

async fn three() -> Client {
    let client = Client::start().await;
    for name in ["b", "c", "a"] {
        client.create(json!({ "name": name })).await;
        client.pass(10);
    }
    client
}

#[tokio::test]
async fn notebooks_are_sorted_filtered_and_paged() {
    let client = three().await;
    for (query, expected) in [
        ("", vec!["a", "c", "b"]),
        ("?sort_dir=ASC", vec!["b", "c", "a"]),
        ("?sort_key=name&sort_dir=asc", vec!["a", "b", "c"]),
        ("?sort_key=status,name", vec!["c", "b", "a"]),
        ("?name=c", vec!["c"]),
        ("?status=creating", vec!["a", "c", "b"]),
        ("?status=RUNNING", vec![]),
        ("?workspaceId=0&pool_id=p", vec![]),
        ("?offset=1&limit=1", vec!["c"]),
        ("?name=a&offset=1", vec![]),
        ("?feature=DEFAULT", vec![]),
    ] {
        let list = client.get(&format!("/notebooks{query}")).await.ok();
        assert_eq!(names(&list), expected, "{query}");
    }
    let page = client.get("/notebooks?offset=2&limit=1").await.ok();
    assert_eq!(
        (
            &page["current"],
            &page["pages"],
            &page["size"],
            &page["total"]
        ),
        (&json!(2), &json!(3), &json!(1), &json!(3))
    );
    assert_eq!(client.get("/notebooks").await.ok()["size"], 10);
    for (query, code) in [
        ("sort_key=colour", "ModelArts.6303"),
        ("sort_dir=UP", "ModelArts.6336"),
        ("limit=-1", "ModelArts.6336"),
        ("limit=100000", "ModelArts.6336"),
        ("limit=x", "ModelArts.6332"),
        ("name=a%20b", "ModelArts.6334"),
    ] {
        assert_eq!(
            client.get(&format!("/notebooks?{query}")).await.code(),
            code,
            "{query}"
        );
    }
}

#[tokio::test]
async fn own_and_all_notebooks_differ() {
    let fixtures: Fixtures = serde_json::from_value(json!({
        "users": [{"name": "ada", "admin": true}, {"name": "bob"}],
        "instances": [{"name": "ada-1", "count": 2}, {"name": "bob-1", "owner": "bob"}],
    }))
    .unwrap();
    let client = Client::with(Emulator::builder().manual().fixtures(fixtures)).await;
    assert_eq!(client.get("/notebooks").await.ok()["total"], 2);
    let all = client.get("/notebooks/all").await.ok();
    assert_eq!(all["total"], 3);
    let bob = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["user"]["name"] == "bob")
        .unwrap();
    let owner = bob["user"]["id"].as_str().unwrap();
    let his = client.get(&format!("/notebooks?owner={owner}")).await.ok();
    assert_eq!(names(&his), ["bob-1"]);
}

#[tokio::test]
async fn a_page_of_many_is_as_good_as_one_of_few() {
    let fixtures: Fixtures = serde_json::from_value(json!({
        "instances": [{"name": "many", "count": 5000, "status": "STOPPED"}],
    }))
    .unwrap();
    let client = Client::with(Emulator::builder().manual().fixtures(fixtures)).await;
    let page = client
        .get("/notebooks?offset=4990&limit=50&sort_key=name&sort_dir=ASC")
        .await
        .ok();
    assert_eq!(page["total"], 5000);
    let names = names(&page);
    assert_eq!(
        (names.len(), names[0], names[9]),
        (10, "many-4991", "many-5000")
    );
}
