//! Everything that is printed passes here: data on standard output, all else on standard error.

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

/// How data is printed.
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

const KNOWN: &str = "known are table, json, yaml, csv, name, jq=FILTER and jsonpath=PATH";

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
                "jq" => bail!("give the filter, too: -o jq='.id'"),
                "jsonpath" => bail!("give the path, too: -o jsonpath='$.id'"),
                _ => bail!("{KNOWN}"),
            },
            Some(_) => bail!("{KNOWN}"),
        })
    }
}

/// A value in one of the formats for programs.
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
            bail!("this command prints json, yaml, jq=FILTER or jsonpath=PATH")
        }
    }
    Ok(())
}

/// What stands for a secret unless `--show-secrets` is given.
pub(crate) const HIDDEN: &str = "(hidden, see --show-secrets)";

/// Hides what the document marks as secret.
pub(crate) fn hide_secrets(value: &mut Value, schema: Schema) {
    replace_secrets(value, schema, HIDDEN);
}

/// Puts this text in place of what the document marks as secret.
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

/// Writes a text and a line end. A reader that has gone away ends the output quietly.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        other => other,
    }
}

/// Writes a text that nobody has to read: a service goes on when its reader has gone away.
pub(crate) fn notice(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// The progress line that is on the terminal now.
static PROGRESS: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Says which progress line is shown, so that [`note`] does not write into it.
pub(crate) fn set_progress(bar: Option<ProgressBar>) {
    if let Ok(mut progress) = PROGRESS.lock() {
        *progress = bar;
    }
}

/// Whether standard error is for others, as while a shell completes a line.
static SILENT: AtomicBool = AtomicBool::new(false);

/// Lets nothing more be written to standard error.
pub(crate) fn silence() {
    SILENT.store(true, Ordering::Relaxed);
}

/// A line on standard error. Nobody has to read it.
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
    fn what_the_document_marks_is_hidden_at_any_depth() {
        let list = document::find("listNotebooks").unwrap().response.unwrap();
        let mut page = json!({"data": [{"id": "1", "token": "t", "url": ""}], "total": 1});
        hide_secrets(&mut page, list);
        assert_eq!(
            page,
            json!({"data": [{"id": "1", "token": HIDDEN, "url": ""}], "total": 1})
        );
    }

    #[test]
    fn formats_are_read() {
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
