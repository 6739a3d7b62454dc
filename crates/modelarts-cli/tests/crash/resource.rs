//! What is known of something in the emulator, and what was asked for since.

use std::io;

use serde_json::Value;

use crate::observer::Moment;
use crate::service::Service;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Notebook,
    Instance,
    Image,
    Mount,
}

impl Kind {
    /// What an answer must have; something half made lacks one of them.
    fn essential(self) -> &'static [&'static str] {
        match self {
            Self::Notebook => &[
                "/id",
                "/name",
                "/status",
                "/flavor",
                "/image/id",
                "/image/swr_path",
                "/lease/type",
                "/lease/create_at",
                "/volume/category",
                "/volume/ownership",
                "/feature",
                "/user/id",
                "/workspace_id",
                "/create_at",
                "/update_at",
            ],
            Self::Instance => &[
                "/id",
                "/name",
                "/status",
                "/flavor",
                "/profile/id",
                "/spec/storage/type",
                "/user/id",
                "/workspace/id",
                "/creation_timestamp",
            ],
            Self::Image => &[
                "/id",
                "/name",
                "/tag",
                "/namespace",
                "/status",
                "/swr_path",
                "/create_at",
            ],
            Self::Mount => &["/id", "/category", "/mount_path", "/status", "/uri"],
        }
    }
}

/// A change that was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) what: What,
    pub(crate) acknowledged: bool,
}

impl Change {
    pub(crate) fn asked(what: What) -> Option<Self> {
        let acknowledged = false;
        Some(Self { what, acknowledged })
    }
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// With this name, or to be mounted at this path.
    Create(String),
    Describe(String),
    Stop,
    Start,
    /// For so many milliseconds from now.
    Renew(i64),
    /// As an image of this name.
    Save(String),
    /// Something else comes into being with it.
    Mount,
    Delete,
}

impl What {
    /// Whether this leads from what was known to what was found, and nothing else has changed.
    fn is_done(&self, known: &Value, found: &Value, service: &Service) -> io::Result<bool> {
        let gone = found.is_null();
        let status = status(found);
        let same = |keys: &[&str]| keys.iter().all(|key| known.get(key) == found.get(key));
        let kept = !gone
            && same(&[
                "id",
                "name",
                "flavor",
                "image",
                "volume",
                "profile",
                "feature",
                "user",
                "create_at",
            ]);
        Ok(match self {
            Self::Create(name) => !gone && label(found) == name,
            Self::Describe(text) => {
                kept && found["description"] == *text && same(&["status", "lease"])
            }
            Self::Stop => kept && status == "STOPPING" && same(&["description"]),
            Self::Start => kept && status == "STARTING" && same(&["description"]),
            Self::Renew(duration) => {
                let lease = &found["lease"];
                let number = |key: &str| lease[key].as_i64();
                // The duration counts from the creation, also after a renewal.
                let ends = number("create_at")
                    .zip(number("duration"))
                    .map(|(from, length)| from + length);
                let asked = number("update_at").map(|now| now + duration);
                kept && ends == asked && lease["enable"] == true && same(&["description", "status"])
            }
            Self::Save(image) => kept && status == "SNAPSHOTTING" && has_image(image, service)?,
            Self::Mount => kept && same(&["status", "description", "lease"]),
            Self::Delete => gone || matches!(status, "DELETING" | "DELETED" | "UNMOUNTING"),
        })
    }

    /// Whether nothing of it is to be seen elsewhere.
    fn left_nothing(&self, service: &Service) -> io::Result<bool> {
        match self {
            Self::Save(image) => Ok(!has_image(image, service)?),
            _ => Ok(true),
        }
    }
}

fn has_image(name: &str, service: &Service) -> io::Result<bool> {
    let images = service.list(Kind::Image)?;
    Ok(images.iter().any(|image| label(image) == name))
}

/// Something in the emulator.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    /// Where it is shown; empty as long as the answer to its creation is missing.
    pub(crate) path: String,
    /// Where it was created.
    pub(crate) list: String,
    /// How it was shown last; null before it exists and when it is gone.
    pub(crate) known: Value,
    /// When that was known.
    pub(crate) known_at: Moment,
    /// What was asked for since.
    pub(crate) change: Option<Change>,
}

impl Resource {
    /// Something to be created.
    pub(crate) fn wanted(kind: Kind, list: &str, change: Option<Change>) -> Self {
        Self {
            kind,
            path: String::new(),
            list: list.to_owned(),
            known: Value::Null,
            known_at: Moment::now(),
            change,
        }
    }

    pub(crate) fn belongs_to(&self, other: &Self) -> bool {
        self.list.strip_suffix("/storage") == Some(other.path.as_str())
    }

    /// Whether the answer to the last change is missing.
    pub(crate) fn is_open(&self) -> bool {
        self.change
            .as_ref()
            .is_some_and(|change| !change.acknowledged)
    }

    /// Notes that the change was acknowledged.
    pub(crate) fn acknowledge(&mut self, response: &Value) {
        if self.path.is_empty() {
            self.path = format!("{}/{}", self.list, id(response));
        }
        if let Some(change) = &mut self.change {
            change.acknowledged = true;
        }
    }

    /// Reads it again: it must be as it was, or as the change makes it if there was one.
    pub(crate) fn settle(&mut self, service: &Service) -> io::Result<()> {
        if self.path.is_empty() {
            self.find(service)?;
        }
        let found = if self.path.is_empty() {
            Value::Null
        } else {
            service.show(&self.path)?
        };
        let fits = match &self.change {
            None => found == self.known,
            Some(Change { what, acknowledged }) => {
                what.is_done(&self.known, &found, service)?
                    || (!acknowledged && found == self.known && what.left_nothing(service)?)
            }
        };
        assert!(
            fits,
            "{:?} is {found}, but it was {}, then {:?}",
            self.kind, self.known, self.change
        );
        self.assert_complete(&found);
        self.know(found);
        self.change = None;
        Ok(())
    }

    /// Takes note of how it is now.
    pub(crate) fn know(&mut self, found: Value) {
        self.known = found;
        self.known_at = Moment::now();
    }

    /// The name under which it is being created, before its id is known.
    pub(crate) fn wanted_name(&self) -> Option<&str> {
        match &self.change.as_ref()?.what {
            What::Create(name) if self.known.is_null() => Some(name),
            _ => None,
        }
    }

    /// Looks for something whose creation was never answered.
    fn find(&mut self, service: &Service) -> io::Result<()> {
        let Some(wanted) = self.wanted_name() else {
            return Ok(());
        };
        let list = match self.kind {
            Kind::Mount => service.mounts(&self.list)?,
            kind => service.list(kind)?,
        };
        if let Some(found) = list.iter().find(|each| label(each) == wanted) {
            self.path = format!("{}/{}", self.list, id(found));
        }
        Ok(())
    }

    fn assert_complete(&self, found: &Value) {
        if found.is_null() {
            return;
        }
        for pointer in self.kind.essential() {
            let value = found.pointer(pointer).unwrap_or(&Value::Null);
            assert!(
                !value.is_null() && value != "",
                "half made, no {pointer}: {found}"
            );
        }
    }
}

pub(crate) fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap_or_default()
}

pub(crate) fn status(value: &Value) -> &str {
    value["status"].as_str().unwrap_or_default()
}

/// What somebody called it, or where it is mounted.
pub(crate) fn label(value: &Value) -> &str {
    let label = value.get("mount_path").unwrap_or(&value["name"]);
    label.as_str().unwrap_or_default()
}
