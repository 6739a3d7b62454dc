//! `modelarts api OPERATION`: calls any operation of the documents, with flags or a JSON body.

use std::io::Read as _;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Map, Value};

use crate::connection::Global;
use crate::document::{self, Field, Kind, Operation, PROJECT, Parameter, Place};
use crate::exchange::{Request, heading};
use crate::failure::{EXIT_CODES, Failure};
use crate::output::{self, Format};
use crate::raw::{self, Raw};
use crate::schema::{self, Problem};
use crate::session::Session;

/// A parsed invocation of `api`.
#[derive(Debug)]
pub(crate) struct Call {
    request: Request,
    mode: Mode,
    /// Whether to also print the status and headers.
    include: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Once,
    AllPages,
    /// Prints a body to start from, and sends nothing.
    Skeleton,
}

const BODY_HELP: &str = "\
Each field of the body has a flag; nested fields are separated by dots (--volume.capacity 50). A list is a \
repeated flag or JSON ('[]' is the empty list). --body takes a complete body, in which flags replace individual \
fields. Names and types are checked before the request is sent.";

/// The subcommand `api`. Its operations are read from the documents only when it is used.
pub(crate) fn command() -> Command {
    Command::new("api")
        .about("Call any API operation and print the response as JSON")
        .after_help(BODY_HELP)
        .after_long_help(format!(
            "{BODY_HELP}\n\nExample:\n  modelarts api listNotebooks --status RUNNING --paginate -o jq='.data[].id'\n\n{EXIT_CODES}"
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .defer(|command| {
            let operations = modelarts_client::operations().map(|operation| {
                Command::new(operation.id)
                    .about(operation.summary)
                    .defer(|command| match document::find(command.get_name()) {
                        Some(operation) => detailed(command, operation),
                        None => command,
                    })
            });
            command.subcommands(operations).subcommands(raw::commands())
        })
}

/// The subcommand of an operation, with its flags.
fn detailed(command: Command, operation: &'static Operation) -> Command {
    let mut command = command
        .long_about(format!(
            "{}\n\n{}",
            operation.summary, operation.description
        ))
        .after_help(format!(
            "Example: modelarts api {}{}",
            operation.id, operation.example
        ))
        .arg(
            Arg::new("include")
                .long("include")
                .action(ArgAction::SetTrue)
                .help("Print the status and headers of the response on standard error"),
        );
    for parameter in &operation.parameters {
        // The project comes from the connection.
        if parameter.name != PROJECT {
            command = command.arg(parameter_flag(parameter));
        }
    }
    if operation.paging.is_some() {
        command = command.arg(
            Arg::new("paginate")
                .long("paginate")
                .action(ArgAction::SetTrue)
                .help("Fetch all pages and print them as a single response"),
        );
    }
    if let Some(body) = &operation.body {
        command = command
            .arg(
                Arg::new("body")
                    .long("body")
                    .value_name("JSON|@FILE|-")
                    .allow_hyphen_values(true)
                    .help("Complete body: JSON, @FILE to read a file, or - to read standard input")
                    .help_heading("Body"),
            )
            .arg(
                Arg::new("skeleton")
                    .long("skeleton")
                    .action(ArgAction::SetTrue)
                    .help("Print a template for the body, and send nothing")
                    .help_heading("Body"),
            );
        for field in &body.fields {
            command = command.arg(field_flag(operation, field));
        }
    }
    // The global flags come last in the help.
    let arguments = command.get_arguments().cloned();
    let (global, own): (Vec<_>, Vec<_>) = arguments.partition(Arg::is_global_set);
    let mut ordered = own.into_iter().chain(global);
    command.mut_args(|argument| ordered.next().unwrap_or(argument))
}

fn parameter_flag(parameter: &Parameter) -> Arg {
    let mark = if parameter.required {
        " [required]"
    } else {
        ""
    };
    Arg::new(parameter_id(parameter))
        .long(flag(&parameter.name))
        .value_name(value_name(parameter.kind))
        .help(format!("{}{mark}", parameter.help))
        .allow_hyphen_values(true)
        .help_heading("Parameters")
}

fn field_flag(operation: &Operation, field: &Field) -> Arg {
    let action = match field.kind {
        Kind::Texts => ArgAction::Append,
        _ => ArgAction::Set,
    };
    // Not clap's `required`: the field can be part of --body as well.
    let mark = if field.required { " [required]" } else { "" };
    Arg::new(field_id(field))
        .long(field_flag_name(operation, field))
        .value_name(value_name(field.kind))
        .help(format!("{}{mark}", field.help))
        .action(action)
        .allow_hyphen_values(true)
        .help_heading("Body")
}

fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "TEXT",
        Kind::Integer | Kind::Number => "NUMBER",
        Kind::Boolean => "true|false",
        Kind::Texts => "TEXT|JSON",
        Kind::Json => "JSON",
    }
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

/// Returns the name of the flag of a field, with a prefix if a parameter or `--body` itself has the same name.
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

/// An operation, or a method and a path.
#[derive(Debug)]
pub(crate) enum Invocation {
    Call(Call),
    Raw(Raw),
}

/// Reads the matched arguments of `api`.
pub(crate) fn read(matches: Option<&ArgMatches>) -> Result<Invocation> {
    if let Some((method, matches)) = matches.and_then(ArgMatches::subcommand)
        && let Some(raw) = raw::read(method, matches, whole_body)?
    {
        return Ok(Invocation::Raw(raw));
    }
    Ok(Invocation::Call(call(matches)?))
}

/// Reads the operation and its arguments; all problems are reported at once.
fn call(matches: Option<&ArgMatches>) -> Result<Call> {
    let (id, matches) = matches
        .and_then(ArgMatches::subcommand)
        .ok_or_else(|| anyhow!("the operation is missing"))?;
    let operation = document::find(id).ok_or_else(|| anyhow!("there is no operation `{id}`"))?;
    let has = |flag: &str| matches.try_get_one::<bool>(flag).ok().flatten() == Some(&true);
    let mut call = Call {
        request: Request::new(operation),
        mode: Mode::Once,
        include: has("include"),
    };
    if has("skeleton") {
        call.mode = Mode::Skeleton;
        return Ok(call);
    }
    if has("paginate") {
        call.mode = Mode::AllPages;
    }
    let mut missing = Vec::new();
    let mut wrong = Vec::new();
    for parameter in &operation.parameters {
        if parameter.name == PROJECT {
            continue;
        }
        let name = flag(&parameter.name);
        let Some(text) = matches.get_one::<String>(&parameter_id(parameter)) else {
            if parameter.required {
                missing.push(format!("--{name}"));
            }
            continue;
        };
        if let Err(error) = no_flag(operation, text).and_then(|()| value(parameter.kind, &[text])) {
            wrong.push(format!("--{name}: {error}"));
        }
        let pair = (parameter.name.clone(), text.clone());
        match parameter.place {
            Place::Path => call.request.path.push(pair),
            Place::Query => call.request.query.push(pair),
            Place::Header => call.request.headers.push(pair),
        }
    }
    call.request.body = body(operation, matches, &mut missing, &mut wrong)?;
    if !missing.is_empty() {
        let or = match operation.body {
            Some(_) => " (body fields can also be given in --body)",
            None => "",
        };
        wrong.insert(0, format!("missing {}{or}", missing.join(", ")));
    }
    if !wrong.is_empty() {
        bail!("{id}: {}", wrong.join("; "));
    }
    Ok(call)
}

/// Rejects a value that is the name of a flag. Other values may begin with a dash.
fn no_flag(operation: &Operation, text: &str) -> Result<()> {
    let Some(name) = text.strip_prefix("--") else {
        return Ok(());
    };
    let parameters = operation.parameters.iter();
    let is_flag = parameters.map(|p| flag(&p.name)).any(|flag| flag == name)
        || operation
            .body
            .iter()
            .flat_map(|body| &body.fields)
            .any(|field| field_flag_name(operation, field) == name);
    if is_flag {
        bail!("a value is missing before {text}");
    }
    Ok(())
}

/// Makes the call and prints the response.
pub(crate) async fn run(invocation: Invocation, global: &Global) -> Result<(), Failure> {
    let format = global.printing.output.clone().unwrap_or(Format::Json);
    let call = match invocation {
        Invocation::Call(call) => call,
        Invocation::Raw(raw) => return raw.run(&Session::start(global).await?, &format).await,
    };
    let operation = call.request.operation;
    if call.mode == Mode::Skeleton {
        let body = operation.body.as_ref();
        let skeleton = body
            .map(|body| schema::skeleton(body.schema))
            .unwrap_or_default();
        return Ok(output::data(&format, &skeleton)?);
    }
    let session = Session::start(global).await?;
    call.request.warn_of_unknown_values();
    let printed = match call.mode {
        Mode::AllPages => Some(call.request.merged(&session.client).await?),
        Mode::Once | Mode::Skeleton => {
            let (response, value) = call.request.exchange(&session.client).await?;
            if call.include {
                output::note(&heading(&response));
            }
            value
        }
    };
    let Some(mut value) = printed else {
        return Ok(());
    };
    if let Some(schema) = operation.response.filter(|_| !global.printing.show_secrets) {
        output::hide_secrets(&mut value, schema);
    }
    Ok(output::data(&format, &value)?)
}

fn body(
    operation: &Operation,
    matches: &ArgMatches,
    missing: &mut Vec<String>,
    wrong: &mut Vec<String>,
) -> Result<Option<Value>> {
    let Some(described) = &operation.body else {
        return Ok(None);
    };
    let mut body = match matches.get_one::<String>("body") {
        Some(source) => Some(whole_body(source)?),
        None => None,
    };
    let mut refused = Vec::new();
    for field in &described.fields {
        let Some(texts) = matches.get_many::<String>(&field_id(field)) else {
            continue;
        };
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        let name = field_flag_name(operation, field);
        let checked = texts.iter().try_for_each(|text| no_flag(operation, text));
        match checked.and_then(|()| value(field.kind, &texts)) {
            Ok(value) => {
                let root = body.get_or_insert_with(|| Value::Object(Map::new()));
                put(root, &field.path, value)?;
            }
            Err(error) => {
                wrong.push(format!("--{name}: {error}"));
                refused.push(field.path.clone());
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
            Problem::Missing(path) if refused.iter().any(|refused| path.starts_with(refused)) => {}
            Problem::Missing(path) => {
                missing.push(flag(&path).unwrap_or_else(|| format!("`{}`", path.join("."))));
            }
            other => wrong.push(format!("body: {other}")),
        }
    }
    Ok(Some(body))
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

/// Converts the values of a flag to JSON.
pub(crate) fn value(kind: Kind, texts: &[&str]) -> Result<Value> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Call> {
        let matches = command()
            .try_get_matches_from(std::iter::once("api").chain(arguments.iter().copied()))?;
        // In the command, these are the matches of the subcommand `api`.
        call(Some(&matches))
    }

    fn refusal(arguments: &[&str]) -> String {
        format!("{:#}", parse(arguments).unwrap_err())
    }

    #[test]
    fn every_operation_has_a_valid_subcommand() {
        crate::command().debug_assert();
    }

    #[test]
    fn flags_become_path_query_and_body() {
        let call = parse(&[
            "createNotebook",
            "--name=a",
            "--flavor=f",
            "--image-id=i",
            "--volume.category=EVS",
            "--volume.ownership=MANAGED",
            "--volume.capacity=50",
            "--duration",
            "-1",
        ])
        .unwrap();
        assert_eq!(
            call.request.body,
            Some(json!({
                "name": "a", "flavor": "f", "image_id": "i", "duration": -1,
                "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 50}
            }))
        );
        let call = parse(&["startNotebook", "--id", "n-1", "--duration", "-1"]).unwrap();
        assert_eq!(call.request.path, [("id".to_owned(), "n-1".to_owned())]);
        assert_eq!(
            call.request.query,
            [("duration".to_owned(), "-1".to_owned())]
        );
        assert_eq!(call.request.body, None);
    }

    #[test]
    fn values_may_begin_with_a_dash() {
        for text in ["-", "-x", "- a list", "--", "--no-flag-of-this", "-1"] {
            let call = parse(&["updateNotebook", "--id", text, "--description", text]).unwrap();
            assert_eq!(call.request.path, [("id".to_owned(), text.to_owned())]);
            assert_eq!(call.request.body, Some(json!({ "description": text })));
        }
        assert_eq!(
            refusal(&["showNotebook", "--id", "--id"]),
            "showNotebook: --id: a value is missing before --id"
        );
        let swallowed = ["updateNotebook", "--id=n", "--name", "--description"];
        assert_eq!(
            refusal(&swallowed),
            "updateNotebook: --name: a value is missing before --description"
        );
    }

    #[test]
    fn flags_replace_fields_of_a_whole_body() {
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
            call.request.body,
            Some(json!({"name": "a", "endpoints": [], "description": ""}))
        );
    }

    #[test]
    fn a_field_with_the_name_of_a_parameter_has_a_prefix() {
        let call = parse(&["renewLease", "--id=n", "--body.duration=1", "--type=timing"]).unwrap();
        assert_eq!(call.request.query, []);
        assert_eq!(
            call.request.body,
            Some(json!({"duration": 1, "type": "timing"}))
        );
    }

    #[test]
    fn lists_of_strings_are_repeated_flags() {
        let call = parse(&[
            "registerImage",
            "--swr-path=p",
            "--services=SSH",
            "--services=NOTEBOOK",
        ])
        .unwrap();
        assert_eq!(
            call.request.body,
            Some(json!({"swr_path": "p", "services": ["SSH", "NOTEBOOK"]}))
        );
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        assert_eq!(
            refusal(&["createNotebook", "--volume.capacity=big", "--name=a"]),
            "createNotebook: missing --flavor, --image-id, --volume.category, --volume.ownership (body fields \
             can also be given in --body); --volume.capacity: `big` is not a whole number"
        );
        assert_eq!(
            refusal(&["startNotebook", "--duration=1h"]),
            "startNotebook: missing --id (body fields can also be given in --body); \
             --duration: `1h` is not a whole number"
        );
        assert_eq!(
            refusal(&["listNotebooks", "--limit=many"]),
            "listNotebooks: --limit: `many` is not a whole number"
        );
        assert_eq!(
            refusal(&[
                "updateNotebook",
                "--id=n",
                "--body",
                r#"{"nmae": "a", "flavor": 1}"#
            ]),
            "updateNotebook: body: `nmae` is not a known field; did you mean `name`?; \
             body: `flavor` must be of type string, not integer"
        );
    }
}
