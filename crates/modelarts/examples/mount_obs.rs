//! Mounts a folder of a parallel file system of OBS to a running notebook, shows what is mounted, and unmounts it.
//!
//! Arguments: notebook id, folder, mount path.

use std::error::Error;
use std::io::{Write, stdout};

use modelarts::ModelArts;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let notebook_id = arguments.next().ok_or("which notebook?")?;
    let mut next = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (folder, path) = (next("obs://nlp-data/corpus/"), next("/data/corpus/"));
    let client = ModelArts::from_env().await?;
    run(&client, &notebook_id, &folder, &path, &mut stdout()).await
}

/// Mounts, writes a line for each mount of the notebook, and unmounts.
pub async fn run(
    client: &ModelArts,
    notebook_id: &str,
    folder: &str,
    path: &str,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let storage = client.storage();
    let mount = storage.mount(notebook_id, folder, path).await?;
    let mount_id = mount.id.unwrap_or_default();
    storage.wait_until_mounted(notebook_id, &mount_id).await?;
    for volume in storage.list(notebook_id).await? {
        writeln!(
            out,
            "{}  {}",
            volume.mount_path.unwrap_or_default(),
            volume.uri.unwrap_or_default()
        )?;
    }
    storage.unmount(notebook_id, &mount_id).await?;
    storage.wait_until_unmounted(notebook_id, &mount_id).await?;
    Ok(())
}
