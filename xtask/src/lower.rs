//! Lowering: turns a document into the copy that progenitor accepts.
//!
//! A pure function. Each step removes one thing that progenitor does not support, and has a test. Users lose nothing:
//! statuses, error bodies and limits stay in the document, which is part of the crate.

use anyhow::{Context, Result, bail};
use modelarts_document::is_json;
use openapiv3::OpenAPI;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::document::{METHODS, text};

/// Keywords that limit values. The service validates values, the client does not.
pub(crate) const LIMITS: [&str; 13] = [
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// Returns the copy of a document for the generator.
pub(crate) fn lower(document: &Value) -> Result<OpenAPI> {
    // Decoding and encoding removes everything that the model does not know.
    let mut value = serde_json::to_value(OpenAPI::deserialize(document)?)?;
    for operation in operations_mut(&mut value) {
        let id = text(operation, "operationId").to_owned();
        plain_json(operation);
        one_success(operation).with_context(|| format!("operation {id}"))?;
    }
    drop_empty_bodies(&mut value);
    each_schema(&mut value, &mut |schema, place| {
        drop_limits(schema);
        drop_default(schema);
        drop_extensions(schema);
        if place == Place::Component {
            drop_nullable(schema);
        }
        optional_arrays(schema);
    });
    OpenAPI::deserialize(value).context("the lowered document is no longer valid OpenAPI")
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    document
        .get_mut("paths")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
        .flat_map(Map::iter_mut)
        .filter(|(key, _)| METHODS.contains(&key.as_str()))
        .map(|(_, operation)| operation)
}

/// Renames JSON content types to `application/json`, the only one that the generator knows. The client still sends
/// the documented one.
fn plain_json(operation: &mut Value) {
    let rename = |holder: Option<&mut Value>| {
        let Some(content) = holder
            .and_then(|holder| holder.get_mut("content"))
            .and_then(Value::as_object_mut)
        else {
            return;
        };
        let name = content.keys().find(|name| is_json(name)).cloned();
        if let Some(media) = name.and_then(|name| content.remove(&name)) {
            content.insert("application/json".to_owned(), media);
        }
    };
    rename(operation.get_mut("requestBody"));
    let responses = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut);
    for response in responses.into_iter().flat_map(Map::values_mut) {
        rename(Some(response));
    }
}

/// Reduces the responses, since the generator supports one success type and one error type per operation.
///
/// All successes become the range 2XX with the one body that they share. Errors are removed, so every other status
/// reaches the facade as an unread response.
fn one_success(operation: &mut Value) -> Result<()> {
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return Ok(());
    };
    let mut success: Option<Value> = None;
    for (status, response) in responses.iter() {
        if !status.starts_with('2') {
            continue;
        }
        let Some(schema) = response.pointer("/content/application~1json/schema") else {
            continue;
        };
        let known = success
            .as_ref()
            .and_then(|known| known.pointer("/content/application~1json/schema"));
        match known {
            None => success = Some(response.clone()),
            Some(known) if known == schema => {}
            Some(known) => bail!("has two success bodies, {known} and {schema}; use one schema"),
        }
    }
    let mut success = success.unwrap_or_else(|| json!({"description": "No content."}));
    if let Some(content) = success.pointer_mut("/content/application~1json") {
        remove(content, "examples");
        remove(content, "example");
    }
    remove(&mut success, "headers");
    responses.clear();
    responses.insert("2XX".to_owned(), success);
    Ok(())
}

/// Removes optional request bodies whose schema has no properties.
fn drop_empty_bodies(document: &mut Value) {
    let schemas = document
        .pointer("/components/schemas")
        .cloned()
        .unwrap_or_default();
    for operation in operations_mut(document) {
        let Some(body) = operation.get("requestBody") else {
            continue;
        };
        let optional = body.get("required").and_then(Value::as_bool) != Some(true);
        let empty = body
            .pointer("/content/application~1json/schema/$ref")
            .and_then(Value::as_str)
            .and_then(|target| schemas.get(target.rsplit('/').next()?))
            .is_some_and(|schema| schema.get("properties").is_none());
        if optional && empty {
            remove(operation, "requestBody");
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Component,
    Inside,
}

/// Calls `visit` with every schema: components, parameters, properties, items, map values.
fn each_schema(document: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>, Place)) {
    fn inside(
        schema: &mut Value,
        place: Place,
        visit: &mut impl FnMut(&mut Map<String, Value>, Place),
    ) {
        let Some(schema) = schema.as_object_mut() else {
            return;
        };
        visit(schema, place);
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for property in properties.values_mut() {
                inside(property, Place::Inside, visit);
            }
        }
        for key in ["items", "additionalProperties"] {
            if let Some(nested) = schema.get_mut(key) {
                inside(nested, Place::Inside, visit);
            }
        }
    }
    fn parameters(
        holder: Option<&mut Value>,
        visit: &mut impl FnMut(&mut Map<String, Value>, Place),
    ) {
        let parameters = match holder {
            Some(Value::Array(list)) => list.iter_mut().collect::<Vec<_>>(),
            Some(Value::Object(map)) => map.values_mut().collect(),
            _ => return,
        };
        for parameter in parameters {
            if let Some(schema) = parameter.get_mut("schema") {
                inside(schema, Place::Inside, visit);
            }
        }
    }

    if let Some(components) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    {
        for schema in components.values_mut() {
            inside(schema, Place::Component, visit);
        }
    }
    parameters(document.pointer_mut("/components/parameters"), visit);
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for item in paths.values_mut() {
            parameters(item.get_mut("parameters"), visit);
        }
    }
    for operation in operations_mut(document) {
        parameters(operation.get_mut("parameters"), visit);
    }
}

/// Removes limits: they would become newtypes that reject values before the service sees them.
fn drop_limits(schema: &mut Map<String, Value>) {
    for limit in LIMITS {
        schema.remove(limit);
    }
}

/// Removes defaults: they would be sent when the user has set nothing.
fn drop_default(schema: &mut Map<String, Value>) {
    schema.remove("default");
    schema.remove("example");
}

/// Removes extensions: equal schemas with different extensions would not be recognized as equal, so a password
/// would be missed.
fn drop_extensions(schema: &mut Map<String, Value>) {
    schema.retain(|key, _| !key.starts_with("x-"));
}

/// Removes `nullable` from components: each would become an extra `Option`. An optional property accepts null anyway.
fn drop_nullable(schema: &mut Map<String, Value>) {
    schema.remove("nullable");
}

/// Makes optional arrays nullable: an empty array would be omitted otherwise, `Option<Vec<_>>` can send `[]`.
fn optional_arrays(schema: &mut Map<String, Value>) {
    let required: Vec<String> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (name, property) in properties {
        let collection = text(property, "type") == "array" || is_map(property);
        if !collection || required.contains(name) {
            continue;
        }
        if let Some(property) = property.as_object_mut() {
            property.insert("nullable".to_owned(), Value::Bool(true));
        }
    }
}

fn is_map(property: &Value) -> bool {
    text(property, "type") == "object" && property.get("additionalProperties").is_some()
}

fn remove(value: &mut Value, key: &str) {
    if let Some(map) = value.as_object_mut() {
        map.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document with one operation and one schema, lowered.
    fn lowered(responses: &str, schema: &str) -> Result<Value> {
        let text = format!(
            "
openapi: 3.0.3
info: {{title: T, version: '1'}}
paths:
  /a:
    get:
      operationId: showA
      parameters: [{{name: q, in: query, schema: {{type: integer, minimum: 1, default: 3}}}}]
      responses: {responses}
components:
  schemas:
    A: {schema}
    B: {{type: object, properties: {{b: {{type: string}}}}}}
    Nothing: {{type: object}}
"
        );
        let document = crate::document::Document::parse("t", "t.yaml", &text).unwrap();
        Ok(serde_json::to_value(lower(document.value())?)?)
    }

    const JSON_A: &str =
        "{description: d, content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}";
    const EMPTY: &str = "{'200': {description: d}}";

    #[test]
    fn successes_become_one_and_errors_go() {
        let error = "{description: e, content: {application/json: {schema: {$ref: '#/components/schemas/B'}}}}";
        let responses = format!(
            "{{'200': {JSON_A}, '201': {JSON_A}, '204': {{description: d}}, '404': {error}}}"
        );
        let value = lowered(&responses, "{type: object}").unwrap();
        let kept = value.pointer("/paths/~1a/get/responses").unwrap();
        assert_eq!(
            kept.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["2XX"]
        );
        assert_eq!(
            kept.pointer("/2XX/content/application~1json/schema/$ref"),
            Some(&json!("#/components/schemas/A"))
        );
    }

    #[test]
    fn an_operation_without_body_responds_with_nothing() {
        let value = lowered("{'204': {description: d}}", "{type: object}").unwrap();
        assert_eq!(value.pointer("/paths/~1a/get/responses/2XX/content"), None);
    }

    #[test]
    fn two_success_bodies_are_refused_by_name() {
        let other = JSON_A.replace("schemas/A", "schemas/B");
        let error = lowered(
            &format!("{{'200': {JSON_A}, '201': {other}}}"),
            "{type: object}",
        )
        .unwrap_err();
        assert!(format!("{error:#}").contains("operation showA: has two success bodies"));
    }

    #[test]
    fn optional_arrays_and_maps_become_nullable() {
        let schema = "{type: object, required: [r], properties: {
            o: {type: array, items: {type: string}},
            r: {type: array, items: {type: string}},
            m: {type: object, additionalProperties: {type: string}}}}";
        let value = lowered(EMPTY, schema).unwrap();
        let nullable = |name: &str| {
            value
                .pointer(&format!("/components/schemas/A/properties/{name}/nullable"))
                .is_some()
        };
        assert!(nullable("o") && nullable("m") && !nullable("r"));
    }

    #[test]
    fn limits_and_defaults_are_left_to_the_service() {
        let schema = "{type: object, properties: {
            s: {type: string, minLength: 1, maxLength: 9, pattern: '^a$', default: a},
            i: {type: integer, format: int32, minimum: 1, maximum: 9}}}";
        let value = lowered(EMPTY, schema).unwrap();
        let properties = value.pointer("/components/schemas/A/properties").unwrap();
        assert_eq!(
            properties,
            &json!({"s": {"type": "string"}, "i": {"type": "integer", "format": "int32"}})
        );
        assert_eq!(
            value.pointer("/paths/~1a/get/parameters/0/schema"),
            Some(&json!({"type": "integer"}))
        );
    }

    #[test]
    fn a_nullable_component_is_plain_and_a_nullable_property_stays() {
        let schema =
            "{type: object, nullable: true, properties: {p: {type: string, nullable: true}}}";
        let value = lowered(EMPTY, schema).unwrap();
        assert_eq!(value.pointer("/components/schemas/A/nullable"), None);
        assert_eq!(
            value.pointer("/components/schemas/A/properties/p/nullable"),
            Some(&Value::Bool(true))
        );
    }

    #[test]
    fn extensions_do_not_hide_a_password() {
        let schema =
            "{type: object, properties: {p: {type: string, format: password, x-source: sample}}}";
        let value = lowered(EMPTY, schema).unwrap();
        assert_eq!(
            value.pointer("/components/schemas/A/properties/p"),
            Some(&json!({"type": "string", "format": "password"}))
        );
    }

    #[test]
    fn an_optional_body_that_can_hold_nothing_is_not_sent() {
        let text = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    post:
      operationId: startA
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Nothing'}}}}
      responses: {'200': {description: d}}
components: {schemas: {Nothing: {type: object}}}
";
        let document = crate::document::Document::parse("t", "t.yaml", text).unwrap();
        let value = serde_json::to_value(lower(document.value()).unwrap()).unwrap();
        assert_eq!(value.pointer("/paths/~1a/post/requestBody"), None);
        assert!(value.pointer("/components/schemas/Nothing").is_some());
    }
}
