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
        ("?workspace_id=0&name=a", vec!["a"]),
        ("?flavor=cpu.2u", vec!["a", "c", "b"]),
        ("?flavor=gpu", vec![]),
        (
            "?image_id=c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11",
            vec!["a", "c", "b"],
        ),
        ("?image_id=none", vec![]),
        ("?id=none", vec![]),
        ("?billing=STORAGE", vec!["a", "c", "b"]),
        ("?swr_path=pytorch-nlp", vec!["a", "c", "b"]),
        ("?swr_path=tensorflow", vec![]),
        ("?pool_name=team", vec![]),
        ("?description=Fine", vec![]),
        ("?ip=192.0.2.17", vec![]),
        ("?username=nobody", vec![]),
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

#[tokio::test]
async fn each_new_filter_finds_the_one_that_fits() {
    let client = Client::start().await;
    client.create(json!({"name": "other"})).await;
    let id = client
        .create(json!({
            "name": "wanted",
            "description": "Fine-tuning runs",
            "flavor": "modelarts.vm.gpu.v100",
            "pool_id": "pool7f3c0e6a",
        }))
        .await;
    client.pass(200);
    let wanted = client.show(&id).await;
    let text = |pointer: &str| {
        wanted
            .pointer(pointer)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned()
    };
    for filter in [
        format!("id={id}"),
        "flavor=gpu".to_owned(),
        "description=tuning".to_owned(),
        format!("pool_name={}", text("/pool/name")),
        format!("ip={}&name=want", text("/ip")),
        format!("username={}&name=want", text("/user/name")),
    ] {
        let list = client.get(&format!("/notebooks?{filter}")).await.ok();
        assert_eq!(names(&list), ["wanted"], "{filter}");
    }
    let refused = client.get("/notebooks?billing=NETWORK").await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn flavors_have_what_huawei_cloud_adds() {
    let client = Client::start().await;
    let list = async |query: &str| {
        let list = client.get(&format!("/notebooks/flavors{query}")).await.ok();
        list["data"].as_array().unwrap().clone()
    };
    let ascend = list("?flavor_type=ASCEND_SNT9").await;
    assert!(!ascend.is_empty());
    assert!(
        ascend
            .iter()
            .all(|flavor| flavor["ascend"]["type"] == "SNT9")
    );
    assert!(list("?flavor_type=ASCEND_SNT3").await.is_empty());
    let free = list("?feature=DEFAULT").await;
    assert!(free.iter().all(|flavor| flavor["free"] == true) && !free.is_empty());
    let gpus = list("?category=GPU").await;
    let counts: Vec<&serde_json::Value> = gpus.iter().map(|flavor| &flavor["gpu"]["gpu"]).collect();
    assert_eq!(counts[0], &json!(1), "the first is not a shared one");
    assert!(counts.contains(&&json!(0.5)));
    let id = client
        .create(json!({"flavor": "modelarts.vm.gpu.t4.half"}))
        .await;
    let path = format!("/notebooks/{id}/flavors?sort_key=vcpus&sort_dir=ASC");
    let switchable = client.get(&path).await.ok();
    let vcpus: Vec<i64> = switchable["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flavor| flavor["vcpus"].as_i64().unwrap())
        .collect();
    assert!(vcpus.is_sorted() && vcpus.len() > 1, "{vcpus:?}");
}
