//! The kinds of resources, with their columns.

use modelarts::devenviron::enums::NotebookStatus;
use modelarts::devenviron::types::{DevEnvInstance, Notebook, NotebookFlavor};
use modelarts::{FlavorExt as _, InstanceExt as _, NotebookExt as _};
use serde_json::Value;

use super::Noun;
use super::cells::{
    age, at, gpu, image_status, instance_status, instance_stops_in, list, notebook_status,
    stops_in, tags, uptime, volume,
};
use super::column::{column, wide};
use super::state::typed;
use crate::output::cell::{Cell, Tone};

pub(crate) static NOTEBOOK: Noun = Noun {
    name: "notebook",
    plural: "notebooks",
    list_command: "notebook list",
    list: "listNotebooks",
    show: Some(("showNotebook", "id")),
    columns: &[
        column("NAME", |value, _| at(value, "/name")),
        column("STATUS", |value, _| notebook_status(value)),
        column("FLAVOR", |value, _| at(value, "/flavor")).hide_priority(2),
        column("AGE", |value, now| {
            age(typed::<Notebook>(value).and_then(|n| n.created_at()), now)
        })
        .hide_priority(3)
        .time("created_at"),
        column("UP", uptime).hide_priority(4).time("running_since"),
        column("STOPS IN", stops_in)
            .hide_priority(1)
            .time("stops_at"),
        column("ID", |value, _| at(value, "/id")).hide_priority(8),
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
        column("FLAVOR", |value, _| at(value, "/flavor")).hide_priority(2),
        column("AGE", |value, now| {
            let instance = typed::<DevEnvInstance>(value);
            age(instance.and_then(|i| i.created_at()), now)
        })
        .hide_priority(3)
        .time("created_at"),
        column("UP", uptime).hide_priority(4).time("running_since"),
        column("STOPS IN", instance_stops_in)
            .hide_priority(1)
            .time("stops_at"),
        column("ID", |value, _| at(value, "/id")).hide_priority(8),
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
        column("TAG", |value, _| at(value, "/tag"))
            .hide_priority(1)
            .long(),
        column("STATUS", |value, _| image_status(value)),
        column("ARCH", |value, _| at(value, "/arch")).hide_priority(2),
        column("FOR", |value, _| list(value, "/resource_categories")).hide_priority(3),
        column("ID", |value, _| at(value, "/id")).hide_priority(8),
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
        column("VERSIONS", |value, _| at(value, "/version_count")).hide_priority(1),
        column("NAMESPACE", |value, _| at(value, "/namespace")).hide_priority(2),
        column("ID", |value, _| at(value, "/id")).hide_priority(8),
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
        column("CATEGORY", |value, _| at(value, "/category")).hide_priority(3),
        column("VCPUS", |value, _| at(value, "/vcpus")).hide_priority(1),
        column("MEMORY", |value, _| {
            let flavor = typed::<NotebookFlavor>(value);
            let memory = flavor.and_then(|flavor| flavor.memory_size());
            memory.map_or_else(Cell::none, |memory| Cell::plain(memory.to_string()))
        }),
        column("GPU", |value, _| gpu(value)).hide_priority(2),
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
        column("URI", |value, _| at(value, "/uri"))
            .hide_priority(1)
            .long(),
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
