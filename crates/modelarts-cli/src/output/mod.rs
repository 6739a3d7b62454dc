//! All output of the command: data on standard output, everything else on standard error.

use std::io::{self, ErrorKind, Write as _};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, anyhow, bail};
use indicatif::ProgressBar;
use serde_json::Value;

pub(crate) use accepted::accepted;
pub(crate) use rows::rows;

use crate::schema::Schema;
use crate::text;

mod accepted;
pub(crate) mod cell;
mod jq;
mod jsonpath;
mod rows;
pub(crate) mod table;

/// The output format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    Yaml,
    Csv,
    Name,
    Jq(String),
    JsonPath(String),
}

const KNOWN: &str = "expected table, json, yaml, csv, name, jq=FILTER or jsonpath=PATH";

impl FromStr for Format {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.split_once('=') {
            Some(("jq", filter)) => {
                jq::check(filter)?;
                Self::Jq(filter.to_owned())
            }
            Some(("jsonpath", path)) => {
                jsonpath::check(path)?;
                Self::JsonPath(path.to_owned())
            }
            None => match text {
                "table" => Self::Table,
                "json" => Self::Json,
                "yaml" => Self::Yaml,
                "csv" => Self::Csv,
                "name" => Self::Name,
                "jq" => bail!("the filter is missing; write it like -o jq='.id'"),
                "jsonpath" => bail!("the path is missing; write it like -o jsonpath='$.id'"),
                _ => bail!("{KNOWN}"),
            },
            Some(_) => bail!("{KNOWN}"),
        })
    }
}

/// Prints a value in one of the formats for programs.
pub(crate) fn data(format: &Format, value: &Value) -> Result<()> {
    match format {
        Format::Json => line(&text::safe_json(&format!("{value:#}")))?,
        Format::Yaml => {
            let yaml = serde_saphyr::to_string(value).map_err(|error| anyhow!("{error}"))?;
            line(text::visible(&yaml).trim_end())?;
        }
        Format::Jq(filter) => {
            for result in jq::run(filter, value)? {
                line(&result)?;
            }
        }
        Format::JsonPath(path) => {
            for node in jsonpath::run(path, value)? {
                line(&node)?;
            }
        }
        Format::Table | Format::Csv | Format::Name => {
            bail!("this command supports only json, yaml, jq=FILTER and jsonpath=PATH")
        }
    }
    Ok(())
}

/// Replaces secrets unless `--show-secrets` is given.
pub(crate) const HIDDEN: &str = "(hidden, see --show-secrets)";

/// Hides the values that the document marks as secret.
pub(crate) fn hide_secrets(value: &mut Value, schema: Schema) {
    replace_secrets(value, schema, HIDDEN);
}

/// Replaces the values that the document marks as secret.
pub(crate) fn replace_secrets(value: &mut Value, schema: Schema, hidden: &str) {
    match value {
        Value::Object(members) => {
            for (name, property) in schema.properties() {
                let Some(member) = members.get_mut(name) else {
                    continue;
                };
                if property.format() == "password" && member.as_str().is_some_and(|s| !s.is_empty())
                {
                    *member = Value::from(hidden);
                } else {
                    replace_secrets(member, property, hidden);
                }
            }
        }
        Value::Array(values) => {
            if let Some(items) = schema.items() {
                values
                    .iter_mut()
                    .for_each(|value| replace_secrets(value, items, hidden));
            }
        }
        _ => {}
    }
}

/// Prints a line on standard output. If the pipe has been closed, the process exits with success.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        other => other,
    }
}

/// Prints a line on standard output, ignoring errors, so that a server keeps running when the pipe is closed.
pub(crate) fn notice(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// The progress line that is currently on the terminal.
static PROGRESS: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Sets the progress line on the terminal, so that [`note`] does not overwrite it.
pub(crate) fn set_progress(bar: Option<ProgressBar>) {
    if let Ok(mut progress) = PROGRESS.lock() {
        *progress = bar;
    }
}

/// Whether standard error must stay unused, as during shell completion.
static SILENT: AtomicBool = AtomicBool::new(false);

/// Disables all output on standard error.
pub(crate) fn silence() {
    SILENT.store(true, Ordering::Relaxed);
}

/// Prints a line on standard error, ignoring errors.
pub(crate) fn note(text: &str) {
    if SILENT.load(Ordering::Relaxed) {
        return;
    }
    let write = || {
        let _ = writeln!(io::stderr(), "{text}");
    };
    let progress = PROGRESS.lock().ok().and_then(|progress| progress.clone());
    match progress {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document;

    #[test]
    fn secrets_are_hidden_at_any_depth() {
        let list = document::find("listNotebooks").unwrap().response.unwrap();
        let mut page = json!({"data": [{"id": "1", "token": "t", "url": ""}], "total": 1});
        hide_secrets(&mut page, list);
        assert_eq!(
            page,
            json!({"data": [{"id": "1", "token": HIDDEN, "url": ""}], "total": 1})
        );
    }

    #[test]
    fn formats_are_parsed() {
        assert_eq!(
            "jq=.a=1".parse::<Format>().unwrap(),
            Format::Jq(".a=1".into())
        );
        assert_eq!(
            "jsonpath=$.a".parse::<Format>().unwrap(),
            Format::JsonPath("$.a".into())
        );
        assert!("jsonpath".parse::<Format>().is_err());
        assert_eq!("yaml".parse::<Format>().unwrap(), Format::Yaml);
        assert!("jq".parse::<Format>().is_err() && "xml=1".parse::<Format>().is_err());
    }
}
