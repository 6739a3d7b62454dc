//! What the five pages that this project began with say, sentence by sentence: creating, changing, starting, stopping and
//! restarting instances of the old generation, and starting a notebook.

use modelarts_emulator::{Emulator, Fixtures};
use serde_json::{Value, json};

use crate::client::{Client, notebook, rules};
use crate::devenv::{PATH, create, instance};

const INSTANCE: &str = "6fa459ea-ee8a-3ca4-894e-db77e160355e";
const RUNNING: &str = "DE-7d558ef8-c73d-11ea-964c-0255ac100033";
const STUDIO: &str = "47cf4ff3-0c59-44fe-9821-2840a34c02a9";
const NOTEBOOK: &str = "f9937afa-4451-42db-a76b-72d624749f66";

async fn pages() -> Client {
    let fixtures = Fixtures::built_in("seed-pages").unwrap();
    Client::with(Emulator::builder().manual().fixtures(fixtures)).await
}

async fn act(client: &Client, id: &str, action: &str) -> crate::client::Response {
    let path = format!("{PATH}/{id}/action");
    client.post(&path, json!({ "action": action })).await
}

async fn auto_stop(client: &Client, id: &str) -> Value {
    client.get(&format!("{PATH}/{id}")).await.ok()["spec"]["auto_stop"].clone()
}

async fn status(client: &Client, id: &str) -> Value {
    client.get(&format!("{PATH}/{id}")).await.ok()["status"].clone()
}

/// The pointers to everything in a sample that is no object, and what stands there.
fn leaves(value: &Value) -> Vec<(String, &Value)> {
    fn inside<'a>(value: &'a Value, pointer: &str, found: &mut Vec<(String, &'a Value)>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, member)| {
                inside(member, &format!("{pointer}/{name}"), found);
            }),
            other => found.push((pointer.to_owned(), other)),
        }
    }
    let mut found = Vec::new();
    inside(value, "", &mut found);
    found
}

/// The documented example of a response.
fn sample(path: &str, method: &str, example: &str) -> Value {
    let document: Value = serde_json::from_str(modelarts_client::devenviron::DOCUMENT).unwrap();
    let response = &document["paths"][path][method]["responses"]["200"];
    let sample = &response["content"]["application/json"]["examples"][example]["value"];
    assert!(sample.is_object(), "{path} {method} {example}");
    sample.clone()
}

const ONE: &str = "/v1/{project_id}/demanager/instances/{instance_id}";
const ALL: &str = "/v1/{project_id}/demanager/instances";
const START: &str = "/v1/{project_id}/notebooks/{id}/start";

#[tokio::test]
async fn the_pages_can_be_followed_to_the_letter() {
    let client = pages().await;
    let action = format!("{ONE}/action");
    let pair = |example| sample(&action, "post", example);
    // modelarts_03_0115 and 0152: request and response of the samples are pairs.
    assert_eq!(
        act(&client, INSTANCE, "start").await.ok(),
        pair("documentedStart")
    );
    assert_eq!(
        act(&client, STUDIO, "restart").await.ok(),
        pair("documentedRestart")
    );
    assert_eq!(
        act(&client, "other", "start").await.body,
        json!({
            "error_message": "The instance does not exist.", "error_code": "ModelArts.6309",
        })
    );

    // modelarts_03_0113
    let body = json!({"description": "This is for test."});
    for id in [INSTANCE, RUNNING] {
        let path = format!("{PATH}/{id}");
        let changed = client.send("PUT", &path, Some(body.clone())).await.ok();
        assert_eq!(changed["description"], "This is for test.");
        assert_eq!(changed["id"], id);
    }
    let missing = client
        .send("PUT", &format!("{PATH}/other"), Some(body))
        .await;
    assert_eq!(missing.code(), "ModelArts.6309");

    // StartNotebook
    let started = client
        .post(&format!("/notebooks/{NOTEBOOK}/start"), json!({}))
        .await
        .ok();
    for (pointer, expected) in leaves(&sample(START, "post", "starting")) {
        let got = started.pointer(&pointer);
        assert!(got.is_some(), "{pointer} is missing in {started}");
        // Addresses, tokens and what depends on the hour are the emulator's own.
        let own = [
            "/token",
            "/url",
            "/image/swr_path",
            "/image/description",
            "/lease/duration",
            "/lease/update_at",
        ];
        if !own.contains(&pointer.as_str()) {
            assert_eq!(got, Some(expected), "{pointer}");
        }
    }

    // modelarts_03_0110: the sample is no pair, so the request is held against what it asks for.
    let asked = instance(json!({}));
    let created = client.post(PATH, asked.clone()).await.ok();
    for (pointer, sent) in leaves(&asked) {
        let pointer = pointer.replace("/profile_id", "/profile/id");
        assert_eq!(created.pointer(&pointer), Some(sent), "{pointer}");
    }
    for (pointer, _) in leaves(&sample(ALL, "post", "documentedResponse")) {
        // A disk has a size and a GPU is counted; this instance has neither.
        if !["volume_size", "GPU", "gpu_type"]
            .iter()
            .any(|name| pointer.ends_with(name))
        {
            assert!(
                created.pointer(&pointer).is_some(),
                "{pointer} is missing in {created}"
            );
        }
    }
    let refused = client
        .post(
            PATH,
            instance(json!({"/spec/storage/location/path": "/aaaaaaaaa/output"})),
        )
        .await;
    assert_eq!(
        refused.body,
        json!({
            "error_message": "The param path needs to end with /.", "error_code": "ModelArts.6318",
        })
    );
}

#[tokio::test]
async fn a_read_has_every_leaf_of_the_sample_with_its_nulls() {
    let client = pages().await;
    let body = json!({"description": "update notebook"});
    let path = format!("{PATH}/{RUNNING}");
    let changed = client.send("PUT", &path, Some(body)).await.ok();
    let shown = client.get(&path).await.ok();
    assert_eq!(changed, shown);
    for (pointer, expected) in leaves(&sample(ONE, "put", "documentedResponse")) {
        let got = shown.pointer(&pointer);
        assert!(got.is_some(), "{pointer} is missing in {shown}");
        let own = [
            "/latest_update_timestamp",
            "/spec/annotations/target_domain",
            "/spec/annotations/url",
            "/spec/auto_stop/remain_time",
            "/spec/auto_stop/stop_timestamp",
        ];
        if !own.contains(&pointer.as_str()) {
            assert_eq!(got, Some(expected), "{pointer}");
        }
    }
    let nulls: Vec<String> = leaves(&shown)
        .into_iter()
        .filter(|(_, value)| value.is_null())
        .map(|(pointer, _)| pointer)
        .collect();
    assert_eq!(
        nulls,
        [
            "/profile/provision/spec/params/annotations",
            "/spec/extend_params",
            "/spec/extend_storage",
            "/spec/failed_reasons",
            "/spec/repository",
        ]
    );
}

#[tokio::test]
async fn a_running_instance_adopts_a_changed_automatic_stop_at_its_next_start() {
    rules(&[
        "instance-auto-stop-next-start",
        "instance-auto-stop-each-start",
        "instance-stop-timestamp",
    ]);
    let client = Client::start().await;
    let id = create(&client, json!({})).await;
    client.pass(90);
    client.pass(600);
    let before = auto_stop(&client, &id).await;
    assert_eq!(
        (&before["duration"], &before["remain_time"]),
        (&json!(3600), &json!(3000))
    );
    let path = format!("{PATH}/{id}");
    let put = async |auto_stop: Value| {
        let body = json!({"spec": {"auto_stop": auto_stop}});
        client.send("PUT", &path, Some(body)).await.ok()["spec"]["auto_stop"].clone()
    };
    for duration in [7200, 86_400, 5000] {
        let after = put(json!({"enable": true, "duration": duration})).await;
        assert_eq!(after["duration"], duration);
        assert_eq!(after["stop_timestamp"], before["stop_timestamp"]);
        assert_eq!(after["remain_time"], 3000);
    }
    client.pass(2999);
    assert_eq!(status(&client, &id).await, "RUNNING");
    client.pass(1);
    assert_eq!(status(&client, &id).await, "STOPPING");
    client.pass(30);
    assert!(auto_stop(&client, &id).await["stop_timestamp"].is_null());
    for _ in 0..2 {
        act(&client, &id, "start").await.ok();
        client.pass(60);
        assert_eq!(auto_stop(&client, &id).await["remain_time"], 5000);
        client.pass(4999);
        assert_eq!(status(&client, &id).await, "RUNNING");
        client.pass(1);
        assert_eq!(status(&client, &id).await, "STOPPING");
        client.pass(30);
    }
}

#[tokio::test]
async fn the_automatic_stop_is_switched_off_at_once_and_on_at_the_next_start() {
    rules(&["instance-auto-stop-off", "instance-update-partial"]);
    let client = Client::start().await;
    let id = create(&client, json!({})).await;
    client.pass(100);
    let path = format!("{PATH}/{id}");
    let put = async |auto_stop: Value| {
        let body = json!({"spec": {"auto_stop": auto_stop}});
        client.send("PUT", &path, Some(body)).await.ok()["spec"]["auto_stop"].clone()
    };
    // What is left out stays: a prompt alone switches nothing off.
    let after = put(json!({"prompt": false})).await;
    assert_eq!(
        (&after["enable"], &after["prompt"]),
        (&json!(true), &json!(false))
    );
    assert!(after["stop_timestamp"].is_number());
    let off = put(json!({"enable": false})).await;
    assert_eq!(
        (&off["enable"], &off["duration"]),
        (&json!(false), &json!(3600))
    );
    assert!(off["stop_timestamp"].is_null());
    let on = put(json!({"enable": true, "duration": 3600})).await;
    assert!(on["stop_timestamp"].is_null(), "this run has no end: {on}");
    client.pass(100_000);
    assert_eq!(status(&client, &id).await, "RUNNING");
    act(&client, &id, "stop").await.ok();
    client.pass(30);
    act(&client, &id, "start").await.ok();
    client.pass(60);
    assert_eq!(auto_stop(&client, &id).await["remain_time"], 3600);
}

#[tokio::test]
async fn an_instance_is_created_with_the_documented_defaults() {
    rules(&[
        "instance-auto-stop-default",
        "instance-prompt-default",
        "instance-workspace-default",
        "instance-store-time",
        "instance-pool-owner",
        "instance-repository",
    ]);
    let client = Client::start().await;
    let mut body = instance(json!({}));
    body["spec"].as_object_mut().unwrap().remove("auto_stop");
    body.as_object_mut().unwrap().remove("workspace");
    let id = client.post(PATH, body).await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    client.pass(1_000_000);
    let shown = client.get(&format!("{PATH}/{id}")).await.ok();
    assert_eq!(shown["status"], "RUNNING");
    assert_eq!(
        shown["spec"]["auto_stop"],
        json!({"enable": false, "duration": 3600, "prompt": true})
    );
    assert_eq!(shown["workspace"]["id"], "0");
    assert_eq!(shown["flavor_details"]["store_time"], -1);
    assert!(shown.get("pool").is_none() && shown.get("repository").is_none());
    assert_eq!(shown["spec"]["repository"], Value::Null);
}

#[tokio::test]
async fn what_a_new_instance_cannot_have_is_refused_by_name() {
    rules(&[
        "instance-create-main-storage",
        "instance-create-pool",
        "instance-extend-storage-type",
        "instance-extend-storage-pool",
        "instance-path-required",
        "instance-path-slash",
        "instance-path-folder",
        "instance-auto-stop-duration",
        "instance-auto-stop-change-duration",
    ]);
    let pool = json!({"id": "pool-7c1e5b20"});
    let obsfs = |path: &str| json!([{"type": "obsfs", "location": {"path": path}}]);
    let path = "/spec/storage/location/path";
    for strict in [false, true] {
        let client = Client::with(Emulator::builder().manual().strict(strict)).await;
        for (changes, code, field) in [
            (
                json!({"/spec/storage": {"type": "evs"}}),
                "ModelArts.6324",
                "spec.storage.type",
            ),
            (
                json!({"/spec/storage/type": "efs"}),
                "ModelArts.6324",
                "spec.storage.type",
            ),
            (
                json!({"/spec/storage/type": "obsfs"}),
                "ModelArts.6324",
                "spec.storage.type",
            ),
            (
                json!({"/spec/storage/location": {}}),
                "ModelArts.6317",
                "spec.storage.location.path",
            ),
            (json!({path: "/bucket/folder"}), "ModelArts.6318", "path"),
            (
                json!({path: "/bucket/"}),
                "ModelArts.6358",
                "spec.storage.location.path",
            ),
            (
                json!({path: "/Bucket!/folder/"}),
                "ModelArts.6336",
                "spec.storage.location.path",
            ),
            (
                json!({path: "folder/"}),
                "ModelArts.6336",
                "spec.storage.location.path",
            ),
            (
                json!({"/spec/extend_storage": obsfs("/bucket/folder/")}),
                "ModelArts.6336",
                "spec.extend_storage[0]",
            ),
            (
                json!({"/pool": pool, "/spec/extend_storage": [{"type": "obs", "location": {"path": "/bucket/a/"}}]}),
                "ModelArts.6324",
                "spec.extend_storage[0].type",
            ),
            (
                json!({"/pool": pool, "/spec/extend_storage": obsfs("/bucket/")}),
                "ModelArts.6358",
                "spec.extend_storage[0]",
            ),
            (
                json!({"/pool": {"id": "nobodys"}}),
                "ModelArts.6336",
                "pool.id",
            ),
            (
                json!({"/pool": {"id": "pool-7c1e5b20", "name": "other"}}),
                "ModelArts.6336",
                "pool.name",
            ),
            (
                json!({"/pool": {"id": "pool-7c1e5b20", "type": "SHARED"}}),
                "ModelArts.6336",
                "pool.type",
            ),
            (
                json!({"/pool": {"id": "pool-7c1e5b20", "owner": {"project_id": "other"}}}),
                "ModelArts.6336",
                "pool.owner.project_id",
            ),
            (
                json!({"/spec/auto_stop": {"enable": true}}),
                "ModelArts.6348",
                "spec.auto_stop.duration",
            ),
            (
                json!({"/workspace": {"id": "nobodys"}}),
                "ModelArts.0102",
                "nobodys",
            ),
        ] {
            let refused = client.post(PATH, instance(changes.clone())).await;
            assert_eq!(refused.code(), code, "{changes}: {refused:?}");
            let message = refused.body["error_message"].as_str().unwrap();
            assert!(message.contains(field), "{field}: {message}");
        }
        let id = create(&client, json!({})).await;
        let body = json!({"spec": {"auto_stop": {"enable": true}}});
        let refused = client
            .send("PUT", &format!("{PATH}/{id}"), Some(body))
            .await;
        assert_eq!(refused.code(), "ModelArts.6348");
        let good =
            json!({"/pool": pool, "/spec/extend_storage": obsfs("obs://team-files/corpora/")});
        let created = client.post(PATH, instance(good)).await.ok();
        assert_eq!(
            created["pool"],
            json!({
                "id": "pool-7c1e5b20", "name": "language-pool", "type": "USER_DEFINED",
                "owner": {"project_id": client.emulator.project_id()},
            })
        );
        assert_eq!(
            created["spec"]["extend_storage"],
            obsfs("obs://team-files/corpora/")
        );
    }
}

#[tokio::test]
async fn only_ml_studio_restarts_in_either_mode() {
    rules(&["instance-restart-ml-studio"]);
    for strict in [false, true] {
        let fixtures = Fixtures::built_in("seed-pages").unwrap();
        let builder = Emulator::builder()
            .manual()
            .strict(strict)
            .fixtures(fixtures);
        let client = Client::with(builder).await;
        for _ in 0..2 {
            let restarted = act(&client, STUDIO, "restart").await.ok();
            assert_eq!(
                restarted,
                json!({"current_status": "REBOOTING", "previous_state": "ACTIVE"})
            );
            client.pass(60);
            assert_eq!(status(&client, STUDIO).await, "ACTIVE");
        }
        for id in [RUNNING, INSTANCE] {
            let before = status(&client, id).await;
            let refused = act(&client, id, "restart").await;
            assert_eq!(refused.code(), "ModelArts.6336");
            assert!(
                refused.body["error_message"]
                    .as_str()
                    .unwrap()
                    .contains("ML Studio")
            );
            assert_eq!(status(&client, id).await, before);
        }
    }
}

#[tokio::test]
async fn actions_are_refused_with_the_code_of_what_goes_on() {
    rules(&[
        "instance-action-already",
        "instance-action-busy",
        "instance-action-missing",
    ]);
    let client = Client::start().await;
    let id = create(&client, json!({})).await;
    let code = async |action: &str| act(&client, &id, action).await.code().to_owned();
    for action in ["start", "stop"] {
        assert_eq!(
            code(action).await,
            "ModelArts.6357",
            "while it is being created"
        );
    }
    client.pass(90);
    assert_eq!(code("start").await, "ModelArts.6305");
    act(&client, &id, "stop").await.ok();
    for action in ["start", "stop"] {
        assert_eq!(code(action).await, "ModelArts.6308");
    }
    client.pass(30);
    assert_eq!(code("stop").await, "ModelArts.6307");
    act(&client, &id, "start").await.ok();
    for action in ["start", "stop"] {
        assert_eq!(code(action).await, "ModelArts.6306");
    }
    assert_eq!(act(&client, "other", "stop").await.code(), "ModelArts.6309");
}

#[tokio::test]
async fn a_failure_has_the_code_of_what_failed() {
    rules(&["instance-failed-reasons", "notebook-fail-reason"]);
    let client = Client::start().await;
    let plan = async |step: &str, code: Option<&str>| {
        let mut fault = json!({"step": step, "reason": "no luck"});
        if let Some(code) = code {
            fault["code"] = json!(code);
        }
        let planned = client
            .control("POST", "/faults/transitions", Some(fault))
            .await;
        assert_eq!(planned.status, 201, "{planned:?}");
    };
    let failed = async |id: &str| {
        let shown = client.get(&format!("{PATH}/{id}")).await.ok();
        let reasons = shown["spec"]["failed_reasons"].clone();
        assert_eq!(reasons["code"], shown["error_code"]);
        assert_eq!(reasons["message"], "no luck");
        assert_eq!(
            reasons["detail"],
            json!({"flavor": "modelarts.kat1.xlarge"})
        );
        (shown["status"].clone(), shown["error_code"].clone())
    };
    plan("create", None).await;
    let id = create(&client, json!({})).await;
    client.pass(90);
    assert_eq!(
        failed(&id).await,
        (json!("CREATE_FAILED"), json!("ModelArts.6361"))
    );
    plan("start", None).await;
    act(&client, &id, "start").await.ok();
    client.pass(60);
    assert_eq!(
        failed(&id).await,
        (json!("START_FAILED"), json!("ModelArts.6360"))
    );
    plan("start", Some("ModelArts.6320")).await;
    act(&client, &id, "start").await.ok();
    client.pass(60);
    assert_eq!(
        failed(&id).await,
        (json!("START_FAILED"), json!("ModelArts.6320"))
    );
    act(&client, &id, "start").await.ok();
    client.pass(60);
    let running = client.get(&format!("{PATH}/{id}")).await.ok();
    assert!(running.get("error_code").is_none(), "{running}");
    assert_eq!(running["spec"]["failed_reasons"], Value::Null);
    // A stop that fails is no failed creation or start.
    plan("stop", None).await;
    act(&client, &id, "stop").await.ok();
    client.pass(30);
    let shown = client.get(&format!("{PATH}/{id}")).await.ok();
    assert_eq!(
        (&shown["status"], &shown["error_code"]),
        (&json!("UNAVAILABLE"), &json!("ModelArts.6361"))
    );
    assert_eq!(shown["spec"]["failed_reasons"], Value::Null);

    plan("create", None).await;
    let notebook = client.create(json!({})).await;
    client.pass(90);
    let shown = client.show(&notebook).await;
    assert_eq!(
        (&shown["status"], &shown["fail_reason"]),
        (&json!("CREATE_FAILED"), &json!("no luck"))
    );
}

#[tokio::test]
async fn instances_of_a_flavor_are_counted_per_user() {
    rules(&[
        "instance-num-own",
        "instance-create-queue",
        "instance-queuing-info",
        "instance-queue-numbers",
    ]);
    let client = Client::start().await;
    let others = json!({
        "users": [{"name": "other"}],
        "instances": [
            {"generation": "dev_env", "owner": "other", "flavor": "modelarts.vm.cpu.free", "count": 3},
            {"generation": "notebook", "flavor": "modelarts.vm.cpu.free"},
        ],
        "capacity": {"flavors": {"modelarts.vm.cpu.free": 5, "modelarts.kat1.xlarge": 0}},
    });
    let added = client.control("POST", "/fixtures", Some(others)).await;
    assert!(added.status < 300, "{added:?}");
    let free = json!({"/flavor": "modelarts.vm.cpu.free", "/profile_id": "Python3-cpu"});
    let first = create(&client, free.clone()).await;
    let second = create(&client, free).await;
    let show = async |id: &str| client.get(&format!("{PATH}/{id}")).await.ok();
    let queued = show(&second).await;
    assert_eq!(queued["status"], "CREATE_QUEUING");
    assert_eq!(queued["flavor_details"]["instance_num"], 2);
    assert_eq!(queued["queuing_info"]["flavor_details"]["instance_num"], 2);
    assert_eq!(queued["flavor_details"]["queuing_num"], 1);
    assert!(queued["flavor_details"]["queue_left_time"].is_number());
    client.pass(90);
    act(&client, &first, "stop").await.ok();
    client.pass(30);
    let shown = show(&first).await;
    assert_eq!(
        (&shown["status"], &shown["flavor_details"]["instance_num"]),
        (&json!("STOPPED"), &json!(2))
    );
    assert!(shown.get("queuing_info").is_none());
    client
        .send("DELETE", &format!("{PATH}/{first}"), None)
        .await
        .ok();
    client.pass(20);
    assert_eq!(show(&second).await["flavor_details"]["instance_num"], 1);
    // Nobody queues for a flavor that costs money.
    let refused = client.post(PATH, instance(json!({}))).await;
    assert_eq!(refused.code(), "ModelArts.6329");
}

#[tokio::test]
async fn a_start_sets_the_lease_anew() {
    rules(&[
        "notebook-start-lease",
        "notebook-start-timing",
        "notebook-start-type",
        "notebook-start-range",
        "notebook-start-settled",
        "notebook-lease-duration",
    ]);
    let client = Client::start().await;
    let id = client.create(json!({"duration": -1})).await;
    let start = format!("/notebooks/{id}/start");
    client.pass(100);
    assert_eq!(
        client.post(&start, json!({})).await.code(),
        "ModelArts.6357"
    );
    for (query, kind, runs) in [
        ("", "TIMING", Some(3600)),
        ("?duration=7200000", "TIMING", Some(7200)),
        ("?type=idle", "IDLE", Some(3600)),
        ("", "TIMING", Some(3600)),
        ("?type=idle&duration=3600000", "TIMING", Some(3600)),
        ("?type=timing", "TIMING", Some(3600)),
        ("?duration=-1", "TIMING", None),
        ("?duration=259200000&type=TIMING", "TIMING", Some(259_200)),
    ] {
        client
            .send("POST", &format!("/notebooks/{id}/stop"), None)
            .await
            .ok();
        client.pass(30);
        let begun = client.emulator.clock().now_millis();
        let started = client
            .post(&format!("{start}{query}"), json!({}))
            .await
            .ok();
        let lease = &started["lease"];
        assert_eq!(
            (&lease["type"], &lease["enable"]),
            (&json!(kind), &json!(runs.is_some())),
            "{query}"
        );
        if let Some(seconds) = runs {
            let ends = lease["create_at"].as_i64().unwrap() + lease["duration"].as_i64().unwrap();
            assert_eq!(ends, begun + seconds * 1000, "{query}");
        }
        client.pass(100);
        assert_eq!(client.status(&id).await, "RUNNING");
    }
    client
        .send("POST", &format!("/notebooks/{id}/stop"), None)
        .await
        .ok();
    client.pass(30);
    for (query, code, field) in [
        ("?type=never", "ModelArts.6336", "'type'"),
        ("?duration=0", "ModelArts.6349", "'duration'"),
        ("?duration=3599999", "ModelArts.6349", "'duration'"),
        ("?duration=259200001", "ModelArts.6349", "'duration'"),
        ("?duration=-2", "ModelArts.6349", "'duration'"),
        ("?duration=long", "ModelArts.6332", "'duration'"),
    ] {
        let refused = client.post(&format!("{start}{query}"), json!({})).await;
        assert_eq!(refused.code(), code, "{query}");
        let message = refused.body["error_msg"].as_str().unwrap();
        assert!(message.starts_with(field), "{query}: {message}");
    }
    assert_eq!(client.status(&id).await, "STOPPED");
}

#[tokio::test]
async fn a_refused_lease_is_named_as_it_was_sent() {
    rules(&[
        "notebook-create-range",
        "notebook-create-duration-wins",
        "lease-renew-query-wins",
        "lease-renew-running",
    ]);
    let client = Client::start().await;
    for (changes, field) in [
        (json!({"duration": 1}), "'duration'"),
        (json!({"lease": {"duration": 1}}), "'lease.duration'"),
        (json!({"lease": {"type": "never"}}), "'lease.type'"),
    ] {
        let refused = client.post("/notebooks", notebook(changes)).await;
        let message = refused.body["error_msg"].as_str().unwrap();
        assert!(message.starts_with(field), "{message}");
    }
    let both = json!({"duration": 7_200_000, "lease": {"duration": 3_600_000, "type": "idle"}});
    let id = client.create(both).await;
    let lease = client.show(&id).await["lease"].clone();
    assert_eq!(
        (&lease["duration"], &lease["type"]),
        (&json!(7_200_000), &json!("TIMING"))
    );
    let path = format!("/notebooks/{id}/lease");
    let renew = async |query: &str, body: Value| {
        client
            .send("PATCH", &format!("{path}{query}"), Some(body))
            .await
    };
    let idle = json!({"duration": 7_200_000, "type": "idle"});
    assert_eq!(renew("", idle.clone()).await.code(), "ModelArts.6327");
    client.pass(100);
    for (query, body, field) in [
        ("?duration=1", json!({}), "'duration'"),
        ("", json!({"duration": 1}), "'duration'"),
        ("", json!({"type": "never"}), "'type'"),
    ] {
        let refused = renew(query, body).await;
        let message = refused.body["error_msg"].as_str().unwrap();
        assert!(message.starts_with(field), "{message}");
    }
    assert_eq!(renew("", idle.clone()).await.ok()["type"], "IDLE");
    let renewed = renew("?duration=3600000", idle).await.ok();
    assert_eq!(
        (&renewed["type"], &renewed["duration"]),
        (&json!("TIMING"), &json!(3_700_000))
    );
}

#[tokio::test]
async fn volumes_are_read_back_with_their_defaults() {
    rules(&[
        "notebook-volume-default",
        "notebook-volume-dedicated",
        "notebook-volume-read-back",
        "notebook-pool",
    ]);
    let client = Client::start().await;
    let own = json!({
        "category": "EFS", "ownership": "DEDICATED", "capacity": 500,
        "uri": "192.168.0.2:/share/corpora", "id": "3a1f5b77-12f9-4f0c-8a57-6f1a5d5d3c10",
    });
    for (sent, expected) in [
        (
            json!({"category": "EVS", "ownership": "MANAGED"}),
            json!({"capacity": 5}),
        ),
        (
            json!({"category": "EFS", "ownership": "MANAGED"}),
            json!({"capacity": 50}),
        ),
        (own.clone(), own.clone()),
    ] {
        let id = client.create(json!({"volume": sent})).await;
        client.pass(200);
        let shown = client.show(&id).await;
        for (name, value) in expected
            .as_object()
            .unwrap()
            .iter()
            .chain(sent.as_object().unwrap())
        {
            assert_eq!(&shown["volume"][name], value, "{name}");
        }
        assert!(shown.get("pool").is_none());
    }
    for missing in ["uri", "id"] {
        let mut volume = own.clone();
        volume.as_object_mut().unwrap().remove(missing);
        let refused = client
            .post("/notebooks", notebook(json!({"volume": volume})))
            .await;
        assert_eq!(refused.code(), "ModelArts.6335");
        assert!(
            refused.body["error_msg"]
                .as_str()
                .unwrap()
                .contains(&format!("volume.{missing}"))
        );
    }
    let evs = json!({"category": "EVS", "ownership": "DEDICATED"});
    let refused = client
        .post("/notebooks", notebook(json!({"volume": evs})))
        .await;
    assert_eq!(refused.code(), "ModelArts.6336");
}

#[tokio::test]
async fn a_disk_that_grows_does_not_affect_the_notebook() {
    rules(&[
        "notebook-volume-resizing",
        "notebook-volume-grows",
        "notebook-update-running",
    ]);
    let client = Client::start().await;
    let id = client.running().await;
    let path = format!("/notebooks/{id}");
    let put = async |body| client.send("PUT", &path, Some(body)).await;
    let grown = put(json!({"storage_new_size": 40})).await.ok();
    assert_eq!(
        (&grown["status"], &grown["volume"]["status"]),
        (&json!("RUNNING"), &json!("RESIZING"))
    );
    assert_eq!(
        put(json!({"name": "renamed", "description": "still in use"}))
            .await
            .ok()["name"],
        "renamed"
    );
    let stopped = client.send("POST", &format!("{path}/stop"), None).await;
    assert_eq!(stopped.ok()["status"], "STOPPING");
    let running = client.running().await;
    let other = format!("/notebooks/{running}");
    let refused = async |body| {
        client
            .send("PUT", &other, Some(body))
            .await
            .code()
            .to_owned()
    };
    assert_eq!(
        refused(json!({"storage_new_size": 10})).await,
        "ModelArts.6336"
    );
    for body in [
        json!({"flavor": "modelarts.vm.cpu.8u"}),
        json!({"image_id": crate::client::IMAGE}),
        json!({"endpoints": []}),
        json!({"hooks": {}}),
    ] {
        assert_eq!(refused(body).await, "ModelArts.6347");
    }
}

#[tokio::test]
async fn a_user_has_one_free_notebook() {
    rules(&["notebook-one-free"]);
    let client = Client::start().await;
    let free = json!({"feature": "DEFAULT", "flavor": "modelarts.vm.cpu.free"});
    client.create(free.clone()).await;
    let refused = client.post("/notebooks", notebook(free)).await;
    assert_eq!(refused.code(), "ModelArts.6302");
}

#[tokio::test]
async fn an_ssh_notebook_has_a_private_address_once_it_runs() {
    rules(&["notebook-endpoint-uri"]);
    let client = Client::start().await;
    let endpoints =
        json!([{"service": "SSH", "key_pair_names": ["laptop"]}, {"service": "NOTEBOOK"}]);
    let id = client.create(json!({"endpoints": endpoints})).await;
    let uri = async |index: usize| {
        client.show(&id).await["endpoints"][index]
            .get("uri")
            .cloned()
    };
    assert_eq!(uri(0).await, None);
    client.pass(90);
    let address: std::net::Ipv4Addr = uri(0).await.unwrap().as_str().unwrap().parse().unwrap();
    assert!(address.is_private(), "{address}");
    assert_eq!(uri(1).await, None);
}

#[tokio::test]
async fn the_first_of_every_list_makes_a_notebook() {
    for query in [
        "",
        "?category=CPU",
        "?category=GPU",
        "?type=DEDICATED",
        "?category=CPU&type=MANAGED",
    ] {
        let client = Client::start().await;
        let flavors = client.get(&format!("/notebooks/flavors{query}")).await.ok();
        for images in [
            "",
            "?type=BUILD_IN",
            "?limit=1",
            "?sort_dir=DESC&sort_key=createTime",
        ] {
            let images = client.get(&format!("/images{images}")).await.ok();
            let body = json!({
                "name": "first",
                "flavor": flavors["data"][0]["id"],
                "image_id": images["data"][0]["id"],
                "volume": {
                    "category": flavors["data"][0]["storages"][0], "ownership": "MANAGED",
                },
            });
            let created = client.post("/notebooks", body.clone()).await;
            assert!(created.status == 200, "{query} {body}: {created:?}");
            let id = created.body["id"].as_str().unwrap().to_owned();
            client.pass(200);
            assert_eq!(client.status(&id).await, "RUNNING");
            let switchable = client.get(&format!("/notebooks/{id}/flavors")).await.ok();
            client
                .send("POST", &format!("/notebooks/{id}/stop"), None)
                .await
                .ok();
            client.pass(30);
            let change = json!({"flavor": switchable["data"][0]["id"]});
            client
                .send("PUT", &format!("/notebooks/{id}"), Some(change))
                .await
                .ok();
            client
                .post(&format!("/notebooks/{id}/start"), json!({}))
                .await
                .ok();
            client.pass(60);
            assert_eq!(client.status(&id).await, "RUNNING");
        }
        assert!(flavors["data"][0]["free"] == false);
    }
}

#[tokio::test]
async fn pages_of_any_size_are_accepted_in_either_mode() {
    for strict in [false, true] {
        let client = Client::with(Emulator::builder().manual().strict(strict)).await;
        client.create(json!({})).await;
        for limit in [1, 7, 10, 50, 100] {
            let page = client.get(&format!("/notebooks?limit={limit}")).await.ok();
            assert_eq!((&page["total"], &page["size"]), (&json!(1), &json!(limit)));
        }
    }
}

#[tokio::test]
async fn storage_is_mounted_to_a_running_notebook_below_data() {
    rules(&[
        "storage-attach-running",
        "storage-attach-ten",
        "storage-mount-path",
    ]);
    let client = Client::start().await;
    let id = client.create(json!({})).await;
    let path = format!("/notebooks/{id}/storage");
    let mount = |directory: &str| json!({"category": "OBS", "mount_path": directory, "uri": "obs://corpora/a/"});
    let refused = client.post(&path, mount("/data/a/")).await;
    assert_eq!(refused.code(), "ModelArts.6327");
    client.pass(90);
    for directory in ["/data/", "/data/a/b/", "/data/a b/", "/home/a/"] {
        assert_eq!(
            client.post(&path, mount(directory)).await.code(),
            "ModelArts.6336",
            "{directory}"
        );
    }
    for number in 0..10 {
        client
            .post(&path, mount(&format!("/data/corpus-{number}_A/")))
            .await
            .ok();
    }
    assert_eq!(
        client.post(&path, mount("/data/eleven/")).await.code(),
        "ModelArts.6336"
    );
}

#[tokio::test]
async fn an_image_is_saved_from_a_running_notebook_which_then_uses_it() {
    rules(&["image-save-running", "image-delete-in-use"]);
    let client = Client::start().await;
    let id = client.create(json!({})).await;
    let path = format!("/notebooks/{id}/create-image");
    let body = json!({"name": "bert", "namespace": "nlp", "tag": "1.0"});
    assert_eq!(
        client.post(&path, body.clone()).await.code(),
        "ModelArts.6327"
    );
    client.pass(120);
    let image = client.post(&path, body).await.ok()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(client.status(&id).await, "SNAPSHOTTING");
    client.pass(120);
    let shown = client.show(&id).await;
    assert_eq!(
        (&shown["status"], &shown["image"]["id"]),
        (&json!("RUNNING"), &json!(image))
    );
    let refused = client
        .send("DELETE", &format!("/images/{image}"), None)
        .await;
    assert_eq!(refused.code(), "ModelArts.6357");
}
