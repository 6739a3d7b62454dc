//! Image groups: all tags of one image name in one organization.

use std::collections::BTreeMap;

use modelarts_client::devenviron::types::{
    ImageGroup, ImageGroupList, Tag, TagReq, UpdateImageGroupRequest,
};
use sha2::{Digest as _, Sha256};

use super::caller::{At, Caller};
use super::image_list::ImageQuery;
use super::model::ImageEntry;
use super::state::{DirtyKey, State};
use super::tags;
use crate::error::{ApiError, ApiResult, code, shortened};
use crate::fields::with_fields;
use crate::ids::uuid_text;

impl State {
    /// Lists the image groups: one for all tags of one image name in one organization.
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

    /// Returns the versions of a group of the project; a built-in group cannot be changed.
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
                format!("The image group '{}' does not exist.", shortened(id)),
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
        tags::check(tags.unwrap_or_default())?;
        let tags: Option<Vec<Tag>> = tags.map(|tags| {
            let tag = |tag: &TagReq| {
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

    /// Deletes all versions, or none if one of them cannot be deleted.
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

    /// Returns a version of a group, for what all of its versions have in common.
    pub(super) fn of_group(
        &self,
        caller: &Caller,
        namespace: &str,
        name: &str,
    ) -> Option<&ImageEntry> {
        self.images.values().find(|entry| {
            entry.project.as_ref() == Some(&caller.project)
                && entry.image.namespace.as_deref() == Some(namespace)
                && entry.name() == name
        })
    }
}

/// The id of an image's group: the same for all versions, and at every start.
fn group_id(entry: &ImageEntry) -> String {
    let mut hash = Sha256::new();
    let namespace = entry.image.namespace.as_deref().unwrap_or_default();
    let project = entry.project.as_deref().unwrap_or_default();
    for part in [project, namespace, entry.name()] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let hash = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // Version 8: a UUID whose bytes have a meaning of our own.
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x0f | 0x80;
    uuid_text(bytes)
}

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::enums::ImageStatus;
    use modelarts_client::devenviron::types::Image;

    use super::*;
    use crate::domain::phase::Phase;

    #[test]
    fn the_id_of_a_group_is_a_uuid_that_depends_on_its_names_alone() {
        let entry = |namespace: &str, name: &str| ImageEntry {
            seq: 1,
            project: Some("p".to_owned()),
            image: with_fields!(Image {
                name: Some(name.to_owned()),
                namespace: Some(namespace.to_owned()),
            }),
            read_me: None,
            phase: Phase::settled(ImageStatus::Active, 0),
        };
        let id = group_id(&entry("nlp", "bert"));
        assert_eq!(id, "66876072-4fe4-8a02-8a02-a78a044e21fa");
        assert_ne!(id, group_id(&entry("nlp-bert", "")));
    }
}
