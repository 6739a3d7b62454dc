//! The flags for the automatic stop of a notebook or an instance.

use std::time::Duration;

use clap::Args;
use modelarts::devenviron::types::{DevEnvInstance, Notebook};
use modelarts::{AutoStop, InstanceExt as _, NotebookExt as _};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::lease::Stop;
use crate::text;

/// The automatic stop of a notebook.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Automatic stop")]
#[group(multiple = false)]
pub(crate) struct NotebookStop {
    /// Stop after this time, such as 8h
    #[arg(long = "for", value_name = "DURATION", value_parser = text::duration)]
    run_for: Option<Duration>,
    /// Stop after this time without use, such as 2h
    #[arg(long, value_name = "DURATION", value_parser = text::duration)]
    idle: Option<Duration>,
    /// Never stop automatically; costs accrue until you stop it
    #[arg(long)]
    off: bool,
}

impl NotebookStop {
    /// Returns the automatic stop; `None` if no flag is given.
    pub(super) fn stop(&self) -> Option<Stop> {
        match (self.run_for, self.idle, self.off) {
            (Some(time), _, _) => Some(Stop::After(time)),
            (_, Some(time), _) => Some(Stop::Idle(time)),
            (_, _, true) => Some(Stop::Off),
            _ => None,
        }
    }
}

/// The automatic stop of an instance, which does not support an idle time.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Automatic stop")]
#[group(multiple = false)]
pub(crate) struct InstanceStop {
    /// Stop after this time, such as 8h
    #[arg(long = "for", value_name = "DURATION", value_parser = text::duration)]
    run_for: Option<Duration>,
    /// Never stop automatically; costs accrue until you stop it
    #[arg(long)]
    off: bool,
}

impl InstanceStop {
    /// Returns the JSON of the automatic stop; `None` if no flag is given.
    pub(super) fn body(&self) -> Result<Option<Value>, Failure> {
        Ok(match (self.run_for, self.off) {
            (Some(time), _) => {
                let duration = AutoStop::After(time).as_seconds()?;
                Some(json!({"duration": duration, "enable": true}))
            }
            (_, true) => Some(json!({ "enable": false })),
            _ => None,
        })
    }
}

/// Returns the note that reports the automatic stop of a new notebook or instance when none was requested. `flags` are
/// the flags that set it.
pub(super) fn auto_stop_notice(created: &Value, flags: &str) -> String {
    let auto_stop = match created.get("spec") {
        Some(_) => serde_json::from_value::<DevEnvInstance>(created.clone())
            .ok()
            .and_then(|instance| instance.auto_stop()),
        None => serde_json::from_value::<Notebook>(created.clone())
            .ok()
            .and_then(|notebook| notebook.auto_stop()),
    };
    match auto_stop {
        Some(AutoStop::After(time)) => format!(
            "stops automatically after {} (the service default); use {flags} to change this",
            text::brief(time)
        ),
        Some(AutoStop::Off) => format!(
            "never stops automatically (the service default), and costs accrue until you stop it; use {flags} to \
             change this"
        ),
        None => format!("the service decides when it stops; use {flags} to change this"),
    }
}
