//! Stops every notebook that is older than eight hours, eight at a time.

use std::process::ExitCode;
use std::time::Duration;

use futures::TryStreamExt;
use modelarts::{Clock, ModelArts, NotebookExt, Result, SystemClock, for_each};

const LONG: Duration = Duration::from_secs(8 * 60 * 60);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let client = ModelArts::from_env().await?;
    let now = SystemClock.now();
    let old: Vec<String> = client
        .notebooks()
        .list()
        .filter(|request| request.status("RUNNING"))
        .items()
        .try_filter_map(|notebook| async move {
            let age = notebook
                .created_at()
                .map(|created| now.duration_since(created));
            let is_old = age.is_some_and(|age| age.unsigned_abs() > LONG);
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
            Ok(_) => println!("{} stopped", outcome.item),
            Err(error) => {
                eprintln!("{}: {error}", outcome.item);
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}
