//! `modelarts image`

use clap::{Args, Subcommand};
use serde_json::json;

use super::names::ImageName;
use super::{Limit, tag_pair};
use crate::bulk::report_done;
use crate::complete::names_of;
use crate::confirm::confirm;
use crate::exchange::Request;
use crate::failure::{Exit, Failure};
use crate::noun::{GROUP, IMAGE};
use crate::output::table::Layout;
use crate::session::{Session, identity};
use crate::waiting::{Interval, follow};

/// Manage the images that notebooks run
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List images
    #[command(after_help = "Example: modelarts image list --name pytorch --type BUILD_IN")]
    List {
        /// List only images with this name
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// List only images of this type: BUILD_IN (from the service) or DEDICATED (your own)
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        layout: Layout,
    },
    /// Show an image
    #[command(after_help = "Example: modelarts image show pytorch-nlp")]
    Show(ImageName),
    /// Register an image from the container registry (SWR)
    #[command(
        after_help = "Example: modelarts image register swr.eu-de.otc.t-systems.com/nlp-team/bert:1.0.0"
    )]
    Register(Register),
    /// List image groups (images that share a name)
    #[command(after_help = "Example: modelarts image groups")]
    Groups {
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        layout: Layout,
    },
    /// Update the overview or the tags of an image group (Huawei Cloud only)
    #[command(
        after_help = "Example: modelarts image update-group bert --read-me 'Start with jupyter lab'"
    )]
    UpdateGroup {
        /// Name or ID of the group
        #[arg(value_name = "NAME|ID", add = names_of(&GROUP))]
        group: String,
        /// Overview text for the users of the images
        #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
        read_me: Option<String>,
        /// Tag (repeatable); all existing tags are replaced
        #[arg(long, value_name = "KEY=VALUE", value_parser = tag_pair)]
        tag: Vec<(String, String)>,
    },
    /// Delete an image group and all its images (Huawei Cloud only)
    #[command(after_help = "Example: modelarts image delete-group bert")]
    DeleteGroup {
        /// Name or ID of the group
        #[arg(value_name = "NAME|ID", add = names_of(&GROUP))]
        group: String,
        /// Also delete the content in the container registry
        #[arg(long)]
        with_content: bool,
        /// Do not ask for confirmation
        #[arg(short, long)]
        yes: bool,
    },
    /// Synchronize an image with the container registry (Huawei Cloud only)
    #[command(after_help = "Example: modelarts image sync bert")]
    Sync(ImageName),
    /// Delete an image, but keep its content in the container registry
    #[command(after_help = "Example: modelarts image delete bert")]
    Delete(ImageName),
    /// Wait until an image is active
    #[command(after_help = "Example: modelarts image wait @last")]
    Wait {
        #[command(flatten)]
        image: ImageName,
        #[command(flatten)]
        interval: Interval,
    },
}

#[derive(Args)]
pub(crate) struct Register {
    /// Image in the registry, as host/organization/name:tag
    swr_path: String,
    /// Description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// Architecture, such as X86_64
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Hardware that the image supports, such as CPU (repeatable)
    #[arg(long, value_name = "CATEGORY")]
    resource_category: Vec<String>,
    /// Service that the image supports, such as NOTEBOOK or SSH (repeatable)
    #[arg(long, value_name = "SERVICE")]
    service: Vec<String>,
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::List {
            name,
            kind,
            limit,
            layout,
        } => {
            layout
                .check(&IMAGE, &session.format())
                .map_err(Failure::usage)?;
            let mut request = IMAGE.listing()?;
            for (key, value) in [("name", name), ("type", kind)] {
                if let Some(value) = value {
                    request = request.query(key, value);
                }
            }
            let found = session.list(request, limit.limit).await?;
            session.print_all(&IMAGE, &layout, found)
        }
        Command::Show(image) => {
            let id = image.resolve(session).await?;
            session.print(&IMAGE, &session.show(&IMAGE, &id).await?)
        }
        Command::Register(register) => register.run(session).await,
        Command::Groups { limit, layout } => {
            layout
                .check(&GROUP, &session.format())
                .map_err(Failure::usage)?;
            let found = session.list(GROUP.listing()?, limit.limit).await?;
            session.print_all(&GROUP, &layout, found)
        }
        Command::UpdateGroup {
            group,
            read_me,
            tag,
        } => update_group(session, &group, read_me.as_deref(), &tag).await,
        Command::DeleteGroup {
            group,
            with_content,
            yes,
        } => delete_group(session, &group, with_content, yes).await,
        Command::Sync(image) => {
            let id = image.resolve(session).await?;
            let request = Request::of("syncImage")?.path("image_id", &id);
            let image = session.send(request).await?.unwrap_or_default();
            session.print(&IMAGE, &image)
        }
        Command::Delete(image) => {
            let id = image.resolve(session).await?;
            let request = Request::of("deleteImage")?.path("id", &id);
            session.send(request).await?;
            report_done(session, "deleted", IMAGE.name, &id, image.as_entered())
        }
        Command::Wait { image, interval } => wait(session, &image, &interval).await,
    }
}

async fn update_group(
    session: &Session,
    group: &str,
    read_me: Option<&str>,
    tags: &[(String, String)],
) -> Result<(), Failure> {
    let tags: Vec<_> = tags
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value}))
        .collect();
    let tags = (!tags.is_empty()).then_some(tags);
    if read_me.is_none() && tags.is_none() {
        let message = "nothing to change: give --read-me or --tag";
        return Err(Failure::new(Exit::Usage, message));
    }
    let id = session.resolve(&GROUP, group).await?;
    let request = Request::of("updateImageGroup")?
        .path("id", &id)
        .body(json!({"read_me": read_me, "tags": tags}));
    session.send(request).await?;
    report_done(session, "updated", GROUP.name, &id, group)
}

async fn delete_group(
    session: &Session,
    group: &str,
    with_content: bool,
    yes: bool,
) -> Result<(), Failure> {
    let id = session.resolve(&GROUP, group).await?;
    if !yes {
        let question = format!("delete image group {group} with all its images");
        confirm(&question, &[])?;
    }
    let mut request = Request::of("deleteImageGroup")?.path("id", &id);
    if with_content {
        request = request.body(json!({"is_force": true}));
    }
    session.send(request).await?;
    report_done(session, "deleted", GROUP.name, &id, group)
}

async fn wait(session: &Session, image: &ImageName, interval: &Interval) -> Result<(), Failure> {
    let id = image.resolve(session).await?;
    let policy = session.policy(interval.interval);
    let images = session.client.images();
    let waiter = images.wait_until_active(&id).policy(policy);
    let active = follow(waiter, &format!("image {image}")).await?;
    let active = serde_json::to_value(active).map_err(anyhow::Error::from)?;
    session.print(&IMAGE, &active)
}

impl Register {
    async fn run(&self, session: &Session) -> Result<(), Failure> {
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let request = Request::of("registerImage")?.body(json!({
            "swr_path": self.swr_path,
            "description": self.description,
            "arch": self.arch,
            "resource_category": some(&self.resource_category),
            "services": some(&self.service),
        }));
        let image = session.send(request).await?.unwrap_or_default();
        session.remember(&IMAGE, &identity(&image));
        session.print(&IMAGE, &image)
    }
}
