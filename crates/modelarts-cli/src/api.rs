//! `modelarts api OPERATION`: any operation of the documents, with flags or a JSON body.

use std::io::Read as _;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use modelarts_document::Document;
use serde_json::{Map, Value};

use crate::connection::Connection;
use crate::document::{self, Field, Kind, Operation, Parameter, Place};
use crate::failure::{EXIT_CODES, Failure};
use crate::output;

/// The parameter that the connection can fill in.
const PROJECT: &str = "project_id";

/// What an invocation asks for.
#[derive(Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) operation: String,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

/// All operations that can be called.
pub(crate) fn operations() -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    for text in [
        modelarts_client::devenviron::DOCUMENT,
        modelarts_client::iam::DOCUMENT,
    ] {
        let document = Document::from_json(text).context("the built-in document does not parse")?;
        operations.extend(document::operations(&document));
    }
    Ok(operations)
}

/// The subcommand `api`, with a subcommand per operation.
pub(crate) fn command(operations: &[Operation]) -> Command {
    Command::new("api")
        .about("Call any operation of the API and print the answer as JSON")
        .after_help(
            "Fields of the body are flags, nested ones with dots (--volume.capacity 50). A list is a repeated \
             flag or JSON ('[]' is the empty list). --body takes a whole body; flags then replace parts of it.",
        )
        .after_long_help(format!(
            "Fields of the body are flags, nested ones with dots (--volume.capacity 50). A list is a repeated \
             flag or JSON ('[]' is the empty list). --body takes a whole body; flags then replace parts of it.\n\n\
             {EXIT_CODES}"
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(operations.iter().map(subcommand))
}

fn subcommand(operation: &Operation) -> Command {
    let mut command = Command::new(operation.id.clone())
        .about(operation.summary.clone())
        .long_about(format!(
            "{}\n\n{}",
            operation.summary, operation.description
        ));
    for parameter in &operation.parameters {
        command = command.arg(parameter_flag(parameter));
    }
    let Some(fields) = &operation.body else {
        return command;
    };
    command = command.arg(
        Arg::new("body")
            .long("body")
            .value_name("JSON|@FILE|-")
            .help("The whole body: JSON, a file, or standard input")
            .help_heading("Body"),
    );
    for field in fields {
        command = command.arg(field_flag(operation, field));
    }
    command
}

fn parameter_flag(parameter: &Parameter) -> Arg {
    // The project comes from the connection, unless it is given here.
    let is_project = parameter.name == PROJECT;
    let argument = Arg::new(parameter_id(parameter))
        .long(flag(&parameter.name))
        .value_name("VALUE")
        .help(parameter.help.clone())
        .required(parameter.required && !is_project)
        .help_heading("Parameters");
    if is_project {
        argument.env("MODELARTS_PROJECT_ID")
    } else {
        argument
    }
}

fn field_flag(operation: &Operation, field: &Field) -> Arg {
    let action = match field.kind {
        Kind::Texts => ArgAction::Append,
        _ => ArgAction::Set,
    };
    let value_name = match field.kind {
        Kind::Text => "TEXT",
        Kind::Integer => "NUMBER",
        Kind::Boolean => "true|false",
        Kind::Texts => "TEXT|JSON",
        Kind::Json => "JSON",
    };
    // Not clap's own mark: the field can come from --body as well.
    let mark = if field.required { " [required]" } else { "" };
    Arg::new(field_id(field))
        .long(field_flag_name(operation, field))
        .value_name(value_name)
        .help(format!("{}{mark}", field.help))
        .action(action)
        .allow_hyphen_values(field.kind == Kind::Integer)
        .help_heading("Body")
}

fn parameter_id(parameter: &Parameter) -> String {
    format!("parameter:{}", parameter.name)
}

fn field_id(field: &Field) -> String {
    format!("field:{}", field.path.join("."))
}

fn flag(name: &str) -> String {
    name.replace('_', "-")
}

/// A field that is called like a parameter, or like `--body` itself, is told apart by a prefix.
fn field_flag_name(operation: &Operation, field: &Field) -> String {
    let name = flag(&field.path.join("."));
    let taken = operation
        .parameters
        .iter()
        .any(|parameter| flag(&parameter.name) == name);
    if taken || name == "body" {
        format!("body.{name}")
    } else {
        name
    }
}

/// What the matched arguments of `api` ask for.
pub(crate) fn call(operations: &[Operation], matches: &ArgMatches) -> Result<Call> {
    let (id, matches) = matches
        .subcommand()
        .ok_or_else(|| anyhow!("name an operation"))?;
    let operation = operations
        .iter()
        .find(|operation| operation.id == id)
        .ok_or_else(|| anyhow!("there is no operation `{id}`"))?;
    let mut call = Call {
        operation: operation.id.clone(),
        path: Vec::new(),
        query: Vec::new(),
        body: body(operation, matches)?,
    };
    for parameter in &operation.parameters {
        let Some(value) = matches.get_one::<String>(&parameter_id(parameter)) else {
            continue;
        };
        let pair = (parameter.name.clone(), value.clone());
        match parameter.place {
            Place::Path => call.path.push(pair),
            Place::Query => call.query.push(pair),
        }
    }
    Ok(call)
}

/// Makes the call and prints the answer.
pub(crate) async fn run(call: Call, connection: &Connection) -> Result<(), Failure> {
    let project = call.path.iter().find(|(name, _)| name == PROJECT);
    let client = connection
        .client(project.map(|(_, id)| id.as_str()))
        .await?;
    let path: Vec<(&str, &str)> = call
        .path
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let answer = client
        .call(&call.operation, &path, &call.query, call.body)
        .await?;
    if connection.include {
        eprintln!("{}", answer.status);
        for (name, value) in &answer.headers {
            eprintln!("{name}: {}", value.to_str().unwrap_or("(not text)"));
        }
    }
    if answer.body.is_empty() {
        return Ok(());
    }
    let text = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(value) => format!("{value:#}"),
        Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
    };
    Ok(output::line(&text)?)
}

fn body(operation: &Operation, matches: &ArgMatches) -> Result<Option<Value>> {
    let Some(fields) = &operation.body else {
        return Ok(None);
    };
    let mut body = match matches.get_one::<String>("body") {
        Some(source) => Some(whole_body(source)?),
        None => None,
    };
    for field in fields {
        let Some(texts) = matches.get_many::<String>(&field_id(field)) else {
            continue;
        };
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        let value = value(field.kind, &texts)
            .with_context(|| format!("--{}", field_flag_name(operation, field)))?;
        let root = body.get_or_insert_with(|| Value::Object(Map::new()));
        put(root, &field.path, value)?;
    }
    if body.is_none() && operation.body_required {
        bail!(
            "{} needs a body: give {}or --body",
            operation.id,
            needed_flags(operation, fields)
        );
    }
    Ok(body)
}

/// The flags of the fields without which there is no body; of an object its own fields.
fn needed_flags(operation: &Operation, fields: &[Field]) -> String {
    let required = || fields.iter().filter(|field| field.required);
    required()
        .filter(|field| {
            !required().any(|inner| {
                inner.path.len() > field.path.len() && inner.path.starts_with(&field.path)
            })
        })
        .map(|field| format!("--{}, ", field_flag_name(operation, field)))
        .collect()
}

fn whole_body(source: &str) -> Result<Value> {
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

fn value(kind: Kind, texts: &[&str]) -> Result<Value> {
    let last = texts.last().copied().unwrap_or_default();
    Ok(match kind {
        Kind::Text => Value::from(last),
        Kind::Integer => Value::from(
            last.parse::<i64>()
                .map_err(|_| anyhow!("`{last}` is not a whole number"))?,
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

/// Puts a value at a path, making objects on the way.
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
                    "--body has no object where the field `{}` belongs",
                    path.join(".")
                )
            })?
            .entry(name.clone())
            .or_insert(Value::Null);
    }
    *place = value;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(arguments: &[&str]) -> Result<Call> {
        let operations = operations()?;
        let matches = command(&operations)
            .try_get_matches_from(std::iter::once("api").chain(arguments.iter().copied()))?;
        call(&operations, &matches)
    }

    #[test]
    fn every_operation_has_a_valid_subcommand() {
        command(&operations().unwrap()).debug_assert();
    }

    #[test]
    fn flags_become_path_query_and_body() {
        let call = parse(&[
            "createNotebook",
            "--name=a",
            "--volume.category=EVS",
            "--volume.capacity=50",
            "--duration=-1",
        ])
        .unwrap();
        assert_eq!(
            call.body,
            Some(
                json!({"name": "a", "volume": {"category": "EVS", "capacity": 50}, "duration": -1})
            )
        );
        let call = parse(&["startNotebook", "--id", "n-1", "--duration", "3600000"]).unwrap();
        assert_eq!(call.path, [("id".to_owned(), "n-1".to_owned())]);
        assert_eq!(call.query, [("duration".to_owned(), "3600000".to_owned())]);
        assert_eq!(call.body, None);
    }

    #[test]
    fn a_body_is_taken_whole_and_flags_replace_parts() {
        let call = parse(&[
            "updateNotebook",
            "--id=n",
            "--body",
            r#"{"name": "a", "endpoints": [{"service": "SSH"}]}"#,
            "--endpoints=[]",
            "--description=",
        ])
        .unwrap();
        assert_eq!(
            call.body,
            Some(json!({"name": "a", "endpoints": [], "description": ""}))
        );
    }

    #[test]
    fn a_field_called_like_a_parameter_has_a_prefix() {
        let call = parse(&["renewLease", "--id=n", "--body.duration=1", "--type=timing"]).unwrap();
        assert_eq!(call.query, []);
        assert_eq!(call.body, Some(json!({"duration": 1, "type": "timing"})));
    }

    #[test]
    fn lists_of_texts_are_repeated_flags() {
        let call = parse(&[
            "registerImage",
            "--swr-path=p",
            "--services=SSH",
            "--services=NOTEBOOK",
        ])
        .unwrap();
        assert_eq!(
            call.body,
            Some(json!({"swr_path": "p", "services": ["SSH", "NOTEBOOK"]}))
        );
    }

    #[test]
    fn bad_values_name_their_flag() {
        let error = parse(&["createNotebook", "--volume.capacity=big"]).unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "--volume.capacity: `big` is not a whole number"
        );
        let error = parse(&["createNotebook"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "createNotebook needs a body: give --flavor, --image-id, --name, --volume.category, \
             --volume.ownership, or --body"
        );
    }
}
