//! Fixtures: the accounts and resources that exist at the start, or are added later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use modelarts_client::Secret;
use modelarts_client::devenviron::enums::{NotebookStatus, OpenImageStatus, OpenVolumeCategory};
use modelarts_client::devenviron::types;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use crate::domain::model::Generation;
use crate::domain::status::InstanceStatus;
use crate::nearest::unknown;

/// The default project of the emulator.
pub(crate) const DEFAULT_PROJECT: &str = "7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f";
pub(crate) const DEFAULT_REGION: &str = "eu-de";

/// The initial projects, users and resources; in JSON, the file for `modelarts emulator --fixtures`.
///
/// Every field may be left out. Missing identifiers and secrets are generated, and fixtures without a user get the
/// default one.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// let fixtures: modelarts_emulator::Fixtures = serde_json::from_str(r#"{
///     "domains": [{"name": "nlp-department"}],
///     "projects": [{"name": "eu-de_nlp", "workspaces": ["bert"]}, {"name": "eu-de_vision"}],
///     "users": [{
///         "name": "bert-trainer", "password": "not-a-real-password", "projects": ["eu-de_nlp"],
///         "access_keys": [{"access": "AKEXAMPLE", "secret": "not-a-real-secret"}],
///         "key_pairs": ["laptop"]
///     }],
///     "images": [{"project": "eu-de_nlp", "image": {"name": "bert", "tag": "1.0", "namespace": "nlp"}}],
///     "flavors": [{"id": "modelarts.vm.cpu.16u", "category": "CPU", "vcpus": 16, "memory": 67108864}],
///     "capacity": {"flavors": {"modelarts.vm.gpu.v100": 0}, "instances": 50, "evs": 4096},
///     "instances": [
///         {"name": "train-bert", "workspace_id": "bert", "status": "STOPPED", "capacity": 50},
///         {"name": "worker", "count": 20, "duration": -1},
///         {"name": "broken", "status": "CREATE_FAILED", "fail_reason": "no machine left"},
///         {"generation": "dev_env", "name": "flow", "profile_id": "ML-Studio-cpu"}
///     ]
/// }"#)?;
/// let emulator = modelarts_emulator::Emulator::builder().fixtures(fixtures).start().await?;
/// assert_eq!(emulator.project_name(), "eu-de_nlp");
/// assert_eq!(emulator.user_name(), "bert-trainer");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Fixtures {
    /// Accounts; without any there is one called `emulator`.
    pub domains: Vec<DomainFixture>,
    /// Projects; without any there is one called `eu-de`.
    pub projects: Vec<ProjectFixture>,
    /// Users; without any there is one called `modelarts`, who may work in every project.
    pub users: Vec<UserFixture>,
    /// Images in addition to the built-in ones.
    pub images: Vec<ImageFixture>,
    /// Flavors in addition to the built-in ones, or instead of those with the same id.
    #[serde(deserialize_with = "flavors")]
    pub flavors: Vec<types::NotebookFlavor>,
    /// Instances in given states.
    pub instances: Vec<InstanceFixture>,
    /// The available capacity.
    pub capacity: Option<Capacity>,
}

/// Parses a value, rejecting properties that the document does not describe; the types of the API alone accept them.
fn described<T: DeserializeOwned>(schema: &str, value: Value) -> Result<T, String> {
    static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
        let document = serde_json::from_str(modelarts_client::devenviron::DOCUMENT);
        // The document is checked before it is compiled in; an unreadable one would describe nothing.
        let mut document: Value = document.unwrap_or_default();
        document["components"]["schemas"].take()
    });
    check_properties(&value, &SCHEMAS[schema], &SCHEMAS)?;
    serde_json::from_value(value).map_err(|error| error.to_string())
}

fn check_properties(value: &Value, schema: &Value, schemas: &Value) -> Result<(), String> {
    let name = schema["$ref"].as_str().and_then(|it| it.rsplit('/').next());
    let schema = name.map_or(schema, |name| &schemas[name]);
    match (value, schema["properties"].as_object()) {
        (Value::Object(members), Some(properties)) => {
            for (name, value) in members {
                let Some(schema) = properties.get(name) else {
                    let known = properties.keys().map(String::as_str);
                    return Err(unknown("property", name, known));
                };
                check_properties(value, schema, schemas)?;
            }
            Ok(())
        }
        (Value::Array(items), _) => items
            .iter()
            .try_for_each(|item| check_properties(item, &schema["items"], schemas)),
        _ => Ok(()),
    }
}

fn image<'de, D: Deserializer<'de>>(deserializer: D) -> Result<types::Image, D::Error> {
    described("Image", Value::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn flavors<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<types::NotebookFlavor>, D::Error> {
    Vec::<Value>::deserialize(deserializer)?
        .into_iter()
        .map(|value| described("NotebookFlavor", value).map_err(D::Error::custom))
        .collect()
}

/// Fixtures that are part of the crate, by name.
const BUILT_IN: &[(&str, &str)] = &[("seed-pages", include_str!("../fixtures/seed-pages.json"))];

impl Fixtures {
    /// The fixtures that are part of the crate, for example `seed-pages`: the instances of the API's example pages.
    ///
    /// ```
    /// use modelarts_emulator::Fixtures;
    ///
    /// let pages = Fixtures::built_in("seed-pages").expect("it is one of the names");
    /// assert!(!pages.instances.is_empty());
    /// assert!(Fixtures::built_in("no-such-name").is_none());
    /// ```
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
        serde_json::from_str(text).ok()
    }

    /// An identifier that distinguishes these fixtures from others.
    pub(crate) fn digest(&self) -> String {
        // Strings, numbers and maps with string keys: serializing them cannot fail.
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(&text))
    }

    /// The names that [`built_in`](Self::built_in) knows.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }
}

/// An account in [`Fixtures`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct DomainFixture {
    /// The id; generated if absent.
    pub id: Option<String>,
    /// The name, which must be unique.
    pub name: String,
}

/// A project in [`Fixtures`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProjectFixture {
    /// The id; generated if absent.
    pub id: Option<String>,
    /// The name, as in the region's list of projects, for example `eu-de_team`.
    pub name: String,
    /// Name of its account; the first one if absent.
    pub domain: Option<String>,
    /// Ids of its workspaces, in addition to `0`.
    pub workspaces: BTreeSet<String>,
    /// Its dedicated pools, as a map from id to name; the pools of the examples if absent.
    pub pools: Option<BTreeMap<String, String>>,
}

/// A user in [`Fixtures`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct UserFixture {
    /// The id; generated if absent.
    pub id: Option<String>,
    /// The name, which must be unique within the account.
    pub name: String,
    /// Name of the account; the first one if absent.
    pub domain: Option<String>,
    /// The password; generated if absent.
    pub password: Option<Secret>,
    /// Whether the user sees and filters other users' instances.
    pub admin: bool,
    /// Names or ids of projects; all if absent.
    pub projects: Option<Vec<String>>,
    /// Access keys; one is generated if absent.
    pub access_keys: Option<Vec<AccessKeyFixture>>,
    /// Names of key pairs; any name is accepted if absent.
    pub key_pairs: Option<BTreeSet<String>>,
}

/// An access key in [`Fixtures`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AccessKeyFixture {
    /// The access key.
    pub access: String,
    /// The secret key.
    pub secret: Secret,
    /// The security token, if the pair is a temporary one.
    pub security_token: Option<Secret>,
}

/// An image in [`Fixtures`].
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ImageFixture {
    /// Name or id of the project; if absent, the image is a built-in one, available to all projects.
    pub project: Option<String>,
    /// ACTIVE if absent.
    pub status: Option<OpenImageStatus>,
    /// The image itself; missing fields are generated.
    #[serde(deserialize_with = "image")]
    pub image: types::Image,
}

/// An instance in [`Fixtures`], or several like it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct InstanceFixture {
    /// The generation of the API that shows it.
    pub generation: Generation,
    /// The id; generated if absent. Only allowed for a single instance.
    pub id: Option<String>,
    /// How many instances; if there are several, a number is added to their names.
    pub count: u32,
    /// Name or id of the project; the first one if absent.
    pub project: Option<String>,
    /// Name or id of the owner; the first user if absent.
    pub owner: Option<String>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Its status; a transient status ends as if it had begun when the instance was added.
    pub status: InstanceStatus,
    /// Why it is in a failed status.
    pub fail_reason: Option<String>,
    /// Its flavor.
    pub flavor: Option<String>,
    /// Its image; new generation.
    pub image_id: Option<String>,
    /// Its profile; old generation. `ML-Studio-cpu` makes it an ML Studio instance.
    pub profile_id: Option<String>,
    /// Size of its disk in GB. An instance of the old generation has a disk only if this is set, and a bucket
    /// otherwise.
    pub capacity: Option<i32>,
    /// Category of its volume, `EVS` if absent; new generation.
    pub volume_category: Option<OpenVolumeCategory>,
    /// Milliseconds from when it is added until the automatic stop, -1 for never; one hour if absent.
    pub duration: Option<i64>,
    /// Its workspace.
    pub workspace_id: Option<String>,
    /// When it was created, in milliseconds since the epoch; if absent, when it is added.
    pub create_at: Option<i64>,
}

impl Default for InstanceFixture {
    fn default() -> Self {
        Self {
            generation: Generation::Notebook,
            id: None,
            count: 1,
            project: None,
            owner: None,
            name: String::new(),
            description: String::new(),
            status: NotebookStatus::Running.into(),
            fail_reason: None,
            flavor: None,
            image_id: None,
            profile_id: None,
            capacity: None,
            volume_category: None,
            duration: None,
            workspace_id: None,
            create_at: None,
        }
    }
}

/// The available capacity; absent fields are unlimited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Capacity {
    /// Available machines by flavor; `0` means sold out. Instances of a free flavor then queue, others are refused.
    pub flavors: BTreeMap<String, u32>,
    /// The maximum number of instances of a project, in each generation.
    pub instances: Option<u32>,
    /// The EVS storage of the region in GB, for new disks and for growing disks.
    pub evs: Option<u64>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::Settings;

    #[test]
    fn properties_that_the_document_does_not_describe_are_rejected() {
        for (fixtures, hint) in [
            (json!({"flavors": [{"id": "x", "vcpu": 1}]}), "`vcpus`"),
            (
                json!({"flavors": [{"id": "x", "gpu": {"gpus": 1}}]}),
                "`gpu`",
            ),
            (json!({"images": [{"image": {"nmae": "x"}}]}), "`name`"),
        ] {
            let error = serde_json::from_value::<Fixtures>(fixtures).unwrap_err();
            assert!(
                error.to_string().contains("there is no property"),
                "{error}"
            );
            assert!(error.to_string().contains(hint), "{error}");
        }
    }

    #[test]
    fn fixtures_survive_a_round_trip_through_json() {
        let built_in = Fixtures::built_in_names().filter_map(Fixtures::built_in);
        let all = json!({
            "domains": [{"name": "d"}],
            "projects": [{"name": "p", "workspaces": ["w"], "pools": {"pool": "P"}}],
            "users": [{"name": "u", "password": "not-a-real-one", "access_keys": [{"access": "A", "secret": "s"}]}],
            "images": [{"project": "p", "image": {"name": "i", "tag": "1"}, "status": "CREATING"}],
            "flavors": [{"id": "f", "category": "GPU", "memory": 1048576, "gpu": {"gpu": 1, "type": "V100"}}],
            "capacity": {"flavors": {"f": 0}, "instances": 5},
            "instances": [
                {"name": "n", "count": 2, "duration": -1, "status": "STOPPED"},
                {"generation": "dev_env", "name": "o", "profile_id": "ML-Studio-cpu"}
            ]
        });
        let own = serde_json::from_value::<Fixtures>(all).unwrap();
        for fixtures in built_in.chain([own, Fixtures::default()]) {
            let text = serde_json::to_string(&fixtures).unwrap();
            let read: Fixtures = serde_json::from_str(&text).unwrap();
            assert_eq!(read.digest(), fixtures.digest(), "{text}");
        }
    }

    #[test]
    fn built_in_fixtures_load() {
        for name in Fixtures::built_in_names() {
            let fixtures = Fixtures::built_in(name).expect(name);
            let state = crate::app::initial(Settings::default(), fixtures, 1, 0).expect(name);
            assert!(state.size().0 > 0, "{name}");
        }
    }
}
