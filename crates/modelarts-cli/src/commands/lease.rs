//! `modelarts lease`

use anyhow::anyhow;
use clap::Subcommand;

use super::auto_stop::NotebookStop;
use super::names::NotebookName;
use crate::exchange::Request;
use crate::failure::Failure;
use crate::lease;
use crate::noun::LEASE;
use crate::session::Session;

/// Show and set when notebooks stop automatically
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show when a notebook stops automatically
    #[command(after_help = "Example: modelarts lease show train-bert")]
    Show(NotebookName),
    /// Set when a running notebook stops automatically, counted from now
    #[command(
        visible_alias = "extend",
        after_help = "Example: modelarts lease set train-bert --for 8h"
    )]
    Set {
        #[command(flatten)]
        notebook: NotebookName,
        #[command(flatten)]
        stop: NotebookStop,
    },
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Show(notebook) => show(session, &notebook.resolve(session).await?).await,
        Command::Set { notebook, stop } => {
            let Some(stop) = stop.stop() else {
                return Err(Failure::usage(anyhow!("give --for 8h, --idle 2h or --off")));
            };
            let id = notebook.resolve(session).await?;
            match lease::renew(session, &id, stop).await? {
                Some(lease) => session.print(&LEASE, &lease),
                None => show(session, &id).await,
            }
        }
    }
}

async fn show(session: &Session, id: &str) -> Result<(), Failure> {
    let request = Request::of("showLease")?.path("id", id);
    let lease = session.send(request).await?.unwrap_or_default();
    session.print(&LEASE, &lease)
}
