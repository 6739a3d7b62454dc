//! `modelarts api`: calls any operation of the documents with flags or a JSON body, or any path.

use anyhow::{Result, anyhow};
use clap::{ArgMatches, Command};

use self::body::read_body;
use self::flags::{flag_name, no_flag, parameter_id};
use self::problems::Problems;
use self::raw::Raw;
use crate::connection::Global;
use crate::document::{self, PROJECT, Place};
use crate::exchange::{Request, status_and_headers};
use crate::failure::{EXIT_CODES, Failure};
use crate::output::{self, Format};
use crate::schema;
use crate::session::Session;

pub(crate) use body::parse_value;

mod body;
mod flags;
mod problems;
mod raw;

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
                        Some(operation) => flags::with_flags(command, operation),
                        None => command,
                    })
            });
            command.subcommands(operations).subcommands(raw::commands())
        })
}

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
    /// Prints a template for the body, and sends nothing.
    Skeleton,
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
        && let Some(raw) = raw::read(method, matches)?
    {
        return Ok(Invocation::Raw(raw));
    }
    Ok(Invocation::Call(read_call(matches)?))
}

/// Reads the operation and its arguments; all problems are reported at once.
fn read_call(matches: Option<&ArgMatches>) -> Result<Call> {
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
    let mut problems = Problems::default();
    for parameter in &operation.parameters {
        if parameter.name == PROJECT {
            continue;
        }
        let name = flag_name(&parameter.name);
        let Some(text) = matches.get_one::<String>(&parameter_id(parameter)) else {
            if parameter.required {
                problems.missing(format!("--{name}"));
            }
            continue;
        };
        if let Err(error) =
            no_flag(operation, text).and_then(|()| parse_value(parameter.kind, &[text]))
        {
            problems.invalid(format!("--{name}: {error}"));
        }
        let pair = (parameter.name.clone(), text.clone());
        match parameter.place {
            Place::Path => call.request.path.push(pair),
            Place::Query => call.request.query.push(pair),
            Place::Header => call.request.headers.push(pair),
        }
    }
    call.request.body = read_body(operation, matches, &mut problems)?;
    problems.check(operation)?;
    Ok(call)
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
                output::note(&status_and_headers(&response));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Call> {
        let matches = command()
            .try_get_matches_from(std::iter::once("api").chain(arguments.iter().copied()))?;
        // In the command, these are the matches of the subcommand `api`.
        read_call(Some(&matches))
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
