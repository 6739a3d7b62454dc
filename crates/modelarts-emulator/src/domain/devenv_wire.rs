//! Instances of the old generation as they appear in responses.

use std::collections::BTreeMap;

use modelarts_client::devenviron::enums::{
    DevEnvFlavorStatus, DevEnvPoolType, DevEnvPromoType, DevEnvStorageType, NotebookStatus as N,
};
use modelarts_client::devenviron::types;
use serde_json::{Value, json};

use super::caller::At;
use super::catalogue::{self, Flavor, Profile};
use super::flavors::whole_numbers;
use super::model::{DevEnv, Instance, Queue};
use super::page::clamp;
use super::stale_reads::View;
use super::state::State;
use super::status::InstanceStatus as S;
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

impl State {
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
            whole_numbers(params.get_mut("GPU"));
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
