//! What the pages beside the five of `seed_pages` say over time and between fields, sentence by sentence: lists and reads of
//! both generations, notebooks, leases, flavors, storage and images.

use modelarts_emulator::{Emulator, Fixtures, Step, TransitionFault};
use serde_json::{Value, json};

use crate::client::{Client, IMAGE, Response, notebook, rules};
use crate::devenv::{PATH, create};

async fn with_fixtures(fixtures: Value) -> Client {
    let fixtures: Fixtures = serde_json::from_value(fixtures).unwrap();
    Client::with(Emulator::builder().manual().fixtures(fixtures)).await
}

async fn strict() -> Client {
    Client::with(Emulator::builder().manual().strict(true)).await
}

/// The texts of a field in the records of a list.
fn texts(list: &Value, records: &str, field: &str) -> Vec<String> {
    let records = list[records].as_array().unwrap();
    let text = |record: &Value| record[field].as_str().unwrap().to_owned();
    records.iter().map(text).collect()
}

async fn stop(client: &Client, id: &str) {
    let path = format!("/notebooks/{id}/stop");
    client.send("POST", &path, None).await.ok();
    client.pass(30);
}

async fn update(client: &Client, id: &str, body: Value) -> Response {
    let path = format!("/notebooks/{id}");
    client.send("PUT", &path, Some(body)).await
}

#[tokio::test]
async fn instances_are_listed_as_the_filters_say() {
    rules(&[
        "instance-list-filters",
        "instance-list-type",
        "instance-list-status",
        "instance-list-limit",
        "instance-list-self",
        "instance-list-pool",
        "instance-list-total",
    ]);
    let client = with_fixtures(json!({
        "users": [{"name": "ada"}, {"name": "bob"}],
        "instances": [{"generation": "dev_env", "name": "his", "owner": "bob", "status": "STOPPED"}],
    }))
    .await;
    create(&client, json!({"/name": "a"})).await;
    create(
        &client,
        json!({"/name": "b", "/pool": {"id": "pool-7c1e5b20"}}),
    )
    .await;
    client.pass(200);
    create(
        &client,
        json!({"/name": "c", "/pool": {"id": "pool-7c1e5b20"}}),
    )
    .await;
    let list = async |query: &str| {
        let path = format!("{PATH}?de_type=Notebook{query}");
        let list = client.get(&path).await.ok();
        let total = list["total_count"].as_u64().unwrap();
        (texts(&list, "instances", "name").join(""), total)
    };
    for (query, names, total) in [
        ("", "abc", 3),
        ("&status=RUNNING", "ab", 2),
        ("&pool_id=pool-7c1e5b20", "bc", 2),
        ("&pool_id=pool-7c1e5b20&status=CREATING", "c", 1),
        ("&limit=0", "abc", 3),
        ("&limit=1&offset=1", "b", 3),
        ("&show_self=true", "abc", 3),
        ("&show_self=false", "abchis", 4),
        ("&show_self=false&status=STOPPED", "his", 1),
    ] {
        assert_eq!(list(query).await, (names.to_owned(), total), "{query}");
    }
    for spelling in ["notebook", "NOTEBOOK", "Docker"] {
        let refused = client.get(&format!("{PATH}?de_type={spelling}")).await;
        assert_eq!(refused.code(), "ModelArts.6336", "{spelling}");
    }
}

#[tokio::test]
async fn an_instance_is_shown_in_every_state_until_it_is_gone() {
    rules(&[
        "instance-show-any-state",
        "instance-show-missing",
        "instance-delete-gone",
        "instance-delete-running",
        "instance-delete-id",
    ]);
    let client = Client::start().await;
    let id = create(&client, json!({})).await;
    let path = format!("{PATH}/{id}");
    let status = async || client.get(&path).await.ok()["status"].clone();
    assert_eq!(status().await, "CREATING");
    client.pass(90);
    let act = async |action: &str| {
        let body = json!({ "action": action });
        client.post(&format!("{path}/action"), body).await.ok();
    };
    act("stop").await;
    assert_eq!(status().await, "STOPPING");
    client.pass(30);
    assert_eq!(status().await, "STOPPED");
    act("start").await;
    assert_eq!(status().await, "STARTING");
    client.pass(60);
    assert_eq!(status().await, "RUNNING");
    let deleted = client.send("DELETE", &path, None).await.ok();
    assert_eq!(deleted, json!({ "instance_id": id }));
    assert_eq!(status().await, "DELETED");
    client.pass(20);
    for method in ["GET", "DELETE"] {
        let gone = client.send(method, &path, None).await;
        assert_eq!((gone.status, gone.code()), (400, "ModelArts.6309"));
    }

    let client = strict().await;
    let id = create(&client, json!({})).await;
    client.pass(90);
    let refused = client.send("DELETE", &format!("{PATH}/{id}"), None).await;
    assert_eq!(refused.code(), "ModelArts.6304");
}

#[tokio::test]
async fn what_an_instance_has_depends_on_its_storage() {
    rules(&[
        "instance-storage-location",
        "instance-volume-size",
        "instance-prompt",
    ]);
    let client = Client::start().await;
    let id = create(&client, json!({})).await;
    client.pass(90);
    let path = format!("{PATH}/{id}");
    let before = client.get(&path).await.ok()["spec"].clone();
    assert_eq!(before["storage"]["type"], "obs");
    let location = &before["storage"]["location"];
    assert!(location["path"].is_string() && location.get("volume_size").is_none());
    for prompt in [false, true] {
        let body = json!({"spec": {"auto_stop": {"prompt": prompt}}});
        let after = client.send("PUT", &path, Some(body)).await.ok()["spec"].clone();
        assert_eq!(after["auto_stop"]["prompt"], prompt);
        for field in ["enable", "duration", "stop_timestamp"] {
            assert_eq!(after["auto_stop"][field], before["auto_stop"][field]);
        }
    }
}

#[tokio::test]
async fn notebooks_are_listed_as_the_filters_say() {
    rules(&[
        "notebook-list-filters",
        "notebook-list-name",
        "notebook-list-sort",
        "notebook-list-current",
        "notebook-list-all-name",
        "notebook-list-all-sort",
    ]);
    let client = Client::start().await;
    for name in ["bert-b", "bert-a", "gpt"] {
        client.create(json!({ "name": name })).await;
    }
    client.pass(200);
    client.create(json!({"name": "bert-c"})).await;
    for list in ["/notebooks", "/notebooks/all"] {
        for (query, expected) in [
            ("name=er", vec!["bert-c", "bert-b", "bert-a"]),
            ("name=er&status=RUNNING", vec!["bert-b", "bert-a"]),
            ("name=bert-d", vec![]),
            (
                "sort_key=status,name&sort_dir=ASC",
                vec!["bert-c", "bert-a", "bert-b", "gpt"],
            ),
            (
                "sort_key=name,status&sort_dir=ASC",
                vec!["bert-a", "bert-b", "bert-c", "gpt"],
            ),
        ] {
            let page = client.get(&format!("{list}?{query}")).await.ok();
            let mut names = texts(&page, "data", "name");
            let mut expected = expected;
            if !query.contains("sort") {
                names.sort();
                expected.sort_unstable();
            }
            assert_eq!(names, expected, "{list} {query}");
            assert_eq!(page["current"], 0);
        }
        let second = client.get(&format!("{list}?limit=2&offset=2")).await.ok();
        assert_eq!(second["current"], 1);
    }
}

#[tokio::test]
async fn only_an_administrator_asks_for_an_owner() {
    rules(&[
        "notebook-list-owner",
        "notebook-list-all-owner",
        "notebook-list-all",
    ]);
    for admin in [false, true] {
        let bob = "b".repeat(32);
        let client = with_fixtures(json!({
            "users": [{"name": "ada", "admin": admin}, {"name": "bob", "id": bob}],
            "instances": [{"name": "hers"}, {"name": "his", "owner": "bob"}],
        }))
        .await;
        let list = async |path: &str| {
            let path = format!("{path}sort_key=name&sort_dir=ASC");
            texts(&client.get(&path).await.ok(), "data", "name")
        };
        assert_eq!(list("/notebooks?").await, ["hers"]);
        assert_eq!(list("/notebooks/all?").await, ["hers", "his"]);
        let own = list(&format!("/notebooks?owner={bob}&")).await;
        let all = list(&format!("/notebooks/all?owner={bob}&")).await;
        if admin {
            assert_eq!((own, all), (vec!["his".to_owned()], vec!["his".to_owned()]));
        } else {
            assert_eq!(own, ["hers"]);
            assert_eq!(all, ["hers", "his"]);
        }
    }
}

#[tokio::test]
async fn a_creation_goes_on_after_its_response() {
    rules(&[
        "notebook-create-async",
        "notebook-create-name",
        "notebook-volume-ready",
        "notebook-volume-path",
        "notebook-show-missing",
    ]);
    let client = Client::start().await;
    let created = client.post("/notebooks", notebook(json!({}))).await.ok();
    assert_eq!(created["status"], "CREATING");
    let id = created["id"].as_str().unwrap();
    let again = client.create(json!({})).await;
    assert_ne!(id, again, "the same request makes another one");
    client.pass(90);
    let shown = client.show(id).await;
    assert_eq!(
        (&shown["status"], &shown["volume"]["status"]),
        (&json!("RUNNING"), &json!("INITIALIZING"))
    );
    client.pass(90);
    let volume = client.show(id).await["volume"].clone();
    assert_eq!(
        (&volume["status"], &volume["mount_path"]),
        (&json!("IN_USE"), &json!("/home/ma-user/work/"))
    );
    let chosen = json!({
        "category": "EVS", "ownership": "MANAGED", "mount_path": "/home/ma-user/work/bert/",
    });
    let other = client.create(json!({"volume": chosen})).await;
    assert_eq!(
        client.show(&other).await["volume"]["mount_path"],
        "/home/ma-user/work/bert/"
    );
    client
        .emulator
        .add_transition_fault(TransitionFault::new(Step::Create))
        .await
        .unwrap();
    let failing = client.create(json!({})).await;
    assert_eq!(client.status(&failing).await, "CREATING");
    client.pass(90);
    assert_eq!(client.status(&failing).await, "CREATE_FAILED");
    let missing = client.get("/notebooks/none").await;
    assert_eq!((missing.status, missing.code()), (400, "ModelArts.6309"));
}

#[tokio::test]
async fn what_a_new_notebook_cannot_have_is_refused_by_name() {
    rules(&[
        "notebook-create-pool",
        "notebook-create-workspace",
        "notebook-create-image",
        "notebook-create-flavor",
        "flavor-storages",
        "image-active",
    ]);
    let client = Client::start().await;
    let id = client.running().await;
    let save = format!("/notebooks/{id}/create-image");
    let saving = client.post(&save, json!({})).await.ok()["id"].clone();
    for (changes, code, field) in [
        (json!({"pool_id": "nobodys"}), "ModelArts.6336", "'pool_id'"),
        (
            json!({"workspace_id": "9"}),
            "ModelArts.0102",
            "workspace 9",
        ),
        (json!({"image_id": "none"}), "ModelArts.6797", "'none'"),
        (json!({ "image_id": saving }), "ModelArts.6797", "ACTIVE"),
        (
            json!({"image_id": "6d0f4b7e-52a1-4c39-8b7d-0e9c1a2f3b44"}),
            "ModelArts.6336",
            "'image_id'",
        ),
        (json!({"flavor": "none"}), "ModelArts.6323", "'none'"),
        (json!({"feature": "DEFAULT"}), "ModelArts.6870", "DEFAULT"),
        (
            json!({"volume": {"category": "OBS", "ownership": "MANAGED"}}),
            "ModelArts.6324",
            "'volume.category'",
        ),
    ] {
        let refused = client.post("/notebooks", notebook(changes.clone())).await;
        assert_eq!(refused.code(), code, "{changes}: {refused:?}");
        let message = refused.body["error_msg"].as_str().unwrap();
        assert!(message.contains(field), "{field}: {message}");
    }
    client.pass(120);
    let saved = client.create(json!({ "image_id": saving })).await;
    let shown = client.show(&saved).await;
    assert!(shown.get("pool").is_none(), "{shown}");
}

#[tokio::test]
async fn a_key_pair_is_the_callers_and_stays() {
    rules(&[
        "notebook-ips-key-pair",
        "notebook-key-pair-own",
        "notebook-key-pair-fixed",
        "notebook-update-fixed",
    ]);
    let client =
        with_fixtures(json!({"users": [{"name": "ada", "key_pairs": ["laptop", "desk"]}]})).await;
    let ssh = |pair: &str, ips: &[&str]| json!({"endpoints": [{"service": "SSH", "key_pair_names": [pair], "allowed_access_ips": ips}]});
    let refused = client
        .post("/notebooks", notebook(ssh("nobodys", &[])))
        .await;
    assert_eq!(refused.code(), "ModelArts.6789");
    let id = client.create(ssh("laptop", &["203.0.113.1"])).await;
    client.pass(200);
    stop(&client, &id).await;
    let endpoint = async || client.show(&id).await["endpoints"][0].clone();
    update(&client, &id, ssh("laptop", &["203.0.113.2"]))
        .await
        .ok();
    assert_eq!(
        endpoint().await["allowed_access_ips"],
        json!(["203.0.113.2"])
    );
    // Addresses alone leave the pair as it is.
    let addresses = json!({"endpoints": [{"service": "SSH", "allowed_access_ips": []}]});
    update(&client, &id, addresses).await.ok();
    assert_eq!(endpoint().await["key_pair_names"], json!(["laptop"]));
    assert_eq!(endpoint().await["allowed_access_ips"], json!([]));
    let refused = update(&client, &id, ssh("desk", &[])).await;
    assert_eq!(refused.code(), "ModelArts.6336");
    let message = refused.body["error_msg"].as_str().unwrap();
    assert!(
        message.starts_with("'endpoints[0].key_pair_names'"),
        "{message}"
    );
    // Pool, workspace and type of storage are no fields of a change.
    let strict = strict().await;
    let id = strict.create(json!({})).await;
    strict.pass(200);
    stop(&strict, &id).await;
    for body in [
        json!({"pool_id": "pool7f3c0e6a"}),
        json!({"workspace_id": "0"}),
        json!({"volume": {"category": "EFS", "ownership": "MANAGED"}}),
    ] {
        assert_eq!(
            update(&strict, &id, body.clone()).await.code(),
            "ModelArts.6336",
            "{body}"
        );
    }
    let ips =
        json!({"endpoints": [{"service": "NOTEBOOK", "allowed_access_ips": ["203.0.113.1"]}]});
    let refused = strict.post("/notebooks", notebook(ips)).await;
    assert_eq!(refused.code(), "ModelArts.6335");
}

#[tokio::test]
async fn a_hook_is_a_text_or_a_place() {
    rules(&["notebook-hook-script", "notebook-hook-type"]);
    let client = Client::start().await;
    let id = client.running().await;
    stop(&client, &id).await;
    let hooks = |hook: Value| json!({"hooks": {"container_hooks": {"post_start": hook}}});
    for hook in [
        json!({"type": "COMMAND", "script": "ZWNobyBoaQo="}),
        json!({"type": "SCRIPT", "script": "/home/ma-user/work/a.sh"}),
        json!({"script": "/home/ma-user/work/a.sh"}),
    ] {
        client.create(hooks(hook.clone())).await;
        update(&client, &id, hooks(hook)).await.ok();
    }
    for (hook, code) in [
        (
            json!({"type": "COMMAND", "script": "echo hi"}),
            "ModelArts.6336",
        ),
        (
            json!({"type": "COMMAND", "script": "/a.sh!"}),
            "ModelArts.6336",
        ),
        (
            json!({"type": "SCRIPT", "script": "a.sh"}),
            "ModelArts.6336",
        ),
        (json!({"script": "ZWNobyBoaQo="}), "ModelArts.6336"),
        (json!({"type": "COMMAND"}), "ModelArts.6335"),
        (json!({}), "ModelArts.6335"),
    ] {
        let created = client
            .post("/notebooks", notebook(hooks(hook.clone())))
            .await;
        assert_eq!(created.code(), code, "{hook}");
        let message = created.body["error_msg"].as_str().unwrap();
        let field = "'hooks.container_hooks.post_start.script'";
        assert!(message.starts_with(field), "{message}");
        assert_eq!(
            update(&client, &id, hooks(hook.clone())).await.code(),
            code,
            "{hook}"
        );
    }
}

#[tokio::test]
async fn a_lease_ends_when_and_how_it_says() {
    rules(&[
        "lease-duration",
        "lease-range",
        "lease-type-default",
        "lease-idle",
        "lease-off",
        "lease-heartbeat",
    ]);
    let client = Client::start().await;
    let lease = |lease: Value| json!({ "lease": lease });
    let id = client.create(lease(json!({"duration": 7_200_000}))).await;
    assert_eq!(client.show(&id).await["lease"]["type"], "TIMING");
    client.pass(3000);
    let path = format!("/notebooks/{id}/lease");
    let renew = async |body: Value| client.send("PATCH", &path, Some(body)).await;
    let renewed = renew(json!({"duration": 3_600_000})).await.ok();
    assert_eq!(renewed["type"], "TIMING");
    client.pass(3599);
    assert_eq!(client.status(&id).await, "RUNNING");
    client.pass(1);
    assert_eq!(client.status(&id).await, "STOPPING");
    for duration in [0, 1, 3_599_999] {
        let body = notebook(lease(json!({ "duration": duration })));
        assert_eq!(
            client.post("/notebooks", body).await.code(),
            "ModelArts.6349"
        );
    }

    let id = client
        .create(lease(json!({"duration": 3_600_000, "type": "idle"})))
        .await;
    client.pass(3000);
    let before = client.show(&id).await["lease"].clone();
    assert!(client.emulator.note_activity(&id).await.unwrap());
    let after = client.show(&id).await["lease"].clone();
    assert_eq!(after["update_at"], before["update_at"]);
    client.pass(3599);
    assert_eq!(client.status(&id).await, "RUNNING");
    client.pass(1);
    assert_eq!(client.status(&id).await, "STOPPING");

    let id = client.create(lease(json!({"duration": -1}))).await;
    client.pass(1_000_000);
    let shown = client.show(&id).await;
    assert_eq!(
        (&shown["status"], &shown["lease"]["enable"]),
        (&json!("RUNNING"), &json!(false))
    );
}

#[tokio::test]
async fn a_free_notebook_is_not_billed() {
    rules(&["notebook-billing"]);
    let client = Client::start().await;
    let free = json!({"feature": "DEFAULT", "flavor": "modelarts.vm.cpu.free"});
    let free = client.create(free).await;
    assert!(client.show(&free).await.get("billing_items").is_none());
    let paid = client.create(json!({})).await;
    assert_eq!(
        client.show(&paid).await["billing_items"],
        json!(["STORAGE", "COMPUTE"])
    );
}

#[tokio::test]
async fn a_read_may_be_behind_a_stop_and_a_deletion() {
    rules(&["notebook-show-behind"]);
    let behind = std::time::Duration::from_secs(5);
    let client = Client::with(Emulator::builder().manual().stale_reads(behind)).await;
    let id = client.running().await;
    let path = format!("/notebooks/{id}");
    client
        .send("POST", &format!("{path}/stop"), None)
        .await
        .ok();
    assert_eq!(client.status(&id).await, "RUNNING");
    client.pass(5);
    assert_eq!(client.status(&id).await, "STOPPING");
    let other = client.running().await;
    client
        .send("DELETE", &format!("/notebooks/{other}"), None)
        .await
        .ok();
    assert_eq!(client.status(&other).await, "RUNNING");
    client.pass(5);
    assert_eq!(client.status(&other).await, "DELETING");
}

#[tokio::test]
async fn a_change_touches_what_it_names() {
    rules(&[
        "notebook-update-partial",
        "notebook-update-stopped",
        "notebook-update-flavor",
        "notebook-update-image",
    ]);
    let client = Client::start().await;
    let id = client.create(json!({"description": "Fine-tuning"})).await;
    client.pass(200);
    stop(&client, &id).await;
    let before = client.show(&id).await;
    for body in [
        json!({"name": "other"}),
        json!({"flavor": "modelarts.vm.cpu.8u"}),
        json!({"image_id": "278e88d1-5b71-4766-8502-b3ba72e824d9"}),
        json!({"storage_new_size": 40}),
        json!({}),
    ] {
        update(&client, &id, body).await.ok();
    }
    client.pass(60);
    let after = client.show(&id).await;
    assert_eq!(after["name"], "other");
    assert_eq!(after["flavor"], "modelarts.vm.cpu.8u");
    assert_eq!(after["image"]["id"], "278e88d1-5b71-4766-8502-b3ba72e824d9");
    assert_eq!(after["volume"]["capacity"], 40);
    for field in [
        "description",
        "lease",
        "feature",
        "workspace_id",
        "user",
        "token",
    ] {
        assert_eq!(after[field], before[field], "{field}");
    }
    for (body, code) in [
        (json!({"flavor": "none"}), "ModelArts.6792"),
        (json!({"flavor": "modelarts.vm.cpu.free"}), "ModelArts.6792"),
        (json!({"image_id": "none"}), "ModelArts.6797"),
        (
            json!({"image_id": "6d0f4b7e-52a1-4c39-8b7d-0e9c1a2f3b44"}),
            "ModelArts.6336",
        ),
    ] {
        assert_eq!(
            update(&client, &id, body.clone()).await.code(),
            code,
            "{body}"
        );
    }
    let switchable = client.get(&format!("/notebooks/{id}/flavors")).await.ok();
    for flavor in texts(&switchable, "data", "id") {
        let changed = update(&client, &id, json!({ "flavor": flavor })).await;
        assert!(matches!(changed.status, 200 | 400), "{changed:?}");
        assert_ne!(changed.body["error_code"], "ModelArts.6792", "{flavor}");
        update(&client, &id, json!({"flavor": "modelarts.vm.cpu.8u"})).await;
    }

    let client = strict().await;
    let id = client.running().await;
    for body in [
        json!({"name": "other"}),
        json!({"description": "other"}),
        json!({"storage_new_size": 40}),
    ] {
        let refused = update(&client, &id, body.clone()).await;
        assert_eq!(refused.code(), "ModelArts.6347", "{body}");
    }
    stop(&client, &id).await;
    update(&client, &id, json!({"name": "other"})).await.ok();
}

#[tokio::test]
async fn a_deletion_takes_the_storage_along() {
    rules(&[
        "notebook-delete-storage",
        "notebook-delete-gone",
        "notebook-delete-running",
    ]);
    let client = Client::start().await;
    let capacity = json!({"evs": 30});
    client
        .control("PUT", "/capacity", Some(capacity))
        .await
        .ok();
    let id = client.running().await;
    let refused = client.post("/notebooks", notebook(json!({}))).await;
    assert_eq!(refused.code(), "ModelArts.6528", "no storage is left");
    let path = format!("/notebooks/{id}");
    let deleted = client.send("DELETE", &path, None).await.ok();
    assert_eq!(deleted["status"], "DELETING");
    client.pass(20);
    let gone = client.get(&path).await;
    assert_eq!((gone.status, gone.code()), (400, "ModelArts.6309"));
    client.create(json!({})).await;

    let client = strict().await;
    let id = client.running().await;
    let path = format!("/notebooks/{id}");
    assert_eq!(
        client.send("DELETE", &path, None).await.code(),
        "ModelArts.6304"
    );
    stop(&client, &id).await;
    client.send("DELETE", &path, None).await.ok();
}

#[tokio::test]
async fn a_stop_is_refused_unless_the_notebook_runs() {
    rules(&["notebook-stop-settled"]);
    let client = Client::start().await;
    let id = client.create(json!({})).await;
    let path = format!("/notebooks/{id}");
    let code = async || {
        let refused = client.send("POST", &format!("{path}/stop"), None).await;
        refused.code().to_owned()
    };
    assert_eq!(code().await, "ModelArts.6357", "while it is created");
    client.pass(200);
    client
        .send("POST", &format!("{path}/stop"), None)
        .await
        .ok();
    assert_eq!(code().await, "ModelArts.6357", "while it stops");
    client.pass(30);
    assert_eq!(code().await, "ModelArts.6357", "once it is stopped");
    client.post(&format!("{path}/start"), json!({})).await.ok();
    assert_eq!(code().await, "ModelArts.6357", "while it starts");
}

#[tokio::test]
async fn flavors_come_whole_sorted_and_with_what_they_lack() {
    rules(&[
        "flavor-list-limit",
        "flavor-list-sort",
        "flavor-list-category",
        "flavor-switchable-limit",
        "flavor-switchable-twice",
        "flavor-sold-out",
        "flavor-gpu",
    ]);
    let client = Client::start().await;
    let list = async |query: &str| client.get(&format!("/notebooks/flavors{query}")).await.ok();
    let all = list("").await;
    let count = all["data"].as_array().unwrap().len();
    assert_eq!((&all["total"], &all["pages"]), (&json!(count), &json!(1)));
    assert_eq!(list("?limit=2").await["data"].as_array().unwrap().len(), 2);
    for flavor in all["data"].as_array().unwrap() {
        let is_gpu = flavor["category"] == "GPU";
        assert_eq!(flavor.get("gpu").is_some(), is_gpu, "{flavor}");
    }
    let numbers = |list: &Value, fields: [&str; 2]| -> Vec<(i64, i64)> {
        let number = |flavor: &Value, name: &str| flavor[name].as_i64().unwrap();
        let flavors = list["data"].as_array().unwrap().iter();
        flavors
            .map(|flavor| (number(flavor, fields[0]), number(flavor, fields[1])))
            .collect()
    };
    for fields in [["vcpus", "memory"], ["memory", "vcpus"]] {
        let query = format!("?sort_dir=ASC&sort_key={},{}", fields[0], fields[1]);
        let sorted = numbers(&list(&query).await, fields);
        assert!(sorted.is_sorted(), "{query}: {sorted:?}");
    }
    let both = list("?category=CPU&type=DEDICATED").await;
    let dedicated = texts(&list("?type=DEDICATED").await, "data", "id");
    let cpu = texts(&list("?category=CPU").await, "data", "id");
    let expected: Vec<String> = dedicated
        .into_iter()
        .filter(|id| cpu.contains(id))
        .collect();
    assert_eq!(texts(&both, "data", "id"), expected);

    let capacity = json!({"flavors": {"modelarts.vm.cpu.2u": 1}});
    client
        .control("PUT", "/capacity", Some(capacity))
        .await
        .ok();
    let id = client.create(json!({})).await;
    let listed = list("").await;
    let sold_out = listed["data"].as_array().unwrap().iter();
    let sold_out: Vec<&Value> = sold_out
        .filter(|flavor| flavor["sold_out"] == true)
        .collect();
    assert_eq!(
        (sold_out.len(), &sold_out[0]["id"]),
        (1, &json!("modelarts.vm.cpu.2u"))
    );
    let refused = client.post("/notebooks", notebook(json!({}))).await;
    assert_eq!(refused.code(), "ModelArts.6329");

    let path = format!("/notebooks/{id}/flavors");
    let switchable = client.get(&path).await.ok();
    assert_eq!(switchable["data"], switchable["flavors"]);
    let count = switchable["data"].as_array().unwrap().len();
    assert_eq!(
        (&switchable["total"], &switchable["pages"]),
        (&json!(count), &json!(1))
    );
    let first = client.get(&format!("{path}?limit=1")).await.ok();
    assert_eq!(first["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn storage_comes_and_goes_in_the_background() {
    rules(&[
        "storage-attach-async",
        "storage-category",
        "storage-failure-reason",
        "storage-cancel-async",
        "storage-list-whole",
        "storage-status-both",
    ]);
    let client = Client::start().await;
    let id = client.running().await;
    let path = format!("/notebooks/{id}/storage");
    let body = |name: &str| json!({"category": "OBS", "mount_path": format!("/data/{name}/"), "uri": "obs://nlp/wiki/"});
    let status = async |mount: &str| {
        let one = client.get(&format!("{path}/{mount}")).await.ok();
        let list = client.get(&path).await.ok();
        let same = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|other| other["id"] == mount);
        assert_eq!(same, Some(&one));
        one["status"].as_str().unwrap().to_owned()
    };
    let mount = client.post(&path, body("a")).await.ok();
    assert_eq!(
        (&mount["status"], &mount["category"]),
        (&json!("MOUNTING"), &json!("OBSFS"))
    );
    let mount = mount["id"].as_str().unwrap();
    assert_eq!(status(mount).await, "MOUNTING");
    client.pass(10);
    assert_eq!(status(mount).await, "MOUNTED");
    let fail = async |step: Step| {
        let fault = TransitionFault::new(step);
        client.emulator.add_transition_fault(fault).await.unwrap();
    };
    fail(Step::Mount).await;
    let failed = client.post(&path, body("b")).await.ok();
    client.pass(10);
    let failed = client
        .get(&format!("{path}/{}", failed["id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(failed["status"], "MOUNT_FAILED");
    assert!(failed["failure_reason"].is_string(), "{failed}");
    let detach = async || {
        client
            .send("DELETE", &format!("{path}/{mount}"), None)
            .await
            .ok()
    };
    fail(Step::Unmount).await;
    assert_eq!(detach().await["status"], "UNMOUNTING");
    client.pass(5);
    assert_eq!(status(mount).await, "UNMOUNT_FAILED");
    client.pass(1000);
    assert_eq!(status(mount).await, "UNMOUNT_FAILED");
    assert_eq!(detach().await["status"], "UNMOUNTING");
    client.pass(5);
    assert_eq!(status(mount).await, "UNMOUNTED");
    client.pass(30);
    let gone = client.get(&format!("{path}/{mount}")).await;
    assert_eq!(gone.status, 404);
    for number in 0..9 {
        client.post(&path, body(&format!("m{number}"))).await.ok();
    }
    let list = client.get(&path).await.ok();
    let count = list["data"].as_array().unwrap().len();
    assert_eq!(
        (count, &list["total"], &list["pages"]),
        (10, &json!(10), &json!(1))
    );
}

#[tokio::test]
async fn an_image_is_saved_in_the_background() {
    rules(&["image-save-async", "image-size", "image-namespace"]);
    let client = Client::start().await;
    let id = client.running().await;
    let path = format!("/notebooks/{id}/create-image");
    let saved = client
        .post(&path, json!({"name": "bert", "namespace": "nlp"}))
        .await
        .ok();
    assert_eq!(saved["status"], "INIT");
    assert!(saved.get("size").is_none(), "{saved}");
    let image = format!("/images/{}", saved["id"].as_str().unwrap());
    assert!(client.get(&image).await.ok().get("size").is_none());
    client.pass(120);
    let saved = client.get(&image).await.ok();
    assert_eq!(saved["status"], "ACTIVE");
    assert!(saved["size"].as_i64().unwrap() > 1_000_000_000, "{saved}");
    assert_eq!(saved["namespace"], "nlp");
    client
        .emulator
        .add_transition_fault(TransitionFault::new(Step::SaveImage))
        .await
        .unwrap();
    let failed = client
        .post(&path, json!({"name": "bert", "tag": "2"}))
        .await
        .ok();
    client.pass(120);
    let failed = client
        .get(&format!("/images/{}", failed["id"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(failed["status"], "CREATE_FAILED");
    assert!(failed.get("size").is_none(), "{failed}");
    let presets = client.get("/images?type=BUILD_IN").await.ok();
    for preset in presets["data"].as_array().unwrap() {
        for field in ["size", "namespace"] {
            assert!(preset.get(field).is_none(), "{field}: {preset}");
        }
    }
}

#[tokio::test]
async fn an_image_is_for_its_owner_unless_it_is_public() {
    rules(&["image-public", "image-own-preset", "image-show-missing"]);
    let id = |visibility: &str| match visibility {
        "PUBLIC" => "11111111-0000-4000-8000-000000000001",
        _ => "11111111-0000-4000-8000-000000000002",
    };
    let image = |visibility: &str| {
        json!({"project": "other", "image": {
            "id": id(visibility), "name": "jax", "namespace": "vision", "tag": visibility,
            "visibility": visibility, "arch": "x86_64", "resource_categories": ["CPU"],
        }})
    };
    let client = with_fixtures(json!({
        "projects": [{"name": "first"}, {"name": "other"}],
        "images": [image("PUBLIC"), image("PRIVATE")],
    }))
    .await;
    let show = async |id: &str| client.get(&format!("/images/{id}")).await;
    assert_eq!(show(id("PUBLIC")).await.ok()["name"], "jax");
    let private = show(id("PRIVATE")).await;
    assert_eq!((private.status, private.code()), (400, "ModelArts.6404"));
    client.create(json!({"image_id": id("PUBLIC")})).await;
    let refused = client
        .post("/notebooks", notebook(json!({"image_id": id("PRIVATE")})))
        .await;
    assert_eq!(refused.code(), "ModelArts.6797");
    for image in [id("PUBLIC"), IMAGE] {
        let path = format!("/images/{image}");
        assert_eq!(client.send("DELETE", &path, None).await.status, 403);
        client.get(&path).await.ok();
    }
}

#[tokio::test]
async fn an_image_is_registered_with_the_documented_defaults() {
    rules(&[
        "image-register-active",
        "image-register-path",
        "image-register-arch",
        "image-register-origin",
        "image-register-visibility",
        "image-register-purpose",
        "image-register-resources",
        "image-register-services",
    ]);
    let client = Client::start().await;
    let path = "swr.example.com/vision/jax:0.4";
    let image = client
        .post("/images", json!({ "swr_path": path }))
        .await
        .ok();
    for (field, expected) in [
        ("status", json!("ACTIVE")),
        ("namespace", json!("vision")),
        ("name", json!("jax")),
        ("tag", json!("0.4")),
        ("swr_path", json!(path)),
        ("arch", json!("x86_64")),
        ("origin", json!("CUSTOMIZE")),
        ("visibility", json!("PRIVATE")),
        ("service_type", json!("UNKNOWN")),
        ("resource_categories", json!(["CPU", "GPU"])),
        ("dev_services", json!(["NOTEBOOK", "SSH"])),
    ] {
        assert_eq!(image[field], expected, "{field}");
    }
}

#[tokio::test]
async fn images_are_listed_and_grouped_as_the_filters_say() {
    rules(&[
        "image-list-filters",
        "image-list-fuzzy",
        "image-list-sort",
        "image-group-fuzzy",
        "image-group-versions",
    ]);
    let client = Client::start().await;
    for path in ["vision/jax:1", "vision/jax:2", "nlp/jax:1", "nlp/jaxlib:1"] {
        let body = json!({"swr_path": format!("swr.example.com/{path}")});
        client.post("/images", body).await.ok();
        client.pass(1);
    }
    let list = async |query: &str| {
        let list = client.get(&format!("/images?{query}")).await.ok();
        let tags = texts(&list, "data", "swr_path");
        tags.iter()
            .map(|path| path.replace("swr.example.com/", ""))
            .collect::<Vec<_>>()
    };
    for (query, expected) in [
        ("name=ja", 4),
        ("name=ja&name_fuzzy_match=true", 4),
        ("name=ja&name_fuzzy_match=false", 0),
        ("name=jax&name_fuzzy_match=false", 3),
        ("name=jax&name_fuzzy_match=false&namespace=nlp", 1),
        ("name=jax&type=BUILD_IN", 0),
    ] {
        assert_eq!(list(query).await.len(), expected, "{query}");
    }
    assert_eq!(
        list("type=DEDICATED&sort_key=name,updateTime&sort_dir=ASC").await,
        ["vision/jax:1", "vision/jax:2", "nlp/jax:1", "nlp/jaxlib:1"]
    );
    assert_eq!(
        list("type=DEDICATED&sort_key=name,updateTime&sort_dir=DESC").await,
        ["nlp/jaxlib:1", "nlp/jax:1", "vision/jax:2", "vision/jax:1"]
    );
    let groups = async |query: &str| {
        client
            .get(&format!("/images/group?type=DEDICATED&{query}"))
            .await
            .ok()
    };
    for (query, expected) in [
        ("name=ja", 3),
        ("name=ja&name_fuzzy_match=false", 0),
        ("name=jax&name_fuzzy_match=false", 2),
    ] {
        assert_eq!(groups(query).await["total"], expected, "{query}");
    }
    let vision = groups("namespace=vision").await;
    assert_eq!(
        (&vision["total"], &vision["data"][0]["version_count"]),
        (&json!(1), &json!(2))
    );
}
