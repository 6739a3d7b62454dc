use std::path::PathBuf;
use std::time::Duration;

use modelarts_emulator::Emulator;
use serde_json::json;

use crate::client::Client;

struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        let unique = format!("modelarts-emulator-http-{}-{name}.db", std::process::id());
        let file = Self(std::env::temp_dir().join(unique));
        file.remove();
        file
    }

    fn remove(&self) {
        for end in ["", "-wal", "-shm"] {
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
