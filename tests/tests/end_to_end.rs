//! Tests the facade against the emulator: every operation, in scenarios with real resources, in both generations. The
//! emulated clock makes twenty minutes of waiting instantaneous.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use modelarts::devenviron::types::{
    CreateDevEnvInstanceRequest, CreateDevEnvNotebookSpec, CreateImageRequest,
    CreateNotebookRequest, DevEnvStorageLocationReq, DevEnvStorageReq, RegisterImageRequest,
    TagReq, UpdateDevEnvInstanceRequest, UpdateImageGroupRequest, UpdateNotebookRequest, VolumeReq,
};
use modelarts::{
    AccessKey, AutoStop, Credentials, FlavorExt, InstanceExt, LeaseExt, Login, Memory,
};
use modelarts_client::{FAMILIES, iam};
use modelarts_emulator::{
    Fault, Fixtures, Generation, InstanceFixture, LogFilter, NotebookStatus, Step, TransitionFault,
};
use modelarts_tests::environment::TestEnvironment;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

const IMAGE: &str = "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11";
const FLAVOR: &str = "modelarts.vm.cpu.2u";
const LARGER: &str = "modelarts.vm.cpu.8u";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Creates a test for each scenario, with the operations that it must call.
macro_rules! scenarios {
    ($($name:ident: [$($operation:literal),+ $(,)?]),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                let environment = TestEnvironment::new().await;
                scenarios::$name(&environment).await;
                let called = environment.operations();
                for operation in [$($operation),+] {
                    assert!(called.iter().any(|it| it == operation), "{operation} was not called");
                }
            }
        )+

        const COVERED: &[&str] = &[$($($operation),+),+];
    };
}

scenarios! {
    a_notebook_from_creation_to_deletion: [
        "createNotebook", "showNotebook", "listNotebooks", "updateNotebook", "stopNotebook",
        "startNotebook", "deleteNotebook",
    ],
    a_lease_is_shown_renewed_and_runs_out: ["showLease", "renewLease"],
    storage_is_mounted_and_unmounted: [
        "listAttachableObs", "attachObs", "showAttachableObs", "cancelObs",
    ],
    an_image_is_saved_used_and_deleted: [
        "createImage", "showImage", "listImages", "listImageGroups", "updateImageGroup",
        "syncImage", "createNotebookTags", "deleteNotebookTags", "listNotebookTags",
        "deleteImageGroup",
    ],
    an_image_is_registered: ["registerImage", "deleteImage"],
    flavors_are_listed_and_switched: ["listFlavors", "showSwitchableFlavors"],
    an_instance_of_the_old_generation: [
        "createDevEnvInstance", "showDevEnvInstance", "updateDevEnvInstance", "listDevEnvInstances",
        "manageDevEnvInstance", "deleteDevEnvInstance",
    ],
    an_ml_studio_instance_restarts: ["manageDevEnvInstance"],
    fixed_path_segments_are_not_ids: ["listAllNotebooks"],
    a_user_signs_in_with_a_password: ["createToken", "listAuthDomains"],
    keys_sign_every_request: ["listProjects"],
}

#[test]
fn every_emulated_operation_has_its_scenario() {
    let covered: BTreeSet<_> = COVERED.iter().copied().collect();
    let emulated = FAMILIES.iter().filter(|family| family.emulated);
    let operations = emulated.flat_map(|family| family.operations);
    let documented: BTreeSet<_> = operations.map(|operation| operation.id).collect();
    assert_eq!(covered, documented);
}

fn notebook(name: &str) -> CreateNotebookRequest {
    let volume = VolumeReq::builder()
        .category("EVS")
        .ownership("MANAGED")
        .capacity(5);
    CreateNotebookRequest::builder()
        .name(name)
        .flavor(FLAVOR)
        .image_id(IMAGE)
        .volume(volume)
        .build()
        .unwrap()
}

fn instance(name: &str, path: &str, profile: &str) -> CreateDevEnvInstanceRequest {
    let location = DevEnvStorageLocationReq::builder().path(path);
    let storage = DevEnvStorageReq::builder().type_("obs").location(location);
    CreateDevEnvInstanceRequest::builder()
        .name(name)
        .flavor(FLAVOR)
        .profile_id(profile)
        .spec(CreateDevEnvNotebookSpec::builder().storage(storage))
        .build()
        .unwrap()
}

/// The identity service with a token; the facade itself uses only some of its operations.
fn identity(environment: &TestEnvironment) -> iam::Client {
    let token = environment.emulator.token();
    let token = HeaderValue::from_str(token.expose()).unwrap();
    let headers = HeaderMap::from_iter([(HeaderName::from_static("x-auth-token"), token)]);
    let http = modelarts::http_client_builder().unwrap();
    let http = http.default_headers(headers).no_proxy().build().unwrap();
    iam::Client::new_with_client(environment.emulator.base_url(), http)
}

/// Creates a running notebook.
async fn running(environment: &TestEnvironment) -> String {
    let notebooks = environment.client.notebooks();
    let created = notebooks.create(&notebook("train-bert")).await.unwrap();
    let id = created.id.unwrap();
    notebooks.wait_until_running(&id).await.unwrap();
    id
}

mod scenarios {
    use super::*;

    pub(super) async fn a_notebook_from_creation_to_deletion(environment: &TestEnvironment) {
        let notebooks = environment.client.notebooks();
        let created = notebooks.create(&notebook("train-bert")).await.unwrap();
        assert_eq!(created.status.unwrap(), "CREATING");
        let id = created.id.unwrap();

        let seen: Vec<_> = notebooks
            .wait_until_running(&id)
            .events()
            .map_ok(|event| (event.status.status, event.status.progress))
            .try_collect()
            .await
            .unwrap();
        let (status, progress) = &seen[0];
        assert_eq!(status, "CREATING");
        assert_eq!(progress.as_ref().unwrap().total, 4);
        assert_eq!(seen.last().unwrap().0, "RUNNING");

        let shown = notebooks.show(&id).await.unwrap();
        assert_eq!(shown.name.as_deref(), Some("train-bert"));
        let listed: Vec<_> = notebooks.list().items().try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].id, shown.id);

        let rename = UpdateNotebookRequest::builder()
            .name("train-roberta")
            .description("")
            .build()
            .unwrap();
        let renamed = notebooks.update(&id, &rename).await.unwrap();
        assert_eq!(renamed.name.as_deref(), Some("train-roberta"));
        assert_eq!(renamed.description.as_deref(), Some(""));

        let stopping = notebooks.stop(&id).await.unwrap();
        assert_eq!(stopping.status.unwrap(), "STOPPING");
        notebooks.wait_until_stopped(&id).await.unwrap();
        let starting = notebooks.start_with(&id, AutoStop::Off).await.unwrap();
        assert_eq!(starting.lease.unwrap().enable, Some(false));
        notebooks.wait_until_running(&id).await.unwrap();

        notebooks.delete(&id).await.unwrap();
        notebooks.wait_until_deleted(&id).await.unwrap();
        let error = notebooks.show(&id).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert_eq!(error.status().unwrap(), 400);
        assert_eq!(error.code().unwrap().as_str(), "ModelArts.6309");
    }

    pub(super) async fn a_lease_is_shown_renewed_and_runs_out(environment: &TestEnvironment) {
        let id = running(environment).await;
        let leases = environment.client.leases();
        let before = leases.show(&id).await.unwrap();
        assert_eq!(before.enable, Some(true));
        leases.renew(&id, AutoStop::hours(8)).await.unwrap();
        let after = leases.wait_until_renewed(&id, &before).await.unwrap();
        assert!(after.duration > before.duration);

        environment.pass(7 * HOUR);
        let notebooks = environment.client.notebooks();
        let shown = notebooks.show(&id).await.unwrap();
        assert_eq!(shown.status.unwrap(), "RUNNING");
        environment.pass(2 * HOUR);
        let shown = notebooks.show(&id).await.unwrap();
        assert_eq!(shown.status.unwrap(), "STOPPED");
        let error = leases.renew(&id, AutoStop::hours(1)).await.unwrap_err();
        assert!(error.is_conflict(), "{error}");
    }

    pub(super) async fn storage_is_mounted_and_unmounted(environment: &TestEnvironment) {
        let id = running(environment).await;
        let storage = environment.client.storage();
        assert!(storage.list(&id).await.unwrap().is_empty());
        let mounting = storage
            .mount(&id, "obs://team-files/corpora/", "/data/corpus/")
            .await
            .unwrap();
        assert_eq!(mounting.status.unwrap(), "MOUNTING");
        let mount = mounting.id.unwrap();
        storage.wait_until_mounted(&id, &mount).await.unwrap();
        let shown = storage.show(&id, &mount).await.unwrap();
        assert_eq!(shown.mount_path.as_deref(), Some("/data/corpus/"));
        assert_eq!(storage.list(&id).await.unwrap().len(), 1);

        storage.unmount(&id, &mount).await.unwrap();
        storage.wait_until_unmounted(&id, &mount).await.unwrap();
        environment.pass(MINUTE);
        assert!(storage.list(&id).await.unwrap().is_empty());
        let error = storage.show(&id, &mount).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }

    pub(super) async fn an_image_is_saved_used_and_deleted(environment: &TestEnvironment) {
        let id = running(environment).await;
        let (notebooks, images) = (environment.client.notebooks(), environment.client.images());
        let request = CreateImageRequest::builder()
            .name("bert")
            .namespace("nlp-team")
            .tag("1.0")
            .build()
            .unwrap();
        let image = images.save(&id, &request).await.unwrap().id.unwrap();
        let during = notebooks.show(&id).await.unwrap();
        assert_eq!(during.status.unwrap(), "SNAPSHOTTING");
        images.wait_until_active(&image).await.unwrap();
        notebooks.wait_until_running(&id).await.unwrap();
        let after = notebooks.show(&id).await.unwrap();
        assert_eq!(after.image.unwrap().id.as_ref(), Some(&image));

        let named = images.list().name("bert");
        let named: Vec<_> = named.items().try_collect().await.unwrap();
        assert_eq!(named.len(), 1);
        let groups = images.groups().name("bert");
        let group = groups.collect().await.unwrap().remove(0).id.unwrap();
        let tag = TagReq::builder().key("team").value("nlp").build().unwrap();
        let change = UpdateImageGroupRequest::builder()
            .read_me("Start here.")
            .tags(vec![tag])
            .build()
            .unwrap();
        images.update_group(&group, &change).await.unwrap();
        let synchronized = images.sync(&image).await.unwrap();
        let tags = synchronized.tags.unwrap_or_default();
        assert_eq!(tags[0].value.as_deref(), Some("nlp"));
        let error = images.delete_group(&group).await.unwrap_err();
        assert!(error.is_conflict(), "a notebook uses a version: {error}");

        let stages = [("stage", "dev"), ("team", "nlp")];
        notebooks.add_tags(&id, stages).await.unwrap();
        notebooks
            .remove_tags(&id, ["team", "absent"])
            .await
            .unwrap();
        let tags = notebooks.tags(&id).await.unwrap();
        assert_eq!(tags, BTreeMap::from([("stage".into(), "dev".into())]));
        let all = notebooks.all_tags().await.unwrap();
        assert_eq!(all, BTreeMap::from([("stage".into(), vec!["dev".into()])]));
        let tagged = notebooks.list().tags("stage|dev");
        assert_eq!(tagged.collect().await.unwrap().len(), 1);

        let error = images.delete(&image).await.unwrap_err();
        assert!(error.is_conflict(), "it is in use: {error}");
        notebooks.stop_and_delete(&id).await.unwrap();
        images.delete_group(&group).await.unwrap();
        assert!(images.show(&image).await.unwrap_err().is_not_found());
        let error = images.show(&image).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
    }

    pub(super) async fn an_image_is_registered(environment: &TestEnvironment) {
        let images = environment.client.images();
        let path = "swr.eu-de.otc.t-systems.com/nlp-team/roberta:2.0";
        let request = RegisterImageRequest::builder().swr_path(path);
        let image = images.register(&request.build().unwrap()).await.unwrap();
        let id = image.id.unwrap();
        let shown = images.show(&id).await.unwrap();
        assert_eq!(shown.swr_path.as_deref(), Some(path));
        assert_eq!(shown.tag.as_deref(), Some("2.0"));
        images.delete(&id).await.unwrap();
        assert!(images.show(&id).await.unwrap_err().is_not_found());
    }

    pub(super) async fn flavors_are_listed_and_switched(environment: &TestEnvironment) {
        let flavors = environment.client.flavors();
        let all: Vec<_> = flavors
            .list()
            .page_size(2)
            .items()
            .try_collect()
            .await
            .unwrap();
        let ours = all
            .iter()
            .find(|flavor| flavor.id.as_deref() == Some(FLAVOR));
        assert_eq!(ours.unwrap().memory_size(), Some(Memory::from_kib(8 << 20)));

        let id = running(environment).await;
        let switchable = flavors.switchable(&id).await.unwrap();
        assert!(
            switchable
                .iter()
                .any(|flavor| flavor.id.as_deref() == Some(LARGER))
        );
        let notebooks = environment.client.notebooks();
        notebooks.ensure_stopped(&id).await.unwrap();
        let switch = UpdateNotebookRequest::builder()
            .flavor(LARGER)
            .build()
            .unwrap();
        let switched = notebooks.update(&id, &switch).await.unwrap();
        assert_eq!(switched.flavor.as_deref(), Some(LARGER));
    }

    pub(super) async fn an_instance_of_the_old_generation(environment: &TestEnvironment) {
        let instances = environment.client.instances();
        let request = instance("train-bert", "/team-bucket/train-bert", "Python3-cpu");
        let error = instances.create(&request).await.unwrap_err();
        assert_eq!(error.code().unwrap().as_str(), "ModelArts.6318");
        assert!(error.message().is_some() && error.remedy().is_some());

        let request = instance("train-bert", "/team-bucket/train-bert/", "Python3-cpu");
        let created = instances.create(&request).await.unwrap();
        assert_eq!(created.status.unwrap(), "CREATING");
        let id = created.id.unwrap();
        instances.wait_until_running(&id).await.unwrap();

        let describe = UpdateDevEnvInstanceRequest::builder()
            .description("Fine-tuning")
            .build()
            .unwrap();
        instances.update(&id, &describe).await.unwrap();
        instances
            .set_auto_stop(&id, AutoStop::hours(2))
            .await
            .unwrap();
        let shown = instances.show(&id).await.unwrap();
        assert_eq!(shown.description.as_deref(), Some("Fine-tuning"));
        let auto_stop = shown.spec.unwrap().auto_stop.unwrap();
        assert_eq!(
            (auto_stop.enable, auto_stop.duration),
            (Some(true), Some(7200))
        );

        let listed: Vec<_> = instances.list().items().try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
        let stopping = instances.stop(&id).await.unwrap();
        assert_eq!(stopping.previous_state.unwrap(), "RUNNING");
        assert_eq!(stopping.current_status.unwrap(), "STOPPING");
        instances.wait_until_stopped(&id).await.unwrap();
        instances.start(&id).await.unwrap();
        instances.wait_until_running(&id).await.unwrap();

        let deleted = instances.delete(&id).await.unwrap();
        assert_eq!(deleted.instance_id.as_ref(), Some(&id));
        instances.wait_until_deleted(&id).await.unwrap();
        // The status may be DELETED for a while.
        environment.pass(MINUTE);
        let error = instances.show(&id).await.unwrap_err();
        assert!(error.is_not_found(), "{error}");
        assert!(
            error.message().is_some(),
            "the old generation says `error_message`"
        );
    }

    pub(super) async fn an_ml_studio_instance_restarts(environment: &TestEnvironment) {
        let instances = environment.client.instances();
        let request = instance("flow", "/team-bucket/flow/", "ML-Studio-cpu");
        let id = instances.create(&request).await.unwrap().id.unwrap();
        let running = instances.wait_until_running(&id).await.unwrap();
        assert_eq!(running.status.unwrap(), "ACTIVE");
        let restarting = instances.restart(&id).await.unwrap();
        assert_eq!(restarting.previous_state.unwrap(), "ACTIVE");
        assert_eq!(restarting.current_status.unwrap(), "REBOOTING");
        let instance = instances.wait_until_running(&id).await.unwrap();
        assert_eq!(instance.status.unwrap(), "ACTIVE");
    }

    /// `all`, `flavors` and `group` are fixed segments in the place of an id.
    pub(super) async fn fixed_path_segments_are_not_ids(environment: &TestEnvironment) {
        let client = &environment.client;
        let all: Vec<_> = client
            .notebooks()
            .list_all()
            .items()
            .try_collect()
            .await
            .unwrap();
        assert!(all.is_empty());
        client.flavors().list().send().await.unwrap();
        client.images().groups().send().await.unwrap();
        assert_eq!(
            environment.operations(),
            ["listAllNotebooks", "listFlavors", "listImageGroups"]
        );
        for operation in ["listAllNotebooks", "listFlavors", "listImageGroups"] {
            let response = client.call(operation).send().await.unwrap();
            let response: Value = serde_json::from_slice(&response.body).unwrap();
            assert!(response["data"].is_array(), "{operation}: {response}");
            assert!(response.get("id").is_none(), "{operation}: {response}");
        }
    }

    pub(super) async fn a_user_signs_in_with_a_password(environment: &TestEnvironment) {
        let emulator = &environment.emulator;
        let login = || {
            Login::new(emulator.user_name(), emulator.password().clone())
                .domain_name(emulator.domain_name())
        };
        let client = environment
            .builder()
            .credentials(Credentials::password(login()))
            .project_name(emulator.project_name())
            .build()
            .await
            .unwrap();
        assert_eq!(client.project_id(), emulator.project_id());
        client.notebooks().list().send().await.unwrap();

        // A token is valid for a day; the client renews it automatically.
        let sign_ins = || {
            let operations = environment.operations();
            operations.iter().filter(|it| *it == "createToken").count()
        };
        assert_eq!(sign_ins(), 1);
        environment.pass(30 * HOUR);
        client.notebooks().list().send().await.unwrap();
        assert_eq!(sign_ins(), 2);

        let domains = identity(environment)
            .list_auth_domains()
            .send()
            .await
            .unwrap();
        let domains = domains.into_inner().domains.unwrap();
        assert_eq!(domains[0].name.as_deref(), Some(emulator.domain_name()));
    }

    pub(super) async fn keys_sign_every_request(environment: &TestEnvironment) {
        let emulator = &environment.emulator;
        let key = AccessKey::new(emulator.access_key(), emulator.secret_key().clone());
        let client = environment
            .builder()
            .credentials(Credentials::access_key(key))
            .project_name(emulator.project_name())
            .build()
            .await
            .unwrap();
        assert_eq!(
            client.project_id(),
            emulator.project_id(),
            "looked up by name"
        );
        let created = client
            .notebooks()
            .create(&notebook("train-bert"))
            .await
            .unwrap();
        let id = created.id.unwrap();
        client.notebooks().ensure_running(&id).await.unwrap();
        // The signature covers the decoded values that the service reads.
        let odd = client
            .notebooks()
            .list()
            .pool_id("a b+c/d~ü&é=1")
            .sort_key("name,status");
        assert!(odd.send().await.unwrap().data.unwrap().is_empty());
    }
}

#[tokio::test]
async fn invalid_credentials_are_rejected() {
    let environment = TestEnvironment::new().await;
    let emulator = &environment.emulator;
    let builder = || environment.builder().project_id(emulator.project_id());
    let forged = builder().credentials(Credentials::token("forged"));
    let error = forged
        .build()
        .await
        .unwrap()
        .notebooks()
        .list()
        .send()
        .await;
    assert!(error.unwrap_err().is_auth());

    let key = AccessKey::new(emulator.access_key(), "wrong");
    let mistaken = builder().credentials(Credentials::access_key(key));
    let error = mistaken
        .build()
        .await
        .unwrap()
        .notebooks()
        .list()
        .send()
        .await;
    assert!(error.unwrap_err().is_auth());

    let login = Login::with_id(emulator.user_id(), "wrong");
    let error = builder()
        .credentials(Credentials::password(login))
        .build()
        .await;
    assert!(error.unwrap_err().is_auth());

    let elsewhere = environment
        .builder()
        .credentials(Credentials::token(emulator.token()))
        .project_id("0e5d7c3b9a184f26b7d8c6e4f2a01935");
    let error = elsewhere
        .build()
        .await
        .unwrap()
        .notebooks()
        .list()
        .send()
        .await;
    assert!(error.unwrap_err().is_auth());
}

#[tokio::test]
async fn ensuring_the_current_state_changes_nothing() {
    let environment = TestEnvironment::new().await;
    let notebooks = environment.client.notebooks();
    let id = running(&environment).await;
    let before = environment.operations().len();
    notebooks.ensure_running(&id).await.unwrap();
    let asked = &environment.operations()[before..];
    assert!(
        asked.iter().all(|operation| operation == "showNotebook"),
        "{asked:?}"
    );

    notebooks.ensure_stopped(&id).await.unwrap();
    let error = notebooks.stop(&id).await.unwrap_err();
    assert!(error.is_already_in_state(), "{error}");
    notebooks.ensure_stopped(&id).await.unwrap();
    notebooks.ensure_deleted(&id).await.unwrap();
    notebooks.ensure_deleted(&id).await.unwrap();
}

#[tokio::test]
async fn a_running_notebook_is_stopped_first_if_the_service_requires_it() {
    let environment = TestEnvironment::with(|emulator| emulator.strict(true)).await;
    let id = running(&environment).await;
    let notebooks = environment.client.notebooks();
    let error = notebooks.delete(&id).await.unwrap_err();
    assert_eq!(error.code().unwrap().as_str(), "ModelArts.6304");
    notebooks.ensure_deleted(&id).await.unwrap();
    let operations = environment.operations();
    assert!(
        operations
            .iter()
            .any(|operation| operation == "stopNotebook")
    );
}

/// Reads may not find a new resource yet, or return the status from before a change; in both generations.
#[tokio::test]
async fn lagging_reads_do_not_end_a_wait() {
    macro_rules! life {
        ($group:expr, $request:expr) => {{
            let group = $group;
            let id = group.create(&$request).await.unwrap().id.unwrap();
            let early = group.show(&id).await.unwrap_err();
            assert!(early.is_not_found(), "{early}");
            let status = |shown: Option<_>| shown.unwrap();
            let reached = group.wait_until_running(&id).await.unwrap();
            assert_eq!(status(reached.status), "RUNNING");
            group.stop(&id).await.unwrap();
            let stale = group.show(&id).await.unwrap();
            assert_eq!(status(stale.status), "RUNNING");
            let reached = group.wait_until_stopped(&id).await.unwrap();
            assert_eq!(status(reached.status), "STOPPED");
            group.start(&id).await.unwrap();
            let stale = group.show(&id).await.unwrap();
            assert_eq!(status(stale.status), "STOPPED");
            let reached = group.wait_until_running(&id).await.unwrap();
            assert_eq!(status(reached.status), "RUNNING");
            let reached = group.ensure_stopped(&id).await.unwrap();
            assert_eq!(status(reached.status), "STOPPED");
            group.ensure_deleted(&id).await.unwrap();
        }};
    }
    for lag in [5, 20, 30].map(Duration::from_secs) {
        let environment = TestEnvironment::with(|emulator| emulator.stale_reads(lag)).await;
        life!(environment.client.notebooks(), notebook("train-bert"));
        let old = instance("train-bert", "/team-bucket/train-bert/", "Python3-cpu");
        life!(environment.client.instances(), old);

        let id = running(&environment).await;
        let storage = environment.client.storage();
        let mount = storage.mount(&id, "obs://team-files/corpora/", "/data/corpus/");
        let mount = mount.await.unwrap().id.unwrap();
        let early = storage.show(&id, &mount).await.unwrap_err();
        assert!(early.is_not_found(), "{early}");
        storage.wait_until_mounted(&id, &mount).await.unwrap();

        let images = environment.client.images();
        let request = CreateImageRequest::builder().name("bert").build().unwrap();
        let image = images.save(&id, &request).await.unwrap().id.unwrap();
        let early = images.show(&image).await.unwrap_err();
        assert!(early.is_not_found(), "{early}");
        images.wait_until_active(&image).await.unwrap();
    }
}

/// In both generations, with and without lagging reads.
#[tokio::test]
async fn concurrent_ensures_do_not_conflict() {
    for lag in [Duration::ZERO, MINUTE / 2] {
        let environment = TestEnvironment::with(|emulator| emulator.stale_reads(lag)).await;
        let mut fixtures = Fixtures::default();
        for (generation, id) in [(Generation::Notebook, "new"), (Generation::DevEnv, "old")] {
            let mut instance = InstanceFixture::default();
            (instance.generation, instance.id) = (generation, Some(id.to_owned()));
            fixtures.instances.push(instance);
        }
        environment.emulator.add_fixtures(fixtures).await.unwrap();
        // Two concurrent calls each, and the status that both see.
        macro_rules! both {
            ($group:expr, $id:literal) => {{
                let group = $group;
                let (one, other) = futures::try_join!(
                    group.ensure_stopped($id).into_future(),
                    group.ensure_stopped($id).into_future()
                )
                .unwrap();
                assert_eq!(
                    (one.status.unwrap(), other.status.unwrap()),
                    ("STOPPED".into(), "STOPPED".into())
                );
                let (one, other) = futures::try_join!(
                    group.ensure_running($id).into_future(),
                    group
                        .ensure_running_with($id, AutoStop::hours(2))
                        .into_future()
                )
                .unwrap();
                assert_eq!(
                    (one.status.unwrap(), other.status.unwrap()),
                    ("RUNNING".into(), "RUNNING".into())
                );
                futures::try_join!(
                    group.ensure_deleted($id).into_future(),
                    group.stop_and_delete($id).into_future()
                )
                .unwrap();
            }};
        }
        both!(environment.client.notebooks(), "new");
        both!(environment.client.instances(), "old");
    }
}

#[tokio::test]
async fn a_lost_response_to_a_start_is_retried() {
    let environment = TestEnvironment::new().await;
    let id = running(&environment).await;
    let notebooks = environment.client.notebooks();
    notebooks.ensure_stopped(&id).await.unwrap();
    let mut lost = Fault::reset().operation("startNotebook").times(1);
    lost.after = true;
    environment.emulator.add_fault(lost).unwrap();
    let notebook = notebooks.ensure_running(&id).await.unwrap();
    assert_eq!(notebook.status.unwrap(), "RUNNING");
}

#[tokio::test]
async fn a_lost_response_to_a_creation_is_not_retried() {
    let environment = TestEnvironment::new().await;
    let mut lost = Fault::reset().operation("createNotebook").times(1);
    lost.after = true;
    environment.emulator.add_fault(lost).unwrap();
    let notebooks = environment.client.notebooks();
    let error = notebooks.create(&notebook("train-bert")).await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
    let listed: Vec<_> = notebooks.list().items().try_collect().await.unwrap();
    assert_eq!(listed.len(), 1, "it was created all the same, and once");
}

#[tokio::test]
async fn a_failed_creation_returns_the_reason() {
    let environment = TestEnvironment::new().await;
    let mut failure = TransitionFault::new(Step::Create);
    failure.reason = "no machine would take it".to_owned();
    environment
        .emulator
        .add_transition_fault(failure)
        .await
        .unwrap();
    let notebooks = environment.client.notebooks();
    let created = notebooks.create(&notebook("train-bert")).await.unwrap();
    let waiter = notebooks.wait_until_running(created.id.as_deref().unwrap());
    let error = waiter.await.unwrap_err();
    assert!(error.is_wait_failed(), "{error}");
    let status = error.last_poll().unwrap();
    assert_eq!(status.status, "CREATE_FAILED");
    assert_eq!(
        status.fail_reason.as_deref(),
        Some("no machine would take it")
    );
}

#[tokio::test]
async fn waiting_ends_at_once_if_the_target_is_unreachable() {
    let environment = TestEnvironment::new().await;
    let id = running(&environment).await;
    let notebooks = environment.client.notebooks();
    let waiter = notebooks.wait_until_stopped(&id).deadline(MINUTE);
    let error = waiter.await.unwrap_err();
    assert!(error.is_wait_timeout() || error.is_wait_failed(), "{error}");
    assert_eq!(error.last_poll().unwrap().status, "RUNNING");

    let emulator = &environment.emulator;
    emulator
        .set_status(&id, NotebookStatus::Frozen, None)
        .await
        .unwrap();
    let before = emulator.clock().now_millis();
    let error = notebooks.wait_until_running(&id).await.unwrap_err();
    assert!(error.is_wait_failed(), "{error}");
    assert_eq!(error.last_poll().unwrap().status, "FROZEN");
    let waited = emulator.clock().now_millis() - before;
    assert!(waited <= 10_000, "{waited} ms for what cannot come");
}

#[tokio::test]
async fn lists_of_any_length_are_paged() {
    let environment = TestEnvironment::new().await;
    for (generation, name) in [(Generation::Notebook, "new"), (Generation::DevEnv, "old")] {
        let mut many = InstanceFixture::default();
        many.generation = generation;
        many.name = name.to_owned();
        many.count = 47;
        let mut fixtures = Fixtures::default();
        fixtures.instances = vec![many];
        environment.emulator.add_fixtures(fixtures).await.unwrap();
    }
    let distinct = |ids: Vec<Option<String>>| ids.into_iter().collect::<BTreeSet<_>>().len();
    let notebooks = environment.client.notebooks().list().page_size(20);
    let ids = notebooks
        .items()
        .map_ok(|it| it.id)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(distinct(ids), 47);
    let all = environment
        .client
        .notebooks()
        .list_all()
        .page_size(20)
        .pages();
    assert_eq!(all.count().await, 3);
    let instances = environment.client.instances().list().page_size(20);
    let ids = instances
        .items()
        .map_ok(|it| it.id)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(distinct(ids), 47);
}

/// The stream holds at most one page: the next one is requested only after the last item of the previous one was
/// taken. `cargo bench --bench memory` measures the memory for 100,000 notebooks.
#[tokio::test]
async fn a_long_list_is_streamed_in_order_and_on_demand() {
    const LENGTH: usize = 20_000;
    const PAGE: usize = 50;
    let environment =
        TestEnvironment::with(|emulator| emulator.log_entries(LENGTH / PAGE + 1)).await;
    let mut many = InstanceFixture::default();
    many.name = "worker".to_owned();
    many.count = LENGTH as u32;
    let mut fixtures = Fixtures::default();
    fixtures.instances = vec![many];
    environment.emulator.add_fixtures(fixtures).await.unwrap();

    let requests = || {
        let log = environment.emulator.requests(&LogFilter::default());
        log.unwrap().len()
    };
    let list = environment.client.notebooks().list();
    let mut items = list.sort_key("name").sort_dir("ASC").items();
    let (mut count, mut previous) = (0, String::new());
    while let Some(notebook) = items.try_next().await.unwrap() {
        // The first and last items of a page.
        if [0, PAGE - 1].contains(&(count % PAGE)) {
            let pages = requests();
            assert_eq!(pages, count / PAGE + 1, "pages for item {count}");
        }
        let name = notebook.name.unwrap();
        assert!(name > previous, "{name} after {previous}");
        (count, previous) = (count + 1, name);
    }
    assert_eq!(count, LENGTH);
}

#[tokio::test]
async fn ensuring_a_start_can_set_the_auto_stop() {
    let environment = TestEnvironment::new().await;
    let stopped = |generation, id: &str| {
        let mut instance = InstanceFixture::default();
        instance.generation = generation;
        instance.id = Some(id.to_owned());
        instance.status = NotebookStatus::Stopped.into();
        instance
    };
    let mut fixtures = Fixtures::default();
    fixtures.instances = vec![
        stopped(Generation::Notebook, "new"),
        stopped(Generation::DevEnv, "old"),
    ];
    environment.emulator.add_fixtures(fixtures).await.unwrap();
    let notebooks = environment.client.notebooks();
    let (eight, two) = (AutoStop::hours(8), AutoStop::hours(2));
    let started = notebooks.ensure_running_with("new", eight).await.unwrap();
    let lease =
        |notebook: modelarts::devenviron::types::Notebook| notebook.lease.unwrap().auto_stop();
    assert_eq!(lease(started), Some(eight));
    let running = notebooks.ensure_running_with("new", two).await.unwrap();
    assert_eq!(lease(running), Some(eight), "it ran already");

    let instances = environment.client.instances();
    let started = instances.ensure_running_with("old", eight).await.unwrap();
    assert_eq!(started.auto_stop(), Some(eight));
    let running = instances.ensure_running_with("old", two).await.unwrap();
    assert_eq!(running.auto_stop(), Some(eight), "it ran already");
    instances.ensure_stopped("old").await.unwrap();
    let endless = instances.ensure_running_with("old", AutoStop::Off).await;
    assert_eq!(endless.unwrap().auto_stop(), Some(AutoStop::Off));
}

#[tokio::test]
async fn many_are_stopped_concurrently_and_failures_are_reported() {
    let environment = TestEnvironment::new().await;
    let mut many = InstanceFixture::default();
    many.name = "worker".to_owned();
    many.count = 12;
    let mut fixtures = Fixtures::default();
    fixtures.instances = vec![many];
    environment.emulator.add_fixtures(fixtures).await.unwrap();
    let notebooks = environment.client.notebooks();
    let listed = notebooks.list().items().map_ok(|it| it.id.unwrap());
    let mut ids: Vec<_> = listed.try_collect().await.unwrap();
    ids.push("00000000-0000-0000-0000-000000000000".to_owned());
    let outcomes = modelarts::map_concurrent(ids, 4, |id| {
        let notebooks = notebooks.clone();
        async move { notebooks.ensure_stopped(&id).await }
    })
    .await;
    let failed: Vec<_> = outcomes.iter().filter(|it| it.result.is_err()).collect();
    assert_eq!((outcomes.len(), failed.len()), (13, 1));
    assert!(
        failed[0]
            .result
            .as_ref()
            .unwrap_err()
            .failure()
            .unwrap()
            .is_not_found()
    );
}
