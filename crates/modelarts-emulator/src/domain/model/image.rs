//! An image.

use modelarts_client::devenviron::enums::ImageStatus;
use modelarts_client::devenviron::types;
use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::domain::durations::{Durations, Step};
use crate::domain::phase::{Phase, Status, Transition, transition};

/// The size of an image that was saved from a notebook, in bytes.
const SAVED_SIZE: i64 = 9_126_805_504;

/// An image, built in or owned by a project.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ImageEntry {
    pub(crate) seq: u64,
    /// `None` for a built-in image, which all projects may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<String>,
    /// The image as in responses, without its status.
    pub(crate) image: types::Image,
    /// The description of its group, which all versions share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) read_me: Option<String>,
    pub(crate) phase: Phase<ImageStatus>,
}

impl ImageEntry {
    pub(crate) fn id(&self) -> &str {
        self.image.id.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.image.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn advance(&mut self, now: Millis, durations: &Durations) {
        let Some((next, at, failure)) = self.phase.finish(now) else {
            return;
        };
        if next == ImageStatus::Active {
            self.image.size.get_or_insert(SAVED_SIZE);
        }
        self.phase = Phase::enter(next, at, durations, None);
        self.image.update_at = Some(at);
        self.image.status_message = failure.map(|failure| failure.message);
    }
}

impl Status for ImageStatus {
    fn transitions() -> &'static [Transition<Self>] {
        static TABLE: &[Transition<ImageStatus>] = &[transition(
            ImageStatus::Creating,
            Step::SaveImage,
            ImageStatus::Active,
            ImageStatus::CreateFailed,
        )];
        TABLE
    }

    fn is_listed(&self) -> bool {
        !self.is_unknown()
    }
}
