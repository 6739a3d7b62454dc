//! Storage that is mounted to a running notebook.

use modelarts_client::devenviron::enums::{DataVolumeStatus, NotebookStatus};
use modelarts_client::devenviron::types::{AttachObsRequest, DataVolume, DataVolumeList};

use super::caller::At;
use super::durations::Step;
use super::model::{Generation, Instance, Mount};
use super::page::Paging;
use super::phase::Phase;
use super::state::State;
use super::wire::data_volume;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The maximum number of mounts of a notebook.
const MOST: usize = 10;

impl State {
    pub(crate) fn list_mounts(&self, at: &At<'_>, id: &str) -> ApiResult<DataVolumeList> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let (mounts, numbers) = Paging::default().cut(mounts(instance).iter().collect(), 1);
        Ok(with_fields!(DataVolumeList {
            current: Some(numbers.current),
            pages: Some(numbers.pages),
            size: Some(numbers.size),
            total: Some(numbers.total),
            data: Some(mounts.into_iter().map(data_volume).collect()),
        }))
    }

    pub(crate) fn show_mount(&self, at: &At<'_>, id: &str, storage: &str) -> ApiResult<DataVolume> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let mount = find(instance, storage)?;
        let is_new = mount.phase.status == DataVolumeStatus::Mounting;
        if is_new && self.is_stale(mount.phase.since, at.now) {
            return Err(no_mount());
        }
        Ok(data_volume(mount))
    }

    pub(crate) fn attach_obs(
        &mut self,
        at: &At<'_>,
        id: &str,
        request: AttachObsRequest,
    ) -> ApiResult<DataVolume> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        require_running(instance)?;
        let Wanted { path, uri, efs_id } = wanted(request)?;
        let known = mounts(instance);
        if known.iter().any(|mount| mount.path == path) {
            return Err(ApiError::value(
                "mount_path",
                format_args!("something is already mounted at {path}"),
            ));
        }
        if known.len() >= MOST {
            return Err(ApiError::value(
                "mount_path",
                format_args!("an instance can have at most {MOST} mounts; unmount one first"),
            ));
        }
        let seq = instance.seq;
        let failing = self.planned(Step::Mount);
        let mount = Mount {
            id: self.core.ids.uuid(),
            path,
            uri,
            efs_id,
            failure: None,
            phase: Phase::enter(
                DataVolumeStatus::Mounting,
                at.now,
                &self.settings.durations,
                failing,
            ),
        };
        self.set_core_dirty();
        let response = data_volume(&mount);
        self.change(seq, at.now, |instance, _| {
            if let Some(notebook) = instance.notebook_mut() {
                notebook.mounts.push(mount);
            }
        });
        Ok(response)
    }

    pub(crate) fn cancel_obs(
        &mut self,
        at: &At<'_>,
        id: &str,
        storage: &str,
    ) -> ApiResult<DataVolume> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let mount = find(instance, storage)?;
        let status = mount.phase.status.clone();
        if matches!(
            status,
            DataVolumeStatus::Mounting | DataVolumeStatus::Unmounting | DataVolumeStatus::Unmounted
        ) {
            return Err(ApiError::new(
                code::BUSY,
                format!(
                    "The storage is {}; wait until the operation has ended.",
                    status.as_str()
                ),
            ));
        }
        // A mount that failed can be removed while the instance is not running.
        if status != DataVolumeStatus::MountFailed {
            require_running(instance)?;
        }
        let seq = instance.seq;
        let failing = self.planned(Step::Unmount);
        self.change(seq, at.now, |instance, durations| {
            let notebook = instance.notebook_mut()?;
            let mount = notebook
                .mounts
                .iter_mut()
                .find(|mount| mount.id == storage)?;
            mount.phase = Phase::enter(DataVolumeStatus::Unmounting, at.now, durations, failing);
            Some(data_volume(mount))
        })
        .flatten()
        .ok_or_else(ApiError::no_instance)
    }
}

/// What a request wants to be mounted.
struct Wanted {
    path: String,
    uri: String,
    /// The ID of the file system, if it is EFS.
    efs_id: Option<String>,
}

/// Checks a request to mount a storage.
fn wanted(request: AttachObsRequest) -> ApiResult<Wanted> {
    let category = request
        .category
        .as_ref()
        .map_or("OBS", |category| category.as_str());
    let is_efs = category.eq_ignore_ascii_case("EFS");
    if !is_efs
        && !["OBS", "OBSFS"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(category))
    {
        return Err(ApiError::new(
            code::STORAGE_TYPE,
            format!("'category' is '{category}'; only OBS, OBSFS and EFS can be mounted."),
        ));
    }
    let efs_id = request.efs_id.filter(|id| is_efs && !id.is_empty());
    if is_efs && efs_id.is_none() {
        return Err(ApiError::required("efs_id", " when the category is EFS"));
    }
    let path = request.mount_path.unwrap_or_default();
    let uri = request.uri.unwrap_or_default();
    check_mount_path(&path)?;
    check_uri(&uri, is_efs)?;
    Ok(Wanted { path, uri, efs_id })
}

fn mounts(instance: &Instance) -> &[Mount] {
    instance.notebook().map_or(&[], |notebook| &notebook.mounts)
}

fn find<'a>(instance: &'a Instance, storage: &str) -> ApiResult<&'a Mount> {
    mounts(instance)
        .iter()
        .find(|mount| mount.id == storage)
        .ok_or_else(no_mount)
}

fn no_mount() -> ApiError {
    ApiError::new(
        code::NO_STORAGE_ID,
        "The instance has no mounted storage with this id.",
    )
}

fn require_running(instance: &Instance) -> ApiResult<()> {
    if instance.status().is_up() {
        return Ok(());
    }
    Err(ApiError::new(
        code::NOT_RUNNING,
        format!(
            "The instance is {}; storage can only be mounted and unmounted while it is {}.",
            instance.status(),
            NotebookStatus::Running
        ),
    ))
}

/// Checks that a path is `/data/<name>/`.
fn check_mount_path(path: &str) -> ApiResult<()> {
    if path.is_empty() {
        return Err(ApiError::required("mount_path", ""));
    }
    let name = path
        .strip_prefix("/data/")
        .map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let good = name.is_some_and(|name| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter))
    });
    if good {
        return Ok(());
    }
    Err(ApiError::value(
        "mount_path",
        "it must be /data/<name>/, where the name consists of letters, digits, - and _",
    ))
}

fn check_uri(uri: &str, is_efs: bool) -> ApiResult<()> {
    if uri.is_empty() {
        return Err(ApiError::required("uri", ""));
    }
    if is_efs {
        return match uri.split_once(":/") {
            Some((host, folder)) if !host.is_empty() && !folder.starts_with('/') => Ok(()),
            _ => Err(ApiError::value(
                "uri",
                "it must be <host>:/<folder> for the category EFS",
            )),
        };
    }
    let bucket = uri
        .strip_prefix("obs://")
        .and_then(|place| place.split('/').next());
    if bucket.is_some_and(|bucket| !bucket.is_empty()) {
        return Ok(());
    }
    Err(ApiError::value(
        "uri",
        "it must be obs://<file system>/<folder>/",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_paths_lie_directly_below_data() {
        for good in ["/data/corpus/", "/data/a-b_1"] {
            assert!(check_mount_path(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/data/",
            "/data//",
            "/home/x/",
            "/data/a/b/",
            "/data/ä/",
        ] {
            assert!(check_mount_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn uris_name_a_bucket() {
        assert!(check_uri("obs://nlp-corpus/wikipedia/", false).is_ok());
        for bad in ["", "obs://", "obs:///x/", "https://x/"] {
            assert!(check_uri(bad, false).is_err(), "{bad}");
        }
        assert!(check_uri("efs.example.com:/notebook", true).is_ok());
        for bad in ["", ":/x", "obs://x/", "/notebook"] {
            assert!(check_uri(bad, true).is_err(), "{bad}");
        }
    }
}
