//! The last known state of a resource in the emulator, and the change requested since then.

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
    /// The properties that every complete resource has.
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

/// A requested change.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) what: What,
    pub(crate) acknowledged: bool,
}

impl Change {
    pub(crate) fn requested(what: What) -> Option<Self> {
        let acknowledged = false;
        Some(Self { what, acknowledged })
    }
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// The name of the new resource, or the path of the new mount.
    Create(String),
    Describe(String),
    Stop,
    Start,
    /// The duration from now, in milliseconds.
    Renew(i64),
    /// The name of the image.
    Save(String),
    /// Creates a mount, which is another resource.
    Mount,
    Delete,
}

impl What {
    /// Whether `found` is the result of this change to `known`, without any other change.
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
                // The duration counts from the creation, even after a renewal.
                let ends = number("create_at")
                    .zip(number("duration"))
                    .map(|(from, length)| from + length);
                let requested = number("update_at").map(|now| now + duration);
                kept && ends == requested
                    && lease["enable"] == true
                    && same(&["description", "status"])
            }
            Self::Save(image) => kept && status == "SNAPSHOTTING" && has_image(image, service)?,
            Self::Mount => kept && same(&["status", "description", "lease"]),
            Self::Delete => gone || matches!(status, "DELETING" | "DELETED" | "UNMOUNTING"),
        })
    }

    /// Whether the change has left no trace in other resources.
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

/// A resource in the emulator.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    pub(crate) kind: Kind,
    /// Its path; empty until the response to its creation has been received.
    pub(crate) path: String,
    /// The path of the list in which it was created.
    pub(crate) list: String,
    /// Its last known state; null before it exists and after it is gone.
    pub(crate) known: Value,
    /// The moment at which that state was known.
    pub(crate) known_at: Moment,
    /// The change requested since then.
    pub(crate) change: Option<Change>,
}

impl Resource {
    /// Returns a resource that is to be created.
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

    /// Whether the response to the last change is missing.
    pub(crate) fn is_open(&self) -> bool {
        self.change
            .as_ref()
            .is_some_and(|change| !change.acknowledged)
    }

    /// Marks the change as acknowledged.
    pub(crate) fn acknowledge(&mut self, response: &Value) {
        if self.path.is_empty() {
            self.path = format!("{}/{}", self.list, id(response));
        }
        if let Some(change) = &mut self.change {
            change.acknowledged = true;
        }
    }

    /// Reads the resource again. It must be unchanged, or have only the requested change.
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

    /// Records the current state.
    pub(crate) fn know(&mut self, found: Value) {
        self.known = found;
        self.known_at = Moment::now();
    }

    /// Returns the name under which it is being created, while its id is unknown.
    pub(crate) fn wanted_name(&self) -> Option<&str> {
        match &self.change.as_ref()?.what {
            What::Create(name) if self.known.is_null() => Some(name),
            _ => None,
        }
    }

    /// Finds a resource by name if its creation received no response.
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
                "incomplete, no {pointer}: {found}"
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

/// Returns its name, or the path of a mount.
pub(crate) fn label(value: &Value) -> &str {
    let label = value.get("mount_path").unwrap_or(&value["name"]);
    label.as_str().unwrap_or_default()
}
