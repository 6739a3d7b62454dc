//! Creates a notebook, shows how it comes up, and says what to do if it does not.
//!
//! Arguments: name, flavor, image id.

use std::error::Error;
use std::io::{Write, stdout};

use futures::TryStreamExt;
use modelarts::devenviron::types::{CreateNotebookRequest, VolumeReq};
use modelarts::{AutoStop, ModelArts};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let request = CreateNotebookRequest::builder()
        .name(next("train-bert"))
        .flavor(next("modelarts.vm.cpu.2u"))
        .image_id(next("c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11"))
        .volume(
            VolumeReq::builder()
                .category("EVS")
                .ownership("MANAGED")
                .capacity(5),
        )
        .duration(AutoStop::hours(4).as_millis()?)
        .build()?;
    run(&ModelArts::from_env().await?, &request, &mut stdout()).await
}

/// Creates a notebook and writes a line for every poll, until it runs.
pub async fn run(
    client: &ModelArts,
    request: &CreateNotebookRequest,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let created = match client.notebooks().create(request).await {
        Err(error) if error.is_quota() || error.is_capacity() => {
            writeln!(out, "{}", error.remedy().unwrap_or("try another flavor"))?;
            return Err(error.into());
        }
        other => other?,
    };
    let id = created.id.unwrap_or_default();
    writeln!(out, "{id} is being created")?;

    let waiter = client.notebooks().wait_until_running(&id);
    let mut events = waiter.events();
    while let Some(event) = events.try_next().await? {
        let status = event.status;
        let progress = status.progress.map(|progress| progress.to_string());
        writeln!(
            out,
            "{:>4} s  {}  {}",
            status.elapsed.as_secs(),
            status.status,
            progress.unwrap_or_default(),
        )?;
    }
    Ok(())
}
