//! Images: built in, registered, or saved from a notebook.

use std::collections::BTreeMap;

use modelarts_client::devenviron::enums::{ImageStatus, NotebookStatus as N};
use modelarts_client::devenviron::types::{
    CreateImageRequest, Image, ImageGroup, ImageGroupList, ImageList, RegisterImageRequest, Tag,
    UpdateImageGroupRequest,
};
use sha2::{Digest as _, Sha256};

use super::model::{Generation, ImageEntry};
use super::page::Paging;
use super::phase::Phase;
use super::{At, Caller, DirtyKey, InstanceStatus, State, Step, Subject};
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The filters of the two lists.
#[derive(Debug, Default)]
pub(crate) struct ImageQuery<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) exact: bool,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) service_type: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) workspace: Option<&'a str>,
    pub(crate) show_name: Option<&'a str>,
    pub(crate) show_tag: Option<&'a str>,
    pub(crate) swr_instance: Option<&'a str>,
    pub(crate) sort_key: Option<&'a str>,
    pub(crate) ascending: bool,
    pub(crate) paging: Paging,
}

/// `host/namespace/name:tag`.
struct SwrPath<'a> {
    namespace: &'a str,
    name: &'a str,
    tag: &'a str,
}

impl<'a> SwrPath<'a> {
    fn parse(path: &'a str) -> Option<Self> {
        let (place, tag) = path.rsplit_once(':')?;
        let mut parts = place.rsplitn(3, '/');
        let (name, namespace, host) = (parts.next()?, parts.next()?, parts.next()?);
        let empty = [tag, name, namespace, host]
            .iter()
            .any(|part| part.is_empty());
        (!empty && !tag.contains('/')).then_some(Self {
            namespace,
            name,
            tag,
        })
    }
}

impl State {
    /// Puts an image into the catalogue.
    pub(super) fn add_image(
        &mut self,
        project: Option<String>,
        image: Image,
        status: ImageStatus,
        now: Millis,
    ) {
        let phase = Phase::enter(status, now, &self.settings.durations, None);
        let seq = self.next_seq();
        self.put_image(ImageEntry {
            seq,
            project,
            image,
            read_me: None,
            phase,
        });
    }

    pub(super) fn put_image(&mut self, entry: ImageEntry) {
        let seq = entry.seq;
        if let Some(until) = entry.phase.until {
            self.timers.insert((until, Subject::Image(seq)));
        }
        self.image_ids.insert(entry.id().to_owned(), seq);
        self.images.insert(seq, entry);
        self.set_dirty(DirtyKey::Image(seq));
    }

    fn image(&self, id: &str) -> Option<&ImageEntry> {
        self.image_ids.get(id).and_then(|seq| self.images.get(seq))
    }

    /// An image that the caller may use: built in, the project's, or public.
    pub(super) fn visible_image(&self, caller: &Caller, id: &str) -> Option<&ImageEntry> {
        self.image(id).filter(|entry| {
            let public = entry
                .image
                .visibility
                .as_ref()
                .is_some_and(|visibility| *visibility == "PUBLIC");
            entry
                .project
                .as_ref()
                .is_none_or(|owner| *owner == caller.project)
                || public
        })
    }

    fn find_image(&self, caller: &Caller, id: &str) -> ApiResult<&ImageEntry> {
        self.visible_image(caller, id).ok_or_else(|| no_image(id))
    }

    /// The images in the caller's lists: the built-in ones and the project's.
    fn listed(&self, caller: &Caller, query: &ImageQuery<'_>) -> Vec<&ImageEntry> {
        let fits = |entry: &&ImageEntry| {
            let image = &entry.image;
            entry
                .project
                .as_ref()
                .is_none_or(|owner| *owner == caller.project)
                && query.name.is_none_or(|wanted| {
                    if query.exact {
                        entry.name() == wanted
                    } else {
                        entry.name().contains(wanted)
                    }
                })
                && query
                    .namespace
                    .is_none_or(|wanted| image.namespace.as_deref() == Some(wanted))
                && query
                    .kind
                    .is_none_or(|wanted| image.type_.as_ref().is_some_and(|known| *known == wanted))
                && query.service_type.is_none_or(|wanted| {
                    image
                        .service_type
                        .as_ref()
                        .is_some_and(|known| *known == wanted)
                })
                && query
                    .show_name
                    .is_none_or(|wanted| image.show_name.as_deref() == Some(wanted))
                && query
                    .show_tag
                    .is_none_or(|wanted| image.show_tag.as_deref() == Some(wanted))
                && query
                    .swr_instance
                    .is_none_or(|wanted| image.swr_instance_id.as_deref() == Some(wanted))
                && query.workspace.is_none_or(|wanted| {
                    entry.project.is_none() || image.workspace_id.as_deref() == Some(wanted)
                })
        };
        self.images.values().filter(fits).collect()
    }

    pub(crate) fn list_images(&self, at: &At<'_>, query: &ImageQuery<'_>) -> ApiResult<ImageList> {
        let mut images = self.listed(at.caller, query);
        sort(&mut images, query)?;
        let (images, numbers) = query.paging.cut(images, 1);
        Ok(with_fields!(ImageList {
            current: Some(numbers.current),
            pages: Some(numbers.pages),
            size: Some(numbers.size),
            total: Some(numbers.total),
            data: Some(images.into_iter().map(Self::image_wire).collect()),
        }))
    }

    /// The images by name: one group for all tags of one name in one organization.
    pub(crate) fn list_image_groups(&self, at: &At<'_>, query: &ImageQuery<'_>) -> ImageGroupList {
        let mut groups: BTreeMap<(String, String), ImageGroup> = BTreeMap::new();
        for entry in self.listed(at.caller, query) {
            let image = &entry.image;
            let namespace = image.namespace.clone().unwrap_or_default();
            let group = groups
                .entry((namespace, entry.name().to_owned()))
                .or_insert_with(|| {
                    with_fields!(ImageGroup {
                        name: image.name.clone(),
                        namespace: image.namespace.clone(),
                        create_at: image.create_at,
                        update_at: image.update_at,
                        version_count: Some(0),
                        description: image.description.clone(),
                        read_me: entry.read_me.clone(),
                        id: Some(group_id(entry)),
                        swr_instance_id: image.swr_instance_id.clone()
                    })
                });
            group.version_count = group.version_count.map(|count| count + 1);
            group.create_at = group.create_at.min(image.create_at);
            group.update_at = group.update_at.max(image.update_at);
        }
        let (groups, numbers) = query.paging.cut(groups.into_values().collect(), 1);
        with_fields!(ImageGroupList {
            current: Some(numbers.current),
            pages: Some(numbers.pages),
            size: Some(numbers.size),
            total: Some(numbers.total),
            data: Some(groups),
            is_swr_enterprise: Some(self.images.values().any(|entry| {
                entry.project.as_ref() == Some(&at.caller.project)
                    && entry.image.swr_instance_id.is_some()
            })),
        })
    }

    /// The versions of a group of the project; a built-in group cannot be changed.
    fn own_group(&self, caller: &Caller, id: &str) -> ApiResult<Vec<u64>> {
        let in_group = |entry: &&ImageEntry| {
            let is_visible = entry
                .project
                .as_ref()
                .is_none_or(|owner| *owner == caller.project);
            is_visible && group_id(entry) == id
        };
        let members: Vec<&ImageEntry> = self.images.values().filter(in_group).collect();
        if members.is_empty() {
            return Err(ApiError::new(
                code::NO_IMAGE,
                format!("The image group '{}' does not exist.", shorten(id)),
            ));
        }
        if members.iter().any(|entry| entry.project.is_none()) {
            return Err(ApiError::new(
                code::FORBIDDEN,
                format!("The image group '{id}' is built in and cannot be changed."),
            ));
        }
        Ok(members.into_iter().map(|entry| entry.seq).collect())
    }

    pub(crate) fn update_image_group(
        &mut self,
        at: &At<'_>,
        id: &str,
        request: UpdateImageGroupRequest,
    ) -> ApiResult<()> {
        let members = self.own_group(at.caller, id)?;
        let tags = request.tags.as_deref();
        super::tags::check(tags.unwrap_or_default())?;
        let tags: Option<Vec<Tag>> = tags.map(|tags| {
            let tag = |tag: &modelarts_client::devenviron::types::TagReq| {
                with_fields!(Tag {
                    key: Some(tag.key.clone()),
                    value: Some(tag.value.clone().unwrap_or_default()),
                })
            };
            tags.iter().map(tag).collect()
        });
        for seq in members {
            let Some(entry) = self.images.get_mut(&seq) else {
                continue;
            };
            entry.image.update_at = Some(at.now);
            if let Some(text) = &request.read_me {
                entry.read_me = Some(text.clone());
            }
            if let Some(tags) = &tags {
                entry.image.tags = Some(tags.clone());
            }
            self.set_dirty(DirtyKey::Image(seq));
        }
        Ok(())
    }

    /// Deletes all versions or, if one of them cannot go, none.
    pub(crate) fn delete_image_group(&mut self, at: &At<'_>, id: &str) -> ApiResult<()> {
        let members = self.own_group(at.caller, id)?;
        let ids: Vec<String> = members
            .iter()
            .filter_map(|seq| Some(self.images.get(seq)?.id().to_owned()))
            .collect();
        for id in &ids {
            self.check_deletable(at.caller, id)?;
        }
        for id in &ids {
            self.delete_image(at, id)?;
        }
        Ok(())
    }

    /// The registry is a part of the emulator, so that the entry is up to date already.
    pub(crate) fn sync_image(&mut self, at: &At<'_>, id: &str) -> ApiResult<Image> {
        let entry = self.find_image(at.caller, id)?;
        if entry.project.as_ref() != Some(&at.caller.project) {
            return Err(ApiError::new(
                code::FORBIDDEN,
                format!("The image '{id}' is built in or another project's."),
            ));
        }
        if entry.phase.until.is_some() {
            return Err(being_saved());
        }
        let seq = entry.seq;
        if let Some(entry) = self.images.get_mut(&seq) {
            entry.image.update_at = Some(at.now);
        }
        self.set_dirty(DirtyKey::Image(seq));
        self.show_image(at, id)
    }

    /// What versions of a group have in common.
    fn of_group(&self, caller: &Caller, namespace: &str, name: &str) -> Option<&ImageEntry> {
        self.images.values().find(|entry| {
            entry.project.as_ref() == Some(&caller.project)
                && entry.image.namespace.as_deref() == Some(namespace)
                && entry.name() == name
        })
    }

    pub(crate) fn show_image(&self, at: &At<'_>, id: &str) -> ApiResult<Image> {
        let entry = self.find_image(at.caller, id)?;
        let is_new = matches!(
            entry.phase.status,
            ImageStatus::Init | ImageStatus::Creating
        );
        if is_new && self.is_behind(entry.image.create_at.unwrap_or(entry.phase.since), at.now) {
            return Err(no_image(id));
        }
        Ok(Self::image_wire(entry))
    }

    pub(crate) fn register_image(
        &mut self,
        at: &At<'_>,
        request: RegisterImageRequest,
    ) -> ApiResult<Image> {
        let path = SwrPath::parse(&request.swr_path).ok_or_else(|| {
            ApiError::value("swr_path", "it has to be host/organization/name:tag")
        })?;
        self.check_image_tag(at.caller, path.namespace, path.name, path.tag)?;
        let workspace = request.workspace_id.clone().unwrap_or_else(|| "0".into());
        self.check_workspace(at.caller, &workspace)?;
        check_known("arch", request.arch.as_ref())?;
        check_known("flavor_type", request.flavor_type.as_ref())?;
        let group = self.of_group(at.caller, path.namespace, path.name);
        let group_text = group.and_then(|entry| entry.read_me.clone());
        let group_tags = request
            .tags
            .as_ref()
            .map(|tags| tags.iter().map(|tag| text_tag(tag)).collect())
            .or_else(|| group?.image.tags.clone());
        check_known("origin", request.origin.as_ref())?;
        check_known("service_type", request.service_type.as_ref())?;
        check_known("visibility", request.visibility.as_ref())?;
        let arch = request.arch.as_ref().map_or_else(
            || "x86_64".to_owned(),
            |arch| arch.as_str().to_ascii_lowercase(),
        );
        let resources = request
            .resource_category
            .filter(|resources| !resources.is_empty())
            .unwrap_or_else(|| vec!["CPU".into(), "GPU".into()]);
        let services = request
            .services
            .filter(|services| !services.is_empty())
            .unwrap_or_else(|| vec!["NOTEBOOK".into(), "SSH".into()]);
        let image = with_fields!(Image {
            id: Some(self.core.ids.uuid()),
            name: Some(path.name.to_owned()),
            namespace: Some(path.namespace.to_owned()),
            tag: Some(path.tag.to_owned()),
            description: Some(request.description.unwrap_or_default()),
            arch: Some(arch.as_str().into()),
            dev_services: Some(services),
            resource_categories: Some(resources),
            origin: Some(request.origin.unwrap_or_else(|| "CUSTOMIZE".into())),
            service_type: Some(request.service_type.unwrap_or_else(|| "UNKNOWN".into())),
            visibility: Some(request.visibility.unwrap_or_else(|| "PRIVATE".into())),
            size: Some(3_376_133_259),
            type_: Some("DEDICATED".into()),
            create_at: Some(at.now),
            update_at: Some(at.now),
            workspace_id: Some(workspace),
            tags: group_tags,
            flavor_type: request.flavor_type,
            swr_instance_id: request.swr_instance_id,
            swr_path: Some(request.swr_path)
        });
        let id = image.id.clone().unwrap_or_default();
        let durations = &self.settings.durations;
        let phase = Phase::enter(ImageStatus::Active, at.now, durations, None);
        let seq = self.next_seq();
        self.put_image(ImageEntry {
            seq,
            project: Some(at.caller.project.clone()),
            image,
            read_me: request.read_me.or(group_text),
            phase,
        });
        self.find_image(at.caller, &id).map(Self::image_wire)
    }

    /// Saves a running notebook as an image; the notebook uses the image afterwards.
    pub(crate) fn create_image(
        &mut self,
        at: &At<'_>,
        id: &str,
        request: CreateImageRequest,
    ) -> ApiResult<Image> {
        let now = at.now;
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let notebook = instance.notebook().ok_or_else(ApiError::no_instance)?;
        match instance.status() {
            InstanceStatus::Notebook(N::Running) => {}
            InstanceStatus::Notebook(N::Snapshotting) => {
                return Err(ApiError::new(
                    code::BUSY,
                    format!(
                        "Another image of the instance is being saved; wait until it is {}.",
                        N::Running
                    ),
                ));
            }
            status => {
                return Err(ApiError::new(
                    code::NOT_RUNNING,
                    format!(
                        "The instance is {status}; an image can be saved while it is {}.",
                        N::Running
                    ),
                ));
            }
        }
        let workspace = request.workspace_id.unwrap_or_else(|| "0".into());
        self.check_workspace(at.caller, &workspace)?;
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = given(request.name).unwrap_or_else(|| instance.name.to_ascii_lowercase());
        let namespace = given(request.namespace).unwrap_or_else(|| "modelarts".into());
        let tag = given(request.tag).unwrap_or_else(|| format!("{now}"));
        self.check_image_tag(at.caller, &namespace, &name, &tag)?;
        let base = self
            .image(&notebook.image)
            .map(|entry| entry.image.clone())
            .unwrap_or_default();
        let group = self.of_group(at.caller, &namespace, &name);
        let read_me = group.and_then(|entry| entry.read_me.clone());
        let tags = group.and_then(|entry| entry.image.tags.clone());
        let seq = instance.seq;
        let image_id = self.core.ids.uuid();
        let image = with_fields!(Image {
            id: Some(image_id.clone()),
            swr_path: Some(format!("swr.example.com/{namespace}/{name}:{tag}")),
            name: Some(name),
            namespace: Some(namespace),
            tag: Some(tag),
            description: Some(request.description.unwrap_or_default()),
            origin: Some("IMAGE_SAVE".into()),
            type_: Some("DEDICATED".into()),
            visibility: Some("PRIVATE".into()),
            // Known once it is saved.
            size: None,
            create_at: Some(now),
            update_at: Some(now),
            workspace_id: Some(workspace),
            tags,
            swr_instance_id: request.swr_instance_id,
            show_name: None,
            show_tag: None,
            ..base
        });
        let failing = self.planned(Step::SaveImage);
        let durations = &self.settings.durations;
        let entry = ImageEntry {
            seq: 0,
            project: Some(at.caller.project.clone()),
            image,
            read_me,
            phase: Phase::enter(ImageStatus::Creating, now, durations, failing.clone()),
        };
        let entry = ImageEntry {
            seq: self.next_seq(),
            ..entry
        };
        self.put_image(entry);
        self.change(seq, now, |instance, durations| {
            instance.enter(N::Snapshotting, now, durations, failing);
            if let Some(notebook) = instance.notebook_mut() {
                notebook.saving = Some(image_id.clone());
            }
        });
        let image = self
            .find_image(at.caller, &image_id)
            .map(Self::image_wire)?;
        Ok(with_fields!(Image {
            // The answer comes before the saving begins.
            status: Some(ImageStatus::Init.into()),
            ..image
        }))
    }

    pub(crate) fn delete_image(&mut self, at: &At<'_>, id: &str) -> ApiResult<Image> {
        let entry = self.check_deletable(at.caller, id)?;
        let seq = entry.seq;
        let image = with_fields!(Image {
            status: Some(ImageStatus::Deleted.into()),
            ..entry.image.clone()
        });
        self.image_ids.remove(id);
        self.images.remove(&seq);
        self.set_dirty(DirtyKey::Image(seq));
        Ok(image)
    }

    fn check_deletable(&self, caller: &Caller, id: &str) -> ApiResult<&ImageEntry> {
        let entry = self.find_image(caller, id)?;
        if entry.project.as_ref() != Some(&caller.project) {
            return Err(ApiError::new(
                code::FORBIDDEN,
                format!("The image '{id}' is built in or another project's and cannot be deleted."),
            ));
        }
        if entry.phase.until.is_some() {
            return Err(being_saved());
        }
        let user = self.instances.values().find(|instance| {
            instance
                .notebook()
                .is_some_and(|notebook| notebook.image == id)
        });
        if let Some(user) = user {
            return Err(ApiError::new(
                code::BUSY,
                format!(
                    "The image is in use by the instance {}; change or delete that first.",
                    user.id
                ),
            ));
        }
        Ok(entry)
    }

    fn check_image_tag(
        &self,
        caller: &Caller,
        namespace: &str,
        name: &str,
        tag: &str,
    ) -> ApiResult<()> {
        let taken = self.images.values().any(|entry| {
            entry.project.as_ref() == Some(&caller.project)
                && entry.image.namespace.as_deref() == Some(namespace)
                && entry.name() == name
                && entry.image.tag.as_deref() == Some(tag)
        });
        if !taken {
            return Ok(());
        }
        Err(ApiError::new(
            code::IMAGE_TAG,
            format!(
                "The image {namespace}/{name} has the tag '{tag}' already; choose another one."
            ),
        ))
    }
}

fn being_saved() -> ApiError {
    ApiError::new(
        code::BUSY,
        format!(
            "The image is being saved; wait until it is {}.",
            ImageStatus::Active
        ),
    )
}

/// A tag that was sent as one text: `key=value`, or a key alone.
fn text_tag(text: &str) -> Tag {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    with_fields!(Tag {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    })
}

/// The group of an image has an id of its own, the same for all versions and at every start.
fn group_id(entry: &ImageEntry) -> String {
    let mut hash = Sha256::new();
    let namespace = entry.image.namespace.as_deref().unwrap_or_default();
    let project = entry.project.as_deref().unwrap_or_default();
    for part in [project, namespace, entry.name()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digits: String = hash
        .finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    format!(
        "{}-{}-8{}-8{}-{}",
        part(0..8),
        part(8..12),
        part(13..16),
        part(17..20),
        part(20..32)
    )
}

fn check_known<E: modelarts_client::OpenEnum>(
    field: &str,
    value: Option<&modelarts_client::Open<E>>,
) -> ApiResult<()> {
    match value {
        Some(value) if value.is_unknown() => Err(ApiError::value(
            field,
            format_args!("'{value}' is none of {}", E::values().join(", ")),
        )),
        _ => Ok(()),
    }
}

fn sort(images: &mut [&ImageEntry], query: &ImageQuery<'_>) -> ApiResult<()> {
    let keys = query
        .sort_key
        .filter(|keys| !keys.trim().is_empty())
        .unwrap_or("create_at");
    for key in keys.split(',').map(str::trim).rev() {
        let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.to_ascii_lowercase().as_str() {
            "createat" | "createtime" => {
                images.sort_by_key(|entry| (entry.image.create_at, entry.seq))
            }
            "updateat" | "updatetime" => {
                images.sort_by_key(|entry| (entry.image.update_at, entry.seq))
            }
            "name" => images.sort_by(|a, b| a.name().cmp(b.name())),
            "size" => images.sort_by_key(|entry| entry.image.size),
            _ => {
                return Err(ApiError::new(
                    code::SORT_KEY,
                    format!(
                        "Images cannot be sorted by '{}'; use createTime, updateTime, name or size.",
                        shorten(key)
                    ),
                ));
            }
        }
    }
    if !query.ascending {
        images.reverse();
    }
    Ok(())
}

fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

fn no_image(id: &str) -> ApiError {
    ApiError::new(
        code::NO_IMAGE,
        format!("The image '{}' does not exist.", shorten(id)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swr_paths_have_four_parts() {
        let path = SwrPath::parse("swr.eu-de.example.com:443/team/sub/jax:0.4").unwrap();
        assert_eq!((path.namespace, path.name, path.tag), ("sub", "jax", "0.4"));
        for broken in [
            "",
            "jax",
            "team/jax:1",
            "host/team/jax",
            "host/team/:1",
            "h/t/n:",
        ] {
            assert!(SwrPath::parse(broken).is_none(), "{broken}");
        }
    }
}
