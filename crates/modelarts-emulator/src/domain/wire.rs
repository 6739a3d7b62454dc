//! Resources as they appear in responses.

use std::collections::BTreeMap;

use modelarts_client::Secret;
use modelarts_client::devenviron::enums::{
    BillingItem, DevEnvFlavorStatus, DevEnvInstanceStatus as D, DevEnvPoolType, DevEnvPromoType,
    DevEnvStorageType, JobStatus, NotebookFeature, NotebookStatus as N,
};
use modelarts_client::devenviron::types;
use serde_json::{Value, json};

use super::caller::At;
use super::catalogue::{self, Flavor, Profile};
use super::model::{DevEnv, ImageEntry, Instance, Mount, Notebook, Queue};
use super::page::clamp;
use super::state::State;
use super::status::InstanceStatus as S;
use super::{lease, specification, tags};
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The kind of response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// A read, which may be stale.
    Read,
    /// The response to the operation that made the change, which is up to date.
    Fresh,
}

const STEPS: [&str; 4] = [
    "Prepare storage",
    "Prepare compute resources",
    "Configure the network",
    "Initialize the instance",
];

impl State {
    /// Returns the status, or the previous one while reads are stale.
    fn status_for<'a>(&self, instance: &'a Instance, now: Millis, view: View) -> &'a S {
        let status = instance.status();
        // Without a previous status, the instance is not shown at all, or it existed at the start.
        let stale = view == View::Read
            && instance.previous != N::Init
            && self.is_stale(instance.phase.since, now);
        if stale { &instance.previous } else { status }
    }

    /// Whether reads do not show a change at `since` yet.
    pub(super) fn is_stale(&self, since: Millis, now: Millis) -> bool {
        now < since.saturating_add(self.settings.stale_reads)
    }

    /// Refuses an instance that is so new that reads do not show it yet.
    pub(super) fn check_known(&self, instance: &Instance, now: Millis) -> ApiResult<()> {
        // An instance of the fixtures in a settled status existed at the start.
        let is_new = [instance.status(), &instance.previous]
            .iter()
            .any(|status| {
                matches!(
                    status,
                    S::DevEnv(D::CreateQueuing) | S::Notebook(N::Creating)
                )
            });
        if is_new && self.is_stale(instance.created, now) {
            return Err(ApiError::no_instance());
        }
        Ok(())
    }

    pub(super) fn notebook_wire(
        &self,
        instance: &Instance,
        now: Millis,
        view: View,
    ) -> types::Notebook {
        let Some(notebook) = instance.notebook() else {
            return types::Notebook::default();
        };
        let status = self.status_for(instance, now, view).in_new_words();
        let mut seen = with_fields!(types::Notebook {
            id: Some(instance.id.clone()),
            name: Some(instance.name.clone()),
            description: Some(instance.description.clone()),
            status: Some(status.into()),
            feature: Some(
                if instance.free {
                    NotebookFeature::Default
                } else {
                    NotebookFeature::Notebook
                }
                .into()
            ),
            flavor: Some(instance.flavor.clone()),
            fail_reason: instance
                .failure
                .as_ref()
                .map(|failure| failure.message.clone()),
            action_progress: progress(instance, notebook, now),
            endpoints: (!notebook.endpoints.is_empty()).then(|| endpoints(instance, notebook)),
            image: Some(self.notebook_image(&notebook.image)),
            lease: Some(lease::wire(instance)),
            pool: notebook.pool.as_ref().map(|id| self.pool(instance, id)),
            token: Some(Secret::new(notebook.token.as_str())),
            url: notebook.ready.then(|| {
                Secret::new(format!(
                    "https://authoring-modelarts.example.com/{}/lab",
                    instance.id
                ))
            }),
            volume: Some(volume(notebook)),
            data_volumes: data_volumes(notebook),
            ip: node_address(instance),
            tags: tags::wire(&notebook.tags),
            workspace_id: Some(instance.workspace.clone()),
            billing_items: (!instance.free)
                .then(|| vec![BillingItem::Storage.into(), BillingItem::Compute.into()]),
            user: Some(self.user(&instance.owner)),
            user_id: Some(instance.owner.clone()),
            create_at: Some(instance.created),
            update_at: Some(instance.updated)
        });
        specification::describe(notebook, &mut seen);
        seen
    }

    pub(super) fn notebook_image(&self, id: &str) -> types::Image {
        let Some(entry) = self.image_ids.get(id).and_then(|seq| self.images.get(seq)) else {
            return with_fields!(types::Image {
                id: Some(id.to_owned())
            });
        };
        let image = &entry.image;
        with_fields!(types::Image {
            id: image.id.clone(),
            name: image.name.clone(),
            description: image.description.clone(),
            swr_path: image.swr_path.clone(),
            tag: image.tag.clone(),
            type_: image.type_.clone()
        })
    }

    pub(super) fn pool(&self, instance: &Instance, id: &str) -> types::Pool {
        let project = self.accounts.projects.get(&instance.project);
        with_fields!(types::Pool {
            id: Some(id.to_owned()),
            name: project.and_then(|project| project.pools.get(id)).cloned(),
        })
    }

    pub(super) fn user(&self, id: &str) -> types::User {
        let user = self.accounts.users.get(id);
        with_fields!(types::User {
            id: Some(id.to_owned()),
            name: user.map(|user| user.name.clone()),
            domain: user.map(|user| with_fields!(types::Domain {
                id: Some(user.domain.clone()),
                name: Some(self.accounts.domain_name(&user.domain)),
            })),
        })
    }

    pub(super) fn dev_env_wire(
        &self,
        instance: &Instance,
        at: &At<'_>,
        view: View,
    ) -> types::DevEnvInstance {
        let now = at.now;
        let Some(dev_env) = instance.dev_env() else {
            return types::DevEnvInstance::default();
        };
        let flavor = self.flavor(&instance.flavor);
        with_fields!(types::DevEnvInstance {
            id: Some(instance.id.clone()),
            name: Some(instance.name.clone()),
            description: Some(instance.description.clone()),
            status: Some(self.status_for(instance, now, view).in_old_words().into()),
            creation_timestamp: Some(instance.created.to_string()),
            latest_update_timestamp: Some(instance.updated.to_string()),
            profile: Some(catalogue::profile(&dev_env.profile).map_or_else(
                || with_fields!(types::DevEnvProfile {
                    id: Some(dev_env.profile.clone())
                }),
                profile,
            )),
            flavor: Some(instance.flavor.clone()),
            flavor_details: flavor.map(|flavor| self.flavor_details(flavor, at)),
            pool: dev_env
                .pool
                .as_ref()
                .map(|pool| with_fields!(types::DevEnvPool {
                    id: Some(pool.id.clone()),
                    name: self.pool(instance, &pool.id).name,
                    type_: Some(DevEnvPoolType::UserDefined.into()),
                    owner: Some(with_fields!(types::DevEnvPoolOwner {
                        project_id: Some(instance.project.clone()),
                    })),
                })),
            spec: Some(spec(instance, dev_env, now)),
            workspace: Some(with_fields!(types::DevEnvWorkspace {
                id: Some(instance.workspace.clone()),
            })),
            ai_project: Some(with_fields!(types::DevEnvAiProject {
                id: Some(dev_env.ai_project.clone()),
            })),
            error_code: instance
                .failure
                .as_ref()
                .map(|failure| failure.code.clone()),
            queuing_info: instance
                .queue
                .as_ref()
                .map(|queue| self.queuing_info(instance, queue, flavor, at)),
            user: Some(with_fields!(types::DevEnvUser {
                id: Some(instance.owner.clone()),
                name: self
                    .accounts
                    .users
                    .get(&instance.owner)
                    .map(|user| user.name.clone()),
            })),
            repository: None,
        })
    }

    fn flavor_details(&self, flavor: &Flavor, at: &At<'_>) -> types::DevEnvFlavorDetails {
        let offer = &flavor.offer;
        let sold_out = self.is_sold_out(flavor.id());
        let mut params = serde_json::Map::new();
        params.insert("CPU".into(), json!(offer.vcpus));
        if let Some(gpu) = &offer.gpu {
            params.insert("GPU".into(), json!(gpu.gpu));
            super::flavors::whole_numbers(params.get_mut("GPU"));
            params.insert("gpu_type".into(), json!(gpu.type_));
        }
        let memory = offer.memory.unwrap_or_default() / 1024 / 1024;
        params.insert("memory".into(), json!(format!("{memory}GiB")));
        let queued = (flavor.is_free() && sold_out).then(|| self.queue_length(flavor.id(), at.now));
        with_fields!(types::DevEnvFlavorDetails {
            name: offer.id.clone(),
            status: Some(
                if sold_out {
                    DevEnvFlavorStatus::SoldOut
                } else {
                    DevEnvFlavorStatus::OnSale
                }
                .into()
            ),
            queuing_num: queued.map(|(length, _)| length),
            queue_left_time: queued.map(|(_, left)| left),
            storage_list: Some(vec![DevEnvStorageType::Obs.into()]),
            is_permitted: Some(true),
            type_: Some(flavor.hardware.as_str().into()),
            params: Some(params),
            promo_type: Some(
                if flavor.is_free() {
                    DevEnvPromoType::Free
                } else {
                    DevEnvPromoType::NoDiscount
                }
                .into(),
            ),
            instance_num: Some(self.count_of_flavor(at.caller, flavor.id())),
            store_time: Some(-1)
        })
    }

    /// Returns the length of a flavor's queue, and the seconds until the last instance gets its machine.
    fn queue_length(&self, flavor: &str, now: Millis) -> (i32, i32) {
        let Some(places) = self.queues.get(flavor) else {
            return (0, 0);
        };
        let left = places
            .last()
            .and_then(|(_, seq)| self.instances.get(seq)?.queue.as_ref())
            .map_or(0, |queue| seconds(queue.until - now));
        (clamp(places.len()), left)
    }

    fn queuing_info(
        &self,
        instance: &Instance,
        queue: &Queue,
        flavor: Option<&Flavor>,
        at: &At<'_>,
    ) -> types::DevEnvQueuingInfo {
        let place = (queue.since, instance.seq);
        let before = self
            .queues
            .get(&instance.flavor)
            .map_or(0, |places| places.range(..place).count());
        with_fields!(types::DevEnvQueuingInfo {
            id: Some(instance.id.clone()),
            name: Some(instance.name.clone()),
            de_type: Some("Notebook".into()),
            flavor: Some(instance.flavor.clone()),
            flavor_details: flavor.map(|flavor| self.flavor_details(flavor, at)),
            status: Some(instance.status().as_str().into()),
            begin_timestamp: Some(queue.since),
            remain_time: Some(seconds(queue.until - at.now)),
            end_timestamp: Some(queue.until),
            rank: Some(clamp(before + 1)),
        })
    }

    pub(super) fn image_wire(entry: &ImageEntry) -> types::Image {
        with_fields!(types::Image {
            status: Some(entry.phase.status.clone().into()),
            ..entry.image.clone()
        })
    }
}

/// Returns the instance as JSON in which, as in a response of the service to a single read, absent properties are
/// null.
pub(super) fn with_nulls(instance: &types::DevEnvInstance) -> ApiResult<Value> {
    let mut value = serde_json::to_value(instance)
        .map_err(|error| ApiError::new(code::INTERNAL, error.to_string()))?;
    for (object, names) in [
        (
            "/spec",
            &[
                "extend_params",
                "extend_storage",
                "failed_reasons",
                "repository",
            ][..],
        ),
        ("/profile/provision/spec/params", &["annotations"]),
    ] {
        let object = value.pointer_mut(object).and_then(Value::as_object_mut);
        if let Some(object) = object {
            for name in names {
                object.entry(*name).or_insert(Value::Null);
            }
        }
    }
    Ok(value)
}

fn seconds(millis: Millis) -> i32 {
    i32::try_from((millis.max(0) + 999) / 1000).unwrap_or(i32::MAX)
}

fn progress(
    instance: &Instance,
    notebook: &Notebook,
    now: Millis,
) -> Option<Vec<types::JobProgress>> {
    let phase = &instance.phase;
    let done = match &phase.status {
        S::Notebook(N::Init) | S::DevEnv(D::CreateQueuing | D::StartQueuing) => 0,
        S::Notebook(N::Creating | N::Starting) => {
            let whole = (phase.until? - phase.since).max(1);
            usize::try_from((now - phase.since) * 4 / whole).unwrap_or_default()
        }
        S::Notebook(N::CreateFailed | N::StartFailed) => 1,
        S::Notebook(N::Running) if notebook.ready => 4,
        _ => return None,
    };
    let failed = matches!(phase.status, S::Notebook(N::CreateFailed | N::StartFailed));
    let job = |(index, text): (usize, &&str)| {
        with_fields!(types::JobProgress {
            notebook_id: Some(instance.id.clone()),
            status: Some(
                match index.cmp(&done) {
                    std::cmp::Ordering::Less => JobStatus::Completed,
                    std::cmp::Ordering::Equal if failed => JobStatus::Failed,
                    std::cmp::Ordering::Equal if instance.queue.is_none() => JobStatus::Processing,
                    _ => JobStatus::Waiting,
                }
                .into(),
            ),
            step: Some(index as i32 + 1),
            step_description: Some((*text).to_owned()),
            description: Some((*text).to_owned()),
        })
    };
    Some(STEPS.iter().enumerate().map(job).collect())
}

/// Returns an address for each notebook; addresses repeat once the network has no more.
fn private_address(seq: u64) -> String {
    let host = seq % (254 * 254);
    format!("192.168.{}.{}", host / 254 + 1, host % 254 + 1)
}

/// Returns the address of the node on which a notebook runs; several notebooks share a node.
pub(super) fn node_address(instance: &Instance) -> Option<String> {
    let is_placed = instance.status().is_up() && instance.notebook().is_some();
    is_placed.then(|| format!("10.0.0.{}", 10 + instance.seq % 8))
}

/// Returns all storages; those from the creation come first.
fn data_volumes(notebook: &Notebook) -> Option<Vec<types::DataVolume>> {
    let created = notebook.data_volumes.iter();
    let created = created.map(|volume| specification::data_volume(volume, notebook.ready));
    let all: Vec<_> = created
        .chain(notebook.mounts.iter().map(data_volume))
        .collect();
    (!all.is_empty()).then_some(all)
}

fn endpoints(instance: &Instance, notebook: &Notebook) -> Vec<types::EndpointsRes> {
    notebook
        .endpoints
        .iter()
        .map(|endpoint| {
            let ssh = endpoint
                .service
                .as_ref()
                .is_some_and(|service| *service == "SSH");
            with_fields!(types::EndpointsRes {
                allowed_access_ips: endpoint.allowed_access_ips.clone(),
                dev_service: endpoint.service.clone(),
                service: endpoint.service.clone(),
                ssh_keys: endpoint.key_pair_names.clone(),
                key_pair_names: endpoint.key_pair_names.clone(),
                uri: (ssh && notebook.ready).then(|| private_address(instance.seq)),
            })
        })
        .collect()
}

fn volume(notebook: &Notebook) -> types::VolumeRes {
    let volume = &notebook.volume;
    let shown = notebook.ready || volume.is_evs();
    with_fields!(types::VolumeRes {
        capacity: Some(volume.capacity),
        category: Some(volume.category.as_str().into()),
        ownership: Some(volume.ownership.as_str().into()),
        mount_path: Some(
            volume
                .mount_path
                .clone()
                .unwrap_or_else(|| "/home/ma-user/work/".into()),
        ),
        read_only: volume.read_only,
        dew_secret_name: volume.dew_secret_name.clone(),
        evs_sku_code: None,
        mount_type: Some("STATIC".into()),
        status: shown.then(|| volume.phase.status.clone().into()),
        uri: volume.uri.clone(),
        id: volume.id.clone(),
    })
}

pub(super) fn data_volume(mount: &Mount) -> types::DataVolume {
    with_fields!(types::DataVolume {
        category: Some(
            if mount.efs_id.is_some() {
                "EFS"
            } else {
                "OBSFS"
            }
            .into(),
        ),
        id: Some(mount.id.clone()),
        mount_path: Some(mount.path.clone()),
        status: Some(mount.phase.status.clone().into()),
        uri: Some(mount.uri.clone()),
        url: None,
        efs_id: mount.efs_id.clone(),
        failure_reason: mount
            .failure
            .as_ref()
            .map(|failure| failure.message.clone()),
        mount_type: Some("DYNAMIC".into()),
    })
}

fn profile(profile: &Profile) -> types::DevEnvProfile {
    with_fields!(types::DevEnvProfile {
        id: Some(profile.id.into()),
        name: Some(profile.name.into()),
        description: Some(profile.description.into()),
        de_type: Some("Notebook".into()),
        flavor_type: Some(profile.hardware.into()),
        provision: Some(with_fields!(types::DevEnvProvision {
            type_: Some("Docker".into()),
            annotations: Some(
                [
                    ("category", profile.category),
                    ("flavor", profile.flavor),
                    ("type", "system"),
                ]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ),
            spec: Some(with_fields!(types::DevEnvProvisionSpec {
                engine: Some("CCE".into()),
                params: Some(with_fields!(types::DevEnvDockerParams {
                    namespace: Some("atelier".into()),
                    image_name: Some(profile.image_name.into()),
                    image_tag: Some(profile.image_tag.into()),
                    annotations: None,
                })),
            })),
        })),
        labels: None,
    })
}

fn spec(instance: &Instance, dev_env: &DevEnv, now: Millis) -> types::DevEnvNotebookSpec {
    let storage = |request: &types::DevEnvStorageReq| {
        with_fields!(types::DevEnvStorage {
            type_: Some(request.type_.clone()),
            location: request.location.as_ref().map(|location| with_fields!(
                types::DevEnvStorageLocation {
                    path: location.path.clone(),
                    volume_size: None,
                    volume_unit: None,
                }
            )),
        })
    };
    let lease = instance.configured_lease();
    let up = instance.status().is_up();
    let ends = up.then(|| instance.lease.ends()).flatten();
    let mut main = storage(&dev_env.storage);
    if let (Some(size), Some(location)) = (dev_env.volume_size, &mut main.location) {
        location.volume_size = Some(size);
        location.volume_unit = Some("GB".to_owned());
    }
    let mut annotations = dev_env.annotations.clone();
    annotations.insert(
        "target_domain".into(),
        "https://modelarts-notebook.example.com".into(),
    );
    let url = if instance.status().is_up() {
        format!(
            "https://modelarts-notebook.example.com/user/{}",
            instance.id
        )
    } else {
        String::new()
    };
    annotations.insert("url".into(), url);
    with_fields!(types::DevEnvNotebookSpec {
        storage: Some(main),
        extend_storage: dev_env
            .extend_storage
            .as_ref()
            .map(|all| all.iter().map(storage).collect()),
        auto_stop: Some(with_fields!(types::DevEnvAutoStop {
            enable: Some(lease.enabled),
            duration: Some(seconds(lease.duration)),
            prompt: Some(dev_env.prompt),
            stop_timestamp: ends,
            remain_time: ends.map(|ends| seconds(ends - now)),
        })),
        failed_reasons: instance
            .failure
            .as_ref()
            .filter(|_| matches!(
                instance.status(),
                S::Notebook(N::CreateFailed | N::StartFailed)
            ))
            .map(|failure| with_fields!(types::DevEnvFailedReasons {
                code: Some(failure.code.clone()),
                message: Some(failure.message.clone()),
                detail: Some(BTreeMap::from([(
                    "flavor".to_owned(),
                    instance.flavor.clone(),
                )])),
            })),
        annotations: Some(annotations)
    })
}
