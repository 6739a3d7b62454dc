//! The commands, a module for each noun.

use std::time::Duration;

use clap::Args;
use modelarts::AutoStop;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::text;

pub(crate) mod auth;
pub(crate) mod config;
pub(crate) mod explain;
pub(crate) mod flavor;
pub(crate) mod image;
pub(crate) mod instance;
pub(crate) mod lease;
pub(crate) mod notebook;
pub(crate) mod shell;
pub(crate) mod storage;
pub(crate) mod top;

/// When something that runs is stopped.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Automatic stop")]
#[group(multiple = false)]
pub(crate) struct Until {
    /// Stop it after this time, such as 8h
    #[arg(long = "for", value_name = "DURATION", value_parser = text::duration)]
    run_for: Option<Duration>,
    /// Stop it when it was not used for this time
    #[arg(long, value_name = "DURATION", value_parser = text::duration)]
    idle: Option<Duration>,
    /// Never stop it: it costs money until somebody does
    #[arg(long)]
    off: bool,
}

impl Until {
    /// As the new generation has it; null when nothing is said.
    fn lease(&self) -> Result<Value, Failure> {
        let (auto_stop, kind) = match (self.run_for, self.idle, self.off) {
            (Some(time), _, _) => (AutoStop::After(time), "timing"),
            (_, Some(time), _) => (AutoStop::After(time), "idle"),
            (_, _, true) => (AutoStop::Off, "timing"),
            _ => return Ok(Value::Null),
        };
        Ok(json!({"duration": auto_stop.as_millis()?, "type": kind}))
    }

    fn is_given(&self) -> bool {
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

/// How much of a list.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Limit {
    /// Stop after so many
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
}
