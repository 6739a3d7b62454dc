//! The commands, one module per noun.

use clap::Args;
use modelarts::devenviron::enums::{EndpointService, VolumeCategory, VolumeOwnership};
use serde_json::{Value, json};

use crate::text;

pub(crate) mod apply;
pub(crate) mod auth;
mod auto_stop;
pub(crate) mod config;
mod execution;
pub(crate) mod explain;
pub(crate) mod flavor;
mod generations;
pub(crate) mod image;
pub(crate) mod instance;
pub(crate) mod lease;
#[cfg(feature = "mcp")]
pub(crate) mod mcp;
mod names;
pub(crate) mod notebook;
pub(crate) mod shell;
pub(crate) mod storage;
pub(crate) mod top;

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
