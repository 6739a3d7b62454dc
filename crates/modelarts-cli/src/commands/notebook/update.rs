//! `modelarts notebook update`

use clap::Args;
use serde_json::json;

use crate::commands::names::NotebookName;
use crate::complete::names_of;
use crate::exchange::Request;
use crate::failure::{Exit, Failure};
use crate::noun::{FLAVOR, IMAGE, NOTEBOOK};
use crate::session::Session;
use crate::text;

#[derive(Args)]
pub(crate) struct Update {
    #[command(flatten)]
    notebook: NotebookName,
    /// New name
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    name: Option<String>,
    /// New description
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// New flavor ID, from `modelarts flavor switchable`; the notebook must be stopped
    #[arg(long, value_name = "ID", add = names_of(&FLAVOR))]
    flavor: Option<String>,
    /// New image name or ID; the notebook must be stopped
    #[arg(long, value_name = "NAME|ID", add = names_of(&IMAGE))]
    image: Option<String>,
    /// New disk size, such as 100GB; a disk can only grow
    #[arg(long, value_name = "SIZE", value_parser = text::gigabytes)]
    volume: Option<i64>,
}

impl Update {
    pub(super) async fn run(&self, session: &Session) -> Result<(), Failure> {
        let id = self.notebook.resolve(session).await?;
        let image = match &self.image {
            Some(image) => Some(session.resolve(&IMAGE, image).await?),
            None => None,
        };
        let request = Request::of("updateNotebook")?.path("id", &id).body(json!({
            "name": self.name,
            "description": self.description,
            "flavor": self.flavor,
            "image_id": image,
            "storage_new_size": self.volume,
        }));
        if request.body == Some(json!({})) {
            return Err(Failure::new(
                Exit::Usage,
                "nothing to change: give --name, --description, --flavor, --image or --volume",
            ));
        }
        let updated = session.send(request).await?.unwrap_or_default();
        session.print(&NOTEBOOK, &updated)
    }
}
