//! `modelarts storage`

use clap::Subcommand;
use modelarts::devenviron::enums::DataVolumeCategory;
use serde_json::json;

use crate::complete::names_of;
use crate::exchange::Request;
use crate::failure::Failure;
use crate::noun::{NOTEBOOK, STORAGE};
use crate::output;
use crate::output::table::Layout;
use crate::session::{Session, identity};
use crate::waiting::{Wait, follow};

/// Folders of OBS in notebooks
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List what is mounted to a notebook
    #[command(after_help = "Example: modelarts storage list train-bert")]
    List {
        /// Name, ID or @last of the notebook
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        #[command(flatten)]
        layout: Layout,
    },
    /// Mount a folder to a running notebook
    #[command(
        after_help = "Example: modelarts storage mount train-bert obs://corpus/texts/ /data/texts/ --wait"
    )]
    Mount {
        /// Name, ID or @last of the notebook
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        /// Parallel file system and folder: obs://name/folder/
        uri: String,
        /// Directory in the notebook: /data/name/
        mount_path: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Show a mount
    #[command(
        after_help = "Example: modelarts storage show train-bert 4a1b6c3e-5d0f-4d8e-9f61-7a2c3b4d5e6f"
    )]
    Show {
        /// Name, ID or @last of the notebook
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        /// ID of the mount
        #[arg(value_name = "MOUNT ID")]
        storage: String,
    },
    /// Unmount a folder
    #[command(
        after_help = "Example: modelarts storage unmount train-bert 4a1b6c3e-5d0f-4d8e-9f61-7a2c3b4d5e6f --wait"
    )]
    Unmount {
        /// Name, ID or @last of the notebook
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        /// ID of the mount
        #[arg(value_name = "MOUNT ID")]
        storage: String,
        #[command(flatten)]
        wait: Wait,
    },
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::List { notebook, layout } => {
            let id = session.resolve(&NOTEBOOK, &notebook).await?;
            let request = STORAGE.listing()?.path("instance_id", &id);
            let found = session.list(request, None).await?;
            session.print_all(&STORAGE, &layout, found)
        }
        Command::Mount {
            notebook,
            uri,
            mount_path,
            wait,
        } => {
            let id = session.resolve(&NOTEBOOK, &notebook).await?;
            let request = Request::of("attachObs")?
                .path("instance_id", &id)
                .body(json!({"category": DataVolumeCategory::Obs.as_str(), "uri": uri, "mount_path": mount_path}));
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
        Command::Show { notebook, storage } => {
            let id = session.resolve(&NOTEBOOK, &notebook).await?;
            let request = Request::of("showAttachableObs")?
                .path("instance_id", &id)
                .path("storage_id", &storage);
            let mount = session.send(request).await?.unwrap_or_default();
            session.print(&STORAGE, &mount)
        }
        Command::Unmount {
            notebook,
            storage,
            wait,
        } => {
            let id = session.resolve(&NOTEBOOK, &notebook).await?;
            let request = Request::of("cancelObs")?
                .path("instance_id", &id)
                .path("storage_id", &storage);
            session.send(request).await?;
            if wait.wait {
                let policy = session.policy(wait.interval.interval);
                let group = session.client.storage();
                let waiter = group.wait_until_unmounted(&id, &storage).policy(policy);
                follow(waiter, &format!("mount {storage}")).await?;
            }
            output::note(&format!("unmounted: {storage}"));
            Ok(())
        }
    }
}
