//! Instances, old generation.

use modelarts_client::devenviron::enums::{DevEnvInstanceStatus as D, NotebookStatus as N};
use modelarts_client::devenviron::types::{
    CreateDevEnvInstanceRequest, DeleteDevEnvInstanceResponse, DevEnvAutoStopReq, DevEnvInstance,
    DevEnvInstanceAction, ManageDevEnvInstanceResponse, UpdateDevEnvInstanceRequest,
};
use serde_json::Value;

use super::auto_stop::auto_stop;
use super::caller::At;
use super::capacity::Admission;
use super::catalogue::{self, Profile};
use super::devenv_checks::{in_between, restartable, startable, stoppable};
use super::devenv_storage::check_storage;
use super::devenv_wire::with_nulls;
use super::durations::Step;
use super::model::{Details, DevEnv, Generation, Instance};
use super::phase::Phase;
use super::project_checks::DEFAULT_WORKSPACE;
use super::stale_reads::View;
use super::state::State;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The AI project of an instance that names none.
pub(super) const DEFAULT_AI_PROJECT: &str = "default-ai-project";

impl State {
    /// Returns a [`DevEnvInstance`], with null for properties that have no value.
    pub(crate) fn show_dev_env(&self, at: &At<'_>, id: &str) -> ApiResult<Value> {
        let instance = self.find(at.caller, Generation::DevEnv, id)?;
        self.check_known(instance, at.now)?;
        with_nulls(&self.dev_env_wire(instance, at, View::Read))
    }

    pub(crate) fn create_dev_env(
        &mut self,
        at: &At<'_>,
        request: CreateDevEnvInstanceRequest,
    ) -> ApiResult<DevEnvInstance> {
        let now = at.now;
        let profile = require_profile(&request.profile_id)?;
        let flavor = self.require_flavor(&request.flavor)?;
        if flavor.hardware != profile.hardware && self.settings.strict {
            return Err(ApiError::new(
                code::PROFILE_FLAVOR,
                format!(
                    "The profile is for {} and the flavor '{}' for {}; choose a profile and a flavor for the same hardware.",
                    profile.hardware, request.flavor, flavor.hardware
                ),
            ));
        }
        let free = flavor.is_free();
        check_storages(&request)?;
        if let Some(pool) = &request.pool {
            self.check_dev_env_pool(at.caller, pool)?;
        }
        let (lease, prompt) = auto_stop(request.spec.auto_stop.as_ref(), None, now)?;
        let workspace = request
            .workspace
            .and_then(|workspace| workspace.id)
            .unwrap_or_else(|| DEFAULT_WORKSPACE.into());
        self.check_workspace(at.caller, &workspace)?;
        self.check_quota(at.caller, Generation::DevEnv)?;
        let Admission {
            status,
            queue,
            failing,
        } = self.admit(Step::Create, &request.flavor, free, now)?;
        let seq = self.next_seq();
        let id = format!("DE-{}", self.core.ids.uuid());
        let ai_project = request.ai_project.and_then(|project| project.id);
        self.add(Instance {
            seq,
            id: id.clone(),
            project: at.caller.project.clone(),
            owner: at.caller.user.clone(),
            name: request.name,
            description: request.description.unwrap_or_default(),
            workspace,
            flavor: request.flavor,
            free,
            phase: Phase::enter(status, now, &self.settings.durations, failing),
            previous: N::Init.into(),
            created: now,
            updated: now,
            lease,
            failure: None,
            queue,
            details: Details::DevEnv(Box::new(DevEnv {
                profile: request.profile_id,
                storage: request.spec.storage,
                volume_size: None,
                extend_storage: request.spec.extend_storage,
                annotations: request.spec.annotations.unwrap_or_default(),
                pool: request.pool,
                ai_project: ai_project.unwrap_or_else(|| DEFAULT_AI_PROJECT.into()),
                prompt,
                next_lease: None,
                ml_studio: profile.ml_studio,
            })),
        });
        self.dev_env_response(at, &id)
    }

    pub(crate) fn update_dev_env(
        &mut self,
        at: &At<'_>,
        id: &str,
        request: UpdateDevEnvInstanceRequest,
    ) -> ApiResult<Value> {
        let now = at.now;
        let instance = self.find(at.caller, Generation::DevEnv, id)?;
        if *instance.status() == N::Frozen {
            return Err(ApiError::frozen());
        }
        let change = request
            .spec
            .as_ref()
            .and_then(|spec| spec.auto_stop.as_ref());
        let auto_stop = change
            .map(|change| {
                with_fields!(DevEnvAutoStopReq {
                    duration: change.duration,
                    enable: change.enable,
                    prompt: change.prompt,
                })
            })
            .map(|change| auto_stop(Some(&change), Some(instance), now))
            .transpose()?;
        let seq = instance.seq;
        self.change(seq, now, |instance, _| {
            instance.updated = now;
            if let Some(description) = request.description {
                instance.description = description;
            }
            let Some((lease, prompt)) = auto_stop else {
                return;
            };
            let running = instance.status().is_up();
            let Details::DevEnv(dev_env) = &mut instance.details else {
                return;
            };
            dev_env.prompt = prompt;
            // A run that has begun ends at its original time, unless the automatic stop is disabled.
            if running && lease.enabled {
                dev_env.next_lease = (!lease.has_settings_of(&instance.lease)).then_some(lease);
            } else {
                dev_env.next_lease = None;
                instance.lease = lease;
            }
        });
        with_nulls(&self.dev_env_response(at, id)?)
    }

    pub(crate) fn delete_dev_env(
        &mut self,
        at: &At<'_>,
        id: &str,
    ) -> ApiResult<DeleteDevEnvInstanceResponse> {
        let instance = self.find(at.caller, Generation::DevEnv, id)?;
        let status = instance.status();
        if *status == N::Deleting || (status.is_transient() && !status.is_queued()) {
            return Err(in_between(status));
        }
        if self.settings.strict && status.is_up() {
            return Err(ApiError::new(
                code::STOP_FIRST,
                format!("The instance is {status}; stop it before you delete it."),
            ));
        }
        let seq = instance.seq;
        let failing = self.planned(Step::Delete);
        self.change(seq, at.now, |instance, durations| {
            instance.enter(N::Deleting, at.now, durations, failing);
        });
        Ok(with_fields!(DeleteDevEnvInstanceResponse {
            instance_id: Some(id.to_owned()),
        }))
    }

    pub(crate) fn manage_dev_env(
        &mut self,
        at: &At<'_>,
        id: &str,
        action: DevEnvInstanceAction,
    ) -> ApiResult<ManageDevEnvInstanceResponse> {
        let now = at.now;
        let instance = self.find(at.caller, Generation::DevEnv, id)?;
        let before = instance.status().clone();
        let ml_studio = instance.dev_env().is_some_and(|dev_env| dev_env.ml_studio);
        let step = match action {
            DevEnvInstanceAction::Start => startable(&before).map(|()| Step::Start)?,
            DevEnvInstanceAction::Stop => stoppable(&before).map(|()| Step::Stop)?,
            DevEnvInstanceAction::Restart if !ml_studio => {
                return Err(ApiError::value(
                    "action",
                    "only ML Studio instances can be restarted",
                ));
            }
            DevEnvInstanceAction::Restart => restartable(&before).map(|()| Step::Restart)?,
            other => {
                return Err(ApiError::value(
                    "action",
                    format_args!("the emulator does not support '{other}'"),
                ));
            }
        };
        let (seq, free, flavor) = (instance.seq, instance.free, instance.flavor.clone());
        let (status, queue, failing) = match step {
            Step::Start => {
                let admission = self.admit(step, &flavor, free, now)?;
                (admission.status, admission.queue, admission.failing)
            }
            Step::Stop => (N::Stopping.into(), None, self.planned(step)),
            _ => (D::Restarting.into(), None, self.planned(step)),
        };
        let status = self.change(seq, now, |instance, durations| {
            instance.enter(status, now, durations, failing);
            instance.queue = queue;
            instance.status().in_old_words()
        });
        Ok(with_fields!(ManageDevEnvInstanceResponse {
            current_status: status.map(Into::into),
            previous_state: Some(before.in_old_words().into()),
        }))
    }

    fn dev_env_response(&self, at: &At<'_>, id: &str) -> ApiResult<DevEnvInstance> {
        let instance = self.find(at.caller, Generation::DevEnv, id)?;
        Ok(self.dev_env_wire(instance, at, View::Fresh))
    }
}

fn require_profile(id: &str) -> ApiResult<&'static Profile> {
    catalogue::profile(id).ok_or_else(|| {
        let known: Vec<&str> = catalogue::PROFILES
            .iter()
            .map(|profile| profile.id)
            .collect();
        ApiError::value(
            "profile_id",
            format_args!("'{id}' is unknown; it must be one of {}", known.join(", ")),
        )
    })
}

/// Refuses storage that an instance of the old generation cannot have.
fn check_storages(request: &CreateDevEnvInstanceRequest) -> ApiResult<()> {
    check_storage(&request.spec.storage, "spec.storage", "obs")?;
    for (index, storage) in request.spec.extend_storage.iter().flatten().enumerate() {
        let field = format!("spec.extend_storage[{index}]");
        if request.pool.is_none() {
            return Err(ApiError::value(
                &field,
                "extended storage is only available in dedicated resource pools; set 'pool' as well",
            ));
        }
        check_storage(storage, &field, "obsfs")?;
    }
    Ok(())
}
