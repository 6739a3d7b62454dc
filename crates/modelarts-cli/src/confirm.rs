//! Asking before something is done.

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::anyhow;

use crate::failure::{Exit, Failure};
use crate::output;

/// Asks on the terminal; elsewhere nobody can be asked.
pub(crate) fn confirm(question: &str, details: &[String]) -> Result<(), Failure> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage(anyhow!(
            "{question}? Nobody can be asked here: add --yes"
        )));
    }
    for detail in details {
        output::note(detail);
    }
    let mut stderr = io::stderr();
    write!(stderr, "{question}? [y/N] ")?;
    stderr.flush()?;
    let mut reply = String::new();
    io::stdin().read_line(&mut reply)?;
    match reply.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "nothing was done")),
    }
}
