//! `modelarts api METHOD PATH`: sends requests to any path, described by a document or not.

use anyhow::{Context as _, Result, anyhow};
use clap::{Arg, ArgAction, ArgMatches, Command};
use modelarts::Method;
use serde_json::Value;

use super::body::whole_body;
use crate::document::{self, Operation};
use crate::exchange::{Response, add_inputs, status_and_headers};
use crate::failure::{Exit, Failure};
use crate::output::{self, Format};
use crate::session::Session;

/// The methods that are subcommands.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A request by method and path.
#[derive(Debug)]
pub(crate) struct Raw {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    include: bool,
}

pub(crate) fn commands() -> impl Iterator<Item = Command> {
    METHODS.into_iter().map(|method| {
        let command = Command::new(method)
            .about(format!(
                "Send a {method} request to any path of the service"
            ))
            .after_help(format!(
                "Example: modelarts api {method} '/v1/{{project_id}}/notebooks'"
            ))
            .arg(
                Arg::new("path")
                    .required(true)
                    .value_name("PATH")
                    .help("Path of the request; {project_id} is replaced by the project ID"),
            )
            .arg(
                Arg::new("query")
                    .long("query")
                    .value_name("NAME=VALUE")
                    .action(ArgAction::Append)
                    .help("Query parameter (repeatable)"),
            )
            .arg(
                Arg::new("header")
                    .long("header")
                    .value_name("NAME: VALUE")
                    .action(ArgAction::Append)
                    .help("Request header (repeatable)"),
            )
            .arg(
                Arg::new("include")
                    .long("include")
                    .action(ArgAction::SetTrue)
                    .help("Print the status and headers of the response on standard error"),
            );
        match method {
            "GET" | "DELETE" => command,
            _ => command.arg(
                Arg::new("body")
                    .long("body")
                    .value_name("JSON|@FILE|-")
                    .allow_hyphen_values(true)
                    .help("Body: JSON, @FILE to read a file, or - to read standard input"),
            ),
        }
    })
}

/// Reads the matched arguments; `None` if the subcommand is not a method.
pub(crate) fn read(method: &str, matches: &ArgMatches) -> Result<Option<Raw>> {
    if !METHODS.contains(&method) {
        return Ok(None);
    }
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten();
    let query = matches.get_many::<String>("query").into_iter().flatten();
    let query = query.map(|pair| match pair.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(anyhow!("--query: write it like limit=20, not `{pair}`")),
    });
    let headers = matches.get_many::<String>("header").into_iter().flatten();
    let headers = headers.map(|header| match header.split_once(':') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(anyhow!(
            "--header: write it like 'X-Language: en-us', not `{header}`"
        )),
    });
    let path = text("path").context("the path is missing")?;
    Ok(Some(Raw {
        method: Method::from_bytes(method.as_bytes())?,
        path: path.clone(),
        query: query.collect::<Result<_>>()?,
        headers: headers.collect::<Result<_>>()?,
        body: text("body").map(|source| whole_body(source)).transpose()?,
        include: matches.get_flag("include"),
    }))
}

impl Raw {
    pub(crate) async fn run(&self, session: &Session, format: &Format) -> Result<(), Failure> {
        let request = session
            .client
            .request(self.method.clone(), self.path.as_str());
        let request = add_inputs(request, &self.query, &self.headers, self.body.as_ref());
        let response = request.send().await.map_err(|error| self.failure(error))?;
        if self.include {
            output::note(&status_and_headers(&response));
        }
        let known = self.operation();
        let response = Response::from(&response);
        let printed = match known {
            Some(operation) => response.read(operation)?,
            None => response.read_unknown(self.is_safe_to_repeat())?,
        };
        let Some(mut value) = printed else {
            return Ok(());
        };
        let schema = known.and_then(|operation| operation.response);
        if let Some(schema) = schema.filter(|_| !session.global.printing.show_secrets) {
            output::hide_secrets(&mut value, schema);
        }
        Ok(output::data(format, &value)?)
    }

    fn is_safe_to_repeat(&self) -> bool {
        !matches!(self.method, Method::POST | Method::PATCH)
    }

    fn failure(&self, error: modelarts::Error) -> Failure {
        let failure = Failure::from(error);
        match failure.exit() {
            Exit::OutcomeUnknown if self.is_safe_to_repeat() => {
                Failure::new(Exit::Unavailable, failure.message())
            }
            _ => failure,
        }
    }

    /// Returns the operation that matches the request, if any; its schema tells which values are secrets.
    fn operation(&self) -> Option<&'static Operation> {
        let same = |template: &str| {
            let (template, path) = (template.split('/'), self.path.split('/'));
            template.clone().count() == path.clone().count()
                && template
                    .zip(path)
                    .all(|(template, segment)| template == segment || template.starts_with('{'))
        };
        let known = modelarts_client::operations()
            .filter(|operation| operation.method == self.method.as_str())
            .filter(|operation| same(operation.path))
            // A path without parameters takes precedence over one with parameters.
            .min_by_key(|operation| operation.path.matches('{').count())?;
        document::find(known.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operation_of_a_path_is_found() {
        let known = |method: Method, path: &str| {
            let raw = Raw {
                method,
                path: path.to_owned(),
                query: Vec::new(),
                headers: Vec::new(),
                body: None,
                include: false,
            };
            raw.operation().map(|operation| operation.id.as_str())
        };
        assert_eq!(
            known(Method::GET, "/v1/p/notebooks/all"),
            Some("listAllNotebooks")
        );
        assert_eq!(
            known(Method::GET, "/v1/{project_id}/notebooks/n1"),
            Some("showNotebook")
        );
        assert_eq!(known(Method::PUT, "/v1/p/notebooks"), None);
    }
}
