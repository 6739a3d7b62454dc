//! `modelarts lease`

use anyhow::anyhow;
use clap::Subcommand;

use super::Until;
use crate::complete::names_of;
use crate::exchange::Request;
use crate::failure::Failure;
use crate::lease;
use crate::noun::{LEASE, NOTEBOOK};
use crate::session::Session;

/// Show and set when notebooks stop automatically
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show when a notebook stops automatically
    #[command(after_help = "Example: modelarts lease show train-bert")]
    Show {
        /// Name or ID of the notebook, or @last for the one created last
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
    },
    /// Set when a running notebook stops automatically, counted from now
    #[command(
        visible_alias = "extend",
        after_help = "Example: modelarts lease set train-bert --for 8h"
    )]
    Set {
        /// Name or ID of the notebook, or @last for the one created last
        #[arg(value_name = "NAME|ID", add = names_of(&NOTEBOOK))]
        notebook: String,
        #[command(flatten)]
        until: Until,
    },
}

pub(crate) async fn run(command: Command, session: &Session) -> Result<(), Failure> {
    match command {
        Command::Show { notebook } => show(session, &notebook).await,
        Command::Set { notebook, until } => {
            let Some(stop) = until.stop() else {
                return Err(Failure::usage(anyhow!("give --for 8h, --idle 2h or --off")));
            };
            let id = session.resolve(&NOTEBOOK, &notebook).await?;
            match lease::renew(session, &id, stop).await? {
                Some(lease) => session.print(&LEASE, &lease),
                None => show(session, &id).await,
            }
        }
    }
}

async fn show(session: &Session, notebook: &str) -> Result<(), Failure> {
    let id = session.resolve(&NOTEBOOK, notebook).await?;
    let request = Request::of("showLease")?.path("id", &id);
    let lease = session.send(request).await?.unwrap_or_default();
    session.print(&LEASE, &lease)
}
