//! Notebooks, new generation.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use modelarts_client::ErrorCode;
use modelarts_client::devenviron::enums::{
    DevEnvInstanceStatus as D, EndpointService, HookScriptType, ImageStatus, NotebookFeature,
    NotebookStatus as N, VolumeOwnership, VolumeStatus,
};
use modelarts_client::devenviron::types::{
    self, CreateNotebookRequest, CustomHooks, EndpointsReq, HookConfig, LeaseReq,
    UpdateNotebookRequest, VolumeReq,
};

use super::durations::millis;
use super::lease::Requested;
use super::listing::Scope;
use super::model::{Details, Generation, Instance, Notebook, Queue, Volume};
use super::page::{Order, Paging, SortKey};
use super::phase::Phase;
use super::specification::{
    CUSTOM_FLAVOR, check_affinity, check_custom_spec, check_data_volumes, check_network,
};
use super::tags;
use super::wire::{View, node_address};
use super::{At, Caller, InstanceStatus as S, State, Step, lease};
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

const DEFAULT_EVS: i32 = 5;
const DEFAULT_EFS: i32 = 50;

/// The filters of the two lists.
#[derive(Debug, Default)]
pub(crate) struct NotebookQuery<'a> {
    /// Other users' notebooks too.
    pub(crate) all: bool,
    pub(crate) feature: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) pool: Option<&'a str>,
    pub(crate) owner: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    pub(crate) workspace: Option<&'a str>,
    pub(crate) flavor: Option<&'a str>,
    pub(crate) image: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) billing: Option<&'a str>,
    pub(crate) tags: Option<&'a str>,
    pub(crate) swr_path: Option<&'a str>,
    pub(crate) pool_name: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) ip: Option<&'a str>,
    pub(crate) user_name: Option<&'a str>,
    pub(crate) sort_key: Option<&'a str>,
    pub(crate) ascending: bool,
    pub(crate) paging: Paging,
}

impl State {
    pub(crate) fn list_notebooks(
        &self,
        at: &At<'_>,
        query: &NotebookQuery<'_>,
    ) -> ApiResult<Bytes> {
        let order = Order {
            keys: SortKey::parse_list(query.sort_key)?,
            descending: !query.ascending,
        };
        let own = Some(at.caller.user.clone());
        let owner = match (query.all, query.owner) {
            (_, Some(owner)) if at.caller.admin || owner == at.caller.user => {
                Some(owner.to_owned())
            }
            (true, _) => None,
            (false, _) => own,
        };
        let scope = Scope {
            project: at.caller.project.clone(),
            generation: Generation::Notebook,
            free: Some(
                query
                    .feature
                    .is_some_and(|feature| feature.eq_ignore_ascii_case("DEFAULT")),
            ),
            owner,
        };
        let tags = query.tags.map(tags::parse_filter).transpose()?;
        if let Some(billing) = query.billing
            && !["COMPUTE", "STORAGE", "ALL"].contains(&billing.to_ascii_uppercase().as_str())
        {
            return Err(ApiError::value(
                "billing",
                "it has to be COMPUTE, STORAGE or ALL",
            ));
        }
        let filter = |instance: &Instance| {
            let Some(notebook) = instance.notebook() else {
                return false;
            };
            let pool = notebook.pool.as_deref();
            let contains = |wanted: Option<&str>, text: &dyn Fn() -> Option<String>| {
                wanted.is_none_or(|wanted| text().is_some_and(|text| text.contains(wanted)))
            };
            let has = |(key, value): &(&str, Option<&str>)| {
                let found = notebook.tags.get(*key);
                found.is_some_and(|found| value.is_none_or(|value| found == value))
            };
            query
                .flavor
                .is_none_or(|wanted| instance.flavor.contains(wanted))
                && query.image.is_none_or(|wanted| notebook.image == wanted)
                && query.id.is_none_or(|wanted| instance.id == wanted)
                // Whoever pays for the one pays for the other; a free notebook costs nothing.
                && query.billing.is_none_or(|_| !instance.free)
                && tags.as_ref().is_none_or(|tags| tags.iter().all(has))
                && query
                    .description
                    .is_none_or(|wanted| instance.description.contains(wanted))
                && query
                    .ip
                    .is_none_or(|wanted| node_address(instance).as_deref() == Some(wanted))
                && contains(query.swr_path, &|| {
                    self.notebook_image(&notebook.image).swr_path
                })
                && contains(query.pool_name, &|| self.pool(instance, pool?).name)
                && contains(query.user_name, &|| self.user(&instance.owner).name)
                && query.name.is_none_or(|name| instance.name.contains(name))
                && query.pool.is_none_or(|wanted| pool == Some(wanted))
                && query
                    .workspace
                    .is_none_or(|wanted| instance.workspace == wanted)
                && query
                    .status
                    .is_none_or(|wanted| instance.status().as_str().eq_ignore_ascii_case(wanted))
        };
        let filtered = [
            query.name,
            query.pool,
            query.workspace,
            query.status,
            query.flavor,
            query.image,
            query.id,
            query.billing,
            query.tags,
            query.swr_path,
            query.pool_name,
            query.description,
            query.ip,
            query.user_name,
        ]
        .iter()
        .any(Option::is_some);
        let filter: Option<&dyn Fn(&Instance) -> bool> = filtered.then_some(&filter);
        let (page, total) = self.select(&scope, &order, filter, query.paging);
        let numbers = query.paging.numbers(total, 0);
        let frame = json(&with_fields!(types::NotebookList {
            current: Some(numbers.current),
            pages: Some(numbers.pages),
            size: Some(numbers.size),
            total: Some(numbers.total),
            data: None,
        }))?;
        // The notebooks are JSON already, so they are put in as they are.
        let mut list = Vec::with_capacity(frame.len() + page.len() * 2048);
        list.extend_from_slice(b"{\"data\":[");
        for (index, instance) in page.into_iter().enumerate() {
            if index > 0 {
                list.push(b',');
            }
            list.extend_from_slice(&self.render(instance, at.now)?);
        }
        list.extend_from_slice(b"],");
        list.extend_from_slice(&frame[1..]);
        Ok(Bytes::from(list))
    }

    /// The notebook as JSON, which is what is asked for most often by far.
    pub(crate) fn show_notebook(&self, at: &At<'_>, id: &str) -> ApiResult<Bytes> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        self.check_known(instance, at.now)?;
        self.render(instance, at.now)
    }

    fn render(&self, instance: &Instance, now: Millis) -> ApiResult<Bytes> {
        if let Some(rendered) = self.rendered.get(&instance.seq) {
            return Ok(rendered);
        }
        let notebook = self.notebook_wire(instance, now, View::Read);
        let json = Bytes::from(json(&notebook)?);
        if instance.is_at_rest() && self.settings.stale_reads == 0 {
            self.rendered.put(instance.seq, json.clone());
        }
        Ok(json)
    }

    pub(crate) fn create_notebook(
        &mut self,
        at: &At<'_>,
        mut request: CreateNotebookRequest,
    ) -> ApiResult<types::Notebook> {
        let now = at.now;
        check_custom_spec(request.custom_spec.as_ref(), request.pool_id.as_deref())?;
        if request.custom_spec.is_some() {
            CUSTOM_FLAVOR.clone_into(&mut request.flavor);
        }
        let data_volumes = request.data_volumes.unwrap_or_default();
        check_data_volumes(&data_volumes)?;
        check_affinity(request.affinity.as_ref())?;
        check_network(request.public_network_config.as_ref())?;
        let free = self.check_feature(request.feature.as_deref(), &request.flavor)?;
        self.check_image(at.caller, &request.image_id, &request.flavor)?;
        self.check_volume(&request.volume, &request.flavor)?;
        let endpoints = request.endpoints.unwrap_or_default();
        self.check_endpoints(at.caller, &endpoints, &request.image_id)?;
        check_hooks(request.hooks.as_ref())?;
        self.check_pool(at.caller, request.pool_id.as_deref())?;
        let workspace = request.workspace_id.unwrap_or_else(|| "0".into());
        self.check_workspace(at.caller, &workspace)?;
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
        let sold_out = self.is_sold_out(&request.flavor);
        if sold_out && !free {
            return Err(sold_out_error(code::SOLD_OUT, &request.flavor));
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
        let id = self.core.ids.uuid();
        let token = self.core.ids.uuid();
        let instance = Instance {
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
            details: Details::Notebook(Box::new(Notebook {
                image: request.image_id,
                token,
                volume,
                pool: request.pool_id,
                endpoints,
                hooks: request.hooks,
                mounts: Vec::new(),
                data_volumes,
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
        self.answer_notebook(at, &id)
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
                        "The instance {id} cannot change to the flavor '{flavor}'; ask for its switchable flavors."
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
        self.answer_notebook(at, id)
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
        let seq = instance.seq;
        let sold_out = self.is_sold_out(&flavor);
        if sold_out && !instance.free {
            return Err(sold_out_error(code::START_CAPACITY, &flavor));
        }
        let failing = if sold_out {
            None
        } else {
            self.planned(Step::Start)
        };
        let place = sold_out.then(|| self.queue_place(now));
        self.change(seq, now, |instance, durations| {
            let status = if sold_out {
                S::from(D::StartQueuing)
            } else {
                S::from(N::Starting)
            };
            instance.enter(status, now, durations, failing);
            instance.queue = place;
            instance.lease = lease;
        });
        self.answer_notebook(at, id)
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
        self.answer_notebook(at, id)
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
        let mut answer = None;
        self.change(seq, at.now, |instance, durations| {
            instance.enter(N::Deleting, at.now, durations, failing);
        });
        if let Some(instance) = self.instances.get(&seq) {
            answer = Some(self.notebook_wire(instance, at.now, View::Fresh));
        }
        answer.ok_or_else(ApiError::no_instance)
    }

    fn answer_notebook(&self, at: &At<'_>, id: &str) -> ApiResult<types::Notebook> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        Ok(self.notebook_wire(instance, at.now, View::Fresh))
    }

    pub(super) fn queue_place(&self, now: Millis) -> Queue {
        let place = millis(self.settings.durations.queue_place);
        Queue {
            since: now,
            until: now.saturating_add(place),
        }
    }

    /// Whether it is to be a free one.
    fn check_feature(&self, feature: Option<&NotebookFeature>, flavor: &str) -> ApiResult<bool> {
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
                format!("The flavor '{flavor}' is not for the feature {feature}."),
            ));
        }
        Ok(free)
    }

    fn check_free_limit(&self, caller: &Caller) -> ApiResult<()> {
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
            "A user may have one free notebook; delete it before you create another.",
        ))
    }

    fn check_image(&self, caller: &Caller, image: &str, flavor: &str) -> ApiResult<()> {
        let missing = || {
            ApiError::new(
                code::IMAGE,
                format!(
                    "The image '{image}' cannot be found; list the images and take the id of one that is {}.",
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

    fn check_volume(&self, volume: &VolumeReq, flavor: &str) -> ApiResult<()> {
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
                "it has to be at least 1 GB",
            ));
        }
        Ok(())
    }

    fn check_evs_left(&self, wanted: Option<i32>) -> ApiResult<()> {
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

    fn check_growth(&self, volume: &Volume, size: i32) -> ApiResult<()> {
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
                    "The disk is {}; wait until that has ended.",
                    volume.phase.status.as_str()
                ),
            ));
        }
        self.check_evs_left(Some(size - volume.capacity))
    }

    fn check_endpoints(
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
                    format!("The key pair '{pair}' is not one of the caller's; name one that is."),
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
                    "The image '{image}' is reached over SSH only; add an endpoint for the service SSH."
                ),
            ));
        }
        Ok(())
    }

    fn check_pool(&self, caller: &Caller, pool: Option<&str>) -> ApiResult<()> {
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

    /// What can be changed depends on the status.
    fn check_updatable(
        &self,
        instance: &Instance,
        request: &UpdateNotebookRequest,
    ) -> ApiResult<()> {
        let status = instance.status();
        if *status == N::Frozen {
            return Err(frozen());
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

fn json<T: serde::Serialize>(value: &T) -> ApiResult<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| ApiError::new(code::INTERNAL, error.to_string()))
}

fn update(
    instance: &mut Instance,
    request: UpdateNotebookRequest,
    now: Millis,
    durations: &super::Durations,
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
        // A flavor takes the place of what was chosen freely, and the other way round.
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

/// The size in GB of a volume that does not ask for one.
pub(super) fn default_capacity(category: &str) -> i32 {
    if category == "EVS" {
        DEFAULT_EVS
    } else {
        DEFAULT_EFS
    }
}

/// Key pairs are fixed at creation: a change may leave them out, but not name others.
fn keep_key_pairs(before: &[EndpointsReq], after: &mut [EndpointsReq]) -> ApiResult<()> {
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

fn check_hooks(hooks: Option<&CustomHooks>) -> ApiResult<()> {
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
            "it has to be Base64 when the type is COMMAND"
        }
        false if !script.starts_with('/') => {
            "it has to be an absolute path unless the type is COMMAND"
        }
        _ => return Ok(()),
    };
    Err(ApiError::value(&field("script"), problem))
}

fn sold_out_error(code: ErrorCode, flavor: &str) -> ApiError {
    ApiError::new(
        code,
        format!("The flavor '{flavor}' is sold out; take another one or try again later."),
    )
}

fn frozen() -> ApiError {
    ApiError::new(
        code::FROZEN,
        "The instance is frozen; settle the balance of the account first.",
    )
}

/// The instance is in the wrong status, or in the wanted one already.
fn not_now(instance: &Instance, verb: &str, when: &[N]) -> ApiError {
    if *instance.status() == N::Frozen {
        return frozen();
    }
    let when: Vec<&str> = when.iter().map(N::as_str).collect();
    let when = when.join(" or ");
    ApiError::new(
        code::BUSY,
        format!(
            "The instance is {} and cannot be {verb} now; that takes {when}.",
            instance.status()
        ),
    )
}
