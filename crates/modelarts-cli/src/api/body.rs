//! The body of an invocation of `modelarts api`, from `--body` and the flags of its fields.

use std::io::Read as _;

use anyhow::{Context as _, Result, anyhow};
use clap::ArgMatches;
use serde_json::{Map, Value};

use super::flags::{field_flag_name, field_id, no_flag};
use super::problems::Problems;
use crate::document::{Kind, Operation};
use crate::schema::{self, Problem};

/// Builds the body; `None` if there is none.
pub(super) fn read_body(
    operation: &Operation,
    matches: &ArgMatches,
    problems: &mut Problems,
) -> Result<Option<Value>> {
    let Some(described) = &operation.body else {
        return Ok(None);
    };
    let mut body = match matches.get_one::<String>("body") {
        Some(source) => Some(whole_body(source)?),
        None => None,
    };
    let mut invalid = Vec::new();
    for field in &described.fields {
        let Some(texts) = matches.get_many::<String>(&field_id(field)) else {
            continue;
        };
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        let name = field_flag_name(operation, field);
        let checked = texts.iter().try_for_each(|text| no_flag(operation, text));
        match checked.and_then(|()| parse_value(field.kind, &texts)) {
            Ok(value) => {
                let root = body.get_or_insert_with(|| Value::Object(Map::new()));
                put(root, &field.path, value)?;
            }
            Err(error) => {
                problems.invalid(format!("--{name}: {error}"));
                invalid.push(field.path.clone());
            }
        }
    }
    if body.is_none() && !described.required {
        return Ok(None);
    }
    let body = body.unwrap_or_else(|| Value::Object(Map::new()));
    for problem in schema::problems(described.schema, &body) {
        let flag = |path: &[String]| {
            let field = described.fields.iter().find(|field| field.path == path);
            field.map(|field| format!("--{}", field_flag_name(operation, field)))
        };
        match problem {
            // It was given, and its problem has already been reported.
            Problem::Missing(path) if invalid.iter().any(|invalid| path.starts_with(invalid)) => {}
            Problem::Missing(path) => {
                problems.missing(flag(&path).unwrap_or_else(|| format!("`{}`", path.join("."))));
            }
            other => problems.invalid(format!("body: {other}")),
        }
    }
    Ok(Some(body))
}

/// Reads a complete body: JSON, `@FILE`, or `-` for standard input.
pub(super) fn whole_body(source: &str) -> Result<Value> {
    let text = if source == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("--body: reading standard input")?;
        text
    } else if let Some(file) = source.strip_prefix('@') {
        std::fs::read_to_string(file).with_context(|| format!("--body: reading {file}"))?
    } else {
        source.to_owned()
    };
    serde_json::from_str(&text).context("--body is not JSON")
}

/// Converts the values of a flag to JSON.
pub(crate) fn parse_value(kind: Kind, texts: &[&str]) -> Result<Value> {
    let last = texts.last().copied().unwrap_or_default();
    Ok(match kind {
        Kind::Text => Value::from(last),
        Kind::Integer => Value::from(
            last.parse::<i64>()
                .map_err(|_| anyhow!("`{last}` is not a whole number"))?,
        ),
        Kind::Number => Value::from(
            last.parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .ok_or_else(|| anyhow!("`{last}` is not a number"))?,
        ),
        Kind::Boolean => Value::from(
            last.parse::<bool>()
                .map_err(|_| anyhow!("`{last}` is neither true nor false"))?,
        ),
        Kind::Texts if texts.len() == 1 && last.starts_with('[') => json(last)?,
        Kind::Texts => Value::from(texts.to_vec()),
        Kind::Json => json(last)?,
    })
}

fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).with_context(|| format!("`{text}` is not JSON"))
}

/// Inserts a value at a path, creating the objects on the way.
fn put(root: &mut Value, path: &[String], value: Value) -> Result<()> {
    let mut place = root;
    for name in path {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = place
            .as_object_mut()
            .ok_or_else(|| {
                anyhow!(
                    "--body: the parent of the field `{}` is not an object",
                    path.join(".")
                )
            })?
            .entry(name.clone())
            .or_insert(Value::Null);
    }
    *place = value;
    Ok(())
}
