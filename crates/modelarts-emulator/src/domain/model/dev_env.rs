//! The properties of an instance that only the old generation has.

use std::collections::BTreeMap;

use modelarts_client::devenviron::types;
use serde::{Deserialize, Serialize};

use super::lease::Lease;

/// The properties that only the old generation has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DevEnv {
    pub(crate) profile: String,
    pub(crate) storage: types::DevEnvStorageReq,
    /// The size of its disk in GB, if it has one. Only fixtures can set it, not requests.
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
    /// The automatic stop that applies from the next start, if it was changed while the instance was running.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_lease: Option<Lease>,
    /// Whether it is an ML Studio instance, whose status is ACTIVE instead of RUNNING.
    pub(crate) ml_studio: bool,
}
