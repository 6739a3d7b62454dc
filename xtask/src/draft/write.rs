//! Writes the document of a draft: operations with parameters, bodies, responses and samples.

use std::collections::BTreeSet;

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use serde_json::{Map, Value, json};

use super::facts::{Operation, Sources};
use super::schemas::{Schemas, TODO, default, least};
use crate::prose;

/// Returns the document of all sources.
pub(super) fn document(sources: &Sources) -> Value {
    let schemas = Schemas::new(sources);
    let mut components = schemas.components();
    components.insert("ErrorBody".to_owned(), error_body());
    let writer = Writer {
        schemas,
        components,
    };
    writer.document(sources)
}

fn error_body() -> Value {
    json!({"type": "object", "description": "The body of an error response.",
           "x-source": ["response"], "properties": {
        "error_code": {"type": "string", "description": "Code of the error, for programs."},
        "error_msg": {"type": "string", "description": "What went wrong, for people."},
    }})
}

fn singular(segment: &str) -> String {
    let name = segment.to_upper_camel_case();
    name.strip_suffix('s').unwrap_or(&name).to_owned()
}

struct Writer<'a> {
    schemas: Schemas<'a>,
    /// All schema components by name.
    components: Map<String, Value>,
}

impl Writer<'_> {
    fn document(self, sources: &Sources) -> Value {
        let mut statuses: BTreeSet<u16> = BTreeSet::new();
        let mut tags = BTreeSet::new();
        let mut titles = BTreeSet::new();
        let mut paths: Map<String, Value> = Map::new();
        for operation in &sources.operations {
            statuses.extend(operation.statuses.iter().filter(|status| **status >= 400));
            let (tag, value) = self.operation(operation, &mut titles);
            tags.insert(tag);
            let item = paths
                .entry(operation.path.clone())
                .or_insert_with(|| json!({}));
            item[&operation.method] = value;
        }
        let error = |text: &str| {
            json!({"description": text, "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/ErrorBody"},
                "examples": {"refused": {"summary": "A refusal", "x-sample": "composed",
                             "value": {"error_code": "TODO", "error_msg": "TODO"}}}}}})
        };
        let mut responses = Map::new();
        for status in statuses {
            let text = format!("TODO: when {status} is met.");
            responses.insert(format!("Status{status}"), error(&text));
        }
        responses.insert("Error".to_owned(), error("Any other refusal."));
        let tags: Vec<Value> = tags
            .into_iter()
            .map(|tag| json!({"name": tag, "description": TODO}))
            .collect();
        json!({
            "openapi": "3.0.3",
            "info": {"title": "TODO", "version": "1.0.0", "description": TODO},
            "servers": [{"url": "https://modelarts.{region}.otc.t-systems.com", "description": "Open Telekom Cloud",
                         "variables": {"region": {"default": "eu-de"}}}],
            "tags": tags,
            "security": [{"Token": []}],
            "paths": paths,
            "components": {
                "securitySchemes": {"Token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token",
                    "description": "Token of the identity service."}},
                "responses": responses,
                "schemas": self.components,
            },
        })
    }

    fn operation(&self, operation: &Operation, titles: &mut BTreeSet<String>) -> (String, Value) {
        let mut id = operation.name.to_lower_camel_case();
        if operation.name.starts_with("modelarts_") {
            id = operation.title.to_lower_camel_case();
        }
        let resource = operation
            .path
            .split('/')
            .filter(|segment| !segment.is_empty() && !segment.starts_with('{'))
            .nth(1)
            .unwrap_or("operations");
        let tag = format!("{}s", singular(resource));
        let mut summary: String = operation
            .title
            .trim_end_matches('.')
            .chars()
            .take(50)
            .collect();
        if summary.is_empty() || !titles.insert(summary.clone()) {
            summary = format!("{summary} ({})", operation.name)
                .chars()
                .take(60)
                .collect();
        }
        let idempotent = ["get", "put", "delete", "head"].contains(&operation.method.as_str());
        let mut value = json!({
            "tags": [tag],
            "operationId": id,
            "summary": summary,
            "description": TODO,
            "externalDocs": {"description": "The page of the service.",
                             "url": "https://docs.otc.t-systems.com/modelarts/api-ref/"},
            "x-source": [operation.source],
            "x-idempotent": idempotent,
            "parameters": self.parameters(operation),
        });
        if let Some(name) = operation
            .request
            .as_ref()
            .and_then(|key| self.schemas.names.of_object.get(key))
        {
            value["requestBody"] = json!({"required": true,
                "content": {"application/json": self.body(operation, name, true)}});
        }
        value["responses"] = self.responses(operation);
        (tag, value)
    }

    fn parameters(&self, operation: &Operation) -> Vec<Value> {
        let mut parameters = Vec::new();
        let mut named = BTreeSet::new();
        for (place, field, _) in &operation.parameters {
            named.insert((*place, field.name.clone()));
            let mut parameter = json!({"name": field.name, "in": place, "description": TODO,
                "required": field.required || *place == "path",
                "schema": self.schemas.schema(&operation.name, field, true, false)});
            let stated = prose::stated(&field.description, false);
            if let Some(unit) = stated.unit {
                parameter["description"] = json!(format!("{TODO} Unit: {unit}."));
            }
            if !field.required
                && *place != "path"
                && let Some(default) = default(&stated, &field.shape)
            {
                parameter["x-default"] = default;
            }
            parameters.push(parameter);
        }
        for segment in operation.path.split('/') {
            if let Some(name) = segment
                .strip_prefix('{')
                .and_then(|it| it.strip_suffix('}'))
                && !named.contains(&("path", name.to_owned()))
            {
                parameters.push(
                    json!({"name": name, "in": "path", "required": true, "description": TODO,
                                       "schema": {"type": "string"}}),
                );
            }
        }
        parameters
    }

    fn responses(&self, operation: &Operation) -> Value {
        let mut responses = Map::new();
        let mut successes: Vec<u16> = operation
            .statuses
            .iter()
            .copied()
            .filter(|it| *it < 300)
            .collect();
        if successes.is_empty() {
            successes.push(200);
        }
        for status in successes {
            let mut response = json!({"description": TODO});
            if let Some(name) = operation
                .response
                .as_ref()
                .and_then(|key| self.schemas.names.of_object.get(key))
            {
                response["content"] =
                    json!({"application/json": self.body(operation, name, false)});
            }
            responses.insert(status.to_string(), response);
        }
        for status in operation.statuses.iter().filter(|status| **status >= 400) {
            let reference = format!("#/components/responses/Status{status}");
            responses.insert(status.to_string(), json!({"$ref": reference}));
        }
        responses.insert(
            "default".to_owned(),
            json!({"$ref": "#/components/responses/Error"}),
        );
        Value::Object(responses)
    }

    /// A media type object with the samples of the page and a composed example.
    fn body(&self, operation: &Operation, name: &str, is_request: bool) -> Value {
        let mut examples = Map::new();
        for (number, _, sample) in operation
            .samples
            .iter()
            .filter(|(_, request, _)| *request == is_request)
        {
            let source = format!("{} S{number}", operation.name);
            examples.insert(
                format!("sample{number}"),
                json!({"summary": "TODO", "x-sample": "documented", "x-source": [source], "value": sample}),
            );
        }
        let composed = json!({"summary": "TODO", "x-sample": "composed",
                              "value": least(&json!({"$ref": format!("#/components/schemas/{name}")}), &self.components, 0)});
        examples.insert("composed".to_owned(), composed);
        json!({"schema": {"$ref": format!("#/components/schemas/{name}")}, "examples": examples})
    }
}
