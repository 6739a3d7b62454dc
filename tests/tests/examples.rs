//! Runs the library's examples against the emulator, and checks what they print and change. The manual clock makes
//! their waits instantaneous.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]
#![allow(unreachable_pub, reason = "modules of one binary")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use futures::TryStreamExt;
use modelarts::devenviron::types::{CreateImageRequest, CreateNotebookRequest, VolumeReq};
use modelarts::{AccessKey, AutoStop, InstanceExt, ModelArts, Timestamp};
use modelarts_emulator::{Fault, Fixtures, Generation, InstanceFixture, LogFilter, NotebookStatus};
use modelarts_tests::environment::TestEnvironment;

const HOUR: i64 = 3_600_000;

/// Includes the examples, and creates a test for each from the function of the same name in [`runs`].
macro_rules! examples {
    ($($name:ident at $path:literal),+ $(,)?) => {
        $(
            #[path = $path]
            #[expect(dead_code, reason = "`main` asks the environment who it is")]
            mod $name;

            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                runs::$name(&TestEnvironment::new().await).await;
            }
        )+

        const RUN: &[&str] = &[$(stringify!($name)),+];
    };
}

examples! {
    access_key at "../../crates/modelarts/examples/access_key.rs",
    create_and_wait at "../../crates/modelarts/examples/create_and_wait.rs",
    list_running at "../../crates/modelarts/examples/list_running.rs",
    mount_obs at "../../crates/modelarts/examples/mount_obs.rs",
    old_generation at "../../crates/modelarts/examples/old_generation.rs",
    save_image at "../../crates/modelarts/examples/save_image.rs",
    script at "../../crates/modelarts/examples/script.rs",
    stop_old at "../../crates/modelarts/examples/stop_old.rs",
}

#[test]
fn every_example_has_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/modelarts/examples");
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let run: BTreeSet<String> = RUN.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(there, run);
}

/// An existing instance, with its name as id.
fn instance(name: &str) -> InstanceFixture {
    let mut instance = InstanceFixture::default();
    instance.id = Some(name.to_owned());
    instance.name = name.to_owned();
    instance.flavor = Some("modelarts.vm.cpu.2u".to_owned());
    instance
}

async fn add(environment: &TestEnvironment, instances: Vec<InstanceFixture>) {
    let mut fixtures = Fixtures::default();
    fixtures.instances = instances;
    environment.emulator.add_fixtures(fixtures).await.unwrap();
}

async fn status(environment: &TestEnvironment, id: &str) -> String {
    let notebook = environment.client.notebooks().show(id).await.unwrap();
    notebook.status.unwrap().to_string()
}

fn now(environment: &TestEnvironment) -> Timestamp {
    Timestamp::from_millisecond(environment.emulator.clock().now_millis()).unwrap()
}

fn lines(out: Vec<u8>) -> Vec<String> {
    let text = String::from_utf8(out).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Number of successful calls per operation.
fn count(environment: &TestEnvironment, operation: &str) -> usize {
    let operations = environment.operations();
    operations.iter().filter(|it| *it == operation).count()
}

mod runs {
    use super::*;

    pub(super) async fn access_key(environment: &TestEnvironment) {
        let emulator = &environment.emulator;
        let key = AccessKey::new(emulator.access_key(), emulator.secret_key().clone());
        let service = environment.builder().project_id(emulator.project_id());
        let mut out = Vec::new();
        super::access_key::run(service, key, &mut out)
            .await
            .unwrap();

        let flavors: Vec<_> = environment
            .client
            .flavors()
            .list()
            .items()
            .try_collect()
            .await
            .unwrap();
        let lines = lines(out);
        assert_eq!(lines.len(), flavors.len());
        let small = "modelarts.vm.cpu.2u  2 vCPUs  8 GiB".to_owned();
        assert!(lines.contains(&small), "{lines:#?}");

        let first = &emulator.requests(&LogFilter::default()).unwrap()[0];
        assert_eq!(first.credentials.as_deref(), Some("signature"));
        let agent = first.headers.iter().find(|(name, _)| name == "user-agent");
        let (_, agent) = agent.unwrap();
        assert!(
            agent.starts_with("flavor-list/1.0 modelarts-rs/"),
            "{agent}"
        );
    }

    pub(super) async fn create_and_wait(environment: &TestEnvironment) {
        let request: CreateNotebookRequest = CreateNotebookRequest::builder()
            .name("train-bert")
            .flavor("modelarts.vm.cpu.2u")
            .image_id("c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11")
            .volume(VolumeReq::builder().category("EFS").ownership("MANAGED"))
            .duration(AutoStop::Off.as_millis().unwrap())
            .build()
            .unwrap();
        let mut out = Vec::new();
        super::create_and_wait::run(&environment.client, &request, &mut out)
            .await
            .unwrap();

        let lines = lines(out);
        let (id, rest) = lines[0].split_once(' ').unwrap();
        assert_eq!(rest, "is being created");
        assert!(lines[1].starts_with("  10 s  CREATING  "), "{lines:#?}");
        assert!(lines[1].contains(" of 4, "), "{lines:#?}");
        assert!(lines.last().unwrap().contains("  RUNNING  4 of 4"));
        assert_eq!(status(environment, id).await, "RUNNING");

        let mut sold_out = modelarts_emulator::Capacity::default();
        sold_out.flavors.insert("modelarts.vm.cpu.2u".to_owned(), 0);
        environment.emulator.set_capacity(sold_out).await.unwrap();
        let mut out = Vec::new();
        let refused = super::create_and_wait::run(&environment.client, &request, &mut out).await;
        let refused = refused.unwrap_err().downcast::<modelarts::Error>().unwrap();
        assert!(refused.is_capacity(), "{refused}");
        assert_eq!(super::lines(out), [refused.remedy().unwrap()]);
    }

    pub(super) async fn list_running(environment: &TestEnvironment) {
        let mut endless = instance("endless");
        endless.duration = Some(-1);
        let mut stopped = instance("stopped");
        stopped.status = NotebookStatus::Stopped.into();
        add(environment, vec![instance("leased"), endless, stopped]).await;
        let mut out = Vec::new();
        super::list_running::run(&environment.client, &mut out)
            .await
            .unwrap();

        let mut lines = lines(out);
        lines.sort_unstable();
        let expected = [
            "endless  endless  modelarts.vm.cpu.2u  does not stop by itself",
            "leased  leased  modelarts.vm.cpu.2u  stops at 2026-01-01T01:00:00Z",
        ];
        assert_eq!(lines, expected);
    }

    pub(super) async fn mount_obs(environment: &TestEnvironment) {
        add(environment, vec![instance("bert")]).await;
        let (folder, path) = ("obs://nlp-data/corpus/", "/data/corpus/");
        let mut out = Vec::new();
        super::mount_obs::run(&environment.client, "bert", folder, path, &mut out)
            .await
            .unwrap();

        assert_eq!(lines(out), [format!("{path}  {folder}")]);
        let (mounted, unmounted) = (
            count(environment, "attachObs"),
            count(environment, "cancelObs"),
        );
        assert_eq!((mounted, unmounted), (1, 1));
        environment.pass(Duration::from_secs(60));
        let left = environment.client.storage().list("bert").await.unwrap();
        assert!(left.is_empty(), "{left:?}");
    }

    pub(super) async fn old_generation(environment: &TestEnvironment) {
        let old = |name: &str, hours: i64, status: NotebookStatus| {
            let mut instance = instance(name);
            instance.generation = Generation::DevEnv;
            instance.duration = Some(hours * HOUR);
            instance.status = status.into();
            instance
        };
        add(
            environment,
            vec![
                old("too-long", 9, NotebookStatus::Running),
                old("as-it-should-be", 2, NotebookStatus::Running),
                old("off", 9, NotebookStatus::Stopped),
            ],
        )
        .await;
        let mut out = Vec::new();
        super::old_generation::run(&environment.client, &mut out)
            .await
            .unwrap();

        let mut lines = lines(out);
        lines.sort_unstable();
        let expected = [
            "as-it-should-be stops after two hours",
            "too-long stops after two hours",
        ];
        assert_eq!(lines, expected);
        let instances = environment.client.instances();
        let changed = instances.show("too-long").await.unwrap();
        assert_eq!(changed.auto_stop(), Some(AutoStop::hours(2)));
        assert_eq!(changed.status.unwrap(), "RUNNING");
        let acts = ["updateDevEnvInstance", "manageDevEnvInstance"];
        assert_eq!(acts.map(|operation| count(environment, operation)), [1, 2]);
    }

    pub(super) async fn save_image(environment: &TestEnvironment) {
        let mut stopped = instance("bert");
        stopped.status = NotebookStatus::Stopped.into();
        add(environment, vec![stopped]).await;
        let request: CreateImageRequest = CreateImageRequest::builder()
            .name("bert")
            .namespace("nlp-team")
            .tag("1.0.0")
            .build()
            .unwrap();
        let mut out = Vec::new();
        super::save_image::run(&environment.client, "bert", &request, &mut out)
            .await
            .unwrap();

        let lines = lines(out);
        let (id, place) = lines[0].split_once("  ").unwrap();
        assert!(place.ends_with("/nlp-team/bert:1.0.0"), "{place}");
        let image = environment.client.images().show(id).await.unwrap();
        assert_eq!(image.status.unwrap(), "ACTIVE");
        assert_eq!(status(environment, "bert").await, "RUNNING");
    }

    pub(super) async fn script(environment: &TestEnvironment) {
        let mut stopped = instance("stopped");
        stopped.status = NotebookStatus::Stopped.into();
        add(environment, vec![instance("running"), stopped]).await;
        let builder = environment.emulator.client_builder();
        // A separate thread, since the script blocks.
        let script = std::thread::spawn(|| {
            let client = modelarts::blocking::ModelArts::build(builder).unwrap();
            let mut out = Vec::new();
            let ids = ["running", "stopped"].map(str::to_owned);
            super::script::run(&client, &ids, &mut out).unwrap();
            out
        });
        let out = script.join().unwrap();

        assert_eq!(lines(out), ["running  running", "stopped  stopped"]);
        assert_eq!(status(environment, "stopped").await, "RUNNING");
        assert_eq!(count(environment, "startNotebook"), 1);
    }

    pub(super) async fn stop_old(environment: &TestEnvironment) {
        let aged = |name: &str, hours: i64| {
            let mut instance = instance(name);
            instance.duration = Some(-1);
            instance.create_at = Some(environment.emulator.clock().now_millis() - hours * HOUR);
            instance
        };
        let mut restarted = aged("restarted", 7 * 24);
        restarted.status = NotebookStatus::Stopped.into();
        add(
            environment,
            // The last but one was created by a clock that is ahead of ours.
            vec![
                aged("old", 9),
                aged("older", 90),
                aged("young", 7),
                aged("ahead", -9),
                restarted,
            ],
        )
        .await;
        let client: &ModelArts = &environment.client;
        // Created a week ago, started five minutes ago.
        let forever = AutoStop::Off;
        let started = client.notebooks().ensure_running_with("restarted", forever);
        started.await.unwrap();
        environment.pass(Duration::from_secs(5 * 60));
        let mut out = Vec::new();
        let code = super::stop_old::run(client, now(environment), &mut out)
            .await
            .unwrap();
        let mut lines = lines(out);
        lines.sort_unstable();
        assert_eq!(
            (lines, code),
            (
                vec!["old stopped".to_owned(), "older stopped".to_owned()],
                ExitCode::SUCCESS
            )
        );
        for (id, expected) in [
            ("old", "STOPPED"),
            ("older", "STOPPED"),
            ("young", "RUNNING"),
            ("ahead", "RUNNING"),
            ("restarted", "RUNNING"),
        ] {
            assert_eq!(status(environment, id).await, expected, "{id}");
        }

        add(environment, vec![aged("stubborn", 9), aged("willing", 9)]).await;
        let refusal = Fault::status(403).operation("stopNotebook").times(1);
        environment.emulator.add_fault(refusal).unwrap();
        let mut out = Vec::new();
        let code = super::stop_old::run(client, now(environment), &mut out)
            .await
            .unwrap();
        let lines = super::lines(out);
        let with = |text: &str| lines.iter().filter(|line| line.contains(text)).count();
        assert_eq!(
            (with(" stopped"), with(" failed: stopNotebook: HTTP 403")),
            (1, 1),
            "{lines:#?}"
        );
        assert_eq!(code, ExitCode::FAILURE);
    }
}
