//! Generates the table of operations and the shapes of their bodies.

use std::collections::BTreeMap;

use heck::ToShoutySnakeCase as _;
use modelarts_document::{AdditionalProperties, Schema, SchemaType};
use serde_json::Value;

use crate::document::{Document, Operation, text};

/// Generates the module `operations`.
pub(crate) fn table(document: &Document) -> String {
    let mut shapes = Shapes::default();
    let mut out = "use crate::{Operation, Shape};
        /// All operations, in the document's order.
        pub static OPERATIONS: &[Operation] = &[\n"
        .to_owned();
    let operations: Vec<_> = document.operations().collect();
    for operation in &operations {
        let value = operation.value;
        let tag = value
            .pointer("/tags/0")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let idempotent = value.get("x-idempotent") == Some(&Value::Bool(true));
        let request = match body_schema(*operation) {
            Some(schema) => format!("Some(&{})", shapes.of(schema)),
            None => "None".to_owned(),
        };
        let mut responses: Vec<String> = Vec::new();
        for schema in response_schemas(*operation) {
            let shape = format!("&{}", shapes.of(schema));
            if !responses.contains(&shape) {
                responses.push(shape);
            }
        }
        let responses = responses.join(", ");
        out += &format!(
            "Operation {{ id: {:?}, tag: {tag:?}, method: {:?}, path: {:?}, idempotent: {idempotent}, content_type: {:?}, summary: {:?}, request_body: {request}, response_bodies: &[{responses}], reserved: &{:?} }},
",
            operation.id(),
            operation.method.to_uppercase(),
            operation.path,
            content_type(*operation),
            text(value, "summary"),
            reserved(operation.path, &operations),
        );
    }
    out + "];\n" + &shapes.statics()
}

pub(super) fn body_schema(operation: Operation<'_>) -> Option<Schema<'_>> {
    operation.request_body()?.json()?.schema()
}

/// The content type with which an operation's body is sent.
pub(super) fn content_type<'a>(operation: Operation<'a>) -> &'a str {
    let body = operation.request_body();
    body.and_then(|body| Some(body.json()?.content_type))
        .unwrap_or_default()
}

/// Fixed path segments of other operations in the place of one of this operation's parameters.
fn reserved<'a>(path: &str, operations: &[Operation<'a>]) -> Vec<&'a str> {
    let is_parameter = |segment: &str| segment.starts_with('{');
    let own: Vec<&str> = path.split('/').collect();
    let mut words: Vec<&str> = operations
        .iter()
        .flat_map(|other| {
            let other: Vec<&'a str> = other.path.split('/').collect();
            let hiding = own
                .iter()
                .zip(&other)
                .enumerate()
                .find(|(_, (own, other))| {
                    own != other && !(is_parameter(own) && is_parameter(other))
                });
            hiding
                .filter(|(_, (own, other))| is_parameter(own) && !is_parameter(other))
                .map(|(_, (_, other))| *other)
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// The schemas of all response bodies, successes first.
fn response_schemas(operation: Operation<'_>) -> Vec<Schema<'_>> {
    let mut responses: Vec<_> = operation.responses().collect();
    responses.sort_by_key(|response| !response.is_success());
    let schemas = responses
        .iter()
        .filter_map(|response| response.json()?.schema());
    schemas.collect()
}

/// The statics that describe bodies, one per component.
#[derive(Default)]
struct Shapes {
    /// The value of each static by name; empty while it is being built.
    components: BTreeMap<String, String>,
}

impl Shapes {
    /// The expression for the shape of a schema.
    fn of(&mut self, schema: Schema<'_>) -> String {
        let is_nested = matches!(schema.schema_type(), SchemaType::Array | SchemaType::Object);
        let Some(name) = schema.name().filter(|_| is_nested) else {
            return self.written_out(schema);
        };
        let name = name.to_shouty_snake_case();
        if !self.components.contains_key(&name) {
            self.components.insert(name.clone(), String::new());
            let value = self.written_out(schema);
            self.components.insert(name.clone(), value);
        }
        name
    }

    fn written_out(&mut self, schema: Schema<'_>) -> String {
        match schema.schema_type() {
            SchemaType::String if schema.format() == "password" => "Shape::Secret".to_owned(),
            SchemaType::String => "Shape::String".to_owned(),
            SchemaType::Integer | SchemaType::Number => "Shape::Number".to_owned(),
            SchemaType::Boolean => "Shape::Boolean".to_owned(),
            SchemaType::Any => "Shape::Any".to_owned(),
            SchemaType::Array => match schema.items() {
                Some(items) => format!("Shape::List(&{})", self.of(items)),
                None => "Shape::Any".to_owned(),
            },
            SchemaType::Object => {
                let members = schema.properties();
                let members =
                    members.map(|(name, value)| format!("({name:?}, &{})", self.of(value)));
                let members = members.collect::<Vec<_>>().join(", ");
                let others = match schema.additional_properties() {
                    AdditionalProperties::Of(values) => format!("Some(&{})", self.of(values)),
                    AdditionalProperties::Any | AdditionalProperties::Undeclared => {
                        "None".to_owned()
                    }
                };
                format!("Shape::Object(&[{members}], {others})")
            }
        }
    }

    fn statics(&self) -> String {
        let statics = self.components.iter();
        statics
            .map(|(name, value)| format!("static {name}: Shape = {value};\n"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::SMALL;

    #[test]
    fn words_of_other_paths_are_reserved() {
        let text = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /v1/{p}/things: {get: {operationId: listThings, responses: {'200': {description: d}}}}
  /v1/{p}/things/all: {get: {operationId: listAll, responses: {'200': {description: d}}}}
  /v1/{p}/things/{id}: {get: {operationId: showThing, responses: {'200': {description: d}}}}
  /v1/{p}/things/{id}/start: {post: {operationId: startThing, responses: {'200': {description: d}}}}
  /v1/{p}/others/{id}: {get: {operationId: showOther, responses: {'200': {description: d}}}}
";
        let document = Document::parse("t", "t.yaml", text).unwrap();
        let operations: Vec<_> = document.operations().collect();
        let of = |id: &str| {
            let operation = operations.iter().find(|it| it.id() == id).unwrap();
            reserved(operation.path, &operations)
        };
        assert_eq!(of("showThing"), ["all"]);
        assert_eq!(of("startThing"), ["all"]);
        assert!(of("showOther").is_empty() && of("listThings").is_empty());
    }

    #[test]
    fn shapes_mark_secrets_and_may_contain_themselves() {
        let deep = SMALL.replace(
            "        labels:",
            "        inner: {$ref: '#/components/schemas/Thing'}
        keys: {type: array, items: {type: string, format: password}}
        labels:",
        );
        let document = Document::parse("small", "openapi/small.yaml", &deep).unwrap();
        let code = table(&document);
        for expected in [
            "request_body: Some(&THING), response_bodies: &[&THING",
            r#"("password", &Shape::Secret)"#,
            r#"("inner", &THING)"#,
            r#"("keys", &Shape::List(&Shape::Secret))"#,
        ] {
            assert!(code.contains(expected), "{expected}: {code}");
        }
    }

    #[test]
    fn each_component_has_one_shape() {
        let text = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /v1/things:
    get:
      operationId: listThings
      responses:
        '200': {description: d, content: {application/json: {schema: {type: object, properties: {
          things: {type: array, items: {$ref: '#/components/schemas/Thing'}}}}}}}
        '400': {description: d, content: {application/json: {schema: {type: object, properties: {error_code: {type: string}}}}}}
components:
  schemas:
    Thing: {type: object, properties: {
      size: {type: integer}, on: {type: boolean}, password: {type: string, format: password}, free: {type: object},
      tags: {type: object, additionalProperties: {type: string}}, inner: {$ref: '#/components/schemas/Thing'}}}
";
        let document = Document::parse("t", "t.yaml", text).unwrap();
        let code = table(&document);
        for expected in [
            r#"request_body: None, response_bodies: &[&Shape::Object(&[("things", &Shape::List(&THING))], None), &Shape::Object(&[("error_code", &Shape::String)], None)],"#,
            r#"static THING: Shape = Shape::Object(&[("size", &Shape::Number), ("on", &Shape::Boolean), ("password", &Shape::Secret), ("free", &Shape::Object(&[], None)), ("tags", &Shape::Object(&[], Some(&Shape::String))), ("inner", &THING)], None);"#,
        ] {
            assert!(code.contains(expected), "{expected}: {code}");
        }
    }
}
