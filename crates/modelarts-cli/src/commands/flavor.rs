//! `modelarts flavor`

use clap::Subcommand;
use serde_json::Value;

use super::Limit;
use super::names::NotebookName;
use crate::exchange::Request;
use crate::failure::Failure;
use crate::noun::FLAVOR;
use crate::output::table::Layout;
use crate::session::Session;

/// List flavors, the hardware configurations of notebooks
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List flavors
    #[command(
        after_help = "Example: modelarts flavor list --available --category GPU --sort memory"
    )]
    List {
        /// List only flavors that are not sold out
        #[arg(long)]
        available: bool,
        /// List only flavors of this category, such as CPU or GPU
        #[arg(long, value_name = "CATEGORY")]
        category: Option<String>,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        layout: Layout,
    },
    /// List the flavors that a stopped notebook can switch to
    #[command(after_help = "Example: modelarts flavor switchable train-bert")]
    Switchable {
        #[command(flatten)]
        notebook: NotebookName,
        #[command(flatten)]
        limit: Limit,
        #[command(flatten)]
        layout: Layout,
    },
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::List {
            available,
            category,
            limit,
            layout,
        } => {
            layout
                .check(&FLAVOR, &session.format())
                .map_err(Failure::usage)?;
            let mut request = FLAVOR.listing()?;
            if let Some(category) = category {
                request = request.query("category", category);
            }
            let mut found = session
                .list(request, limit.limit.filter(|_| !available))
                .await?;
            if available {
                found
                    .items
                    .retain(|flavor| flavor.get("sold_out") != Some(&Value::Bool(true)));
                let most = limit.limit.unwrap_or(usize::MAX);
                found.complete &= found.items.len() <= most;
                found.items.truncate(most);
            }
            session.print_all(&FLAVOR, &layout, found)
        }
        Command::Switchable {
            notebook,
            limit,
            layout,
        } => {
            layout
                .check(&FLAVOR, &session.format())
                .map_err(Failure::usage)?;
            let id = notebook.resolve(session).await?;
            let request = Request::of("showSwitchableFlavors")?.path("id", &id);
            let found = session.list(request, limit.limit).await?;
            session.print_all(&FLAVOR, &layout, found)
        }
    }
}
