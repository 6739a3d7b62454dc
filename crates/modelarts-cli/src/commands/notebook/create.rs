//! `modelarts notebook create`

use clap::Args;
use serde_json::json;

use crate::commands::auto_stop::{NotebookStop, auto_stop_notice};
use crate::commands::generations::wait_hint;
use crate::commands::{ssh_body, volume_body};
use crate::complete::names_of;
use crate::exchange::Request;
use crate::failure::Failure;
use crate::lease::Stop;
use crate::lifecycle::{Generation, Target};
use crate::noun::{FLAVOR, IMAGE, NOTEBOOK};
use crate::output;
use crate::session::{Session, identity};
use crate::text;
use crate::waiting::Wait;

#[derive(Args)]
pub(crate) struct Create {
    /// Name of the notebook
    name: String,
    /// Flavor ID, from `modelarts flavor list`
    #[arg(long, value_name = "ID", add = names_of(&FLAVOR))]
    flavor: String,
    /// Image name or ID, from `modelarts image list`
    #[arg(long, value_name = "NAME|ID", add = names_of(&IMAGE))]
    image: String,
    /// Disk size, such as 50GB
    #[arg(long, value_name = "SIZE", value_parser = text::gigabytes)]
    volume: Option<i64>,
    /// Disk category, such as EVS or EFS [default: EVS]
    #[arg(long, value_name = "CATEGORY")]
    volume_category: Option<String>,
    /// URI of your own file system, for EFS
    #[arg(long, value_name = "URI")]
    volume_uri: Option<String>,
    /// Description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// Name of a key pair for SSH access (repeatable)
    #[arg(long, value_name = "NAME")]
    key_pair: Vec<String>,
    /// Public IP address that may connect by SSH (repeatable)
    #[arg(long, value_name = "IP", requires = "key_pair")]
    allow_ip: Vec<String>,
    /// ID of a dedicated resource pool
    #[arg(long, value_name = "ID")]
    pool: Option<String>,
    /// Workspace ID
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    #[command(flatten)]
    stop: NotebookStop,
    #[command(flatten)]
    wait: Wait,
}

impl Create {
    pub(super) async fn run(&self, session: &Session) -> Result<(), Failure> {
        let request = self.request(session).await?;
        let mut created = session.send(request).await?.unwrap_or_default();
        let id = identity(&created);
        session.remember(&NOTEBOOK, &id);
        if self.stop.stop().is_none() {
            output::note(&auto_stop_notice(&created, "--for, --idle or --off"));
        }
        if self.wait.wait {
            let what = format!("notebook {}", self.name);
            let interval = self.wait.interval.interval;
            let running = Generation::Notebook
                .wait(session, &id, &what, Target::Running, interval)
                .await?;
            created = running.unwrap_or(created);
        } else {
            wait_hint(&id, Target::Running);
        }
        session.print(&NOTEBOOK, &created)
    }

    async fn request(&self, session: &Session) -> Result<Request, Failure> {
        let image = session.resolve(&IMAGE, &self.image).await?;
        let endpoints = (!self.key_pair.is_empty()).then(|| {
            let ips = (!self.allow_ip.is_empty()).then_some(&*self.allow_ip);
            ssh_body(Some(&self.key_pair), ips)
        });
        let volume = volume_body(
            self.volume_category.as_deref(),
            self.volume,
            self.volume_uri.as_deref(),
        );
        Ok(Request::of("createNotebook")?.body(json!({
            "name": self.name,
            "flavor": self.flavor,
            "image_id": image,
            "description": self.description,
            "endpoints": endpoints,
            "pool_id": self.pool,
            "workspace_id": self.workspace,
            "lease": self.stop.stop().map(Stop::body).transpose()?,
            "volume": volume,
        })))
    }
}
