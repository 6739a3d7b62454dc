//! The commands, one module per noun.

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

/// The automatic stop that the flags request.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Automatic stop")]
#[group(multiple = false)]
pub(crate) struct Until {
    /// Stop after this time, such as 8h
    #[arg(long = "for", value_name = "DURATION", value_parser = text::duration)]
    run_for: Option<Duration>,
    /// Stop after this time without use, such as 2h (notebooks only)
    #[arg(long, value_name = "DURATION", value_parser = text::duration)]
    idle: Option<Duration>,
    /// Never stop automatically; costs accrue until you stop it
    #[arg(long)]
    off: bool,
}

impl Until {
    /// Returns the automatic stop of a notebook.
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

    /// Returns the automatic stop of an instance, as JSON; instances do not support an idle time.
    fn auto_stop(&self) -> Result<Value, Failure> {
        if self.idle.is_some() {
            return Err(Failure::usage(anyhow::anyhow!(
                "--idle applies only to notebooks; use --for or --off for an instance"
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

/// Returns the JSON of a volume. Members that are null are not sent.
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

/// Returns the note that reports the automatic stop of a new notebook or instance when none was requested. `flags` are
/// the flags that set it.
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
            "stops automatically after {} (the service default); use {flags} to change this",
            text::brief(time)
        ),
        Some(AutoStop::Off) => format!(
            "never stops automatically (the service default), and costs accrue until you stop it; use {flags} to change this"
        ),
        None => format!("the service decides when it stops; use {flags} to change this"),
    }
}

/// Parses a tag: `team=nlp`.
fn tag_pair(text: &str) -> anyhow::Result<(String, String)> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => anyhow::bail!("write it like team=nlp"),
    }
}

/// Returns the JSON of the endpoints for SSH access.
fn ssh_body(key_pairs: Option<&[String]>, allowed_ips: Option<&[String]>) -> Value {
    json!([{
        "service": EndpointService::Ssh.as_str(),
        "key_pair_names": key_pairs,
        "allowed_access_ips": allowed_ips,
    }])
}

/// The maximum length of a list.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Limit {
    /// Maximum number of items to list
    #[arg(
        long,
        value_name = "NUMBER",
        value_parser = text::count,
        allow_negative_numbers = true,
        help_heading = None::<&str>
    )]
    limit: Option<usize>,
}
