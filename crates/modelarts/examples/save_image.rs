//! Saves a notebook as an image; it is started if need be.
//!
//! Arguments: notebook id, name, organization of the container registry.

use std::error::Error;
use std::io::{Write, stdout};

use modelarts::ModelArts;
use modelarts::devenviron::types::CreateImageRequest;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let notebook_id = arguments.next().ok_or("which notebook?")?;
    let request = CreateImageRequest::builder()
        .name(arguments.next().unwrap_or_else(|| "bert".to_owned()))
        .namespace(arguments.next().unwrap_or_else(|| "nlp-team".to_owned()))
        .tag("1.0.0")
        .build()?;
    let client = ModelArts::from_env().await?;
    run(&client, &notebook_id, &request, &mut stdout()).await
}

/// Saves an image and writes its id and where it is.
pub async fn run(
    client: &ModelArts,
    notebook_id: &str,
    request: &CreateImageRequest,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    client.notebooks().ensure_running(notebook_id).await?;
    let saving = client.images().save(notebook_id, request).await?;
    let image = client
        .images()
        .wait_until_active(&saving.id.unwrap_or_default())
        .await?;
    writeln!(
        out,
        "{}  {}",
        image.id.unwrap_or_default(),
        image.swr_path.unwrap_or_default()
    )?;
    // While it is being saved a notebook is busy; afterwards it goes on.
    client.notebooks().wait_until_running(notebook_id).await?;
    Ok(())
}
