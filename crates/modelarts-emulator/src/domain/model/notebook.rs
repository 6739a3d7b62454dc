//! The properties of an instance that only the new generation has.

use std::collections::BTreeMap;

use modelarts_client::devenviron::types;
use serde::{Deserialize, Serialize};

use super::mount::Mount;
use super::volume::Volume;

/// The properties that only the new generation has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Notebook {
    pub(crate) image: String,
    pub(crate) token: String,
    pub(crate) volume: Volume,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) endpoints: Vec<types::EndpointsReq>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hooks: Option<types::CustomHooks>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mounts: Vec<Mount>,
    /// The storage that it was created with, in addition to its volume.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) data_volumes: Vec<types::VolumeReq>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) custom_spec: Option<types::CustomSpecReq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) affinity: Option<types::NodeAffinityReq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) run_user: Option<types::RunUserReq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_vpc: Option<types::UserVpcReq>,
    /// The image that is being saved from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) saving: Option<String>,
    /// Whether it has been RUNNING before: its disk is ready, and its address is known.
    pub(crate) ready: bool,
}
