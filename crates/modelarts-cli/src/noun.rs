//! The nouns of the command line: how each kind of resource is listed, named and shown.

use std::time::Duration;

use modelarts::devenviron::enums::{DevEnvInstanceStatus, ImageStatus, NotebookStatus};
use modelarts::devenviron::types::{DevEnvInstance, Notebook, NotebookFlavor};
use modelarts::{FlavorExt as _, InstanceExt as _, NotebookExt as _, OpenEnum as _, Timestamp};
use modelarts_document::SchemaType;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::document::{self, Place};
use crate::exchange::Request;
use crate::failure::Failure;
use crate::output::cell::{Cell, Tone};
use crate::schema::nearest;
use crate::text;

/// A kind of resource.
#[derive(Debug)]
pub(crate) struct Noun {
    pub(crate) name: &'static str,
    pub(crate) plural: &'static str,
    /// The command that lists it.
    pub(crate) list_command: &'static str,
    /// The operation that lists it.
    pub(crate) list: &'static str,
    /// The operation that reads one resource, and the parameter for its id.
    pub(crate) show: Option<(&'static str, &'static str)>,
    pub(crate) columns: &'static [Column],
}

impl Noun {
    /// Returns the request that lists it.
    pub(crate) fn listing(&self) -> Result<Request, Failure> {
        let request = Request::of(self.list)?;
        let parameters = request.operation.parameters.iter();
        // A required parameter with a single known value is set to that value.
        let required =
            parameters.filter(|parameter| parameter.place == Place::Query && parameter.required);
        Ok(required.fold(request.clone(), |request, parameter| {
            match parameter.known.as_slice() {
                [only] => request.query(&parameter.name, only),
                _ => request,
            }
        }))
    }
}

impl Noun {
    /// Checks that its resources have a field of this name, with dots between the names of nested fields.
    ///
    /// A tag is a field, too, named by its key: `tags.team`.
    pub(crate) fn check_field(&self, field: &str) -> Result<(), String> {
        let list = document::find(self.list);
        let mut schema = list.and_then(|list| {
            let names = list.items();
            list.response?.property(names.first()?)?.items()
        });
        for name in field.split('.') {
            let Some(object) = schema else { return Ok(()) };
            let property = object.property(name);
            let is_tags = property.is_some_and(|it| it.schema_type() == SchemaType::Array);
            let names = || object.properties().map(|(known, _)| known);
            match property {
                Some(_) if is_tags && name == "tags" => return Ok(()),
                Some(inner) => schema = Some(inner).filter(|it| it.properties().next().is_some()),
                // A free-form object can have any field.
                None if names().next().is_none() => return Ok(()),
                None => {
                    let plural = self.plural;
                    return Err(match nearest(name, names()) {
                        Some(nearest) => {
                            format!("{plural} have no field `{field}`; did you mean `{nearest}`?")
                        }
                        None => format!(
                            "{plural} have no field `{field}`; the fields are {}",
                            names().collect::<Vec<_>>().join(", ")
                        ),
                    });
                }
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) title: &'static str,
    /// The name in output for programs, if their value differs.
    pub(crate) data_title: Option<&'static str>,
    /// Whether it is only shown in wide tables and in details.
    pub(crate) wide: bool,
    /// The priority for hiding it on a narrow terminal: the highest goes first, and 0 is never hidden.
    pub(crate) yields: u8,
    /// Whether its cells can be long, and are truncated on a narrow terminal.
    pub(crate) is_long: bool,
    pub(crate) cell: fn(&Value, Timestamp) -> Cell,
}

const fn column(title: &'static str, cell: fn(&Value, Timestamp) -> Cell) -> Column {
    Column {
        title,
        data_title: None,
        wide: false,
        yields: 0,
        is_long: false,
        cell,
    }
}

const fn wide(title: &'static str, cell: fn(&Value, Timestamp) -> Cell) -> Column {
    Column {
        title,
        data_title: None,
        wide: true,
        yields: 9,
        is_long: false,
        cell,
    }
}

impl Column {
    /// Returns the name in output for programs.
    pub(crate) fn data_title(&self) -> String {
        match self.data_title {
            Some(title) => title.to_owned(),
            None => self.title.to_lowercase().replace(' ', "_"),
        }
    }

    const fn long(mut self) -> Self {
        self.is_long = true;
        self
    }

    const fn yields(mut self, order: u8) -> Self {
        self.yields = order;
        self
    }

    /// Marks the column as a time, which people see relative to now, and programs unchanged.
    const fn time(mut self, title: &'static str) -> Self {
        self.data_title = Some(title);
        self
    }
}

pub(crate) static NOTEBOOK: Noun = Noun {
    name: "notebook",
    plural: "notebooks",
    list_command: "notebook list",
    list: "listNotebooks",
    show: Some(("showNotebook", "id")),
    columns: &[
        column("NAME", |value, _| at(value, "/name")),
        column("STATUS", |value, _| notebook_status(value)),
        column("FLAVOR", |value, _| at(value, "/flavor")).yields(2),
        column("AGE", |value, now| {
            age(typed::<Notebook>(value).and_then(|n| n.created_at()), now)
        })
        .yields(3)
        .time("created_at"),
        column("UP", up).yields(4).time("running_since"),
        column("STOPS IN", stops_in).yields(1).time("stops_at"),
        column("ID", |value, _| at(value, "/id")).yields(8),
        wide("IMAGE", |value, _| at(value, "/image/name")),
        wide("VOLUME", |value, _| volume(value)),
        wide("OWNER", |value, _| at(value, "/user/name")),
        wide("BILLED", |value, _| list(value, "/billing_items")),
        wide("TAGS", |value, _| tags(value)),
        wide("FAILURE", |value, _| at(value, "/fail_reason")).long(),
    ],
};

pub(crate) static INSTANCE: Noun = Noun {
    name: "instance",
    plural: "instances",
    list_command: "instance list",
    list: "listDevEnvInstances",
    show: Some(("showDevEnvInstance", "instance_id")),
    columns: &[
        column("NAME", |value, _| at(value, "/name")),
        column("STATUS", |value, _| instance_status(value)),
        column("FLAVOR", |value, _| at(value, "/flavor")).yields(2),
        column("AGE", |value, now| {
            let instance = typed::<DevEnvInstance>(value);
            age(instance.and_then(|i| i.created_at()), now)
        })
        .yields(3)
        .time("created_at"),
        column("UP", up).yields(4).time("running_since"),
        column("STOPS IN", instance_stops_in)
            .yields(1)
            .time("stops_at"),
        column("ID", |value, _| at(value, "/id")).yields(8),
        wide("PROFILE", |value, _| at(value, "/profile/name")),
        wide("STORAGE", |value, _| {
            at(value, "/spec/storage/location/path")
        }),
        wide("OWNER", |value, _| at(value, "/user/name")),
        wide("FAILURE", |value, _| {
            at(value, "/spec/failed_reasons/detail")
        }),
    ],
};

pub(crate) static IMAGE: Noun = Noun {
    name: "image",
    plural: "images",
    list_command: "image list",
    list: "listImages",
    show: Some(("showImage", "id")),
    columns: &[
        column("NAME", |value, _| at(value, "/name")),
        column("TAG", |value, _| at(value, "/tag")).yields(1).long(),
        column("STATUS", |value, _| image_status(value)),
        column("ARCH", |value, _| at(value, "/arch")).yields(2),
        column("FOR", |value, _| list(value, "/resource_categories")).yields(3),
        column("ID", |value, _| at(value, "/id")).yields(8),
        wide("TYPE", |value, _| at(value, "/type")),
        wide("NAMESPACE", |value, _| at(value, "/namespace")),
        wide("SWR PATH", |value, _| at(value, "/swr_path")).long(),
    ],
};

pub(crate) static GROUP: Noun = Noun {
    name: "image group",
    plural: "image groups",
    list_command: "image groups",
    list: "listImageGroups",
    show: None,
    columns: &[
        column("NAME", |value, _| at(value, "/name")),
        column("VERSIONS", |value, _| at(value, "/version_count")).yields(1),
        column("NAMESPACE", |value, _| at(value, "/namespace")).yields(2),
        column("ID", |value, _| at(value, "/id")).yields(8),
    ],
};

pub(crate) static TAG: Noun = Noun {
    name: "tag",
    plural: "tags",
    list_command: "notebook tag list",
    list: "listNotebookTags",
    show: None,
    columns: &[
        column("KEY", |value, _| at(value, "/key")),
        // A notebook has one value per key, a project lists all of them.
        column("VALUE", |value, _| match value.get("values") {
            Some(_) => list(value, "/values"),
            None => at(value, "/value"),
        }),
    ],
};

pub(crate) static FLAVOR: Noun = Noun {
    name: "flavor",
    plural: "flavors",
    list_command: "flavor list",
    list: "listFlavors",
    show: None,
    columns: &[
        column("ID", |value, _| at(value, "/id")),
        column("CATEGORY", |value, _| at(value, "/category")).yields(3),
        column("VCPUS", |value, _| at(value, "/vcpus")).yields(1),
        column("MEMORY", |value, _| {
            let flavor = typed::<NotebookFlavor>(value);
            let memory = flavor.and_then(|flavor| flavor.memory_size());
            memory.map_or_else(Cell::none, |memory| Cell::plain(memory.to_string()))
        }),
        column("GPU", |value, _| gpu(value)).yields(2),
        column("AVAILABLE", |value, _| {
            match value.get("sold_out").and_then(Value::as_bool) {
                Some(true) => Cell::toned("sold out", Tone::Bad),
                Some(false) => Cell::toned("yes", Tone::Good),
                None => Cell::none(),
            }
        }),
        wide("ARCH", |value, _| at(value, "/arch")),
        wide("STORAGE", |value, _| list(value, "/storages")),
        wide("DESCRIPTION", |value, _| at(value, "/description")).long(),
    ],
};

pub(crate) static STORAGE: Noun = Noun {
    name: "mount",
    plural: "mounts",
    list_command: "storage list",
    list: "listAttachableObs",
    show: Some(("showAttachableObs", "storage_id")),
    columns: &[
        column("MOUNTED AT", |value, _| at(value, "/mount_path")),
        column("STATUS", |value, _| at(value, "/status")),
        column("URI", |value, _| at(value, "/uri")).yields(1).long(),
        column("ID", |value, _| at(value, "/id")),
    ],
};

pub(crate) static LEASE: Noun = Noun {
    name: "lease",
    plural: "leases",
    list_command: "lease show",
    list: "",
    show: None,
    columns: &[
        column("STOPS IN", |value, now| {
            stops_in(
                &serde_json::json!({ "lease": value, "status": NotebookStatus::Running.as_str() }),
                now,
            )
        })
        .time("stops_at"),
        column("TYPE", |value, _| at(value, "/type")),
        column("ENABLED", |value, _| at(value, "/enable")),
    ],
};

fn typed<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

/// Returns a member, formatted for people.
fn at(value: &Value, pointer: &str) -> Cell {
    match value.pointer(pointer) {
        None | Some(Value::Null) => Cell::none(),
        Some(Value::String(text)) if text.is_empty() => Cell::none(),
        Some(Value::String(text)) => Cell::plain(text.clone()),
        Some(Value::Bool(yes)) => Cell::plain(if *yes { "yes" } else { "no" }),
        Some(other) => Cell::plain(other.to_string()),
    }
}

fn list(value: &Value, pointer: &str) -> Cell {
    let items = value.pointer(pointer).and_then(Value::as_array);
    let items = items.into_iter().flatten();
    let texts: Vec<_> = items.filter_map(Value::as_str).collect();
    match texts.is_empty() {
        true => Cell::none(),
        false => Cell::plain(texts.join(", ")),
    }
}

/// Returns the tags of a notebook, as `key=value`.
fn tags(value: &Value) -> Cell {
    let tags = value.get("tags").and_then(Value::as_array);
    let texts: Vec<_> = tags
        .into_iter()
        .flatten()
        .map(|tag| format!("{}={}", at(tag, "/key").text, at(tag, "/value").data()))
        .collect();
    match texts.is_empty() {
        true => Cell::none(),
        false => Cell::plain(texts.join(", ")),
    }
}

fn gpu(value: &Value) -> Cell {
    match (at(value, "/gpu/gpu"), at(value, "/gpu/type")) {
        (count, model) if model == Cell::none() => count,
        (count, model) => Cell::plain(format!("{} x {}", count.text, model.text)),
    }
}

fn volume(value: &Value) -> Cell {
    let size = value.pointer("/volume/capacity").and_then(Value::as_i64);
    match (at(value, "/volume/category"), size) {
        (category, Some(size)) => Cell::plain(format!("{} {size} GB", category.text)),
        (category, None) => category,
    }
}

pub(crate) fn status(value: &Value) -> Option<&str> {
    value.get("status").and_then(Value::as_str)
}

pub(crate) fn is_running(value: &Value) -> bool {
    status(value)
        .is_some_and(|status| status.eq_ignore_ascii_case(NotebookStatus::Running.as_str()))
}

fn notebook_status(value: &Value) -> Cell {
    let Some(text) = status(value) else {
        return Cell::none();
    };
    let status = NotebookStatus::from_text(text);
    Cell::toned(
        text,
        tone(
            status == NotebookStatus::Running,
            status.is_transient(),
            status.is_failed(),
        ),
    )
}

fn instance_status(value: &Value) -> Cell {
    let Some(text) = status(value) else {
        return Cell::none();
    };
    let status = DevEnvInstanceStatus::from_text(text);
    Cell::toned(
        text,
        tone(
            status == DevEnvInstanceStatus::Running,
            status.is_transient(),
            status.is_failed(),
        ),
    )
}

fn image_status(value: &Value) -> Cell {
    let Some(text) = status(value) else {
        return Cell::none();
    };
    let status = ImageStatus::from_text(text);
    Cell::toned(
        text,
        tone(
            status == ImageStatus::Active,
            status.is_transient(),
            status.is_failed(),
        ),
    )
}

fn tone(good: bool, transient: bool, failed: bool) -> Tone {
    match (good, transient, failed) {
        (true, _, _) => Tone::Good,
        (_, true, _) => Tone::Busy,
        (_, _, true) => Tone::Bad,
        _ => Tone::Plain,
    }
}

fn age(since: Option<Timestamp>, now: Timestamp) -> Cell {
    let Some(since) = since else {
        return Cell::none();
    };
    match Duration::try_from(now.duration_since(since)) {
        Ok(age) => Cell::plain(text::brief(age)).time(since),
        // The time is in the future: the clocks differ.
        Err(_) => Cell::none().time(since),
    }
}

/// Returns a time since which the resource, of either generation, has certainly been running, if the response has
/// one.
pub(crate) fn running_since(value: &Value) -> Option<Timestamp> {
    match value.get("creation_timestamp") {
        Some(_) => typed::<DevEnvInstance>(value)?.running_since(),
        None => typed::<Notebook>(value)?.running_since(),
    }
}

/// Returns how long it has been running, at least.
fn up(value: &Value, now: Timestamp) -> Cell {
    age(running_since(value), now)
}

/// Whether it has no automatic stop.
pub(crate) fn runs_on(value: &Value) -> bool {
    is_off(value, "/lease/enable") || is_off(value, "/spec/auto_stop/enable")
}

fn is_off(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer) == Some(&Value::Bool(false))
}

fn never(running: bool) -> Cell {
    match running {
        // It runs, and incurs costs, until somebody stops it.
        true => Cell::toned("never", Tone::Bad),
        false => Cell::none(),
    }
}

fn stops_in(value: &Value, now: Timestamp) -> Cell {
    if is_off(value, "/lease/enable") {
        return never(is_running(value));
    }
    left(
        typed::<Notebook>(value).and_then(|notebook| notebook.stops_at()),
        now,
    )
}

fn instance_stops_in(value: &Value, now: Timestamp) -> Cell {
    if is_off(value, "/spec/auto_stop/enable") {
        return never(is_running(value));
    }
    let stops_at = typed::<DevEnvInstance>(value).and_then(|instance| instance.stops_at());
    // In a list this may be the only information.
    let from_remaining = || {
        let seconds = value.pointer("/spec/auto_stop/remain_time")?.as_u64()?;
        let stops_at = now.checked_add(Duration::from_secs(seconds)).ok()?;
        is_running(value).then_some(stops_at)
    };
    left(stops_at.or_else(from_remaining), now)
}

fn left(stops_at: Option<Timestamp>, now: Timestamp) -> Cell {
    let Some(stops_at) = stops_at else {
        return Cell::none();
    };
    let left = match Duration::try_from(stops_at.duration_since(now)) {
        Ok(time) if time > Duration::ZERO => text::brief(time),
        _ => "now".to_owned(),
    };
    Cell::plain(left).time(stops_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_takes_only_fields_that_exist() {
        for field in [
            "name",
            "lease.enable",
            "tags.team",
            "tags.cost.center",
            "image.name",
        ] {
            assert_eq!(NOTEBOOK.check_field(field), Ok(()), "{field}");
        }
        assert_eq!(INSTANCE.check_field("spec.auto_stop.enable"), Ok(()));
        assert_eq!(
            NOTEBOOK.check_field("nmae").unwrap_err(),
            "notebooks have no field `nmae`; did you mean `name`?"
        );
        assert!(
            NOTEBOOK
                .check_field("lease.zzz")
                .unwrap_err()
                .contains("the fields are ")
        );
        assert!(INSTANCE.check_field("tags.team").is_err());
    }

    #[test]
    fn a_required_parameter_with_one_value_is_set() {
        let query = |noun: &Noun| noun.listing().unwrap().query;
        let kind = ("de_type".to_owned(), "Notebook".to_owned());
        assert_eq!(query(&INSTANCE), [kind]);
        assert_eq!(query(&NOTEBOOK), []);
    }
}
