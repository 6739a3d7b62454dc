//! Stops every notebook that has been running for more than eight hours, eight at a time.
//!
//! The API tells since when by the last change of the notebook, as a start or a renewal of the lease is one: who has just
//! started or renewed one keeps it.

use std::error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use modelarts::devenviron::types::Notebook;
use modelarts::{Clock, ModelArts, NotebookExt, SystemClock, Timestamp, map_concurrent};

const LONG: Duration = Duration::from_secs(8 * 60 * 60);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let client = ModelArts::from_env().await?;
    run(&client, SystemClock.now(), &mut stdout()).await
}

/// Stops what has been running for long, and tells of each notebook what became of it; one failure makes it a failure.
pub async fn run(
    client: &ModelArts,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<ExitCode, Box<dyn Error>> {
    let running = client
        .notebooks()
        .list()
        .status("RUNNING")
        .collect()
        .await?;
    let is_overdue = |notebook: &Notebook| {
        let since = notebook.running_since();
        let time = since.and_then(|since| Duration::try_from(now.duration_since(since)).ok());
        time.is_some_and(|time| time > LONG)
    };
    let overdue = running.into_iter().filter(is_overdue);
    let overdue: Vec<String> = overdue.filter_map(|notebook| notebook.id).collect();

    let outcomes = map_concurrent(overdue, 8, |id| {
        let notebooks = client.notebooks();
        async move { notebooks.ensure_stopped(&id).await }
    })
    .await;

    let mut code = ExitCode::SUCCESS;
    for outcome in outcomes {
        match outcome.result {
            Ok(_) => writeln!(out, "{} stopped", outcome.item)?,
            Err(error) => {
                writeln!(out, "{} failed: {error}", outcome.item)?;
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
