use std::path::PathBuf;
use std::time::Duration;

use modelarts::devenviron::types::{DevEnvInstance, Notebook};
use modelarts::{AutoStop, InstanceExt, NotebookExt};
use modelarts_emulator::Emulator;
use serde_json::json;

use crate::client::Client;
use crate::devenv::{self, PATH};

struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        let unique = format!("modelarts-emulator-http-{}-{name}.db", std::process::id());
        let file = Self(std::env::temp_dir().join(unique));
        file.remove();
        file
    }

    fn remove(&self) {
        for end in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.0.display()));
        }
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        self.remove();
    }
}

async fn restarted(file: &TempFile, before: Option<Client>) -> Client {
    if let Some(client) = before {
        client.emulator.shutdown().await;
    }
    Client::with(Emulator::builder().manual().data(&file.0)).await
}

#[tokio::test]
async fn a_restart_changes_nothing() {
    let file = TempFile::new("restart");
    let client = restarted(&file, None).await;
    let project = client.emulator.project_id().to_owned();
    let access_key = client.emulator.access_key().to_owned();
    let kept = client.running().await;
    let gone = client.running().await;
    client
        .send("DELETE", &format!("/notebooks/{gone}"), None)
        .await
        .ok();
    client.pass(60);
    let creating = client.create(json!({"name": "later"})).await;
    let before = client.show(&kept).await;
    let token = client.emulator.token().expose().to_owned();

    let client = restarted(&file, Some(client)).await;
    assert_eq!(client.emulator.project_id(), project);
    assert_eq!(client.emulator.access_key(), access_key);
    assert_eq!(client.show(&kept).await, before);
    assert_eq!(
        client.get(&format!("/notebooks/{gone}")).await.code(),
        "ModelArts.6309"
    );
    assert_eq!(client.status(&creating).await, "CREATING");
    client.pass(89);
    assert_eq!(client.status(&creating).await, "CREATING");
    client.pass(1);
    assert_eq!(client.status(&creating).await, "RUNNING");
    let path = format!("/v1/{project}/notebooks");
    let request = client
        .request(reqwest::Method::GET, &path)
        .header("X-Auth-Token", token);
    assert_eq!(client.finish(request).await.status, 200);
    let new = client.create(json!({})).await;
    assert!(![kept, gone, creating].contains(&new));
}

/// What the facade reads from both generations.
async fn running_since(client: &Client, notebook: &str, instance: &str) -> [Option<i64>; 2] {
    let new: Notebook = serde_json::from_value(client.show(notebook).await).unwrap();
    let old = client.get(&format!("{PATH}/{instance}")).await.ok();
    let old: DevEnvInstance = serde_json::from_value(old).unwrap();
    let times = [new.running_since(), old.running_since()];
    times.map(|time| time.map(|time| time.as_millisecond()))
}

#[tokio::test]
async fn a_lease_counts_from_the_request_and_an_automatic_stop_from_the_run() {
    let file = TempFile::new("run");
    let client = restarted(&file, None).await;
    let created = client.emulator.clock().now_millis();
    let id = client.create(json!({"duration": 7_200_000})).await;
    let old = devenv::create(&client, json!({"/spec/auto_stop/duration": 7_200})).await;
    client.pass(60);
    assert_eq!(running_since(&client, &id, &old).await, [None, None]);

    // The times of both are the same before and after a restart.
    let client = restarted(&file, Some(client)).await;
    client.pass(60);
    let up = created + 90_000;
    assert_eq!(
        running_since(&client, &id, &old).await,
        [Some(created), Some(up)]
    );
    let client = restarted(&file, Some(client)).await;
    assert_eq!(
        running_since(&client, &id, &old).await,
        [Some(created), Some(up)]
    );
    let new: Notebook = serde_json::from_value(client.show(&id).await).unwrap();
    assert_eq!(new.auto_stop(), Some(AutoStop::hours(2)));
    let stops = new.stops_at().unwrap().as_millisecond();
    assert_eq!(stops, created + 7_200_000);

    // What is saved as an image runs on; a start begins another run.
    let path = |action: &str| format!("/notebooks/{id}/{action}");
    let image = json!({"name": "saved", "namespace": "nlp", "tag": "1"});
    client.post(&path("create-image"), image).await.ok();
    client.pass(600);
    assert_eq!(
        running_since(&client, &id, &old).await,
        [Some(created), Some(up)]
    );
    client.send("POST", &path("stop"), None).await.ok();
    client.pass(30);
    let begun = client.emulator.clock().now_millis();
    client.send("POST", &path("start"), None).await.ok();
    client.pass(100);
    let [new, _] = running_since(&client, &id, &old).await;
    assert_eq!(new, Some(begun));
    client.pass(3_600 - 101);
    assert_eq!(client.status(&id).await, "RUNNING");
    client.pass(1);
    assert_eq!(client.status(&id).await, "STOPPING");
}

#[tokio::test]
async fn a_dropped_emulator_lets_its_file_go_at_once() {
    let file = TempFile::new("drop");
    let client = restarted(&file, None).await;
    let id = client.create(json!({})).await;
    drop(client);
    let client = restarted(&file, None).await;
    assert_eq!(client.status(&id).await, "CREATING");
}

#[tokio::test]
async fn reset_and_restore_are_kept_too() {
    let file = TempFile::new("reset");
    let client = restarted(&file, None).await;
    let id = client.running().await;
    let taken = client.emulator.snapshot().unwrap();
    client.emulator.reset().await.unwrap();
    let client = restarted(&file, Some(client)).await;
    assert_eq!(
        client.control("GET", "/health", None).await.ok()["instances"],
        0
    );
    client.emulator.restore(taken).await.unwrap();
    let client = restarted(&file, Some(client)).await;
    assert_eq!(client.status(&id).await, "RUNNING");
}

#[tokio::test]
async fn scaled_time_goes_on_where_it_was() {
    let file = TempFile::new("scaled");
    let builder = || Emulator::builder().scale(1_000.0).data(&file.0);
    let client = Client::with(builder()).await;
    client
        .emulator
        .clock()
        .advance(Duration::from_secs(1_000_000));
    client.create(json!({"duration": -1})).await;
    let before = client.emulator.clock().now_millis();
    client.emulator.shutdown().await;
    let client = Client::with(builder()).await;
    assert!(client.emulator.clock().now_millis() >= before - 60_000);
}

#[tokio::test]
async fn time_that_was_moved_by_hand_is_kept_although_nothing_else_happened() {
    let file = TempFile::new("moved");
    let client = restarted(&file, None).await;
    client.pass(5_000);
    let clock = client.emulator.clock().clone();
    let before = clock.now_millis();
    client.emulator.shutdown().await;
    // A clock may outlive its emulator.
    clock.advance(Duration::from_secs(1));
    let client = restarted(&file, None).await;
    assert_eq!(client.emulator.clock().now_millis(), before);
}

#[tokio::test]
async fn time_passes_as_it_did_while_no_emulator_runs() {
    let file = TempFile::new("pace");
    let builder = || Emulator::builder().data(&file.0);
    let emulator = builder().start().await.unwrap();
    emulator.clock().set_scale(1_000_000.0);
    emulator.clock().advance(Duration::from_secs(60));
    let fast = emulator.clock().now_millis();
    emulator.shutdown().await;
    let emulator = builder().start().await.unwrap();
    assert!(emulator.clock().now_millis() >= fast);
    assert_eq!(emulator.clock().reading().scale, 1.0);

    emulator.clock().freeze();
    let frozen = emulator.clock().now_millis();
    emulator.shutdown().await;
    let emulator = builder().manual().start().await.unwrap();
    assert_eq!(emulator.clock().now_millis(), frozen);
}

/// Everything that the emulator holds.
fn everything(emulator: &Emulator) -> serde_json::Value {
    serde_json::to_value(emulator.snapshot().unwrap()).unwrap()
}

/// A number that looks random and is the same in every run.
fn number(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[tokio::test]
async fn a_flipped_bit_is_refused_by_name_or_changes_nothing() {
    let file = TempFile::new("flips");
    let client = restarted(&file, None).await;
    for index in 0..20 {
        client
            .create(json!({ "name": format!("notebook-{index}") }))
            .await;
    }
    client.pass(45);
    let expected = everything(&client.emulator);
    client.emulator.shutdown().await;
    let bytes = std::fs::read(&file.0).unwrap();
    let (mut random, mut refused) = (1, 0);
    for _ in 0..300 {
        let (at, bit) = (number(&mut random) % bytes.len(), number(&mut random) % 8);
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << bit;
        let copy = TempFile::new("flipped");
        std::fs::write(&copy.0, flipped).unwrap();
        match Emulator::builder().manual().data(&copy.0).start().await {
            Ok(emulator) => assert_eq!(everything(&emulator), expected, "byte {at}, bit {bit}"),
            Err(error) => {
                refused += 1;
                assert!(
                    error.to_string().contains("flipped.db"),
                    "byte {at}, bit {bit}: {error}"
                );
            }
        }
    }
    assert!(
        refused > 100,
        "most of the file is data, but only {refused} of 300 were refused"
    );
}

#[tokio::test]
async fn a_file_that_is_cut_off_is_refused_by_name() {
    let file = TempFile::new("cut");
    let client = restarted(&file, None).await;
    client.create(json!({})).await;
    client.emulator.shutdown().await;
    let bytes = std::fs::read(&file.0).unwrap();
    for part in 1..8 {
        std::fs::write(&file.0, &bytes[..bytes.len() * part / 8]).unwrap();
        let refused = Emulator::builder().manual().data(&file.0).start().await;
        let error = refused.expect_err("a part is not the whole").to_string();
        assert!(error.contains("cut.db"), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_is_deleted_or_truncated_while_it_is_used_is_written_anew() {
    let truncate = |path: &std::path::Path| {
        std::fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(0)
            .unwrap();
    };
    let delete = |path: &std::path::Path| std::fs::remove_file(path).unwrap();
    let harms: [&dyn Fn(&std::path::Path); 2] = [&truncate, &delete];
    for harm in harms {
        let file = TempFile::new("harmed");
        let client = restarted(&file, None).await;
        let before = client.create(json!({ "name": "before" })).await;
        harm(&file.0);
        let after = client.create(json!({ "name": "after" })).await;
        let expected = everything(&client.emulator);
        let client = restarted(&file, Some(client)).await;
        assert_eq!(everything(&client.emulator), expected);
        for id in [before, after] {
            assert_eq!(client.status(&id).await, "CREATING");
        }
    }
}

#[tokio::test]
async fn while_the_file_cannot_be_made_anew_every_response_says_so_and_then_all_is_well() {
    let folder =
        std::env::temp_dir().join(format!("modelarts-emulator-folder-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = TempFile(folder.join("state.db"));
    let client = restarted(&file, None).await;
    let kept = client.create(json!({})).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let refused = client
        .post(
            "/notebooks",
            crate::client::notebook(json!({"name": "unwritten"})),
        )
        .await;
    assert_eq!(refused.status, 500, "{refused:?}");
    assert!(refused.body.to_string().contains("state.db"), "{refused:?}");
    assert_eq!(client.get("/notebooks").await.status, 500);
    std::fs::create_dir_all(&folder).unwrap();
    // The next change is tried at once.
    client.create(json!({ "name": "written" })).await;
    assert_eq!(client.get("/notebooks").await.ok()["total"], 3);
    let client = restarted(&file, Some(client)).await;
    assert_eq!(client.status(&kept).await, "CREATING");
    assert_eq!(client.get("/notebooks").await.ok()["total"], 3);
    drop(client);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn other_fixtures_than_a_state_began_with_are_refused() {
    let file = TempFile::new("fixtures");
    let start = async |name: Option<&str>| {
        let mut builder = Emulator::builder().manual().data(&file.0);
        if let Some(name) = name {
            let fixtures = json!({ "instances": [{ "name": name }] });
            builder = builder.fixtures(serde_json::from_value(fixtures).unwrap());
        }
        builder.start().await.map(|emulator| everything(&emulator))
    };
    let first = start(Some("one")).await.unwrap();
    // As in every start of a script, and without.
    assert_eq!(start(Some("one")).await.unwrap(), first);
    assert_eq!(start(None).await.unwrap(), first);
    let error = start(Some("two")).await.unwrap_err().to_string();
    assert!(
        error.contains("fixtures.db") && error.contains("other fixtures"),
        "{error}"
    );
}

#[tokio::test]
async fn a_reset_goes_back_to_what_the_state_file_was_made_with() {
    let file = TempFile::new("beginning");
    let fixtures = json!({ "instances": [{ "name": "first", "count": 3 }] });
    let fixtures: modelarts_emulator::Fixtures = serde_json::from_value(fixtures).unwrap();
    let ids = async |client: &Client| {
        let listed = client.get("/notebooks?sort_key=createTime").await.ok();
        let listed = listed["data"].as_array().unwrap().iter();
        let mut ids: Vec<_> = listed.map(|one| one["id"].to_string()).collect();
        ids.sort();
        ids
    };
    let builder = Emulator::builder().manual().rng_seed(7).data(&file.0);
    let client = Client::with(builder.fixtures(fixtures)).await;
    let (first, project) = (ids(&client).await, client.emulator.project_id().to_owned());
    assert_eq!(first.len(), 3);
    client.create(json!({ "name": "later" })).await;
    // Neither a restart without the fixtures nor a snapshot from elsewhere makes it forget.
    let client = restarted(&file, Some(client)).await;
    let other = Emulator::builder().manual().rng_seed(8);
    let taken = other.start().await.unwrap().snapshot().unwrap();
    client.emulator.restore(taken).await.unwrap();
    let client = restarted(&file, Some(client)).await;
    client.emulator.reset().await.unwrap();
    let client = restarted(&file, Some(client)).await;
    assert_eq!(client.emulator.project_id(), project);
    assert_eq!(ids(&client).await, first);
}

#[tokio::test]
async fn a_time_at_the_end_of_the_range_ruins_no_state_file() {
    let file = TempFile::new("late");
    let client = restarted(&file, None).await;
    let id = client.running().await;
    client.emulator.clock().advance(Duration::MAX);
    client.create(json!({ "name": "late" })).await;
    let client = restarted(&file, Some(client)).await;
    assert_eq!(client.emulator.clock().now_millis(), 253_370_764_800_000);
    assert_eq!(client.status(&id).await, "STOPPED");
}
