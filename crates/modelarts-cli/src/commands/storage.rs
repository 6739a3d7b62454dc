//! `modelarts storage`

use clap::Subcommand;
use modelarts::devenviron::enums::DataVolumeCategory;
use serde_json::{Value, json};

use super::names::NotebookName;
use crate::bulk::report_done;
use crate::exchange::Request;
use crate::failure::{Exit, Failure};
use crate::noun::STORAGE;
use crate::output::table::Layout;
use crate::resolve::is_id;
use crate::session::{Session, identity};
use crate::waiting::{Wait, follow};

/// Manage the OBS mounts of notebooks
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the mounts of a notebook
    #[command(after_help = "Example: modelarts storage list train-bert")]
    List {
        #[command(flatten)]
        notebook: NotebookName,
        #[command(flatten)]
        layout: Layout,
    },
    /// Mount an OBS folder in a running notebook
    #[command(
        after_help = "Example: modelarts storage mount train-bert obs://corpus/texts/ /data/texts/ --wait"
    )]
    Mount {
        #[command(flatten)]
        notebook: NotebookName,
        /// Parallel file system and folder, as obs://name/folder/
        uri: String,
        /// Directory in the notebook, such as /data/name/
        mount_path: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Show a mount
    #[command(after_help = "Example: modelarts storage show train-bert /data/texts/")]
    Show {
        #[command(flatten)]
        notebook: NotebookName,
        /// Mount directory or ID
        #[arg(value_name = "DIRECTORY|ID")]
        storage: String,
    },
    /// Unmount an OBS folder from a notebook
    #[command(after_help = "Example: modelarts storage unmount train-bert /data/texts/ --wait")]
    Unmount {
        #[command(flatten)]
        notebook: NotebookName,
        /// Mount directory or ID
        #[arg(value_name = "DIRECTORY|ID")]
        storage: String,
        #[command(flatten)]
        wait: Wait,
    },
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::List { notebook, layout } => {
            layout
                .check(&STORAGE, &session.format())
                .map_err(Failure::usage)?;
            let id = notebook.resolve(session).await?;
            let request = STORAGE.listing()?.path("instance_id", &id);
            let found = session.list(request, None).await?;
            session.print_all(&STORAGE, &layout, found)
        }
        Command::Mount {
            notebook,
            uri,
            mount_path,
            wait,
        } => mount(session, &notebook, &uri, &mount_path, &wait).await,
        Command::Show { notebook, storage } => {
            let id = notebook.resolve(session).await?;
            let mount = resolve_mount(session, &id, &storage).await?;
            let request = request("showAttachableObs", &id, &mount)?;
            let mount = session.send(request).await?.unwrap_or_default();
            session.print(&STORAGE, &mount)
        }
        Command::Unmount {
            notebook,
            storage,
            wait,
        } => unmount(session, &notebook, &storage, &wait).await,
    }
}

async fn mount(
    session: &Session,
    notebook: &NotebookName,
    uri: &str,
    mount_path: &str,
    wait: &Wait,
) -> Result<(), Failure> {
    let id = notebook.resolve(session).await?;
    let request = Request::of("attachObs")?.path("instance_id", &id).body(
        json!({"category": DataVolumeCategory::Obs.as_str(), "uri": uri, "mount_path": mount_path}),
    );
    let mut mount = session.send(request).await?.unwrap_or_default();
    if wait.wait {
        let policy = session.policy(wait.interval.interval);
        let storage = session.client.storage();
        let waiter = storage
            .wait_until_mounted(&id, &identity(&mount))
            .policy(policy);
        let mounted = follow(waiter, &format!("mount {mount_path}")).await?;
        mount = serde_json::to_value(mounted).unwrap_or(mount);
    }
    session.print(&STORAGE, &mount)
}

async fn unmount(
    session: &Session,
    notebook: &NotebookName,
    storage: &str,
    wait: &Wait,
) -> Result<(), Failure> {
    let id = notebook.resolve(session).await?;
    let mount = resolve_mount(session, &id, storage).await?;
    session.send(request("cancelObs", &id, &mount)?).await?;
    if wait.wait {
        let policy = session.policy(wait.interval.interval);
        let group = session.client.storage();
        let waiter = group.wait_until_unmounted(&id, &mount).policy(policy);
        follow(waiter, &format!("mount {storage}")).await?;
    }
    let done = match wait.wait {
        true => "unmounted",
        false => "unmounting",
    };
    report_done(session, done, STORAGE.name, &mount, storage)
}

/// Returns a request to an operation on a mount.
fn request(operation: &str, notebook: &str, mount: &str) -> Result<Request, Failure> {
    let request = Request::of(operation)?.path("instance_id", notebook);
    Ok(request.path("storage_id", mount))
}

/// Returns the ID of a mount, given by its directory or its ID.
async fn resolve_mount(session: &Session, notebook: &str, meant: &str) -> Result<String, Failure> {
    if is_id(meant) {
        return Ok(meant.to_owned());
    }
    let request = STORAGE.listing()?.path("instance_id", notebook);
    let mounts = session.list(request, None).await?.items;
    let plain = |path: &str| path.trim_end_matches('/').to_owned();
    let is_meant = |mount: &&Value| {
        let text = |key: &str| mount.get(key).and_then(Value::as_str);
        text("id") == Some(meant) || text("mount_path").map(plain) == Some(plain(meant))
    };
    match mounts.iter().find(is_meant) {
        Some(mount) => Ok(identity(mount)),
        None => Err(
            Failure::new(Exit::NotFound, format!("nothing is mounted at `{meant}`")).with_remedy(
                format!("To list the mounts: modelarts storage list {notebook}"),
            ),
        ),
    }
}
