//! Saves a running notebook as an image.
//!
//! Arguments: notebook id, name, organization of the container registry.

use modelarts::types::CreateImageRequest;
use modelarts::{ModelArts, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let notebook_id = arguments.next().unwrap_or_default();
    let request = CreateImageRequest::builder()
        .name(arguments.next().unwrap_or_else(|| "bert".to_owned()))
        .namespace(arguments.next().unwrap_or_else(|| "nlp-team".to_owned()))
        .tag("1.0.0".to_owned())
        .try_into()?;

    let client = ModelArts::from_env().await?;
    client.notebooks().ensure_running(&notebook_id).await?;
    let saving = client.images().save(&notebook_id, &request).await?;
    let image = client
        .images()
        .wait_until_active(&saving.id.unwrap_or_default())
        .await?;
    println!(
        "{}  {}",
        image.id.unwrap_or_default(),
        image.swr_path.unwrap_or_default()
    );
    // While it is being saved a notebook is busy; afterwards it goes on.
    client.notebooks().wait_until_running(&notebook_id).await?;
    Ok(())
}
