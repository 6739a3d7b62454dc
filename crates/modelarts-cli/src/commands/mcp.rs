//! `modelarts mcp`: serves the operations as tools, by the Model Context Protocol over standard input and output.

use std::sync::Arc;

use clap::Args;
use modelarts_document::{AdditionalProperties, SchemaType};
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer, ServiceExt as _};
use rmcp::{ErrorData, transport};
use serde_json::{Map, Value, json};

use crate::api;
use crate::connection::Global;
use crate::document::{self, Kind, Operation, PROJECT, Place};
use crate::exchange::Request;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::schema::{self, Schema};
use crate::session::Session;

/// The argument of a tool that contains the request body.
const BODY: &str = "body";
/// The maximum depth to which the schema of a body is expanded, because a schema can be recursive.
const DEPTH: usize = 8;
/// Replaces a secret in a response.
const HIDDEN: &str = "(hidden)";

/// Serve the API to an AI agent as MCP tools over standard input and output
#[derive(Args, Debug)]
#[command(after_help = "\
Example: modelarts mcp --emulator

Configure your agent to run this command, for example {\"command\": \"modelarts\", \"args\": [\"mcp\"]}. Each API \
operation is a tool of the same name. Without --read-write, only operations that read are available. Operations that \
take a secret are never available, and secrets in responses are hidden.")]
pub(crate) struct Options {
    /// Also provide tools that create, change and delete resources, which may incur costs
    #[arg(long)]
    read_write: bool,
}

/// Serves until the agent closes standard input.
pub(crate) async fn run(options: &Options, global: &Global) -> Result<(), Failure> {
    let session = Session::start(global).await?;
    let server = Server {
        session: Arc::new(session),
        read_write: options.read_write,
    };
    let failed = |error: String| Failure::new(Exit::Failed, error);
    let service = server
        .serve(transport::stdio())
        .await
        .map_err(|error| failed(format!("MCP: {error}")))?;
    service
        .waiting()
        .await
        .map_err(|error| failed(format!("MCP: {error}")))?;
    Ok(())
}

struct Server {
    session: Arc<Session>,
    read_write: bool,
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().build();
        let mode = match self.read_write {
            true => "Some tools create, change and delete resources, which may incur costs.",
            false => {
                "Only tools that read are available; start the server with --read-write for the others."
            }
        };
        let instructions = format!(
            "The ModelArts API for notebooks, project {}. {mode} A tool returns before a long-running operation \
             completes: poll the resource until its status is no longer transient. Durations of notebooks are in \
             milliseconds, durations of instances in seconds.",
            self.session.client.project_id()
        );
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("modelarts", env!("CARGO_PKG_VERSION")))
            .with_instructions(instructions)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = available(self.read_write).map(tool).collect();
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(operation) = available(self.read_write).find(|it| it.id == call.name) else {
            let why = match document::find(&call.name) {
                Some(_) => "is not available: it changes resources or takes a secret",
                None => "does not exist",
            };
            return Err(ErrorData::invalid_params(
                format!("the tool `{}` {why}", call.name),
                None,
            ));
        };
        let outcome = self
            .call(operation, call.arguments.unwrap_or_default())
            .await;
        let result = match outcome {
            Ok(value) => CallToolResult::success(vec![ContentBlock::text(
                serde_json::to_string_pretty(&value).unwrap_or_default(),
            )]),
            Err(failure) => CallToolResult::error(vec![ContentBlock::text(failure.lines())]),
        };
        Ok(result.into())
    }
}

impl Server {
    async fn call(
        &self,
        operation: &'static Operation,
        arguments: Map<String, Value>,
    ) -> Result<Value, Failure> {
        let request = request(operation, arguments)?;
        let mut value = self.session.send(request).await?.unwrap_or_default();
        // Even with --show-secrets, because an agent may pass on what it reads.
        if let Some(schema) = operation.response {
            output::replace_secrets(&mut value, schema, HIDDEN);
        }
        Ok(value)
    }
}

/// Returns the operations that are available as tools.
fn available(read_write: bool) -> impl Iterator<Item = &'static Operation> {
    document::all()
        .filter(move |operation| read_write || is_read_only(operation))
        .filter(|operation| {
            let body = operation.body.as_ref();
            !body.is_some_and(|body| takes_secret(body.schema, DEPTH))
        })
}

fn is_read_only(operation: &Operation) -> bool {
    operation.method.eq_ignore_ascii_case("get")
}

fn takes_secret(schema: Schema, depth: usize) -> bool {
    let inner = || schema.properties().map(|(_, property)| property);
    schema.format() == "password"
        || (depth > 0
            && inner()
                .chain(schema.items())
                .any(|schema| takes_secret(schema, depth - 1)))
}

fn tool(operation: &Operation) -> Tool {
    let description = format!("{}. {}", operation.summary, operation.description);
    let annotations = ToolAnnotations::with_title(operation.summary.clone())
        .read_only(is_read_only(operation))
        .destructive(!is_read_only(operation))
        .idempotent(operation.idempotent);
    Tool::new(operation.id.clone(), description, input(operation)).with_annotations(annotations)
}

/// Returns the JSON schema of the arguments of a tool.
fn input(operation: &Operation) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in &operation.parameters {
        if parameter.name == PROJECT {
            continue;
        }
        let kind = match parameter.kind {
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Text | Kind::Texts | Kind::Json => "string",
        };
        let schema = json!({"type": kind, "description": parameter.help});
        properties.insert(parameter.name.clone(), schema);
        if parameter.required {
            required.push(Value::from(parameter.name.clone()));
        }
    }
    if let Some(body) = &operation.body {
        properties.insert(BODY.to_owned(), expanded(body.schema, DEPTH));
        if body.required {
            required.push(BODY.into());
        }
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("required".to_owned(), required.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}

/// Returns the JSON of a schema without references, because not every agent resolves them.
fn expanded(schema: Schema, depth: usize) -> Value {
    let mut written = Map::new();
    let kind = schema.schema_type();
    if kind != SchemaType::Any {
        written.insert("type".to_owned(), schema::type_name(kind).into());
    }
    let mut description = schema.description().trim().to_owned();
    let known = schema::known(schema);
    if !schema.enum_values().is_empty() {
        written.insert("enum".to_owned(), schema.enum_values().into());
    } else if !known.is_empty() {
        description += &format!(
            " Known values: {}. Other values may be added.",
            known.join(", ")
        );
    }
    if !description.is_empty() {
        written.insert("description".to_owned(), description.trim().into());
    }
    if depth > 0 {
        let properties: Map<_, _> = schema
            .properties()
            .map(|(name, property)| (name.to_owned(), expanded(property, depth - 1)))
            .collect();
        if !properties.is_empty() {
            written.insert("properties".to_owned(), properties.into());
            let required: Vec<_> = schema.required().map(Value::from).collect();
            written.insert("required".to_owned(), required.into());
        }
        if let Some(items) = schema.items() {
            written.insert("items".to_owned(), expanded(items, depth - 1));
        }
        if let AdditionalProperties::Of(values) = schema.additional_properties() {
            written.insert(
                "additionalProperties".to_owned(),
                expanded(values, depth - 1),
            );
        }
    }
    written.into()
}

/// Builds the request from the arguments; the error lists all problems.
fn request(
    operation: &'static Operation,
    mut arguments: Map<String, Value>,
) -> Result<Request, Failure> {
    let mut request = Request::new(operation);
    let mut wrong = Vec::new();
    for parameter in &operation.parameters {
        if parameter.name == PROJECT {
            continue;
        }
        let text = match arguments.remove(&parameter.name) {
            None | Some(Value::Null) if parameter.required => {
                wrong.push(format!("`{}` is missing", parameter.name));
                continue;
            }
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text,
            // Lists and objects are passed as JSON text.
            Some(value) => value.to_string(),
        };
        if let Err(error) = api::parse_value(parameter.kind, &[&text]) {
            wrong.push(format!("`{}`: {error}", parameter.name));
        }
        let pair = (parameter.name.clone(), text);
        match parameter.place {
            Place::Path => request.path.push(pair),
            Place::Query => request.query.push(pair),
            Place::Header => request.headers.push(pair),
        }
    }
    match (&operation.body, arguments.remove(BODY)) {
        (Some(described), body) => {
            // The body is validated before it is sent.
            let body = body.or_else(|| described.required.then(|| json!({})));
            request.body = body;
        }
        (None, Some(_)) => wrong.push(format!("`{BODY}` is not accepted")),
        (None, None) => {}
    }
    wrong.extend(
        arguments
            .keys()
            .map(|name| format!("`{name}` is not a known parameter")),
    );
    if wrong.is_empty() {
        return Ok(request);
    }
    let message = format!("{}: {}", operation.id, wrong.join("; "));
    Err(Failure::new(Exit::Usage, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_read_write_no_tool_changes_anything() {
        assert!(available(false).all(is_read_only));
        assert!(available(false).any(|operation| operation.id == "listNotebooks"));
        assert!(available(true).any(|operation| operation.id == "deleteNotebook"));
    }

    #[test]
    fn no_tool_takes_a_password() {
        assert!(!available(true).any(|operation| operation.id == "createToken"));
        for operation in available(true) {
            let schema = Value::from(input(operation)).to_string();
            assert!(!schema.contains("assword\""), "{}", operation.id);
        }
    }

    #[test]
    fn the_schema_of_a_tool_has_no_references() {
        for operation in available(true) {
            let schema = Value::from(input(operation));
            assert!(!schema.to_string().contains("$ref"), "{}", operation.id);
            assert_eq!(schema["properties"].get(PROJECT), None, "{}", operation.id);
        }
        let create = document::find("createNotebook").unwrap();
        let schema = Value::from(input(create));
        assert_eq!(schema["required"], json!(["body"]));
        let volume = &schema["properties"]["body"]["properties"]["volume"];
        assert_eq!(volume["properties"]["capacity"]["type"], "integer");
        let category = volume["properties"]["category"]["description"].as_str();
        assert!(category.unwrap().contains("EVS"), "{volume}");
    }

    #[test]
    fn all_problems_are_reported_at_once() {
        let show = document::find("showNotebook").unwrap();
        let arguments = json!({"nmae": "a", "body": {}});
        let failure = request(show, arguments.as_object().unwrap().clone()).unwrap_err();
        assert_eq!(
            failure.message(),
            "showNotebook: `id` is missing; `body` is not accepted; `nmae` is not a known parameter"
        );
        let list = document::find("listNotebooks").unwrap();
        let arguments = json!({"limit": "ten", "offset": 1.5});
        let failure = request(list, arguments.as_object().unwrap().clone()).unwrap_err();
        assert_eq!(
            failure.message(),
            "listNotebooks: `limit`: `ten` is not a whole number; `offset`: `1.5` is not a whole number"
        );
    }
}
