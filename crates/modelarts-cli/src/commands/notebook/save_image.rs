//! `modelarts notebook save-image`

use clap::Args;
use serde_json::json;

use crate::commands::names::NotebookName;
use crate::exchange::Request;
use crate::failure::Failure;
use crate::noun::IMAGE;
use crate::session::{Session, identity};
use crate::waiting::{Wait, follow};

#[derive(Args)]
pub(crate) struct SaveImage {
    #[command(flatten)]
    notebook: NotebookName,
    /// Name of the image
    #[arg(long)]
    name: String,
    /// Organization in the container registry (SWR)
    #[arg(long)]
    namespace: String,
    /// Tag of the image
    #[arg(long, default_value = "latest")]
    tag: String,
    /// Description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    #[command(flatten)]
    wait: Wait,
}

impl SaveImage {
    pub(super) async fn run(&self, session: &Session) -> Result<(), Failure> {
        let id = self.notebook.resolve(session).await?;
        let request = Request::of("createImage")?.path("id", &id).body(json!({
            "name": self.name,
            "namespace": self.namespace,
            "tag": self.tag,
            "description": self.description,
        }));
        let mut image = session.send(request).await?.unwrap_or_default();
        let id = identity(&image);
        session.remember(&IMAGE, &id);
        if self.wait.wait {
            let policy = session.policy(self.wait.interval.interval);
            let waiter = session
                .client
                .images()
                .wait_until_active(&id)
                .policy(policy);
            let active = follow(waiter, &format!("image {}", self.name)).await?;
            image = serde_json::to_value(active).unwrap_or(image);
        }
        session.print(&IMAGE, &image)
    }
}
