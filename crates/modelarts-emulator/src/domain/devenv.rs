//! Instances, old generation.

use modelarts_client::devenviron::enums::{DevEnvInstanceStatus as D, NotebookStatus as N};
use modelarts_client::devenviron::types::{
    CreateDevEnvInstanceRequest, DeleteDevEnvInstanceResponse, DevEnvAutoStopReq, DevEnvInstance,
    DevEnvInstanceAction, DevEnvInstanceList, DevEnvPoolReq, DevEnvStorageReq,
    ManageDevEnvInstanceResponse, UpdateDevEnvInstanceRequest,
};
use serde_json::Value;

use super::catalogue;
use super::listing::Scope;
use super::model::{Details, DevEnv, Generation, Instance, Lease};
use super::page::{Order, Paging, SortKey};
use super::phase::Phase;
use super::wire::{View, with_nulls};
use super::{At, Caller, InstanceStatus as S, State, Step};
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The time to an automatic stop that was never asked for, and is off.
const DEFAULT_STOP: Millis = 3_600_000;

/// The filters of the list.
#[derive(Debug, Default)]
pub(crate) struct DevEnvQuery<'a> {
    pub(crate) own: bool,
    pub(crate) status: Option<&'a str>,
    pub(crate) workspace: Option<&'a str>,
    pub(crate) ai_project: Option<&'a str>,
    pub(crate) pool: Option<&'a str>,
    pub(crate) by_creation: bool,
    pub(crate) descending: bool,
    pub(crate) paging: Paging,
}

impl State {
    pub(crate) fn list_dev_envs(&self, at: &At<'_>, query: &DevEnvQuery<'_>) -> DevEnvInstanceList {
        let scope = Scope {
            project: at.caller.project.clone(),
            generation: Generation::DevEnv,
            free: None,
            owner: query.own.then(|| at.caller.user.clone()),
        };
        let order = Order {
            keys: vec![if query.by_creation {
                SortKey::Created
            } else {
                SortKey::Name
            }],
            descending: query.descending,
        };
        let filter = |instance: &Instance| {
            let Some(dev_env) = instance.dev_env() else {
                return false;
            };
            let pool = dev_env.pool.as_ref().map(|pool| pool.id.as_str());
            query
                .status
                .is_none_or(|wanted| instance.status().in_old_words() == D::from(wanted))
                && query
                    .workspace
                    .is_none_or(|wanted| instance.workspace == wanted)
                && query
                    .ai_project
                    .is_none_or(|wanted| dev_env.ai_project == wanted)
                && query.pool.is_none_or(|wanted| pool == Some(wanted))
        };
        let filtered = query.status.is_some()
            || query.workspace.is_some()
            || query.ai_project.is_some()
            || query.pool.is_some();
        let filter: Option<&dyn Fn(&Instance) -> bool> = filtered.then_some(&filter);
        let (page, total) = self.select(&scope, &order, filter, query.paging);
        with_fields!(DevEnvInstanceList {
            total_count: Some(super::page::clamp(total)),
            instances: Some(
                page.into_iter()
                    .map(|instance| self.dev_env_wire(instance, at, View::Read))
                    .collect(),
            ),
        })
    }

    /// A [`DevEnvInstance`], with null for what it does not have.
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
        let profile = catalogue::profile(&request.profile_id).ok_or_else(|| {
            let known: Vec<&str> = catalogue::PROFILES
                .iter()
                .map(|profile| profile.id)
                .collect();
            ApiError::value(
                "profile_id",
                format_args!(
                    "'{}' is unknown; one of {}",
                    request.profile_id,
                    known.join(", ")
                ),
            )
        })?;
        let flavor = self.require_flavor(&request.flavor)?;
        if flavor.hardware != profile.hardware && self.settings.strict {
            return Err(ApiError::new(
                code::PROFILE_FLAVOR,
                format!(
                    "The profile is for {} and the flavor '{}' for {}; choose two of one kind.",
                    profile.hardware, request.flavor, flavor.hardware
                ),
            ));
        }
        let free = flavor.is_free();
        check_storage(&request.spec.storage, "spec.storage", "obs")?;
        for (index, storage) in request.spec.extend_storage.iter().flatten().enumerate() {
            let field = format!("spec.extend_storage[{index}]");
            if request.pool.is_none() {
                return Err(ApiError::value(
                    &field,
                    "only dedicated resource pools have extended storage; give 'pool' as well",
                ));
            }
            check_storage(storage, &field, "obsfs")?;
        }
        if let Some(pool) = &request.pool {
            self.check_dev_env_pool(at.caller, pool)?;
        }
        let (lease, prompt) = auto_stop(request.spec.auto_stop.as_ref(), None, now)?;
        let workspace = request
            .workspace
            .and_then(|workspace| workspace.id)
            .unwrap_or_else(|| "0".into());
        self.check_workspace(at.caller, &workspace)?;
        self.check_quota(at.caller, Generation::DevEnv)?;
        let sold_out = self.is_sold_out(&request.flavor);
        if sold_out && !free {
            return Err(ApiError::new(
                code::SOLD_OUT,
                format!(
                    "The flavor '{}' is sold out; take another one or try again later.",
                    request.flavor
                ),
            ));
        }
        let failing = if sold_out {
            None
        } else {
            self.planned(Step::Create)
        };
        let status = if sold_out {
            S::from(D::CreateQueuing)
        } else {
            S::from(N::Creating)
        };
        let seq = self.next_seq();
        let id = format!("DE-{}", self.core.ids.uuid());
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
            queue: sold_out.then(|| self.queue_place(now)),
            details: Details::DevEnv(Box::new(DevEnv {
                profile: request.profile_id,
                storage: request.spec.storage,
                volume_size: None,
                extend_storage: request.spec.extend_storage,
                annotations: request.spec.annotations.unwrap_or_default(),
                pool: request.pool,
                ai_project: request
                    .ai_project
                    .and_then(|project| project.id)
                    .unwrap_or_else(|| "default-ai-project".into()),
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
            return Err(frozen());
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
            // A run that has begun ends when it was going to, unless it shall not end by itself any more.
            if running && lease.enabled {
                dev_env.next_lease = (!lease.equals(&instance.lease)).then_some(lease);
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
                    "restart is for ML Studio instances only",
                ));
            }
            DevEnvInstanceAction::Restart => restartable(&before).map(|()| Step::Restart)?,
            other => {
                return Err(ApiError::value(
                    "action",
                    format_args!("the emulator knows no '{other}'"),
                ));
            }
        };
        let (seq, free, flavor) = (instance.seq, instance.free, instance.flavor.clone());
        let sold_out = step == Step::Start && self.is_sold_out(&flavor);
        if sold_out && !free {
            return Err(ApiError::new(
                code::START_CAPACITY,
                format!(
                    "No machine of the flavor '{flavor}' is free; start the instance again later."
                ),
            ));
        }
        let failing = if sold_out { None } else { self.planned(step) };
        let place = sold_out.then(|| self.queue_place(now));
        let status = match step {
            Step::Start if sold_out => S::from(D::StartQueuing),
            Step::Start => N::Starting.into(),
            Step::Stop => N::Stopping.into(),
            _ => D::Restarting.into(),
        };
        let status = self.change(seq, now, |instance, durations| {
            instance.enter(status, now, durations, failing);
            instance.queue = place;
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

    /// The pool has to be one of the project's, and what is said of it beside its id has to be true.
    fn check_dev_env_pool(&self, caller: &Caller, pool: &DevEnvPoolReq) -> ApiResult<()> {
        let project = self.accounts.projects.get(&caller.project);
        let Some(name) = project.and_then(|project| project.pools.get(&pool.id)) else {
            return Err(ApiError::value(
                "pool.id",
                format_args!("the project has no dedicated pool '{}'", pool.id),
            ));
        };
        if pool.name.as_ref().is_some_and(|given| given != name) {
            return Err(ApiError::value(
                "pool.name",
                format_args!("the pool '{}' is called '{name}'", pool.id),
            ));
        }
        if pool.type_.as_ref().is_some_and(|kind| kind.is_unknown()) {
            return Err(ApiError::value("pool.type", "the pool is USER_DEFINED"));
        }
        let owner = pool
            .owner
            .as_ref()
            .and_then(|owner| owner.project_id.as_ref());
        if owner.is_some_and(|owner| *owner != caller.project) {
            return Err(ApiError::value(
                "pool.owner.project_id",
                format_args!("the pool belongs to the project '{}'", caller.project),
            ));
        }
        Ok(())
    }
}

fn frozen() -> ApiError {
    ApiError::new(
        code::FROZEN,
        "The instance is frozen; settle the balance of the account first.",
    )
}

fn in_between(status: &S) -> ApiError {
    let (code, text) = match status {
        S::Notebook(N::Starting) => (
            code::STARTING,
            format!("starting; wait until it is {}", N::Running),
        ),
        S::Notebook(N::Stopping) => (
            code::STOPPING,
            format!("stopping; wait until it is {}", N::Stopped),
        ),
        _ => (
            code::BUSY,
            "busy with another operation; wait until that has ended".to_owned(),
        ),
    };
    ApiError::new(code, format!("The instance is {text}."))
}

fn startable(status: &S) -> ApiResult<()> {
    match status {
        S::Notebook(N::Stopped | N::StartFailed | N::CreateFailed) => Ok(()),
        S::Notebook(N::Frozen) => Err(frozen()),
        status if status.is_up() => Err(ApiError::new(
            code::ALREADY_RUNNING,
            "The instance is running already.",
        )),
        status => Err(in_between(status)),
    }
}

fn stoppable(status: &S) -> ApiResult<()> {
    match status {
        S::Notebook(N::Error) | S::DevEnv(D::Unavailable) => Ok(()),
        S::Notebook(N::Frozen) => Err(frozen()),
        S::Notebook(N::Stopped) => Err(ApiError::new(
            code::ALREADY_STOPPED,
            "The instance is stopped already.",
        )),
        status if status.is_up() => Ok(()),
        status => Err(in_between(status)),
    }
}

fn restartable(status: &S) -> ApiResult<()> {
    match status {
        S::Notebook(N::Frozen) => Err(frozen()),
        status if status.is_up() => Ok(()),
        status if status.is_transient() => Err(in_between(status)),
        status => Err(ApiError::new(
            code::NOT_RUNNING,
            format!(
                "The instance is {}; only a running one can be restarted.",
                status.in_old_words()
            ),
        )),
    }
}

/// The automatic stop that a request asks for, on top of what an instance has.
fn auto_stop(
    request: Option<&DevEnvAutoStopReq>,
    instance: Option<&Instance>,
    now: Millis,
) -> ApiResult<(Lease, bool)> {
    let before = instance.map(Instance::configured_lease);
    let prompt = instance
        .and_then(Instance::dev_env)
        .is_none_or(|dev_env| dev_env.prompt);
    let enabled = request
        .and_then(|request| request.enable)
        .unwrap_or_else(|| before.is_some_and(|lease| lease.enabled));
    let duration = request.and_then(|request| request.duration);
    let asked_to = request.and_then(|request| request.enable) == Some(true);
    if asked_to && duration.is_none() {
        return Err(ApiError::new(
            code::NO_DURATION,
            "'spec.auto_stop.duration' (seconds) is required when auto_stop is enabled.",
        ));
    }
    let lease = Lease {
        enabled,
        idle: false,
        duration: duration
            .map(|seconds| Millis::from(seconds) * 1000)
            .or(before.map(|lease| lease.duration))
            .unwrap_or(DEFAULT_STOP),
        since: now,
        updated: now,
    };
    let prompt = request.and_then(|request| request.prompt).unwrap_or(prompt);
    Ok((lease, prompt))
}

fn check_storage(storage: &DevEnvStorageReq, field: &str, accepted: &str) -> ApiResult<()> {
    let kind = storage.type_.as_str();
    if !accepted.eq_ignore_ascii_case(kind) {
        return Err(ApiError::new(
            code::STORAGE_TYPE,
            format!("'{field}.type' is '{kind}'; only {accepted} is supported."),
        ));
    }
    let path = storage
        .location
        .as_ref()
        .and_then(|location| location.path.as_deref());
    match path.filter(|path| !path.is_empty()) {
        Some(path) => check_path(path, &format!("{field}.location.path")),
        None if accepted == "obs" => Err(ApiError::new(
            code::NO_PATH,
            format!("'{field}.location.path' is required when the type is obs."),
        )),
        None => Ok(()),
    }
}

/// A directory in a bucket: `/bucket/folder/` or `obs://bucket/folder/`.
fn check_path(path: &str, field: &str) -> ApiResult<()> {
    if !path.ends_with('/') {
        return Err(ApiError::new(
            code::PATH_END,
            "The param path needs to end with /.",
        ));
    }
    let Some(plain) = path
        .strip_prefix("obs://")
        .or_else(|| path.strip_prefix('/'))
    else {
        return Err(ApiError::value(
            field,
            "it has to begin with a bucket, like /bucket/folder/ or obs://bucket/folder/",
        ));
    };
    let (bucket, folders) = plain.split_once('/').unwrap_or((plain, ""));
    if !is_bucket(bucket) {
        return Err(ApiError::value(
            field,
            format_args!(
                "'{bucket}' is no bucket; its name has 3 to 63 lower-case letters, digits, hyphens and periods"
            ),
        ));
    }
    if folders.is_empty() {
        return Err(ApiError::new(
            code::PATH_ROOT,
            format!("'{field}' has to name a folder in a bucket, like /bucket/folder/."),
        ));
    }
    let folders = folders.strip_suffix('/').unwrap_or(folders);
    if folders
        .split('/')
        .any(|folder| ["", ".", ".."].contains(&folder))
    {
        return Err(ApiError::value(
            field,
            "a folder in it is empty, `.` or `..`",
        ));
    }
    Ok(())
}

/// Whether OBS would take this name for a bucket.
fn is_bucket(name: &str) -> bool {
    let at_end = |letter: Option<u8>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric());
    let bytes = name.as_bytes();
    (3..=63).contains(&bytes.len())
        && bytes
            .iter()
            .all(|letter| matches!(letter, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
        && at_end(bytes.first().copied())
        && at_end(bytes.last().copied())
        && !["..", ".-", "-."].iter().any(|pair| name.contains(pair))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_folder_in_a_bucket_is_a_path() {
        for good in [
            "/aaaaaaaaa/output/",
            "obs://team-bucket/a b/ä/",
            "/a.b-c/x/y/",
        ] {
            assert!(check_path(good, "path").is_ok(), "{good}");
        }
        for (bad, expected) in [
            ("/bucket/folder", code::PATH_END),
            ("/bucket/", code::PATH_ROOT),
            ("obs://bucket/", code::PATH_ROOT),
            ("bucket/folder/", code::VALUE),
            ("s3://bucket/folder/", code::VALUE),
            ("//folder/", code::VALUE),
            ("/", code::VALUE),
            ("/ab/folder/", code::VALUE),
            ("/Bucket/folder/", code::VALUE),
            ("/buck_et/folder/", code::VALUE),
            ("/-bucket/folder/", code::VALUE),
            ("/bucket//folder/", code::VALUE),
            ("/bucket/../folder/", code::VALUE),
        ] {
            let refused = check_path(bad, "path").unwrap_err();
            assert_eq!(refused.code, expected, "{bad}: {refused}");
        }
    }
}
