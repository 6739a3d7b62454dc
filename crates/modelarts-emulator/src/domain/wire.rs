//! Notebooks, mounts and images as they appear in responses.

use modelarts_client::Secret;
use modelarts_client::devenviron::enums::{
    BillingItem, DevEnvInstanceStatus as D, JobStatus, NotebookFeature, NotebookStatus as N,
};
use modelarts_client::devenviron::types;

use super::model::{ImageEntry, Instance, Mount, Notebook};
use super::stale_reads::View;
use super::state::State;
use super::status::InstanceStatus as S;
use super::{lease, specification, tags};
use crate::clock::Millis;
use crate::fields::with_fields;

const STEPS: [&str; 4] = [
    "Prepare storage",
    "Prepare compute resources",
    "Configure the network",
    "Initialize the instance",
];

impl State {
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

    pub(super) fn image_wire(entry: &ImageEntry) -> types::Image {
        with_fields!(types::Image {
            status: Some(entry.phase.status.clone().into()),
            ..entry.image.clone()
        })
    }
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
