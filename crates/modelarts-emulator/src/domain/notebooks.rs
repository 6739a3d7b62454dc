//! Notebooks, new generation.

use modelarts_client::devenviron::enums::{NotebookStatus as N, VolumeStatus};
use modelarts_client::devenviron::types::{
    self, CreateNotebookRequest, LeaseReq, UpdateNotebookRequest, VolumeReq,
};

use super::caller::At;
use super::capacity::Admission;
use super::durations::{Durations, Step};
use super::lease::{self, Requested};
use super::model::{Details, Generation, Instance, Notebook, Volume};
use super::notebook_checks::{check_hooks, default_capacity, keep_key_pairs, not_now};
use super::phase::Phase;
use super::project_checks::DEFAULT_WORKSPACE;
use super::specification::{
    CUSTOM_FLAVOR, check_affinity, check_custom_spec, check_data_volumes, check_network,
};
use super::stale_reads::View;
use super::state::State;
use super::status::InstanceStatus as S;
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

impl State {
    pub(crate) fn create_notebook(
        &mut self,
        at: &At<'_>,
        mut request: CreateNotebookRequest,
    ) -> ApiResult<types::Notebook> {
        let now = at.now;
        if request.custom_spec.is_some() {
            CUSTOM_FLAVOR.clone_into(&mut request.flavor);
        }
        let free = self.check_creatable(at, &request)?;
        let asked = Requested {
            duration: request.duration,
            lease: request.lease.as_ref(),
            prefix: "lease.",
        };
        let lease = lease::requested(asked, now)?.unwrap_or_else(|| lease::default(now));
        self.check_quota(at.caller, Generation::Notebook)?;
        if free {
            self.check_free_limit(at.caller)?;
        }
        let volume = volume(&request.volume, now);
        self.check_evs_left(volume.is_evs().then_some(volume.capacity))?;
        let Admission {
            status,
            queue,
            failing,
        } = self.admit(Step::Create, &request.flavor, free, now)?;
        let seq = self.next_seq();
        let id = self.core.ids.uuid();
        let token = self.core.ids.uuid();
        let instance = Instance {
            seq,
            id: id.clone(),
            project: at.caller.project.clone(),
            owner: at.caller.user.clone(),
            name: request.name,
            description: request.description.unwrap_or_default(),
            workspace: request
                .workspace_id
                .unwrap_or_else(|| DEFAULT_WORKSPACE.into()),
            flavor: request.flavor,
            free,
            phase: Phase::enter(status, now, &self.settings.durations, failing),
            previous: N::Init.into(),
            created: now,
            updated: now,
            lease,
            failure: None,
            queue,
            details: Details::Notebook(Box::new(Notebook {
                image: request.image_id,
                token,
                volume,
                pool: request.pool_id,
                endpoints: request.endpoints.unwrap_or_default(),
                hooks: request.hooks,
                mounts: Vec::new(),
                data_volumes: request.data_volumes.unwrap_or_default(),
                tags: Default::default(),
                custom_spec: request.custom_spec,
                affinity: request.affinity,
                run_user: request.run_user,
                user_vpc: request.user_vpc,
                saving: None,
                ready: false,
            })),
        };
        self.add(instance);
        self.notebook_response(at, &id)
    }

    /// Refuses a request for a notebook that cannot be created. Returns whether the notebook is free of charge.
    fn check_creatable(&self, at: &At<'_>, request: &CreateNotebookRequest) -> ApiResult<bool> {
        let pool = request.pool_id.as_deref();
        check_custom_spec(request.custom_spec.as_ref(), pool)?;
        check_data_volumes(request.data_volumes.as_deref().unwrap_or_default())?;
        check_affinity(request.affinity.as_ref())?;
        check_network(request.public_network_config.as_ref())?;
        let free = self.check_feature(request.feature.as_deref(), &request.flavor)?;
        self.check_image(at.caller, &request.image_id, &request.flavor)?;
        self.check_volume(&request.volume, &request.flavor)?;
        let endpoints = request.endpoints.as_deref().unwrap_or_default();
        self.check_endpoints(at.caller, endpoints, &request.image_id)?;
        check_hooks(request.hooks.as_ref())?;
        self.check_pool(at.caller, pool)?;
        let workspace = request.workspace_id.as_deref();
        self.check_workspace(at.caller, workspace.unwrap_or(DEFAULT_WORKSPACE))?;
        Ok(free)
    }

    pub(crate) fn update_notebook(
        &mut self,
        at: &At<'_>,
        id: &str,
        mut request: UpdateNotebookRequest,
    ) -> ApiResult<types::Notebook> {
        let now = at.now;
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let seq = instance.seq;
        self.check_updatable(instance, &request)?;
        if let Some(flavor) = request.flavor.as_deref()
            && flavor != instance.flavor
        {
            let known = self.flavor(flavor);
            if !known.is_some_and(|known| self.can_switch(&instance.flavor, known)) {
                return Err(ApiError::new(
                    code::SWITCH_FLAVOR,
                    format!(
                        "The instance {id} cannot change to the flavor '{flavor}'; list its switchable flavors."
                    ),
                ));
            }
        }
        let notebook = instance.notebook().ok_or_else(ApiError::no_instance)?;
        let flavor = request.flavor.as_deref().unwrap_or(&instance.flavor);
        if let Some(image) = &request.image_id {
            self.check_image(at.caller, image, flavor)?;
        }
        if let Some(endpoints) = &mut request.endpoints {
            keep_key_pairs(&notebook.endpoints, endpoints)?;
            let image = request.image_id.as_deref().unwrap_or(&notebook.image);
            self.check_endpoints(at.caller, endpoints, image)?;
        }
        check_hooks(request.hooks.as_ref())?;
        check_custom_spec(request.custom_spec.as_ref(), notebook.pool.as_deref())?;
        check_data_volumes(request.data_volumes.as_deref().unwrap_or_default())?;
        check_affinity(request.affinity.as_ref())?;
        check_network(request.public_network_config.as_ref())?;
        if let Some(size) = request.storage_new_size {
            self.check_growth(&notebook.volume, size)?;
        }
        let durations = self.settings.durations.clone();
        self.change(seq, now, |instance, _| {
            update(instance, request, now, &durations);
        });
        self.notebook_response(at, id)
    }

    pub(crate) fn start_notebook(
        &mut self,
        at: &At<'_>,
        id: &str,
        duration: Option<i64>,
        kind: Option<&str>,
    ) -> ApiResult<types::Notebook> {
        let now = at.now;
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let startable = matches!(instance.status(), S::Notebook(N::Stopped | N::StartFailed));
        if !startable {
            return Err(not_now(instance, "started", &[N::Stopped]));
        }
        let asked = with_fields!(LeaseReq {
            duration: None,
            type_: kind.map(Into::into),
        });
        let asked = Requested {
            duration,
            lease: Some(&asked),
            prefix: "",
        };
        let lease = lease::requested(asked, now)?.unwrap_or_else(|| lease::default(now));
        let flavor = instance.flavor.clone();
        let (seq, free) = (instance.seq, instance.free);
        let Admission {
            status,
            queue,
            failing,
        } = self.admit(Step::Start, &flavor, free, now)?;
        self.change(seq, now, |instance, durations| {
            instance.enter(status, now, durations, failing);
            instance.queue = queue;
            instance.lease = lease;
        });
        self.notebook_response(at, id)
    }

    pub(crate) fn stop_notebook(&mut self, at: &At<'_>, id: &str) -> ApiResult<types::Notebook> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        if !matches!(instance.status(), S::Notebook(N::Running | N::Error)) {
            return Err(not_now(instance, "stopped", &[N::Running]));
        }
        let seq = instance.seq;
        let failing = self.planned(Step::Stop);
        self.change(seq, at.now, |instance, durations| {
            instance.enter(N::Stopping, at.now, durations, failing);
        });
        self.notebook_response(at, id)
    }

    pub(crate) fn delete_notebook(&mut self, at: &At<'_>, id: &str) -> ApiResult<types::Notebook> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let status = instance.status();
        if status.is_transient() && !status.is_queued() {
            return Err(not_now(instance, "deleted", &[N::Running, N::Stopped]));
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
        self.notebook_response(at, id)
    }

    fn notebook_response(&self, at: &At<'_>, id: &str) -> ApiResult<types::Notebook> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        Ok(self.notebook_wire(instance, at.now, View::Fresh))
    }
}

fn update(
    instance: &mut Instance,
    request: UpdateNotebookRequest,
    now: Millis,
    durations: &Durations,
) {
    instance.updated = now;
    if let Some(name) = request.name.filter(|name| !name.is_empty()) {
        instance.name = name;
    }
    if let Some(description) = request.description {
        instance.description = description;
    }
    if let Some(flavor) = request.flavor {
        instance.flavor = flavor;
        // A flavor replaces a custom specification, and the other way round.
        if let Some(notebook) = instance.notebook_mut() {
            notebook.custom_spec = None;
        }
    }
    if request.custom_spec.is_some() {
        CUSTOM_FLAVOR.clone_into(&mut instance.flavor);
    }
    let Some(notebook) = instance.notebook_mut() else {
        return;
    };
    if let Some(image) = request.image_id {
        notebook.image = image;
    }
    if let Some(endpoints) = request.endpoints {
        notebook.endpoints = endpoints;
    }
    if let Some(hooks) = request.hooks {
        notebook.hooks = Some(hooks);
    }
    if let Some(volumes) = request.data_volumes {
        notebook.data_volumes = volumes;
    }
    if let Some(affinity) = request.affinity {
        notebook.affinity = Some(affinity);
    }
    if let Some(name) = request.dew_secret_name {
        notebook.volume.dew_secret_name = Some(name);
    }
    if let Some(spec) = request.custom_spec {
        notebook.custom_spec = Some(spec);
    }
    if let Some(size) = request.storage_new_size {
        notebook.volume.capacity = size;
        notebook.volume.phase = Phase::enter(VolumeStatus::Resizing, now, durations, None);
    }
}

fn volume(request: &VolumeReq, now: Millis) -> Volume {
    let category = request.category.as_str().to_ascii_uppercase();
    let default = default_capacity(&category);
    Volume {
        category,
        ownership: request.ownership.as_str().to_ascii_uppercase(),
        capacity: request.capacity.unwrap_or(default),
        uri: request.uri.clone(),
        id: request.id.clone(),
        mount_path: request.mount_path.clone(),
        read_only: request.read_only,
        dew_secret_name: request.dew_secret_name.clone(),
        phase: Phase::settled(VolumeStatus::Initializing, now),
    }
}
