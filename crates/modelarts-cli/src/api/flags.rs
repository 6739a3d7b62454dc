//! The flags of `modelarts api`, generated from the documents.

use anyhow::{Result, bail};
use clap::{Arg, ArgAction, Command};

use crate::document::{Field, Kind, Operation, PROJECT, Parameter};

/// Adds the description and the flags of an operation to its subcommand.
pub(super) fn with_flags(command: Command, operation: &'static Operation) -> Command {
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
    Arg::new(parameter_id(parameter))
        .long(flag_name(&parameter.name))
        .value_name(value_name(parameter.kind))
        .help(help(&parameter.help, parameter.required))
        .allow_hyphen_values(true)
        .help_heading("Parameters")
}

fn field_flag(operation: &Operation, field: &Field) -> Arg {
    let action = match field.kind {
        Kind::Texts => ArgAction::Append,
        _ => ArgAction::Set,
    };
    Arg::new(field_id(field))
        .long(field_flag_name(operation, field))
        .value_name(value_name(field.kind))
        .help(help(&field.help, field.required))
        .action(action)
        .allow_hyphen_values(true)
        .help_heading("Body")
}

/// Returns the help of a flag. Required flags are only marked, because a field can also be given in `--body`.
fn help(text: &str, required: bool) -> String {
    let mark = if required { " [required]" } else { "" };
    format!("{text}{mark}")
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

pub(super) fn parameter_id(parameter: &Parameter) -> String {
    format!("parameter:{}", parameter.name)
}

pub(super) fn field_id(field: &Field) -> String {
    format!("field:{}", field.path.join("."))
}

pub(super) fn flag_name(name: &str) -> String {
    name.replace('_', "-")
}

/// Returns the name of the flag of a field, with a prefix if a parameter or `--body` itself has the same name.
pub(super) fn field_flag_name(operation: &Operation, field: &Field) -> String {
    let name = flag_name(&field.path.join("."));
    let taken = operation
        .parameters
        .iter()
        .any(|parameter| flag_name(&parameter.name) == name);
    if taken || name == "body" {
        format!("body.{name}")
    } else {
        name
    }
}

/// Rejects a value that is the name of a flag. Other values may begin with a dash.
pub(super) fn no_flag(operation: &Operation, text: &str) -> Result<()> {
    let Some(name) = text.strip_prefix("--") else {
        return Ok(());
    };
    let parameters = operation.parameters.iter();
    let is_flag = parameters
        .map(|p| flag_name(&p.name))
        .any(|flag| flag == name)
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
