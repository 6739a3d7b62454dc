//! Looks after the instances of the old generation: each that runs shall stop after two hours.

use std::error::Error;
use std::io::{Write, stdout};

use modelarts::{AutoStop, InstanceExt, ModelArts};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    run(&ModelArts::from_env().await?, &mut stdout()).await
}

/// Sets the time of each instance that runs, and writes a line for it.
pub async fn run(client: &ModelArts, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let limit = AutoStop::hours(2);
    let instances = client.instances();
    let running = instances.list().status("RUNNING");
    // All of them before the first is stopped, which changes the list.
    for instance in running.collect().await? {
        let auto_stop = instance.auto_stop();
        let id = instance.id.unwrap_or_default();
        if auto_stop != Some(limit) {
            instances.set_auto_stop(&id, limit).await?;
            // A changed time counts from the next start.
            instances.ensure_stopped(&id).await?;
            instances.ensure_running(&id).await?;
        }
        writeln!(out, "{id} stops after two hours")?;
    }
    Ok(())
}
