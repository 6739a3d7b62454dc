//! What a notebook can have besides its flavor and its volume: custom resources, affinity, network and further
//! storage.

use std::collections::BTreeSet;

use modelarts_client::devenviron::enums::{
    DataVolumeStatus, FlavorCategory, VolumeCategory, VolumeOwnership,
};
use modelarts_client::devenviron::types::{
    self, CustomSpecReq, DataVolume, NodeAffinityReq, NodeAffinityRuleReq, PublicNetworkConfigReq,
    VolumeReq,
};

use super::model::Notebook;
use crate::error::{ApiError, ApiResult};
use crate::fields::with_fields;

/// The flavor of a notebook with a custom specification.
pub(super) const CUSTOM_FLAVOR: &str = "custom.flavor.spec.code";

pub(super) fn check_custom_spec(spec: Option<&CustomSpecReq>, pool: Option<&str>) -> ApiResult<()> {
    let Some(spec) = spec else {
        return Ok(());
    };
    if pool.is_none_or(str::is_empty) {
        return Err(ApiError::required("pool_id", " for custom_spec"));
    }
    let missing =
        |name: &str, why: &str| Err(ApiError::required(&format!("custom_spec.{name}"), why));
    let (Some(cpu), Some(memory)) = (spec.cpu, spec.memory) else {
        return missing(if spec.cpu.is_none() { "cpu" } else { "memory" }, "");
    };
    if (cpu * 100.0 - (cpu * 100.0).round()).abs() > 1e-6 {
        return Err(ApiError::value(
            "custom_spec.cpu",
            "it must have at most two decimals",
        ));
    }
    if memory.fract() != 0.0 {
        return Err(ApiError::value(
            "custom_spec.memory",
            "it must be a whole number of MB",
        ));
    }
    match &spec.arch {
        None => return missing("arch", ""),
        Some(arch) if arch.is_unknown() => {
            return Err(ApiError::value(
                "custom_spec.arch",
                format_args!("'{arch}' is neither X86_64 nor AARCH64"),
            ));
        }
        Some(_) => {}
    }
    let Some(category) = spec.category.as_deref() else {
        return missing("category", "");
    };
    match category {
        category if category.is_unknown() => Err(ApiError::value(
            "custom_spec.category",
            format_args!("'{category}' is neither CPU nor GPU"),
        )),
        FlavorCategory::Gpu if spec.gpu.is_none() => missing("gpu", " for the category GPU"),
        FlavorCategory::Gpu if spec.gpu_type.is_none() => {
            missing("gpu_type", " for the category GPU")
        }
        _ => Ok(()),
    }
}

pub(super) fn check_affinity(affinity: Option<&NodeAffinityReq>) -> ApiResult<()> {
    let Some(affinity) = affinity else {
        return Ok(());
    };
    for (name, rules) in [
        (
            "required_during_scheduling_ignored_during_execution",
            &affinity.required_during_scheduling_ignored_during_execution,
        ),
        (
            "preferred_during_scheduling_ignored_during_execution",
            &affinity.preferred_during_scheduling_ignored_during_execution,
        ),
    ] {
        for (index, rule) in rules.iter().flatten().enumerate() {
            if rule.operator.is_unknown() {
                return Err(ApiError::value(
                    &format!("affinity.{name}[{index}].operator"),
                    format_args!(
                        "'{}' is not one of In, NotIn, Exists, DoesNotExist, Gt, Lt",
                        rule.operator
                    ),
                ));
            }
        }
    }
    Ok(())
}

pub(super) fn check_network(config: Option<&PublicNetworkConfigReq>) -> ApiResult<()> {
    match config.and_then(|config| config.public_network_type.as_ref()) {
        Some(kind) if kind.is_unknown() => Err(ApiError::value(
            "public_network_config.public_network_type",
            format_args!("'{kind}' is not one of SHARED, EXCLUSIVE, FORBIDDEN"),
        )),
        _ => Ok(()),
    }
}

pub(super) fn check_data_volumes(volumes: &[VolumeReq]) -> ApiResult<()> {
    let mut paths = BTreeSet::new();
    for (index, volume) in volumes.iter().enumerate() {
        let field = |name: &str| format!("data_volumes[{index}].{name}");
        let required = |name: &str, value: &Option<String>, why: &str| match value.as_deref() {
            None | Some("") => Err(ApiError::required(&field(name), why)),
            Some(_) => Ok(()),
        };
        if volume.category.is_unknown() {
            return Err(ApiError::value(
                &field("category"),
                format_args!("'{}' is not one of EVS, OBS, OBSFS, EFS", volume.category),
            ));
        }
        if volume.ownership.is_unknown() {
            return Err(ApiError::value(
                &field("ownership"),
                format_args!("'{}' is neither MANAGED nor DEDICATED", volume.ownership),
            ));
        }
        required("mount_path", &volume.mount_path, " for further storage")?;
        let dedicated = volume.ownership == VolumeOwnership::Dedicated;
        let category = &volume.category;
        let is = |known: VolumeCategory| *category == known;
        if dedicated
            && (is(VolumeCategory::Efs) || is(VolumeCategory::Obs) || is(VolumeCategory::Obsfs))
        {
            required("uri", &volume.uri, " when the ownership is DEDICATED")?;
        }
        if dedicated && is(VolumeCategory::Efs) {
            required("id", &volume.id, " for a dedicated EFS file system")?;
        }
        if is(VolumeCategory::Obs) {
            required(
                "dew_secret_name",
                &volume.dew_secret_name,
                " for the category OBS",
            )?;
        }
        if let Some(path) = volume.mount_path.as_deref()
            && !paths.insert(path.trim_end_matches('/'))
        {
            return Err(ApiError::value(
                &field("mount_path"),
                format_args!("something is already mounted at {path}"),
            ));
        }
    }
    Ok(())
}

/// Returns a storage that the notebook was created with, as in a response.
pub(super) fn data_volume(volume: &VolumeReq, ready: bool) -> DataVolume {
    let is_efs = volume.category == VolumeCategory::Efs;
    with_fields!(DataVolume {
        category: Some(volume.category.as_str().into()),
        id: volume.id.clone(),
        efs_id: volume.id.clone().filter(|_| is_efs),
        mount_path: volume.mount_path.clone(),
        uri: volume.uri.clone(),
        url: volume.uri.clone().filter(|_| !is_efs),
        status: Some(
            if ready {
                DataVolumeStatus::Mounted
            } else {
                DataVolumeStatus::Mounting
            }
            .into()
        ),
        mount_type: Some("STATIC".into()),
        failure_reason: None,
    })
}

/// Sets what the notebook was created with in a response.
pub(super) fn describe(notebook: &Notebook, seen: &mut types::Notebook) {
    seen.custom_spec = notebook.custom_spec.as_ref().map(|spec| {
        with_fields!(types::CustomSpec {
            gpu: spec.gpu,
            cpu: spec.cpu,
            memory: spec.memory,
            gpu_type: spec.gpu_type.clone(),
            arch: spec.arch.clone(),
            category: spec.category.clone(),
            resource_flavor: spec.resource_flavor.clone(),
        })
    });
    seen.affinity = notebook.affinity.as_ref().map(|affinity| {
        with_fields!(types::NodeAffinity {
            required_during_scheduling_ignored_during_execution: rules(
                &affinity.required_during_scheduling_ignored_during_execution,
            ),
            preferred_during_scheduling_ignored_during_execution: rules(
                &affinity.preferred_during_scheduling_ignored_during_execution,
            ),
        })
    });
    seen.run_user = notebook.run_user.as_ref().map(|user| {
        with_fields!(types::RunUser {
            uid: user.uid,
            gid: user.gid
        })
    });
    seen.user_vpc = notebook.user_vpc.as_ref().map(|vpc| {
        with_fields!(types::UserVpc {
            vpc_id: vpc.vpc_id.clone(),
            subnet_id: vpc.subnet_id.clone(),
            security_group_ids: vpc.security_group_ids.clone(),
            // A list in the request, one text in the response.
            connect_cidrs: vpc.connect_cidrs.as_ref().map(|all| all.join(",")),
            nat_id: vpc.nat_id.clone(),
            eip_id: vpc.eip_id.clone()
        })
    });
}

fn rules(rules: &Option<Vec<NodeAffinityRuleReq>>) -> Option<Vec<types::NodeAffinityRule>> {
    let rule = |rule: &NodeAffinityRuleReq| {
        with_fields!(types::NodeAffinityRule {
            key: Some(rule.key.clone()),
            operator: Some(rule.operator.clone()),
            values: Some(rule.values.clone()),
            weight: rule.weight,
        })
    };
    rules.as_ref().map(|all| all.iter().map(rule).collect())
}
