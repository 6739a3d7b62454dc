//! The same client without async: starts the notebooks named on the command line, one after the other.

use std::error::Error;
use std::io::{Write, stdout};

use modelarts::blocking::ModelArts;

fn main() -> Result<(), Box<dyn Error>> {
    let ids: Vec<String> = std::env::args().skip(1).collect();
    run(&ModelArts::from_env()?, &ids, &mut stdout())
}

/// Starts what does not run, and writes a line for each notebook.
pub fn run(client: &ModelArts, ids: &[String], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for id in ids {
        let notebook = client.run(|client| client.notebooks().ensure_running(id))?;
        writeln!(out, "{id}  {}", notebook.name.unwrap_or_default())?;
    }
    Ok(())
}
