//! `modelarts demo`: the lifecycle of a notebook, step by step.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use futures::TryStreamExt as _;
use modelarts::devenviron::enums::DevEnvStorageType;
use modelarts::{AutoStop, BoxFuture, Clock, Credentials, ModelArts, Timestamp, Waiter};
use modelarts_emulator::{Emulator, LogFilter};
use serde_json::{Value, json};

use crate::commands::volume_body;
use crate::connection::Global;
use crate::exchange::Request;
use crate::failure::Failure;
use crate::lease::Stop;
use crate::lifecycle::{Action, Generation};
use crate::output;
use crate::text;
use crate::waiting::spinner;

#[derive(Args)]
#[command(after_help = "Example: modelarts demo --speed 600")]
pub(crate) struct Options {
    /// Emulated seconds per real second; 0 skips all waiting
    #[arg(long, default_value_t = 120, value_name = "FACTOR")]
    speed: u32,
}

/// Runs all steps on a separate emulator.
pub(crate) async fn run(options: &Options, global: &Global) -> Result<(), Failure> {
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
    line(INTRODUCTION)?;
    let demo = Demo {
        emulator,
        client,
        show_secrets: global.printing.show_secrets,
    };
    demo.run().await
}

const INTRODUCTION: &str = "\
This demo runs an emulator in this process, on a fast clock, and calls it over HTTP.
Each step shows the command, the Rust call, the request (>) and the response (<).
An ellipsis marks omitted parts.";

const NEXT: &str = "
Done. What to try next:
  modelarts --emulator flavor list     any command on a built-in emulator, which
  modelarts --emulator notebook list   keeps its state between commands
  modelarts emulator --scale 60        an emulator on a port, for any client
  modelarts notebook create --help     how to use the real service";

struct Demo {
    emulator: Emulator,
    client: ModelArts,
    show_secrets: bool,
}

/// A step, as a command and as a Rust call.
struct Step {
    title: &'static str,
    command: &'static str,
    rust: &'static str,
}

impl Demo {
    async fn run(&self) -> Result<(), Failure> {
        self.new_generation().await?;
        self.old_generation().await?;
        self.error().await?;
        line(NEXT)?;
        Ok(())
    }

    async fn new_generation(&self) -> Result<(), Failure> {
        let notebooks = self.client.notebooks();
        let images = Request::of("listImages")?.query("name", "pytorch-nlp");
        let images = self
            .step(
                Step {
                    title: "Choose an image",
                    command: "modelarts image list --name pytorch-nlp",
                    rust: "client.images().list().name(\"pytorch-nlp\")",
                },
                images,
            )
            .await?;
        let image = images.pointer("/data/0/id").and_then(Value::as_str);
        let create = Request::of("createNotebook")?.body(json!({
            "name": "demo",
            "flavor": "modelarts.vm.cpu.2u",
            "image_id": image,
            "volume": volume_body(None, Some(5), None),
        }));
        let created = self
            .step(
                Step {
                    title: "Create a notebook and wait until it is running",
                    command: "modelarts notebook create demo --flavor … --image … --wait",
                    rust: "client.notebooks().create(&request), then wait_until_running(&id)",
                },
                create,
            )
            .await?;
        let id = identity(&created);
        self.wait(notebooks.wait_until_running(&id)).await?;

        let lease = Request::of("renewLease")?
            .path("id", &id)
            .body(Stop::After(Duration::from_secs(8 * 3600)).body()?);
        self.step(
            Step {
                title: "Extend its lease to eight hours from now",
                command: "modelarts lease set demo --for 8h",
                rust: "client.leases().renew(&id, AutoStop::hours(8))",
            },
            lease,
        )
        .await?;

        self.step(
            Step {
                title: "Stop it and wait until it is stopped",
                command: "modelarts notebook stop demo --wait",
                rust: "client.notebooks().ensure_stopped(&id)",
            },
            Generation::Notebook.request(Action::Stop, &id)?,
        )
        .await?;
        self.wait(notebooks.wait_until_stopped(&id)).await?;

        self.step(
            Step {
                title: "Start it again",
                command: "modelarts notebook start demo --wait",
                rust: "client.notebooks().ensure_running(&id)",
            },
            Request::of("startNotebook")?.path("id", &id),
        )
        .await?;
        self.wait(notebooks.wait_until_running(&id)).await
    }

    async fn old_generation(&self) -> Result<(), Failure> {
        let instances = self.client.instances();
        let create = Request::of("createDevEnvInstance")?.body(json!({
            "name": "demo-old",
            "profile_id": "Multi-Engine 1.0 (python3)-cpu",
            "flavor": "modelarts.vm.cpu.2u",
            "spec": {
                "storage": {"type": DevEnvStorageType::Obs.as_str(), "location": {"path": "/demo-bucket/notebooks/"}},
                "auto_stop": {"enable": true, "duration": AutoStop::hours(2).as_seconds()?},
            },
        }));
        let created = self
            .step(
                Step {
                    title: "Create an instance of the old generation that stops after two hours",
                    command: "modelarts instance create demo-old --profile-id … --for 2h --wait",
                    rust: "client.instances().create(&request), then wait_until_running(&id)",
                },
                create,
            )
            .await?;
        let id = identity(&created);
        self.wait(instances.wait_until_running(&id)).await?;

        self.step(
            Step {
                title: "Stop it",
                command: "modelarts instance stop demo-old --wait",
                rust: "client.instances().ensure_stopped(&id)",
            },
            Generation::Instance.request(Action::Stop, &id)?,
        )
        .await?;
        self.wait(instances.wait_until_stopped(&id)).await
    }

    async fn error(&self) -> Result<(), Failure> {
        heading(&Step {
            title: "Show a notebook that does not exist",
            command: "modelarts notebook show 6fa459ea-ee8a-3ca4-894e-db77e160355e",
            rust: "client.notebooks().show(\"6fa459ea-…\")",
        })?;
        let id = "6fa459ea-ee8a-3ca4-894e-db77e160355e";
        let Err(error) = self.client.notebooks().show(id).await else {
            return Err(anyhow::anyhow!("the emulator unexpectedly has a notebook {id}").into());
        };
        let status = self.sent()?;
        line(&format!("  < {status}"))?;
        let body = serde_json::from_slice::<Value>(error.body_excerpt()).unwrap_or_default();
        line(&folded(&shortened(&body).to_string()))?;
        line(&format!("  ! {error}"))?;
        if let Some(remedy) = error.remedy() {
            line(&format!("    {remedy}"))?;
        }
        line("    The exit code of the command is 3; in Rust, error.is_not_found() is true.")?;
        Ok(())
    }

    /// Sends a request and prints it with its response.
    async fn step(&self, step: Step, request: Request) -> Result<Value, Failure> {
        heading(&step)?;
        let (response, value) = request.exchange(&self.client).await?;
        self.sent()?;
        line(&format!("  < {}", response.status.as_u16()))?;
        let value = value.unwrap_or_default();
        if !value.is_null() {
            let mut shown = value.clone();
            if let Some(schema) = request.operation.response.filter(|_| !self.show_secrets) {
                output::hide_secrets(&mut shown, schema);
            }
            line(&folded(&shortened(&shown).to_string()))?;
        }
        Ok(value)
    }

    /// Prints the last request as the emulator received it; returns the status of its response.
    fn sent(&self) -> Result<u16, Failure> {
        let Some(request) = self
            .emulator
            .requests(&LogFilter::default())
            .map_err(anyhow::Error::from)?
            .pop()
        else {
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

    /// Waits, and prints the observed states in one line.
    async fn wait<T: Send + 'static>(&self, waiter: Waiter<T>) -> Result<(), Failure> {
        let bar = std::io::stderr().is_terminal().then(spinner);
        let mut events = std::pin::pin!(waiter.events());
        let mut states: Vec<String> = Vec::new();
        let (mut elapsed, mut polls) = (Duration::ZERO, 0);
        while let Some(event) = events.try_next().await? {
            let polled = event.status;
            elapsed = polled.elapsed;
            polls += 1;
            let steps = polled.progress.filter(|_| !event.done);
            let steps = steps.map_or_else(String::new, |steps| format!(", step {steps}"));
            if let Some(bar) = &bar {
                let status = text::one_line(&polled.status);
                let message = format!("{} s: {status}{steps}", elapsed.as_secs());
                bar.set_message(message);
                bar.tick();
            }
            if states.last() != Some(&polled.status) {
                states.push(polled.status);
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        line(&format!(
            "  … {} s and {polls} polls later: {}",
            elapsed.as_secs(),
            states.join(", then ")
        ))?;
        Ok(())
    }
}

/// Prints a line; if the locale has no ellipsis character, dots replace it.
fn line(text: &str) -> std::io::Result<()> {
    match text::is_unicode() {
        true => output::line(text),
        false => output::line(&text.replace('…', text::ellipsis())),
    }
}

fn identity(value: &Value) -> String {
    let id = value.get("id").and_then(Value::as_str);
    id.unwrap_or_default().to_owned()
}

fn heading(step: &Step) -> std::io::Result<()> {
    line(&format!(
        "\n{}\n  $ {}\n  Rust: {}",
        step.title, step.command, step.rust
    ))
}

/// The length above which strings, lists and objects are shortened.
const LONG: usize = 60;

/// Shortens the long members of a response.
fn shortened(response: &Value) -> Value {
    let Value::Object(members) = response else {
        return response.clone();
    };
    let members = members.iter().map(|(name, member)| {
        let long = member.to_string().chars().count() > LONG;
        let short = match member {
            Value::String(text) if long => {
                let head: String = text.chars().take(LONG / 2).collect();
                Value::from(format!("{head}…"))
            }
            // One item is enough as an example.
            Value::Array(items) if long => match items.first() {
                Some(first @ Value::Object(_)) => json!([brief(first), "…"]),
                _ => json!(["…"]),
            },
            Value::Object(_) if long => brief(member),
            other => other.clone(),
        };
        (name.clone(), short)
    });
    Value::Object(members.collect())
}

/// Returns the first members of an object that have short values.
fn brief(object: &Value) -> Value {
    let members = object.as_object().into_iter().flatten();
    let mut short: serde_json::Map<_, _> = members
        .filter(|(_, member)| {
            !member.is_object() && !member.is_array() && member.to_string().len() <= LONG
        })
        .take(3)
        .map(|(name, member)| (name.clone(), member.clone()))
        .collect();
    short.insert("…".to_owned(), Value::from("…"));
    Value::Object(short)
}

/// The maximum width of a line.
const WIDTH: usize = 80;
const INDENT: &str = "    ";

/// Formats JSON in indented lines, broken after commas, with ellipses unquoted.
fn folded(json: &str) -> String {
    let json = json.replace(r#""…":"…""#, "…").replace(r#""…""#, "…");
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
            // One more space, since the first line begins with a bracket.
            text += "\n     ";
            length = INDENT.len() + 1;
        }
        text += part;
        length += added;
    }
    text
}

/// A clock that sleeps for a fraction of the time and advances the emulator by all of it.
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
        let delay =
            modelarts::SystemClock.sleep(duration.checked_div(self.speed).unwrap_or_default());
        Box::pin(async move {
            delay.await;
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

    #[test]
    fn only_long_members_are_shortened() {
        let long = "x".repeat(100);
        let response = json!({"id": "1", "text": long, "lease": {"enable": true}, "data": [{"id": 1, "deep": {}, "text": long}, {}]});
        let head = format!("{}…", "x".repeat(LONG / 2));
        assert_eq!(
            shortened(&response),
            json!({"id": "1", "text": head, "lease": {"enable": true}, "data": [{"id": 1, "…": "…"}, "…"]})
        );
    }

    #[test]
    fn lines_are_broken_only_at_commas_outside_strings() {
        let long = "a,\\\"".repeat(20);
        let text = format!(r#"{{"name":"demo","text":"{long}","id":1}}"#);
        assert_eq!(
            folded(&text),
            format!("    {{\"name\":\"demo\",\n     \"text\":\"{long}\",\n     \"id\":1}}")
        );
    }
}
