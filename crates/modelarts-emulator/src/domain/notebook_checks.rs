//! Rules for requests about notebooks, beyond the limits of the document.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use modelarts_client::devenviron::enums::{
    EndpointService, HookScriptType, ImageStatus, NotebookFeature, NotebookStatus as N,
    VolumeOwnership,
};
use modelarts_client::devenviron::types::{
    CustomHooks, EndpointsReq, HookConfig, UpdateNotebookRequest, VolumeReq,
};

use super::caller::Caller;
use super::listing::Scope;
use super::model::{Generation, Instance, Volume};
use super::specification::CUSTOM_FLAVOR;
use super::state::State;
use crate::error::{ApiError, ApiResult, code};

const DEFAULT_EVS: i32 = 5;
const DEFAULT_EFS: i32 = 50;

impl State {
    /// Checks that the feature fits the flavor. Returns whether the notebook is free of charge.
    pub(super) fn check_feature(
        &self,
        feature: Option<&NotebookFeature>,
        flavor: &str,
    ) -> ApiResult<bool> {
        let feature = feature.unwrap_or(&NotebookFeature::Notebook);
        if feature.is_unknown() {
            return Err(ApiError::value(
                "feature",
                format_args!("'{feature}' is neither NOTEBOOK nor DEFAULT"),
            ));
        }
        let free = *feature == NotebookFeature::Default;
        let is_for_free = flavor != CUSTOM_FLAVOR && self.require_flavor(flavor)?.is_free();
        if free != is_for_free {
            return Err(ApiError::new(
                code::FLAVOR_FEATURE,
                format!("The flavor '{flavor}' does not have the feature {feature}."),
            ));
        }
        Ok(free)
    }

    pub(super) fn check_free_limit(&self, caller: &Caller) -> ApiResult<()> {
        let scope = Scope {
            project: caller.project.clone(),
            generation: Generation::Notebook,
            free: Some(true),
            owner: Some(caller.user.clone()),
        };
        if self.listing.count(&scope) == 0 {
            return Ok(());
        }
        Err(ApiError::new(
            code::INSTANCE_QUOTA,
            "A user may have one free notebook; delete it before you create another one.",
        ))
    }

    pub(super) fn check_image(&self, caller: &Caller, image: &str, flavor: &str) -> ApiResult<()> {
        let missing = || {
            ApiError::new(
                code::IMAGE,
                format!(
                    "The image '{image}' cannot be found; list the images and use the id of one that is {}.",
                    ImageStatus::Active
                ),
            )
        };
        let entry = self.visible_image(caller, image).ok_or_else(missing)?;
        if entry.phase.status != ImageStatus::Active {
            return Err(missing());
        }
        let Some(flavor) = self.flavor(flavor) else {
            return Ok(());
        };
        let category = flavor.offer.category.as_ref();
        let fits = entry
            .image
            .resource_categories
            .as_ref()
            .is_none_or(|known| {
                known.is_empty()
                    || category
                        .is_none_or(|category| known.iter().any(|one| *one == category.as_str()))
            });
        if entry.image.arch != flavor.offer.arch || !fits {
            return Err(ApiError::value(
                "image_id",
                format_args!("the image does not run on the flavor '{}'", flavor.id()),
            ));
        }
        Ok(())
    }

    pub(super) fn check_volume(&self, volume: &VolumeReq, flavor: &str) -> ApiResult<()> {
        let category = volume.category.as_str();
        let known = ["EVS", "EFS", "SFS"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(category));
        let stored = self
            .flavor(flavor)
            .is_none_or(|flavor| flavor.stores(category));
        if !known || !stored {
            return Err(ApiError::new(
                code::STORAGE_TYPE,
                format!(
                    "'volume.category' is '{category}', which the flavor does not offer; use EVS or EFS."
                ),
            ));
        }
        if volume.ownership.is_unknown() {
            return Err(ApiError::value(
                "volume.ownership",
                format_args!("'{}' is neither MANAGED nor DEDICATED", volume.ownership),
            ));
        }
        let dedicated = volume.ownership == VolumeOwnership::Dedicated;
        if category.eq_ignore_ascii_case("EVS") {
            if dedicated {
                return Err(ApiError::value(
                    "volume.ownership",
                    "DEDICATED needs the category EFS",
                ));
            }
            return Ok(());
        }
        if dedicated {
            let why = " when volume.category is EFS and volume.ownership is DEDICATED";
            if volume.uri.as_deref().is_none_or(str::is_empty) {
                return Err(ApiError::required("volume.uri", why));
            }
            if volume.id.as_deref().is_none_or(str::is_empty) {
                return Err(ApiError::required("volume.id", why));
            }
        }
        if volume.capacity.is_some_and(|capacity| capacity < 1) {
            return Err(ApiError::value(
                "volume.capacity",
                "it must be at least 1 GB",
            ));
        }
        Ok(())
    }

    pub(super) fn check_evs_left(&self, wanted: Option<i32>) -> ApiResult<()> {
        let (Some(wanted), Some(all)) = (wanted, self.core.capacity.evs) else {
            return Ok(());
        };
        let wanted = u64::try_from(wanted).unwrap_or_default();
        if self.evs + wanted <= all {
            return Ok(());
        }
        Err(ApiError::new(
            code::NO_EVS,
            format!("The region has no {wanted} GB of EVS left; try again later or use EFS."),
        ))
    }

    pub(super) fn check_growth(&self, volume: &Volume, size: i32) -> ApiResult<()> {
        if !volume.is_evs() {
            return Err(ApiError::value(
                "storage_new_size",
                "only an EVS disk can grow",
            ));
        }
        if size <= volume.capacity {
            return Err(ApiError::value(
                "storage_new_size",
                format_args!("the disk has {} GB and can only grow", volume.capacity),
            ));
        }
        if volume.phase.until.is_some() {
            return Err(ApiError::new(
                code::BUSY,
                format!(
                    "The disk is {}; wait until the operation has ended.",
                    volume.phase.status.as_str()
                ),
            ));
        }
        self.check_evs_left(Some(size - volume.capacity))
    }

    pub(super) fn check_endpoints(
        &self,
        caller: &Caller,
        endpoints: &[EndpointsReq],
        image: &str,
    ) -> ApiResult<()> {
        let known_pairs = self
            .accounts
            .users
            .get(&caller.user)
            .and_then(|user| user.key_pairs.as_ref());
        let mut ssh = false;
        for (index, endpoint) in endpoints.iter().enumerate() {
            let service = endpoint.service.as_deref();
            if let Some(service) = service.filter(|service| service.is_unknown()) {
                return Err(ApiError::value(
                    &format!("endpoints[{index}].service"),
                    format_args!("'{service}' is neither NOTEBOOK nor SSH"),
                ));
            }
            let pairs = endpoint.key_pair_names.as_deref().unwrap_or_default();
            let ips = endpoint.allowed_access_ips.as_deref().unwrap_or_default();
            ssh |= service == Some(&EndpointService::Ssh);
            let needs_pair = service == Some(&EndpointService::Ssh) || !ips.is_empty();
            if needs_pair && pairs.is_empty() && self.settings.strict {
                return Err(ApiError::required(
                    &format!("endpoints[{index}].key_pair_names"),
                    " for the service SSH and for allowed_access_ips",
                ));
            }
            let foreign = pairs
                .iter()
                .find(|pair| known_pairs.is_some_and(|known| !known.contains(*pair)));
            if let Some(pair) = foreign {
                return Err(ApiError::new(
                    code::KEY_PAIR,
                    format!(
                        "The key pair '{pair}' does not belong to the caller; use one of the caller's key pairs."
                    ),
                ));
            }
        }
        let ssh_only = self.visible_image(caller, image).is_some_and(|entry| {
            entry.image.dev_services.as_ref().is_some_and(|services| {
                services
                    .iter()
                    .any(|service| *service == EndpointService::Ssh)
                    && !services
                        .iter()
                        .any(|service| *service == EndpointService::Notebook)
            })
        });
        if ssh_only && !ssh {
            return Err(ApiError::new(
                code::SSH_ONLY,
                format!(
                    "The image '{image}' can only be reached over SSH; add an endpoint for the service SSH."
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn check_pool(&self, caller: &Caller, pool: Option<&str>) -> ApiResult<()> {
        let Some(pool) = pool.filter(|pool| !pool.is_empty()) else {
            return Ok(());
        };
        let known = self
            .accounts
            .projects
            .get(&caller.project)
            .is_some_and(|project| project.pools.contains_key(pool));
        if known {
            return Ok(());
        }
        Err(ApiError::value(
            "pool_id",
            format_args!("the project has no dedicated pool '{pool}'"),
        ))
    }

    /// Refuses changes that are not possible in the present status.
    pub(super) fn check_updatable(
        &self,
        instance: &Instance,
        request: &UpdateNotebookRequest,
    ) -> ApiResult<()> {
        let status = instance.status();
        if *status == N::Frozen {
            return Err(ApiError::frozen());
        }
        if status.is_transient() {
            return Err(not_now(instance, "changed", &[N::Running, N::Stopped]));
        }
        if *status == N::Stopped {
            return Ok(());
        }
        let strict = self.settings.strict;
        let fixed = [
            ("flavor", request.flavor.is_some()),
            ("image_id", request.image_id.is_some()),
            ("endpoints", request.endpoints.is_some()),
            ("hooks", request.hooks.is_some()),
            ("custom_spec", request.custom_spec.is_some()),
            ("affinity", request.affinity.is_some()),
            ("data_volumes", request.data_volumes.is_some()),
            ("dew_secret_name", request.dew_secret_name.is_some()),
            (
                "public_network_config",
                request.public_network_config.is_some(),
            ),
            ("name", strict && request.name.is_some()),
            ("description", strict && request.description.is_some()),
            (
                "storage_new_size",
                strict && request.storage_new_size.is_some(),
            ),
        ];
        match fixed.iter().find(|(_, asked)| *asked) {
            None => Ok(()),
            Some((field, _)) => Err(ApiError::new(
                code::STATE_PARAMETER,
                format!(
                    "'{field}' cannot be changed while the instance is {status}; stop it first."
                ),
            )),
        }
    }
}

/// The default size of a volume, in GB.
pub(super) fn default_capacity(category: &str) -> i32 {
    if category == "EVS" {
        DEFAULT_EVS
    } else {
        DEFAULT_EFS
    }
}

/// Keeps the key pairs, which are fixed at creation: a change may leave them out, but must not name others.
pub(super) fn keep_key_pairs(before: &[EndpointsReq], after: &mut [EndpointsReq]) -> ApiResult<()> {
    for (index, endpoint) in after.iter_mut().enumerate() {
        let same = |other: &&EndpointsReq| other.service == endpoint.service;
        let Some(known) = before.iter().find(same).map(|it| &it.key_pair_names) else {
            continue;
        };
        match (known, &endpoint.key_pair_names) {
            (Some(known), Some(named)) if !known.is_empty() && known != named => {
                return Err(ApiError::value(
                    &format!("endpoints[{index}].key_pair_names"),
                    format_args!(
                        "the key pairs of a notebook cannot be changed; they are {}",
                        known.join(", ")
                    ),
                ));
            }
            (_, None) => endpoint.key_pair_names.clone_from(known),
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn check_hooks(hooks: Option<&CustomHooks>) -> ApiResult<()> {
    let Some(hooks) = hooks.and_then(|hooks| hooks.container_hooks.as_ref()) else {
        return Ok(());
    };
    check_hook("post_start", hooks.post_start.as_ref())?;
    check_hook("pre_start", hooks.pre_start.as_ref())
}

fn check_hook(name: &str, hook: Option<&HookConfig>) -> ApiResult<()> {
    let Some(hook) = hook else {
        return Ok(());
    };
    let field = |part: &str| format!("hooks.container_hooks.{name}.{part}");
    if let Some(mode) = hook.mode.as_deref().filter(|mode| mode.is_unknown()) {
        return Err(ApiError::value(
            &field("mode"),
            format_args!("'{mode}' is neither BLOCK nor ASYNC"),
        ));
    }
    if let Some(kind) = hook.type_.as_deref().filter(|kind| kind.is_unknown()) {
        return Err(ApiError::value(
            &field("type"),
            format_args!("'{kind}' is neither COMMAND nor SCRIPT"),
        ));
    }
    let Some(script) = hook.script.as_deref().filter(|script| !script.is_empty()) else {
        return Err(ApiError::required(&field("script"), " in a hook"));
    };
    let is_text = hook
        .type_
        .as_ref()
        .is_some_and(|kind| *kind == HookScriptType::Command);
    let problem = match is_text {
        true if BASE64_STANDARD.decode(script).is_err() => {
            "it must be Base64 if the type is COMMAND"
        }
        false if !script.starts_with('/') => {
            "it must be an absolute path unless the type is COMMAND"
        }
        _ => return Ok(()),
    };
    Err(ApiError::value(&field("script"), problem))
}

/// Returns the error for an action that is not possible in the present status.
pub(super) fn not_now(instance: &Instance, verb: &str, when: &[N]) -> ApiError {
    if *instance.status() == N::Frozen {
        return ApiError::frozen();
    }
    let when: Vec<&str> = when.iter().map(N::as_str).collect();
    let when = when.join(" or ");
    ApiError::new(
        code::BUSY,
        format!(
            "The instance is {} and cannot be {verb} now; it must be {when}.",
            instance.status()
        ),
    )
}
