//! Confirmation before an action.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::anyhow;
use clap::Args;

use crate::failure::{Exit, Failure};
use crate::output;
use crate::text;

/// Dry run, confirmation and concurrency of bulk actions.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = None::<&str>)]
pub(crate) struct BulkOptions {
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Maximum number to process at the same time
    #[arg(long, default_value_t = 8, value_name = "NUMBER", value_parser = text::count, allow_negative_numbers = true)]
    concurrency: usize,
}

impl BulkOptions {
    /// Returns the maximum number of actions at the same time.
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency
    }
}

/// Asks for confirmation on the terminal. Without a terminal, this is an error.
pub(crate) fn confirm(question: &str, details: &[String]) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage(anyhow!(
            "{question}: confirm with --yes, because there is no terminal to ask on"
        )));
    }
    for detail in details {
        output::note(detail);
    }
    let mut stderr = io::stderr();
    write!(stderr, "{}? [y/N] ", text::capitalized(question))?;
    stderr.flush()?;
    let mut reply = String::new();
    io::stdin().read_line(&mut reply)?;
    match reply.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(
            Exit::Failed,
            "not confirmed; nothing was changed",
        )),
    }
}
