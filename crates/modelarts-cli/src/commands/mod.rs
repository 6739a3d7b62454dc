//! The commands, a module for each noun.

use std::time::Duration;

use clap::Args;
use modelarts::devenviron::enums::{EndpointService, VolumeCategory, VolumeOwnership};
use modelarts::devenviron::types::{DevEnvInstance, Notebook};
use modelarts::{AutoStop, InstanceExt as _, NotebookExt as _};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::lease::Stop;
use crate::text;

pub(crate) mod apply;
pub(crate) mod auth;
pub(crate) mod config;
mod execution;
pub(crate) mod explain;
pub(crate) mod flavor;
pub(crate) mod image;
pub(crate) mod instance;
pub(crate) mod lease;
#[cfg(feature = "mcp")]
pub(crate) mod mcp;
pub(crate) mod notebook;
pub(crate) mod shell;
mod ssh;
pub(crate) mod storage;
mod tag;
pub(crate) mod top;

/// When something that runs is stopped.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Automatic stop")]
#[group(multiple = false)]
pub(crate) struct Until {
    /// Stop it after this time, such as 8h
    #[arg(long = "for", value_name = "DURATION", value_parser = text::duration)]
    run_for: Option<Duration>,
    /// Stop it when it was not used for this time, such as 2h
    #[arg(long, value_name = "DURATION", value_parser = text::duration)]
    idle: Option<Duration>,
    /// Never stop it: it costs money until you do
    #[arg(long)]
    off: bool,
}

impl Until {
    /// As the new generation has it.
    fn stop(&self) -> Option<Stop> {
        match (self.run_for, self.idle, self.off) {
            (Some(time), _, _) => Some(Stop::After(time)),
            (_, Some(time), _) => Some(Stop::Idle(time)),
            (_, _, true) => Some(Stop::Off),
            _ => None,
        }
    }

    fn is_set(&self) -> bool {
        self.run_for.is_some() || self.idle.is_some() || self.off
    }

    /// As the old generation has it, which counts no idle time.
    fn auto_stop(&self) -> Result<Value, Failure> {
        if self.idle.is_some() {
            return Err(Failure::usage(anyhow::anyhow!(
                "--idle is for notebooks; an instance takes --for or --off"
            )));
        }
        Ok(match (self.run_for, self.off) {
            (Some(time), _) => {
                json!({"duration": AutoStop::After(time).as_seconds()?, "enable": true})
            }
            (_, true) => json!({ "enable": false }),
            _ => Value::Null,
        })
    }
}

/// What the service wants to know of a disk; what is left out is as the service has it.
pub(crate) fn volume_body(category: Option<&str>, size: Option<i64>, uri: Option<&str>) -> Value {
    let ownership = match uri {
        Some(_) => VolumeOwnership::Dedicated,
        None => VolumeOwnership::Managed,
    };
    json!({
        "category": category.unwrap_or(VolumeCategory::Evs.as_str()),
        "ownership": ownership.as_str(),
        "capacity": size,
        "uri": uri,
    })
}

/// The note on a new notebook or instance for which no automatic stop was given: what the response says of it.
/// `flags` are what says otherwise.
fn auto_stop_notice(created: &Value, flags: &str) -> String {
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
            "stops automatically after {}, the default of the service; to change that: {flags}",
            text::brief(time)
        ),
        Some(AutoStop::Off) => format!(
            "never stops automatically, the default of the service, and costs money until it is stopped; to change that: {flags}"
        ),
        None => format!("the service decides when it stops; to change that: {flags}"),
    }
}

/// A tag as people write it.
fn tag_pair(text: &str) -> anyhow::Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => anyhow::bail!("write it like team=nlp"),
    }
}

/// What the service wants to know of access by SSH.
fn ssh_body(key_pairs: Option<&[String]>, allowed_ips: Option<&[String]>) -> Value {
    json!([{
        "service": EndpointService::Ssh.as_str(),
        "key_pair_names": key_pairs,
        "allowed_access_ips": allowed_ips,
    }])
}

/// How much of a list.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Limit {
    /// Show at most this many
    #[arg(long, value_name = "NUMBER", value_parser = text::count, allow_negative_numbers = true)]
    limit: Option<usize>,
}
