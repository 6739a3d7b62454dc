//! What only an instance of the old generation has.

use std::collections::BTreeMap;

use modelarts_client::devenviron::types;
use serde::{Deserialize, Serialize};

use super::lease::Lease;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DevEnv {
    pub(crate) profile: String,
    pub(crate) storage: types::DevEnvStorageReq,
    /// Size in GB of the disk of an instance that has one; a new instance cannot ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) volume_size: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extend_storage: Option<Vec<types::DevEnvStorageReq>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<types::DevEnvPoolReq>,
    pub(crate) ai_project: String,
    pub(crate) prompt: bool,
    /// The automatic stop that holds from the next start on, when it was changed while the instance ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_lease: Option<Lease>,
    /// Whether it is an ML Studio instance, which says ACTIVE where others say RUNNING.
    pub(crate) ml_studio: bool,
}
