//! Lists what runs, with the time at which each notebook will be stopped.
//!
//! Credentials and addresses come from the environment or from `clouds.yaml`.

use futures::TryStreamExt;
use modelarts::enums::NotebookStatus;
use modelarts::{ModelArts, NotebookExt, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let client = ModelArts::from_env().await?;
    let running = client
        .notebooks()
        .list()
        .filter(|request| request.status(NotebookStatus::Running));

    let mut notebooks = std::pin::pin!(running.items());
    while let Some(notebook) = notebooks.try_next().await? {
        let stops = match notebook.stops_at() {
            Some(time) => format!("stops at {time}"),
            None => "does not stop by itself".to_owned(),
        };
        println!(
            "{}  {}  {}  {stops}",
            notebook.id.unwrap_or_default(),
            notebook.name.unwrap_or_default(),
            notebook.flavor.unwrap_or_default(),
        );
    }
    Ok(())
}
