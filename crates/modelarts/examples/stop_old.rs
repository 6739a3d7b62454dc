//! Stops every notebook that is older than eight hours, eight at a time.

use std::error::Error;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use futures::TryStreamExt;
use modelarts::{Clock, ModelArts, NotebookExt, SystemClock, Timestamp, for_each};

const LONG: Duration = Duration::from_secs(8 * 60 * 60);

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let client = ModelArts::from_env().await?;
    run(&client, SystemClock.now(), &mut stdout()).await
}

/// Stops what is old, and tells of each notebook what became of it; one failure makes it a failure.
pub async fn run(
    client: &ModelArts,
    now: Timestamp,
    out: &mut impl Write,
) -> Result<ExitCode, Box<dyn Error>> {
    let old: Vec<String> = client
        .notebooks()
        .list()
        .filter(|request| request.status("RUNNING"))
        .items()
        .try_filter_map(|notebook| async move {
            let age = notebook
                .created_at()
                .and_then(|created| Duration::try_from(now.duration_since(created)).ok());
            let is_old = age.is_some_and(|age| age > LONG);
            Ok(notebook.id.filter(|_| is_old))
        })
        .try_collect()
        .await?;

    let outcomes = for_each(old, 8, |id| {
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
