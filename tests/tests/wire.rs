//! Tests the exact requests of the generated client: one snapshot per operation, and cases that other clients get
//! wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeSet;

use modelarts::{Credentials, ModelArts};
use modelarts_client::devenviron::{enums, types};
use modelarts_client::{Error, FAMILIES, Open, Operation, ResponseValue, devenviron, iam};
use modelarts_test_support::server::{Recorded, Server};
use modelarts_tests::snapshots::Snapshots;
use serde_json::json;

const PROJECT: &str = "7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f";
const INSTANCE: &str = "DE-3b1f5a52-9c0d-11ee-8a2f-0255ac100042";
const NOTEBOOK: &str = "5d0a1c1e-8a3b-4f39-9f4e-6a3a1f0b7c55";
const IMAGE: &str = "9b7d3e42-6c1f-4a58-8e0d-b13a5f7c2d94";
const STORAGE: &str = "3f1b8f0e-94c7-4d65-b2a8-6e5d0c9a7f21";
/// An unusual id, and its encoding in a path.
const AWKWARD: (&str, &str) = ("a/b c~d", "a%2Fb%20c~d");

/// The result of a call of the generated client.
type Response<T> = Result<ResponseValue<T>, Error>;

/// A recording server and its clients.
struct Wire {
    server: Server,
    devenviron: devenviron::Client,
    iam: iam::Client,
}

impl Wire {
    async fn start() -> Self {
        let server = Server::recording();
        // In a build with the facade, the plain builder has no TLS provider.
        let http = modelarts::http_client_builder().unwrap();
        let http = http.no_proxy().build().unwrap();
        Self {
            devenviron: devenviron::Client::new_with_client(&server.url, http.clone()),
            iam: iam::Client::new_with_client(&server.url, http),
            server,
        }
    }

    /// The request of a successful call.
    fn sent<T>(&self, response: Response<T>) -> Recorded {
        if let Err(error) = response {
            panic!("the call failed: {error}");
        }
        self.server.take_one()
    }
}

/// Snapshots of requests, by operation.
struct Requests {
    snapshots: Snapshots,
    operations: BTreeSet<String>,
}

impl Requests {
    fn record(&mut self, document: &str, operations: &[Operation], id: &str, sent: &Recorded) {
        let operation = operations.iter().find(|operation| operation.id == id);
        let operation = operation.unwrap_or_else(|| panic!("{document} has no operation {id}"));
        assert_eq!(sent.method, operation.method, "{id}");
        assert!(
            fits(operation.path, sent.path()),
            "{id} went to {}",
            sent.path()
        );
        let name = format!("{document}__{id}");
        self.snapshots.assert(&name, &sent.to_string());
        self.operations.insert(name);
    }

    fn devenviron(&mut self, id: &str, sent: &Recorded) {
        self.record("devenviron", devenviron::OPERATIONS, id, sent);
    }

    fn iam(&mut self, id: &str, sent: &Recorded) {
        self.record("iam", iam::OPERATIONS, id, sent);
    }
}

/// Whether a path matches a template such as `/v1/{project_id}/images`.
fn fits(template: &str, path: &str) -> bool {
    let (wanted, found): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let fits = |(wanted, found): (&&str, &&str)| wanted.starts_with('{') || wanted == found;
    wanted.len() == found.len() && wanted.iter().zip(&found).all(fits)
}

#[tokio::test]
async fn every_operation_sends_the_recorded_request() {
    let wire = Wire::start().await;
    let mut requests = Requests {
        snapshots: Snapshots::in_folder("wire"),
        operations: BTreeSet::new(),
    };
    instances(&wire, &mut requests).await;
    notebooks(&wire, &mut requests).await;
    lease_and_flavors(&wire, &mut requests).await;
    images(&wire, &mut requests).await;
    tags_and_image_groups(&wire, &mut requests).await;
    storage(&wire, &mut requests).await;
    identity(&wire, &mut requests).await;

    // A family that is not emulated yet needs no calls here.
    let emulated = FAMILIES.iter().filter(|family| family.emulated);
    let expected: BTreeSet<String> = emulated
        .flat_map(|family| family.operations.iter().map(move |it| (family.name, it.id)))
        .map(|(family, id)| format!("{family}__{id}"))
        .collect();
    assert_eq!(requests.operations, expected, "every operation is called");
    requests.snapshots.finish();
}

async fn instances(wire: &Wire, requests: &mut Requests) {
    let client = &wire.devenviron;
    let response = client
        .list_dev_env_instances()
        .project_id(PROJECT)
        .de_type(enums::DevEnvType::Notebook)
        .provision_type(enums::DevEnvProvisionType::Docker)
        .status(enums::DevEnvInstanceStatus::Running)
        .sortby("create_time")
        .order("desc")
        .offset(20)
        .limit(10)
        .workspace_id("0")
        .show_self("false")
        .ai_project("default-ai-project")
        .pool_id("pool-7c1e5b20")
        .send()
        .await;
    requests.devenviron("listDevEnvInstances", &wire.sent(response));

    let storage = types::DevEnvStorageReq::builder()
        .type_(enums::DevEnvStorageType::Obs)
        .location(types::DevEnvStorageLocationReq::builder().path("/team-bucket/train-bert/"));
    let spec = types::CreateDevEnvNotebookSpec::builder()
        .storage(storage)
        .auto_stop(
            types::DevEnvAutoStopReq::builder()
                .enable(true)
                .duration(7200),
        );
    let body = types::CreateDevEnvInstanceRequest::builder()
        .name("train-bert")
        .flavor("modelarts.vm.cpu.2u")
        .profile_id("Python3-cpu")
        .spec(spec);
    let response = client
        .create_dev_env_instance()
        .project_id(PROJECT)
        .body(body)
        .send()
        .await;
    requests.devenviron("createDevEnvInstance", &wire.sent(response));

    let response = client
        .show_dev_env_instance()
        .project_id(PROJECT)
        .instance_id(INSTANCE)
        .send()
        .await;
    requests.devenviron("showDevEnvInstance", &wire.sent(response));

    let response = client
        .update_dev_env_instance()
        .project_id(PROJECT)
        .instance_id(INSTANCE)
        .body(types::UpdateDevEnvInstanceRequest::builder().description("Fine-tuning"))
        .send()
        .await;
    requests.devenviron("updateDevEnvInstance", &wire.sent(response));

    let response = client
        .delete_dev_env_instance()
        .project_id(PROJECT)
        .instance_id(INSTANCE)
        .send()
        .await;
    requests.devenviron("deleteDevEnvInstance", &wire.sent(response));

    let response = client
        .manage_dev_env_instance()
        .project_id(PROJECT)
        .instance_id(INSTANCE)
        .body(
            types::ManageDevEnvInstanceRequest::builder()
                .action(types::DevEnvInstanceAction::Restart),
        )
        .send()
        .await;
    requests.devenviron("manageDevEnvInstance", &wire.sent(response));
}

async fn notebooks(wire: &Wire, requests: &mut Requests) {
    let client = &wire.devenviron;
    let response = client
        .list_notebooks()
        .project_id(PROJECT)
        .feature(enums::NotebookFeature::Notebook)
        .limit(50)
        .offset(100)
        .name("train")
        .owner("4a9f0c7de1b24835a6f1d2c3b4e5f607")
        .pool_id("pool-7c1e5b20")
        .sort_dir("ASC")
        .sort_key("name")
        .status(enums::NotebookStatus::Running)
        .workspace_id("0")
        .send()
        .await;
    requests.devenviron("listNotebooks", &wire.sent(response));

    let response = client
        .list_all_notebooks()
        .project_id(PROJECT)
        .status(enums::NotebookStatus::Stopped)
        .limit(50)
        .send()
        .await;
    requests.devenviron("listAllNotebooks", &wire.sent(response));

    let ssh = types::EndpointsReq::builder()
        .service(enums::EndpointService::Ssh)
        .key_pair_names(vec!["laptop".to_owned()])
        .allowed_access_ips(vec!["203.0.113.7".to_owned()])
        .build()
        .unwrap();
    let body = types::CreateNotebookRequest::builder()
        .name("train-bert")
        .description("Fine-tuning of a language model".to_owned())
        .feature(Open::from(enums::NotebookFeature::Notebook))
        .flavor("modelarts.vm.cpu.2u")
        .image_id(IMAGE)
        .workspace_id("0".to_owned())
        .duration(-1)
        .volume(volume())
        .endpoints(vec![ssh]);
    let response = client
        .create_notebook()
        .project_id(PROJECT)
        .body(body)
        .send()
        .await;
    requests.devenviron("createNotebook", &wire.sent(response));

    let response = client
        .show_notebook()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .send()
        .await;
    requests.devenviron("showNotebook", &wire.sent(response));

    let response = client
        .update_notebook()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .body(
            types::UpdateNotebookRequest::builder()
                .name("train-roberta")
                .storage_new_size(100),
        )
        .send()
        .await;
    requests.devenviron("updateNotebook", &wire.sent(response));

    let response = client
        .delete_notebook()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .send()
        .await;
    requests.devenviron("deleteNotebook", &wire.sent(response));

    let response = client
        .start_notebook()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .duration(7_200_000)
        .type_(enums::LeaseType::Timing)
        .send()
        .await;
    requests.devenviron("startNotebook", &wire.sent(response));

    let response = client
        .stop_notebook()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .send()
        .await;
    requests.devenviron("stopNotebook", &wire.sent(response));
}

async fn lease_and_flavors(wire: &Wire, requests: &mut Requests) {
    let client = &wire.devenviron;
    let response = client
        .show_lease()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .send()
        .await;
    requests.devenviron("showLease", &wire.sent(response));

    let response = client
        .renew_lease()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .duration(14_400_000)
        .body(
            types::LeaseReq::builder()
                .duration(14_400_000)
                .type_(enums::LeaseType::Timing),
        )
        .send()
        .await;
    requests.devenviron("renewLease", &wire.sent(response));

    let response = client
        .list_flavors()
        .project_id(PROJECT)
        .category(enums::FlavorCategory::Gpu)
        .type_(enums::FlavorClusterType::Managed)
        .limit(20)
        .offset(40)
        .sort_dir(enums::SortDirection::Desc)
        .sort_key("name,vcpus")
        .send()
        .await;
    requests.devenviron("listFlavors", &wire.sent(response));

    let response = client
        .show_switchable_flavors()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .limit(20)
        .offset(0)
        .send()
        .await;
    requests.devenviron("showSwitchableFlavors", &wire.sent(response));
}

async fn images(wire: &Wire, requests: &mut Requests) {
    let client = &wire.devenviron;
    let response = client
        .list_images()
        .project_id(PROJECT)
        .limit(200)
        .offset(0)
        .name("bert")
        .name_fuzzy_match(false)
        .namespace("nlp")
        .service_type(enums::ImageServiceType::Common)
        .sort_dir("DESC")
        .sort_key("create_at")
        .type_(enums::ImageType::Dedicated)
        .workspace_id("0")
        .send()
        .await;
    requests.devenviron("listImages", &wire.sent(response));

    let body = types::RegisterImageRequest::builder()
        .swr_path("swr.eu-de.otc.t-systems.com/nlp/bert:1.0")
        .arch(Open::from(enums::ImageArch::Aarch64))
        .services(vec!["NOTEBOOK".into(), "SSH".into()])
        .resource_category(vec!["ASCEND".into()]);
    let response = client
        .register_image()
        .project_id(PROJECT)
        .body(body)
        .send()
        .await;
    requests.devenviron("registerImage", &wire.sent(response));

    let response = client
        .list_image_groups()
        .project_id(PROJECT)
        .name("bert")
        .name_fuzzy_match(true)
        .namespace("nlp")
        .type_(enums::ImageType::BuildIn)
        .workspace_id("0")
        .send()
        .await;
    requests.devenviron("listImageGroups", &wire.sent(response));

    let response = client
        .show_image()
        .project_id(PROJECT)
        .id(IMAGE)
        .send()
        .await;
    requests.devenviron("showImage", &wire.sent(response));

    let response = client
        .delete_image()
        .project_id(PROJECT)
        .id(IMAGE)
        .force(true)
        .send()
        .await;
    requests.devenviron("deleteImage", &wire.sent(response));

    let response = client
        .create_image()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .body(
            types::CreateImageRequest::builder()
                .name("bert")
                .namespace("nlp")
                .tag("1.0"),
        )
        .send()
        .await;
    requests.devenviron("createImage", &wire.sent(response));
}

async fn tags_and_image_groups(wire: &Wire, requests: &mut Requests) {
    let client = &wire.devenviron;
    let tag = || {
        let tag = types::TagReq::builder().key("team").value("nlp".to_owned());
        types::TagReq::try_from(tag).unwrap()
    };
    let response = client
        .list_notebook_tags()
        .project_id(PROJECT)
        .workspace_id("0")
        .send()
        .await;
    requests.devenviron("listNotebookTags", &wire.sent(response));

    let response = client
        .create_notebook_tags()
        .project_id(PROJECT)
        .resource_id(NOTEBOOK)
        .body(types::CreateNotebookTagsRequest::builder().tags(vec![tag()]))
        .send()
        .await;
    requests.devenviron("createNotebookTags", &wire.sent(response));

    let response = client
        .delete_notebook_tags()
        .project_id(PROJECT)
        .resource_id(NOTEBOOK)
        .body(types::DeleteNotebookTagsRequest::builder().tags(vec![tag()]))
        .send()
        .await;
    requests.devenviron("deleteNotebookTags", &wire.sent(response));

    let response = client
        .update_image_group()
        .project_id(PROJECT)
        .id(IMAGE)
        .body(types::UpdateImageGroupRequest::builder().read_me("For the nlp team.".to_owned()))
        .send()
        .await;
    requests.devenviron("updateImageGroup", &wire.sent(response));

    let response = client
        .delete_image_group()
        .project_id(PROJECT)
        .id(IMAGE)
        .body(types::DeleteImageGroupRequest::builder().is_force(true))
        .send()
        .await;
    requests.devenviron("deleteImageGroup", &wire.sent(response));

    let response = client
        .sync_image()
        .project_id(PROJECT)
        .image_id(IMAGE)
        .send()
        .await;
    requests.devenviron("syncImage", &wire.sent(response));
}

async fn storage(wire: &Wire, requests: &mut Requests) {
    let client = &wire.devenviron;
    let response = client
        .list_attachable_obs()
        .project_id(PROJECT)
        .instance_id(NOTEBOOK)
        .send()
        .await;
    requests.devenviron("listAttachableObs", &wire.sent(response));

    let body = types::AttachObsRequest::builder()
        .category(Open::from(enums::DataVolumeCategory::Obs))
        .mount_path("/data/corpus/".to_owned())
        .uri("obs://team-files/corpora/".to_owned());
    let response = client
        .attach_obs()
        .project_id(PROJECT)
        .instance_id(NOTEBOOK)
        .body(body)
        .send()
        .await;
    requests.devenviron("attachObs", &wire.sent(response));

    let response = client
        .show_attachable_obs()
        .project_id(PROJECT)
        .instance_id(NOTEBOOK)
        .storage_id(STORAGE)
        .send()
        .await;
    requests.devenviron("showAttachableObs", &wire.sent(response));

    let response = client
        .cancel_obs()
        .project_id(PROJECT)
        .instance_id(NOTEBOOK)
        .storage_id(STORAGE)
        .send()
        .await;
    requests.devenviron("cancelObs", &wire.sent(response));
}

async fn identity(wire: &Wire, requests: &mut Requests) {
    let body: iam::types::CreateTokenRequest = serde_json::from_value(json!({"auth": {
        "identity": {"methods": ["token"], "token": {"id": "00000000-0000-0000-0000-000000000000"}},
        "scope": {"project": {"id": PROJECT}},
    }}))
    .unwrap();
    let response = wire.iam.create_token().body(body).send().await;
    requests.iam("createToken", &wire.sent(response));

    let response = wire.iam.list_auth_domains().send().await;
    requests.iam("listAuthDomains", &wire.sent(response));

    let response = wire
        .iam
        .list_projects()
        .name("eu-de nlp")
        .domain_id("b6f0d2c4e8a14937a5c3e1f7092d4b68")
        .enabled(true)
        .send()
        .await;
    requests.iam("listProjects", &wire.sent(response));
}

fn volume() -> types::builder::VolumeReq {
    types::VolumeReq::builder()
        .category(enums::VolumeCategory::Evs)
        .ownership(enums::VolumeOwnership::Managed)
        .capacity(50)
}

#[tokio::test]
async fn ids_are_percent_encoded() {
    let wire = Wire::start().await;
    let (id, encoded) = AWKWARD;
    let response = wire
        .devenviron
        .show_notebook()
        .project_id(id)
        .id(id)
        .send()
        .await;
    let path = wire.sent(response).target;
    assert_eq!(path, format!("/v1/{encoded}/notebooks/{encoded}"));

    let response = wire
        .devenviron
        .cancel_obs()
        .project_id(PROJECT)
        .instance_id(id)
        .storage_id("ü?#%")
        .send()
        .await;
    assert_eq!(
        wire.sent(response).target,
        format!("/v1/{PROJECT}/notebooks/{encoded}/storage/%C3%BC%3F%23%25")
    );
}

#[tokio::test]
async fn a_missing_id_is_an_error_and_nothing_is_sent() {
    let wire = Wire::start().await;
    let response = wire.devenviron.show_notebook().project_id(PROJECT).send();
    let error = response.await.unwrap_err();
    assert_eq!(error.to_string(), "showNotebook: `id` is missing");
    assert!(matches!(&error, Error::Request(_)), "{error}");
    assert_eq!(wire.server.take(), []);
}

#[tokio::test]
async fn an_empty_list_and_an_empty_text_are_sent() {
    let wire = Wire::start().await;
    let response = wire
        .devenviron
        .update_notebook()
        .project_id(PROJECT)
        .id(NOTEBOOK)
        .body(
            types::UpdateNotebookRequest::builder()
                .description("")
                .endpoints(vec![]),
        )
        .send()
        .await;
    assert_eq!(
        wire.sent(response).json(),
        json!({"description": "", "endpoints": []})
    );

    let response = wire
        .devenviron
        .update_dev_env_instance()
        .project_id(PROJECT)
        .instance_id(INSTANCE)
        .body(types::UpdateDevEnvInstanceRequest::builder().description(""))
        .send()
        .await;
    assert_eq!(wire.sent(response).json(), json!({"description": ""}));
}

/// The generated client does not declare an absent body; the facade's pipeline does.
#[tokio::test]
async fn a_post_without_a_body_declares_its_length() {
    let server = Server::recording();
    let client = ModelArts::builder()
        .endpoint(&server.url)
        .project_id(PROJECT)
        .credentials(Credentials::token("00000000-0000-0000-0000-000000000000"))
        .build()
        .await
        .unwrap();
    client.notebooks().start(NOTEBOOK).await.unwrap();
    client.notebooks().stop(NOTEBOOK).await.unwrap();
    for sent in server.take() {
        assert_eq!(sent.header("content-length"), Some("0"), "{sent}");
        assert!(sent.body.is_empty(), "{sent}");
    }
}

/// The client sends only what the caller sets, so the defaults of the service apply.
#[tokio::test]
async fn no_default_is_sent() {
    let wire = Wire::start().await;
    let client = &wire.devenviron;
    let instances = client.list_dev_env_instances().project_id(PROJECT);
    let flavors = client.show_switchable_flavors().project_id(PROJECT);
    let start = client.start_notebook().project_id(PROJECT).id(NOTEBOOK);
    let delete = client.delete_image().project_id(PROJECT).id(IMAGE);
    // The only required query parameter.
    let sent = wire.sent(instances.de_type("Notebook").send().await);
    assert_eq!(sent.query(), ["de_type=Notebook"]);
    let bare = [
        wire.sent(client.list_notebooks().project_id(PROJECT).send().await),
        wire.sent(client.list_all_notebooks().project_id(PROJECT).send().await),
        wire.sent(client.list_flavors().project_id(PROJECT).send().await),
        wire.sent(flavors.id(NOTEBOOK).send().await),
        wire.sent(start.send().await),
        wire.sent(client.list_images().project_id(PROJECT).send().await),
        wire.sent(client.list_image_groups().project_id(PROJECT).send().await),
        wire.sent(delete.send().await),
        wire.sent(wire.iam.list_projects().send().await),
    ];
    for sent in bare {
        assert!(!sent.target.contains('?') && sent.body.is_empty(), "{sent}");
    }

    let body = types::CreateNotebookRequest::builder()
        .name("n")
        .flavor("f")
        .image_id("i")
        .volume(
            types::VolumeReq::builder()
                .category("EFS")
                .ownership("MANAGED"),
        );
    let create = client.create_notebook().project_id(PROJECT).body(body);
    assert_eq!(
        wire.sent(create.send().await).json(),
        json!({
            "name": "n", "flavor": "f", "image_id": "i",
            "volume": {"category": "EFS", "ownership": "MANAGED"},
        })
    );
}

#[tokio::test]
async fn values_keep_the_spelling_of_the_caller() {
    let wire = Wire::start().await;
    let list = wire.devenviron.list_notebooks().project_id(PROJECT);
    let sent = wire.sent(list.status("hibernating & more").send().await);
    assert_eq!(sent.query(), ["status=hibernating+%26+more"]);
}
