//! Rows for programs: results that are not resources of the API, and CSV.

use anyhow::Result;
use serde_json::Value;

use super::{Format, data, line};
use crate::text;

/// Prints rows that are not resources of the API in one of the formats for programs. CSV contains the members `titles`.
pub(crate) fn rows(format: &Format, titles: &[&str], rows: &[Value]) -> Result<()> {
    let text = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    match format {
        Format::Csv => csv_lines(
            titles.iter().map(|title| (*title).to_owned()),
            rows.iter()
                .map(|row| titles.iter().map(|title| text(row.get(title)))),
        ),
        Format::Name => {
            for row in rows {
                let id = row.get("id").filter(|id| !id.is_null());
                let name = id.or_else(|| row.get(titles.first()?));
                line(&text::one_line(&text(name)))?;
            }
            Ok(())
        }
        other => data(other, &Value::from(rows)),
    }
}

/// Prints CSV with a header.
pub(super) fn csv_lines<R: IntoIterator<Item = String>>(
    titles: impl IntoIterator<Item = String>,
    rows: impl IntoIterator<Item = R>,
) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(titles)?;
    for row in rows {
        writer.write_record(row.into_iter().map(|cell| text::visible(&cell)))?;
    }
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    line(String::from_utf8_lossy(&bytes).trim_end())?;
    Ok(())
}
