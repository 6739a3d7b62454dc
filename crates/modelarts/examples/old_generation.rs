//! Looks after the instances of the old generation: each that runs shall stop after two hours.

use futures::TryStreamExt;
use modelarts::{AutoStop, InstanceExt, ModelArts, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let instances = ModelArts::from_env().await?.instances();
    let mut running = std::pin::pin!(
        instances
            .list()
            .filter(|request| request.status("RUNNING"))
            .items()
    );
    while let Some(instance) = running.try_next().await? {
        let limit = AutoStop::hours(2);
        let id = instance.id.clone().unwrap_or_default();
        if instance.auto_stop() != Some(limit) {
            instances.set_auto_stop(&id, limit).await?;
            // A changed time counts from the next start.
            instances.ensure_stopped(&id).await?;
            instances.ensure_running(&id).await?;
        }
        println!("{id} stops after two hours");
    }
    Ok(())
}
