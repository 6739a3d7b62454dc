//! Tests the manual clock: concurrent waits of registered clients overlap, and nothing else advances the time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::time::Duration;

use futures::future::join_all;
use modelarts::devenviron::types::{CreateNotebookRequest, VolumeReq};
use modelarts_emulator::Emulator;
use modelarts_tests::environment::TestEnvironment;
use serde_json::{Value, json};

const TEN_SECONDS: Duration = Duration::from_secs(10);

fn notebook(name: &str) -> CreateNotebookRequest {
    let volume = VolumeReq::builder().category("EVS").ownership("MANAGED");
    CreateNotebookRequest::builder()
        .name(name)
        .flavor("modelarts.vm.cpu.2u")
        .image_id("c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11")
        .volume(volume)
        .build()
        .unwrap()
}

fn seconds(environment: &TestEnvironment) -> i64 {
    environment.emulator.clock().now_millis() / 1000
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_waits_of_ten_seconds_take_ten_seconds() {
    let environment = TestEnvironment::new().await;
    let began = seconds(&environment);
    let clock = environment.emulator.clock();
    let waits = (0..10).map(|_| tokio::spawn(modelarts::Clock::sleep(clock, TEN_SECONDS)));
    join_all(waits).await;
    assert_eq!(seconds(&environment) - began, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_hundred_concurrent_creations_succeed() {
    let environment = TestEnvironment::new().await;
    let began = seconds(&environment);
    let lives = (0..400).map(|number| {
        let notebooks = environment.client.notebooks();
        async move {
            let created = notebooks.create(&notebook(&format!("n-{number}"))).await?;
            notebooks.wait_until_running(&created.id.unwrap()).await
        }
    });
    for life in join_all(lives).await {
        assert_eq!(life.unwrap().status.unwrap().to_string(), "RUNNING");
    }
    let taken = seconds(&environment) - began;
    assert!(
        (90..180).contains(&taken),
        "a creation takes 90 s, not {taken}"
    );
}

#[tokio::test]
async fn two_clients_share_the_clock() {
    let environment = TestEnvironment::new().await;
    let other = environment.emulator.client().await.unwrap();
    let began = seconds(&environment);
    let life = async |client: &modelarts::ModelArts, name: &str| {
        let created = client.notebooks().create(&notebook(name)).await.unwrap();
        let id = created.id.unwrap();
        client.notebooks().wait_until_running(&id).await.unwrap();
        client.notebooks().ensure_stopped(&id).await.unwrap();
    };
    futures::join!(life(&environment.client, "one"), life(&other, "two"));
    let taken = seconds(&environment) - began;
    assert!((120..200).contains(&taken), "{taken}");
}

#[tokio::test]
async fn over_http_only_the_control_plane_advances_the_clock() {
    let emulator = Emulator::builder()
        .manual()
        .rng_seed(7)
        .start()
        .await
        .unwrap();
    let http = modelarts::http_client_builder().unwrap().build().unwrap();
    let began = emulator.clock().now_millis();
    let url = format!(
        "{}/v1/{}/notebooks",
        emulator.base_url(),
        emulator.project_id()
    );
    for _ in 0..20 {
        let request = http
            .get(&url)
            .header("X-Auth-Token", emulator.token().expose());
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    assert_eq!(emulator.clock().now_millis(), began);

    let clock = format!("{}/_emulator/clock", emulator.base_url());
    let refused = http.put(&clock).json(&json!({"advance_ms": 1000})).send();
    assert_eq!(refused.await.unwrap().status(), 405);
    let moved = http.post(&clock).json(&json!({"advance_ms": 1000})).send();
    let moved: Value = moved.await.unwrap().json().await.unwrap();
    assert_eq!(moved["now"], began + 1000);
}

/// A client in another process signs with its own clock, which differs from the emulator's.
#[tokio::test]
async fn an_access_key_works_with_every_clock() {
    for builder in [
        Emulator::builder(),
        Emulator::builder().manual(),
        Emulator::builder().manual().rng_seed(7),
        Emulator::builder().scale(3600.0),
        Emulator::builder().start_at(0),
    ] {
        let emulator = builder.start().await.unwrap();
        emulator.clock().advance(Duration::from_secs(400_000));
        let key = modelarts::AccessKey::new(emulator.access_key(), emulator.secret_key().clone());
        for in_process in [false, true] {
            let mut client = modelarts::ModelArts::builder()
                .endpoint(emulator.base_url())
                .auth_url(format!("{}/v3", emulator.base_url()))
                .region(emulator.region())
                .project_id(emulator.project_id())
                .credentials(modelarts::Credentials::access_key(key.clone()));
            if in_process {
                client = client.clock(emulator.clock().clone());
            }
            let client = client.build().await.unwrap();
            let listed = client.notebooks().list().send().await;
            assert_eq!(listed.unwrap().total, Some(0), "{in_process}: {emulator:?}");
        }
    }
}
