//! The types that somebody would write by hand for the same responses: same fields, enumerations as plain text.

#![allow(missing_docs, reason = "the document describes the fields")]

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
pub struct NotebookList {
    pub current: Option<i32>,
    pub data: Option<Vec<Notebook>>,
    pub pages: Option<i32>,
    pub size: Option<i32>,
    pub total: Option<i64>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Notebook {
    pub action_progress: Option<Vec<JobProgress>>,
    pub affinity: Option<NodeAffinity>,
    pub billing_items: Option<Vec<String>>,
    pub create_at: Option<i64>,
    pub custom_spec: Option<CustomSpec>,
    pub data_volumes: Option<Vec<DataVolume>>,
    pub description: Option<String>,
    pub endpoints: Option<Vec<EndpointsRes>>,
    pub fail_reason: Option<String>,
    pub feature: Option<String>,
    pub flavor: Option<String>,
    pub id: Option<String>,
    pub image: Option<Image>,
    pub ip: Option<String>,
    pub is_need_credentials: Option<bool>,
    pub jupyter_version: Option<String>,
    pub lease: Option<Lease>,
    pub name: Option<String>,
    pub pool: Option<Pool>,
    pub run_user: Option<RunUser>,
    pub status: Option<String>,
    pub tags: Option<Vec<Tag>>,
    pub token: Option<String>,
    pub update_at: Option<i64>,
    pub url: Option<String>,
    pub user: Option<User>,
    pub user_id: Option<String>,
    pub user_vpc: Option<UserVpc>,
    pub volume: Option<VolumeRes>,
    pub workspace_id: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct JobProgress {
    pub description: Option<String>,
    pub notebook_id: Option<String>,
    pub status: Option<String>,
    pub step: Option<i32>,
    pub step_description: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct DataVolume {
    pub category: Option<String>,
    pub efs_id: Option<String>,
    pub failure_reason: Option<String>,
    pub id: Option<String>,
    pub mount_path: Option<String>,
    pub mount_type: Option<String>,
    pub status: Option<String>,
    pub uri: Option<String>,
    pub url: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct EndpointsRes {
    pub allowed_access_ips: Option<Vec<String>>,
    pub dev_service: Option<String>,
    pub key_pair_names: Option<Vec<String>>,
    pub service: Option<String>,
    pub ssh_keys: Option<Vec<String>>,
    pub uri: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Image {
    pub arch: Option<String>,
    pub create_at: Option<i64>,
    pub description: Option<String>,
    pub dev_services: Option<Vec<String>>,
    pub flavor_type: Option<String>,
    pub id: Option<String>,
    pub name: Option<String>,
    pub namespace: Option<String>,
    pub origin: Option<String>,
    pub resource_categories: Option<Vec<String>>,
    pub service_type: Option<String>,
    pub show_name: Option<String>,
    pub show_tag: Option<String>,
    pub size: Option<i64>,
    pub status: Option<String>,
    pub status_message: Option<String>,
    pub support_res_categories: Option<Vec<String>>,
    pub swr_instance_id: Option<String>,
    pub swr_path: Option<String>,
    pub tag: Option<String>,
    pub tags: Option<Vec<Tag>>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub update_at: Option<i64>,
    pub visibility: Option<String>,
    pub workspace_id: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Lease {
    pub create_at: Option<i64>,
    pub duration: Option<i64>,
    pub enable: Option<bool>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub update_at: Option<i64>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Pool {
    pub id: Option<String>,
    pub name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Tag {
    pub key: Option<String>,
    pub value: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct User {
    pub domain: Option<Domain>,
    pub id: Option<String>,
    pub name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct Domain {
    pub id: Option<String>,
    pub name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct VolumeRes {
    pub capacity: Option<i32>,
    pub category: Option<String>,
    pub dew_secret_name: Option<String>,
    pub evs_sku_code: Option<String>,
    pub id: Option<String>,
    pub mount_path: Option<String>,
    pub mount_type: Option<String>,
    pub ownership: Option<String>,
    pub read_only: Option<bool>,
    pub status: Option<String>,
    pub uri: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct NodeAffinity {
    pub preferred_during_scheduling_ignored_during_execution: Option<Vec<NodeAffinityRule>>,
    pub required_during_scheduling_ignored_during_execution: Option<Vec<NodeAffinityRule>>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct NodeAffinityRule {
    pub key: Option<String>,
    pub operator: Option<String>,
    pub values: Option<Vec<String>>,
    pub weight: Option<i32>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct CustomSpec {
    pub arch: Option<String>,
    pub category: Option<String>,
    pub cpu: Option<f64>,
    pub gpu: Option<f64>,
    pub gpu_type: Option<String>,
    pub memory: Option<f64>,
    pub resource_flavor: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct RunUser {
    pub gid: Option<i64>,
    pub group_name: Option<String>,
    pub uid: Option<i64>,
    pub user_name: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct UserVpc {
    pub connect_cidrs: Option<String>,
    pub eip_id: Option<String>,
    pub nat_id: Option<String>,
    pub port_id: Option<Vec<String>>,
    pub port_ip: Option<String>,
    pub security_group_ids: Option<Vec<String>>,
    pub subnet_id: Option<String>,
    pub vpc_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents;

    /// The fields of a struct, as serialized by serde.
    fn fields<T: Serialize + for<'a> Deserialize<'a>>() -> Vec<String> {
        let empty: T = serde_json::from_str("{}").unwrap();
        let mut fields: Vec<String> = serde_json::to_value(empty)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        fields.sort();
        fields
    }

    #[test]
    fn the_fields_are_those_of_the_document() {
        let document = documents::devenviron();
        for (name, fields) in [
            ("NotebookList", fields::<NotebookList>()),
            ("Notebook", fields::<Notebook>()),
            ("JobProgress", fields::<JobProgress>()),
            ("DataVolume", fields::<DataVolume>()),
            ("EndpointsRes", fields::<EndpointsRes>()),
            ("Image", fields::<Image>()),
            ("Lease", fields::<Lease>()),
            ("Pool", fields::<Pool>()),
            ("Tag", fields::<Tag>()),
            ("User", fields::<User>()),
            ("Domain", fields::<Domain>()),
            ("VolumeRes", fields::<VolumeRes>()),
            ("NodeAffinity", fields::<NodeAffinity>()),
            ("NodeAffinityRule", fields::<NodeAffinityRule>()),
            ("CustomSpec", fields::<CustomSpec>()),
            ("RunUser", fields::<RunUser>()),
            ("UserVpc", fields::<UserVpc>()),
        ] {
            let properties = document.schema(name).value()["properties"]
                .as_object()
                .unwrap();
            let mut documented: Vec<String> = properties.keys().cloned().collect();
            documented.sort();
            assert_eq!(fields, documented, "{name}");
        }
    }
}
