//! `modelarts demo`: the life of an instance, told line by line.

use std::time::Duration;

use clap::Args;
use futures::TryStreamExt as _;
use modelarts::enums::{ImageArch, ResourceCategory};
use modelarts::types::{
    CreateDevEnvInstanceRequest, CreateDevEnvNotebookSpec, CreateNotebookRequest,
    DevEnvStorageLocationReq, DevEnvStorageReq, VolumeReq,
};
use modelarts::{AutoStop, BoxFuture, Clock, Credentials, ModelArts, Timestamp, Waiter};
use modelarts_emulator::{Emulator, LogFilter};
use serde::Serialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::output::line;

#[derive(Args)]
pub(crate) struct Options {
    /// How many seconds of the service pass in one second here; 0 for no waiting at all
    #[arg(long, default_value_t = 120, value_name = "FACTOR")]
    speed: u32,
}

/// Runs the whole story on an emulator of its own.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let emulator = Emulator::builder()
        .manual()
        .rng_seed(7)
        .start()
        .await
        .map_err(anyhow::Error::from)?;
    let clock = DemoClock {
        emulator: emulator.clock().clone(),
        speed: options.speed,
    };
    let client = ModelArts::builder()
        .endpoint(emulator.base_url())
        .project_id(emulator.project_id())
        .credentials(Credentials::token(emulator.token()))
        .clock(clock)
        .build()
        .await?;
    line("An emulator runs in this process, on a fast clock; all of this goes over HTTP.")?;
    Story { emulator, client }.tell().await
}

struct Story {
    emulator: Emulator,
    client: ModelArts,
}

impl Story {
    async fn tell(&self) -> Result<(), Failure> {
        self.old_generation().await?;
        self.new_generation().await?;
        self.error().await?;
        line(
            "\nDone. `modelarts emulator` serves the same to any client, such as `modelarts api`.",
        )?;
        Ok(())
    }

    async fn old_generation(&self) -> Result<(), Failure> {
        let instances = self.client.instances();
        heading("Create an instance of the old generation")?;
        let request = CreateDevEnvInstanceRequest {
            name: "demo".to_owned(),
            profile_id: "Multi-Engine 1.0 (python3)-cpu".to_owned(),
            flavor: "modelarts.vm.cpu.2u".to_owned(),
            description: Some("Made by the demo".to_owned()),
            spec: CreateDevEnvNotebookSpec {
                storage: DevEnvStorageReq {
                    type_: "obs".into(),
                    location: Some(DevEnvStorageLocationReq {
                        path: Some("/demo-bucket/notebooks/".to_owned()),
                    }),
                },
                annotations: None,
                auto_stop: None,
                extend_storage: None,
            },
            ai_project: None,
            pool: None,
            workspace: None,
        };
        let created = self.show(instances.create(&request).await?)?;
        let id = created.id.unwrap_or_default();
        self.wait(instances.wait_until_running(&id)).await?;

        heading("Have it stopped automatically after two hours")?;
        self.show(instances.set_auto_stop(&id, AutoStop::hours(2)).await?)?;

        heading("Stop it")?;
        self.show(instances.stop(&id).await?)?;
        self.wait(instances.wait_until_stopped(&id)).await?;

        heading("Start it")?;
        self.show(instances.start(&id).await?)?;
        self.wait(instances.wait_until_running(&id)).await?;

        heading("Create an instance of ML Studio, the only kind that restarts")?;
        let request = CreateDevEnvInstanceRequest {
            name: "demo-studio".to_owned(),
            profile_id: "ML-Studio-cpu".to_owned(),
            ..request
        };
        let studio = self.show(instances.create(&request).await?)?;
        let id = studio.id.unwrap_or_default();
        self.wait(instances.wait_until_running(&id)).await?;

        heading("Restart it")?;
        self.show(instances.restart(&id).await?)?;
        self.wait(instances.wait_until_running(&id)).await?;
        Ok(())
    }

    async fn new_generation(&self) -> Result<(), Failure> {
        let notebooks = self.client.notebooks();
        heading("Create a notebook of the new generation, and wait for its disk, too")?;
        let images = self.client.images().list().send().await?.data;
        let image = images.into_iter().flatten().find(|image| {
            let mut runs_on = image.resource_categories.iter().flatten();
            image.arch.as_deref() == Some(&ImageArch::X86_64)
                && runs_on.any(|category| *category == ResourceCategory::Cpu)
        });
        let request = CreateNotebookRequest {
            name: "demo".to_owned(),
            flavor: "modelarts.vm.cpu.2u".to_owned(),
            image_id: image.and_then(|image| image.id).unwrap_or_default(),
            volume: VolumeReq {
                category: "EVS".into(),
                ownership: "MANAGED".into(),
                capacity: Some(5),
                id: None,
                uri: None,
            },
            description: None,
            duration: None,
            endpoints: None,
            feature: None,
            hooks: None,
            lease: None,
            pool_id: None,
            workspace_id: None,
        };
        let created = self.show(notebooks.create(&request).await?)?;
        let id = created.id.unwrap_or_default();
        self.wait(notebooks.wait_until_running(&id)).await?;
        heading("Stop it, whatever its state: safe to repeat")?;
        self.wait(notebooks.ensure_stopped(&id)).await?;
        heading("Read it")?;
        self.show(notebooks.show(&id).await?)?;
        heading("Start it for eight hours")?;
        self.show(notebooks.start_with(&id, AutoStop::hours(8)).await?)?;
        self.wait(notebooks.wait_until_running(&id)).await?;
        Ok(())
    }

    async fn error(&self) -> Result<(), Failure> {
        heading("Ask for an instance that does not exist")?;
        let id = "6fa459ea-ee8a-3ca4-894e-db77e160355e";
        let Err(error) = self.client.instances().show(id).await else {
            return Err(
                anyhow::anyhow!("the emulator knows an instance {id} that nobody made").into(),
            );
        };
        let status = self.sent()?;
        line(&format!("  < {status}"))?;
        line(&format!("  ! {error}"))?;
        if let Some(remedy) = error.remedy() {
            line(&format!("    {remedy}"))?;
        }
        line(&format!("    is_not_found() is {}", error.is_not_found()))?;
        Ok(())
    }

    /// Prints what was sent last and what came back.
    fn show<T: Serialize>(&self, answer: T) -> Result<T, Failure> {
        let status = self.sent()?;
        let value = serde_json::to_value(&answer).map_err(anyhow::Error::from)?;
        line(&format!("  < {status}"))?;
        line(&folded(&brief(&value).to_string()))?;
        Ok(answer)
    }

    /// Prints the last request as the emulator received it; returns the status of its answer.
    fn sent(&self) -> Result<u16, Failure> {
        let Some(request) = self.emulator.requests(&LogFilter::default()).pop() else {
            return Err(anyhow::anyhow!("the emulator received no request").into());
        };
        let query = request
            .query
            .map_or_else(String::new, |query| format!("?{query}"));
        line(&format!("  > {} {}{query}", request.method, request.path))?;
        if let Some(body) = request.body {
            line(&folded(&body.to_string()))?;
        }
        Ok(request.status)
    }

    /// Waits and prints every poll.
    async fn wait<T: Send + 'static>(&self, waiter: Waiter<T>) -> Result<(), Failure> {
        let mut events = waiter.events();
        while let Some(event) = events.try_next().await? {
            let status = event.status;
            let progress = status
                .progress
                .filter(|_| !event.done)
                .map_or_else(String::new, |progress| format!("  {progress}"));
            line(&format!(
                "  . {:>4} s  {}{progress}",
                status.elapsed.as_secs(),
                status.status
            ))?;
        }
        Ok(())
    }
}

fn heading(text: &str) -> std::io::Result<()> {
    line(&format!("\n{text}"))
}

/// The members that the story is about; an answer has many more, some of them secret.
const TOLD: [&str; 8] = [
    "id",
    "name",
    "status",
    "current_status",
    "previous_state",
    "flavor",
    "auto_stop",
    "lease",
];

fn brief(answer: &Value) -> Value {
    let mut told = serde_json::Map::new();
    for holder in [Some(answer), answer.get("spec")].into_iter().flatten() {
        for key in TOLD {
            if let Some(value) = holder.get(key) {
                told.insert(key.to_owned(), value.clone());
            }
        }
    }
    Value::Object(told)
}

/// Lines of this length fit into a terminal.
const WIDTH: usize = 80;
const INDENT: &str = "    ";

/// JSON in indented lines, broken after commas.
fn folded(json: &str) -> String {
    let mut inside = false;
    let mut escaped = false;
    let parts = json.split_inclusive(|c| {
        inside ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        c == ',' && !inside
    });
    let mut text = INDENT.to_owned();
    let mut length = INDENT.len();
    for part in parts {
        let added = part.chars().count();
        if length + added > WIDTH && length > INDENT.len() {
            // One more: the bracket above stands out.
            text += "\n     ";
            length = INDENT.len() + 1;
        }
        text += part;
        length += added;
    }
    text
}

/// Waiting moves the emulator's clock, and takes a fraction of the time here.
#[derive(Debug)]
struct DemoClock {
    emulator: modelarts_emulator::Clock,
    speed: u32,
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.emulator.now_millis()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.emulator.now_millis().try_into().unwrap_or_default())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let emulator = self.emulator.clone();
        let pause =
            modelarts::SystemClock.sleep(duration.checked_div(self.speed).unwrap_or_default());
        Box::pin(async move {
            pause.await;
            emulator.advance(duration);
        })
    }

    fn timer(&self, limit: Duration) -> BoxFuture<'static, ()> {
        modelarts::SystemClock.timer(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_told_holds_no_secret() {
        let told = brief(
            &json!({"id": "1", "token": "t", "url": "u", "spec": {"auto_stop": {"enable": true}}}),
        );
        assert_eq!(told, json!({"id": "1", "auto_stop": {"enable": true}}));
    }

    #[test]
    fn lines_are_broken_after_commas_that_belong_to_no_text() {
        let long = "a,\\\"".repeat(20);
        let text = format!(r#"{{"name":"demo","text":"{long}","id":1}}"#);
        assert_eq!(
            folded(&text),
            format!("    {{\"name\":\"demo\",\n     \"text\":\"{long}\",\n     \"id\":1}}")
        );
    }
}
