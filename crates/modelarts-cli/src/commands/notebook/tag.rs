//! `modelarts notebook tag`

use clap::Subcommand;
use serde_json::Value;

use crate::bulk::report_done;
use crate::commands::names::NotebookName;
use crate::commands::tag_pair;
use crate::complete::names_of;
use crate::exchange::Items;
use crate::failure::Failure;
use crate::noun::{NOTEBOOK, TAG};
use crate::output::table::Layout;
use crate::session::Session;
use crate::text;

/// The subcommands of `notebook tag`.
#[derive(Subcommand)]
pub(crate) enum Tag {
    /// List the tags of one notebook or of all notebooks
    #[command(after_help = "Example: modelarts notebook tag list train-bert")]
    List {
        /// Name or ID, or @last for the one created last; omit it to list the tags of all notebooks
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: Option<String>,
        #[command(flatten)]
        layout: Layout,
    },
    /// Add tags or change their values
    #[command(after_help = "Example: modelarts notebook tag add train-bert team=nlp stage=dev")]
    Add {
        #[command(flatten)]
        notebook: NotebookName,
        /// Tags to add or change
        #[arg(value_name = "KEY=VALUE", required = true, value_parser = tag_pair)]
        tags: Vec<(String, String)>,
    },
    /// Remove tags by key
    #[command(after_help = "Example: modelarts notebook tag remove train-bert stage")]
    Remove {
        #[command(flatten)]
        notebook: NotebookName,
        /// Keys of the tags to remove
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
    },
}

impl Tag {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let notebooks = session.client.notebooks();
        match self {
            Self::List { notebook, layout } => {
                layout
                    .check(&TAG, &session.format())
                    .map_err(Failure::usage)?;
                let items = match &notebook {
                    Some(notebook) => {
                        let id = session.resolve(&NOTEBOOK, notebook).await?;
                        let notebook = session.show(&NOTEBOOK, &id).await?;
                        let tags = notebook.get("tags").and_then(Value::as_array);
                        Items {
                            items: tags.cloned().unwrap_or_default(),
                            complete: true,
                        }
                    }
                    None => session.list(TAG.listing()?, None).await?,
                };
                session.print_all(&TAG, &layout, items)
            }
            Self::Add { notebook, tags } => {
                let id = notebook.resolve(session).await?;
                notebooks.add_tags(&id, tags).await?;
                report_done(session, "tagged", NOTEBOOK.name, &id, notebook.as_entered())
            }
            Self::Remove { notebook, keys } => {
                let id = notebook.resolve(session).await?;
                notebooks.remove_tags(&id, &keys).await?;
                let done = format!("removed {} from", text::one_line(&keys.join(", ")));
                report_done(session, &done, NOTEBOOK.name, &id, notebook.as_entered())
            }
        }
    }
}
