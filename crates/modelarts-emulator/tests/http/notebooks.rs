use modelarts_emulator::{Durations, Emulator, Step, TransitionFault};
use serde_json::json;

use crate::client::{Client, notebook};

#[tokio::test]
async fn a_notebook_lives_through_its_states() {
    let client = Client::start().await;
    let created = client.post("/notebooks", notebook(json!({}))).await;
    assert_eq!(created.headers["x-request-id"].len(), 32);
    let created = created.ok();
    assert_eq!(created["status"], "CREATING");
    assert_eq!(created["lease"]["duration"], 3_600_000);
    let id = created["id"].as_str().unwrap();

    client.pass(45);
    let half = client.show(id).await;
    let steps: Vec<&str> = half["action_progress"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["status"].as_str().unwrap())
        .collect();
    assert_eq!(steps, ["COMPLETED", "COMPLETED", "PROCESSING", "WAITING"]);

    client.pass(45);
    let running = client.show(id).await;
    assert_eq!(running["status"], "RUNNING");
    assert_eq!(running["volume"]["status"], "INITIALIZING");
    client.pass(20);
    assert_eq!(client.show(id).await["volume"]["status"], "IN_USE");

    let path = |action: &str| format!("/notebooks/{id}/{action}");
    assert_eq!(
        client.send("POST", &path("stop"), None).await.ok()["status"],
        "STOPPING"
    );
    assert_eq!(
        client.send("POST", &path("stop"), None).await.code(),
        "ModelArts.6357"
    );
    client.pass(30);
    assert_eq!(client.status(id).await, "STOPPED");
    assert_eq!(
        client.send("POST", &path("stop"), None).await.code(),
        "ModelArts.6357"
    );
    assert_eq!(
        client.post(&path("start"), json!({})).await.ok()["status"],
        "STARTING"
    );
    client.pass(60);
    assert_eq!(client.status(id).await, "RUNNING");

    let deleted = client
        .send("DELETE", &format!("/notebooks/{id}"), None)
        .await
        .ok();
    assert_eq!(deleted["status"], "DELETING");
    client.pass(20);
    let gone = client.get(&format!("/notebooks/{id}")).await;
    assert_eq!(gone.status, 400);
    assert_eq!(gone.code(), "ModelArts.6309");
    assert_eq!(gone.body["error_msg"], "The instance does not exist.");
}

#[tokio::test]
async fn what_was_sent_is_read_back_unchanged() {
    let client = Client::start().await;
    let endpoints = json!([{
        "service": "SSH", "key_pair_names": ["train-key"], "allowed_access_ips": ["203.0.113.10"],
    }]);
    let id = client
        .create(json!({
            "description": "Fine-tuning", "duration": -1, "feature": "NOTEBOOK",
            "endpoints": endpoints, "pool_id": "pool7f3c0e6a", "workspace_id": "0",
        }))
        .await;
    client.pass(200);
    let shown = client.show(&id).await;
    assert_eq!(shown["description"], "Fine-tuning");
    assert_eq!(shown["lease"]["enable"], false);
    assert_eq!(shown["endpoints"][0]["ssh_keys"], json!(["train-key"]));
    assert_eq!(
        shown["endpoints"][0]["key_pair_names"],
        json!(["train-key"])
    );
    assert_eq!(
        shown["endpoints"][0]["allowed_access_ips"],
        json!(["203.0.113.10"])
    );
    assert_eq!(shown["pool"]["id"], "pool7f3c0e6a");
    assert_eq!(shown["volume"]["capacity"], 20);
    assert_eq!(shown["user"]["name"], "modelarts");
}

#[tokio::test]
async fn rules_are_enforced_with_their_codes() {
    let client = Client::start().await;
    for (changes, code) in [
        (json!({"flavor": "none"}), "ModelArts.6323"),
        (json!({"image_id": "none"}), "ModelArts.6797"),
        (
            json!({"image_id": "6d0f4b7e-52a1-4c39-8b7d-0e9c1a2f3b44"}),
            "ModelArts.6336",
        ),
        (
            json!({"image_id": "e1a07296-22a8-4f05-8bc8-e936c8e54103", "flavor": "modelarts.vm.gpu.v100"}),
            "ModelArts.6768",
        ),
        (json!({"feature": "DEFAULT"}), "ModelArts.6870"),
        (json!({"feature": "OTHER"}), "ModelArts.6336"),
        (json!({"workspace_id": "9"}), "ModelArts.0102"),
        (json!({"pool_id": "none"}), "ModelArts.6336"),
        (json!({"duration": 1}), "ModelArts.6349"),
        (json!({"lease": {"type": "never"}}), "ModelArts.6336"),
        (
            json!({"volume": {"category": "TAPE", "ownership": "MANAGED"}}),
            "ModelArts.6324",
        ),
        (
            json!({"volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 4}}),
            "ModelArts.6331",
        ),
        (
            json!({"volume": {"category": "EVS", "ownership": "DEDICATED"}}),
            "ModelArts.6336",
        ),
        (
            json!({"volume": {"category": "EFS", "ownership": "DEDICATED"}}),
            "ModelArts.6335",
        ),
        (
            json!({"hooks": {"container_hooks": {"pre_start": {"type": "COMMAND"}}}}),
            "ModelArts.6335",
        ),
        (json!({"name": "a b"}), "ModelArts.6334"),
    ] {
        let refused = client.post("/notebooks", notebook(changes.clone())).await;
        assert_eq!(refused.code(), code, "{changes}");
        assert_eq!(refused.status, 400, "{changes}");
    }
}

#[tokio::test]
async fn the_lease_stops_the_notebook_and_can_be_renewed() {
    let client = Client::start().await;
    let id = client.running().await;
    let lease = format!("/notebooks/{id}/lease");
    client.pass(3_000);
    let body = json!({"duration": 7_200_000, "type": "timing"});
    let renewed = client.send("PATCH", &lease, Some(body)).await.ok();
    // It counts from the creation: 3200 s have passed since then.
    assert_eq!(renewed["duration"], 3_200_000 + 7_200_000);
    client.pass(7_199);
    assert_eq!(client.status(&id).await, "RUNNING");
    client.pass(1);
    assert_eq!(client.status(&id).await, "STOPPING");
    client.pass(30);
    assert_eq!(client.status(&id).await, "STOPPED");
    let refused = client.send("PATCH", &lease, None).await;
    assert_eq!(refused.code(), "ModelArts.6327");
}

#[tokio::test]
async fn an_idle_lease_counts_from_the_last_activity() {
    let client = Client::start().await;
    let id = client
        .create(json!({"lease": {"duration": 3_600_000, "type": "idle"}}))
        .await;
    client.pass(3_500);
    let activity = format!("/instances/{id}/activity");
    assert_eq!(client.control("POST", &activity, None).await.status, 204);
    client.pass(3_500);
    assert!(client.emulator.note_activity(&id).await.unwrap());
    assert!(!client.emulator.note_activity("none").await.unwrap());
    client.pass(3_599);
    assert_eq!(client.status(&id).await, "RUNNING");
    client.pass(1);
    assert_eq!(client.status(&id).await, "STOPPING");
}

#[tokio::test]
async fn a_lease_that_is_off_stays_off_until_a_start_asks_for_one() {
    let client = Client::start().await;
    let id = client.create(json!({"duration": -1})).await;
    client.pass(1_000_000);
    assert_eq!(client.status(&id).await, "RUNNING");
    client
        .send("POST", &format!("/notebooks/{id}/stop"), None)
        .await
        .ok();
    client.pass(30);
    let start = format!("/notebooks/{id}/start");
    let started = client
        .send(
            "POST",
            &format!("{start}?duration=3600000&type=timing"),
            None,
        )
        .await
        .ok();
    assert_eq!(started["lease"]["enable"], true);
    client.pass(3_600);
    assert_eq!(client.status(&id).await, "STOPPING");
}

#[tokio::test]
async fn what_can_be_changed_depends_on_the_status() {
    let client = Client::start().await;
    let id = client.running().await;
    let path = format!("/notebooks/{id}");
    let put = async |body| client.send("PUT", &path, Some(body)).await;
    assert_eq!(
        put(json!({"name": "bert-2", "description": "x"}))
            .await
            .ok()["name"],
        "bert-2"
    );
    assert_eq!(
        put(json!({"flavor": "modelarts.vm.cpu.8u"})).await.code(),
        "ModelArts.6347"
    );
    assert_eq!(
        put(json!({"storage_new_size": 10})).await.code(),
        "ModelArts.6336"
    );
    assert_eq!(
        put(json!({"storage_new_size": 40})).await.ok()["volume"]["status"],
        "RESIZING"
    );
    assert_eq!(
        put(json!({"storage_new_size": 50})).await.code(),
        "ModelArts.6357"
    );
    client.pass(30);
    assert_eq!(client.show(&id).await["volume"]["status"], "IN_USE");

    client
        .send("POST", &format!("{path}/stop"), None)
        .await
        .ok();
    client.pass(30);
    assert_eq!(
        put(json!({"flavor": "modelarts.kat1.xlarge"})).await.code(),
        "ModelArts.6792"
    );
    assert_eq!(
        put(json!({"flavor": "modelarts.vm.cpu.8u"})).await.ok()["flavor"],
        "modelarts.vm.cpu.8u"
    );
    let switchable = client.get(&format!("{path}/flavors")).await.ok();
    assert_eq!(switchable["data"], switchable["flavors"]);
    assert!(
        !switchable["data"].to_string().contains("kat1"),
        "{switchable}"
    );
}

#[tokio::test]
async fn planned_failures_end_in_the_failed_statuses() {
    let client = Client::start().await;
    let fail = async |step| {
        client
            .emulator
            .add_transition_fault(TransitionFault::new(step))
            .await
            .unwrap()
    };
    fail(Step::Create).await;
    let id = client.create(json!({})).await;
    client.pass(90);
    let failed = client.show(&id).await;
    assert_eq!(failed["status"], "CREATE_FAILED");
    assert!(failed["fail_reason"].is_string());
    assert_eq!(failed["action_progress"][1]["status"], "FAILED");

    let id = client.running().await;
    client
        .send("POST", &format!("/notebooks/{id}/stop"), None)
        .await
        .ok();
    client.pass(30);
    fail(Step::Start).await;
    client
        .send("POST", &format!("/notebooks/{id}/start"), None)
        .await
        .ok();
    client.pass(60);
    assert_eq!(client.status(&id).await, "START_FAILED");
    fail(Step::Delete).await;
    client
        .send("DELETE", &format!("/notebooks/{id}"), None)
        .await
        .ok();
    client.pass(20);
    assert_eq!(client.status(&id).await, "DELETE_FAILED");
}

#[tokio::test]
async fn storage_is_mounted_and_unmounted() {
    let client = Client::start().await;
    let id = client.running().await;
    let path = format!("/notebooks/{id}/storage");
    let body = json!({"category": "OBS", "mount_path": "/data/corpus/", "uri": "obs://nlp/wiki/"});
    let mounted = client.post(&path, body.clone()).await.ok();
    assert_eq!(
        (&mounted["category"], &mounted["status"]),
        (&json!("OBSFS"), &json!("MOUNTING"))
    );
    assert_eq!(client.post(&path, body).await.code(), "ModelArts.6336");
    let one = format!("{path}/{}", mounted["id"].as_str().unwrap());
    client.pass(10);
    assert_eq!(client.get(&one).await.ok()["status"], "MOUNTED");
    assert_eq!(client.get(&path).await.ok()["total"], 1);
    assert_eq!(
        client.send("DELETE", &one, None).await.ok()["status"],
        "UNMOUNTING"
    );
    client.pass(5);
    assert_eq!(client.get(&one).await.ok()["status"], "UNMOUNTED");
    client.pass(30);
    assert_eq!(client.get(&one).await.status, 404);
    for number in 0..10 {
        let body = json!({"mount_path": format!("/data/m{number}"), "uri": "obs://nlp/"});
        client.post(&path, body).await.ok();
    }
    let eleventh = json!({"mount_path": "/data/more", "uri": "obs://nlp/"});
    assert_eq!(client.post(&path, eleventh).await.code(), "ModelArts.6336");
}

#[tokio::test]
async fn capacity_is_limited_on_request() {
    let client = Client::start().await;
    let capacity = |body| client.control("PUT", "/capacity", Some(body));
    capacity(json!({"flavors": {"modelarts.vm.cpu.2u": 1}}))
        .await
        .ok();
    let first = client.create(json!({})).await;
    let refused = client.post("/notebooks", notebook(json!({}))).await;
    assert_eq!(refused.code(), "ModelArts.6329");
    let flavors = client.get("/notebooks/flavors").await.ok();
    let sold_out: Vec<&str> = flavors["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|flavor| flavor["sold_out"] == true)
        .map(|flavor| flavor["id"].as_str().unwrap())
        .collect();
    assert_eq!(sold_out, ["modelarts.vm.cpu.2u"]);
    client.pass(100);
    client
        .send("POST", &format!("/notebooks/{first}/stop"), None)
        .await
        .ok();
    client.pass(30);
    client.create(json!({})).await;
    let start = client
        .send("POST", &format!("/notebooks/{first}/start"), None)
        .await;
    assert_eq!(start.code(), "ModelArts.6360");
    capacity(json!({"instances": 2})).await.ok();
    let refused = client.post("/notebooks", notebook(json!({}))).await;
    assert_eq!(refused.code(), "ModelArts.0113");
    capacity(json!({"evs": 50})).await.ok();
    let refused = client.post("/notebooks", notebook(json!({}))).await;
    assert_eq!(refused.code(), "ModelArts.6528");
}

#[tokio::test]
async fn a_user_has_one_free_notebook() {
    let client = Client::start().await;
    let free = json!({"feature": "DEFAULT", "flavor": "modelarts.vm.cpu.free"});
    client.create(free.clone()).await;
    let refused = client.post("/notebooks", notebook(free)).await;
    assert_eq!(refused.code(), "ModelArts.6302");
    assert_eq!(client.get("/notebooks").await.ok()["total"], 0);
    assert_eq!(
        client.get("/notebooks?feature=DEFAULT").await.ok()["total"],
        1
    );
}

/// The table at `EmulatorBuilder::strict`, row by row.
#[tokio::test]
async fn strict_and_lenient_differ_where_practice_does() {
    for strict in [false, true] {
        let client = Client::with(Emulator::builder().manual().strict(strict)).await;
        let id = client.running().await;
        let path = format!("/notebooks/{id}");
        let put = async |body| client.send("PUT", &path, Some(body)).await;
        let old = crate::devenv::create(&client, json!({})).await;
        client.pass(90);
        let old = format!("{}/{old}", crate::devenv::PATH);
        let ssh = json!({"endpoints": [{"service": "SSH"}]});
        let ips = json!({"endpoints": [{"allowed_access_ips": ["203.0.113.10"]}]});
        let hardware = crate::devenv::instance(json!({"/profile_id": "Python3-cpu"}));
        for (response, code) in [
            (
                client
                    .post("/notebooks", notebook(json!({"colour": 1})))
                    .await,
                "ModelArts.6336",
            ),
            (client.get("/notebooks?limit=").await, "ModelArts.6332"),
            (put(json!({"name": "b"})).await, "ModelArts.6347"),
            (put(json!({"description": "b"})).await, "ModelArts.6347"),
            (put(json!({"storage_new_size": 40})).await, "ModelArts.6347"),
            (
                client.post("/notebooks", notebook(ssh)).await,
                "ModelArts.6335",
            ),
            (
                client.post("/notebooks", notebook(ips)).await,
                "ModelArts.6335",
            ),
            (
                client.post(crate::devenv::PATH, hardware).await,
                "ModelArts.6330",
            ),
            (client.send("DELETE", &path, None).await, "ModelArts.6304"),
            (client.send("DELETE", &old, None).await, "ModelArts.6304"),
        ] {
            if strict {
                assert_eq!(response.code(), code, "{response:?}");
            } else {
                response.ok();
            }
        }
    }
}

#[tokio::test]
async fn reads_can_be_behind() {
    let behind = std::time::Duration::from_secs(5);
    let client = Client::with(Emulator::builder().manual().stale_reads(behind)).await;
    let id = client.running().await;
    let stopped = client
        .send("POST", &format!("/notebooks/{id}/stop"), None)
        .await
        .ok();
    assert_eq!(stopped["status"], "STOPPING");
    assert_eq!(client.status(&id).await, "RUNNING");
    client.pass(5);
    assert_eq!(client.status(&id).await, "STOPPING");
    client.pass(60);
    assert_eq!(client.status(&id).await, "STOPPED");
    let start = format!("/notebooks/{id}/start");
    let started = client.send("POST", &start, None).await.ok();
    assert_eq!(started["status"], "STARTING");
    assert_eq!(client.status(&id).await, "STOPPED");
    client.pass(5);
    assert_eq!(client.status(&id).await, "STARTING");
}

#[tokio::test]
async fn reads_can_be_too_early_for_what_was_created() {
    let behind = std::time::Duration::from_secs(5);
    let client = Client::with(Emulator::builder().manual().stale_reads(behind)).await;
    let id = client.create(json!({})).await;
    let path = format!("/notebooks/{id}");
    assert_eq!(client.get(&path).await.code(), "ModelArts.6309");
    client.pass(5);
    assert_eq!(client.status(&id).await, "CREATING");
    client.pass(200);
    assert_eq!(client.status(&id).await, "RUNNING");

    let body = crate::devenv::instance(json!({}));
    let old = client.post(crate::devenv::PATH, body).await.ok();
    let old = format!("{}/{}", crate::devenv::PATH, old["id"].as_str().unwrap());
    assert_eq!(client.get(&old).await.code(), "ModelArts.6309");

    let body = json!({"name": "saved", "namespace": "team", "tag": "1.0.0", "workspace_id": "0"});
    let image = client
        .post(&format!("{path}/create-image"), body)
        .await
        .ok();
    let image = format!("/images/{}", image["id"].as_str().unwrap());
    assert_eq!(client.get(&image).await.code(), "ModelArts.6404");
    client.pass(5);
    assert_eq!(client.get(&old).await.ok()["status"], "CREATING");
    client.get(&image).await.ok();
}

#[tokio::test]
async fn nothing_takes_time_in_instant_mode() {
    let client = Client::with(Emulator::builder().manual().durations(Durations::instant())).await;
    let id = client.create(json!({})).await;
    assert_eq!(client.status(&id).await, "RUNNING");
    client
        .send("DELETE", &format!("/notebooks/{id}"), None)
        .await
        .ok();
    assert_eq!(
        client.get(&format!("/notebooks/{id}")).await.code(),
        "ModelArts.6309"
    );
}

#[tokio::test]
async fn a_frozen_notebook_takes_nothing() {
    let client = Client::start().await;
    let id = client.running().await;
    let body = json!({"status": "FROZEN"});
    let path = format!("/instances/{id}/status");
    assert_eq!(client.control("PUT", &path, Some(body)).await.status, 204);
    for action in ["start", "stop"] {
        let refused = client
            .send("POST", &format!("/notebooks/{id}/{action}"), None)
            .await;
        assert_eq!(refused.code(), "ModelArts.6326", "{action}");
    }
}
