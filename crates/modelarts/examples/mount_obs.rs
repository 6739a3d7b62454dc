//! Mounts a folder of a parallel file system of OBS to a running notebook, shows what is mounted, and unmounts it.
//!
//! Arguments: notebook id, folder, mount path.

use modelarts::{ModelArts, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let notebook_id = arguments.next().unwrap_or_default();
    let folder = arguments
        .next()
        .unwrap_or_else(|| "obs://nlp-data/corpus/".to_owned());
    let path = arguments
        .next()
        .unwrap_or_else(|| "/data/corpus/".to_owned());

    let storage = ModelArts::from_env().await?.storage();
    let mount = storage.mount(&notebook_id, &folder, &path).await?;
    let mount_id = mount.id.unwrap_or_default();
    storage.wait_until_mounted(&notebook_id, &mount_id).await?;
    for volume in storage.list(&notebook_id).await? {
        println!(
            "{}  {}",
            volume.mount_path.unwrap_or_default(),
            volume.uri.unwrap_or_default()
        );
    }
    storage.unmount(&notebook_id, &mount_id).await?;
    storage
        .wait_until_unmounted(&notebook_id, &mount_id)
        .await?;
    Ok(())
}
