//! Lists what runs, with the time at which each notebook will be stopped.
//!
//! Credentials and addresses come from the environment or from `clouds.yaml`.

use std::error::Error;
use std::io::{Write, stdout};

use modelarts::devenviron::enums::NotebookStatus;
use modelarts::{ModelArts, NotebookExt};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&ModelArts::from_env().await?, &mut stdout()).await
}

/// Writes a line for each notebook that runs.
pub async fn run(client: &ModelArts, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let running = client.notebooks().list().status(NotebookStatus::Running);

    for notebook in running.collect().await? {
        let stops = match notebook.stops_at() {
            Some(time) => format!("stops at {time}"),
            None => "does not stop by itself".to_owned(),
        };
        writeln!(
            out,
            "{}  {}  {}  {stops}",
            notebook.id.unwrap_or_default(),
            notebook.name.unwrap_or_default(),
            notebook.flavor.unwrap_or_default(),
        )?;
    }
    Ok(())
}
