//! Creates a notebook, shows how it comes up, and says what to do if it does not.
//!
//! Arguments: name, flavor, image id.

use futures::TryStreamExt;
use modelarts::types::{CreateNotebookRequest, VolumeReq};
use modelarts::{AutoStop, ModelArts, Result};

#[tokio::main]
async fn main() -> Result<()> {
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
        .try_into()?;

    let client = ModelArts::from_env().await?;
    let created = match client.notebooks().create(&request).await {
        Err(error) if error.is_quota() || error.is_capacity() => {
            eprintln!("{}", error.remedy().unwrap_or("try another flavor"));
            return Err(error);
        }
        other => other?,
    };
    let id = created.id.unwrap_or_default();
    println!("{id} is being created");

    let waiter = client.notebooks().wait_until_running(&id);
    let mut observations = std::pin::pin!(waiter.observations());
    while let Some(seen) = observations.try_next().await? {
        let progress = seen.observed.progress.map(|progress| progress.to_string());
        println!(
            "{:>4} s  {}  {}",
            seen.observed.elapsed.as_secs(),
            seen.observed.status,
            progress.unwrap_or_default(),
        );
    }
    Ok(())
}
