//! Images: built in, registered, or saved from a notebook.

use modelarts_client::devenviron::enums::ImageStatus;
use modelarts_client::devenviron::types::Image;

use super::caller::{At, Caller};
use super::model::ImageEntry;
use super::phase::Phase;
use super::state::{DirtyKey, State, Subject};
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code, shortened};
use crate::fields::with_fields;

impl State {
    /// Adds an image.
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

    pub(super) fn image(&self, id: &str) -> Option<&ImageEntry> {
        self.image_ids.get(id).and_then(|seq| self.images.get(seq))
    }

    /// Finds an image that the caller may use: a built-in one, one of the project, or a public one.
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

    pub(super) fn find_image(&self, caller: &Caller, id: &str) -> ApiResult<&ImageEntry> {
        self.visible_image(caller, id).ok_or_else(|| no_image(id))
    }

    pub(crate) fn show_image(&self, at: &At<'_>, id: &str) -> ApiResult<Image> {
        let entry = self.find_image(at.caller, id)?;
        let is_new = matches!(
            entry.phase.status,
            ImageStatus::Init | ImageStatus::Creating
        );
        if is_new && self.is_stale(entry.image.create_at.unwrap_or(entry.phase.since), at.now) {
            return Err(no_image(id));
        }
        Ok(Self::image_wire(entry))
    }

    /// Synchronizes an image with its registry. The emulator has no separate registry, so only the time changes.
    pub(crate) fn sync_image(&mut self, at: &At<'_>, id: &str) -> ApiResult<Image> {
        let entry = self.find_image(at.caller, id)?;
        if entry.project.as_ref() != Some(&at.caller.project) {
            return Err(ApiError::new(
                code::FORBIDDEN,
                format!("The image '{id}' is built in or belongs to another project."),
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

    pub(super) fn check_deletable(&self, caller: &Caller, id: &str) -> ApiResult<&ImageEntry> {
        let entry = self.find_image(caller, id)?;
        if entry.project.as_ref() != Some(&caller.project) {
            return Err(ApiError::new(
                code::FORBIDDEN,
                format!(
                    "The image '{id}' is built in or belongs to another project and cannot be deleted."
                ),
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
                    "The image is in use by the instance {}; change or delete the instance first.",
                    user.id
                ),
            ));
        }
        Ok(entry)
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

fn no_image(id: &str) -> ApiError {
    ApiError::new(
        code::NO_IMAGE,
        format!("The image '{}' does not exist.", shortened(id)),
    )
}
