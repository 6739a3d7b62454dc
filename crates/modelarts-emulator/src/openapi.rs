//! What the emulator says of itself, as OpenAPI documents.

use utoipa::ToSchema as _;
use utoipa::openapi::path::Operation;
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, Ref, ResponseBuilder};

use crate::routes::{ControlError, ROUTES};

/// The emulated service, as its routes describe it.
///
/// A test holds it against the document in `openapi/`, which stays the authority: limits, texts and examples stand
/// only there.
pub fn api_description() -> OpenApi {
    ROUTES.1.devenviron.clone()
}

/// The emulated identity service, as its routes describe it.
pub fn iam_description() -> OpenApi {
    ROUTES.1.iam.clone()
}

/// The control plane below `/_emulator/`.
///
/// ```
/// let control = modelarts_emulator::control_description();
/// assert!(control.paths.paths.contains_key("/_emulator/clock"));
/// ```
pub fn control_description() -> OpenApi {
    let mut description = ROUTES.1.control.clone();
    description.info = InfoBuilder::new()
        .title("Control plane of the ModelArts emulator")
        .description(Some(
            "State, time, faults and log of a running emulator. It is open to whoever reaches the emulator, which binds to loopback unless told otherwise.",
        ))
        .version(env!("CARGO_PKG_VERSION"))
        .build();
    for item in description.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            add_refusals(operation);
        }
    }
    description
}

/// What happens around every operation of the control plane is described here, once.
fn add_refusals(operation: &mut Operation) {
    let refusal = |text| {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name(ControlError::name())))
            .build();
        ResponseBuilder::new()
            .description(text)
            .content("application/json", content)
            .build()
    };
    let mut refusals = vec![
        (
            "403",
            "The request comes from another machine, or from a page of one.",
        ),
        ("500", "The state file cannot be written."),
    ];
    if operation.request_body.is_some() {
        refusals.push(("413", "The body is too large."));
    }
    for (status, text) in refusals {
        let responses = &mut operation.responses.responses;
        responses
            .entry(status.to_owned())
            .or_insert_with(|| refusal(text).into());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::{Map, Value, json};

    use super::*;

    fn described(description: &OpenApi) -> Value {
        serde_json::from_str(&description.to_json().unwrap()).unwrap()
    }

    /// What a client sees of each operation, with all references followed.
    fn operations(document: &Value) -> BTreeMap<String, Value> {
        let mut operations = BTreeMap::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if method == "parameters" {
                    continue;
                }
                let id = operation["operationId"].as_str().unwrap();
                let seen = json!({
                    "parameters": parameters(document, &[&item["parameters"], &operation["parameters"]]),
                    "request": request(document, &operation["requestBody"]),
                    "responses": responses(document, &operation["responses"]),
                });
                operations.insert(format!("{id}: {method} {path}"), seen);
            }
        }
        operations
    }

    fn parameters(document: &Value, lists: &[&Value]) -> BTreeMap<String, Value> {
        lists
            .iter()
            .flat_map(|list| list.as_array().into_iter().flatten())
            .map(|parameter| {
                let parameter = follow(document, parameter);
                let text = |name: &str| parameter[name].as_str().unwrap();
                let required = parameter["required"] == true;
                let shape = shape(document, &parameter["schema"]);
                let name = format!("{} in {}", text("name"), text("in"));
                (name, json!({"required": required, "schema": shape}))
            })
            .collect()
    }

    fn request(document: &Value, body: &Value) -> Option<Value> {
        let schema = &body["content"]["application/json"]["schema"];
        let required = body["required"] == true;
        (!schema.is_null())
            .then(|| json!({"required": required, "schema": shape(document, schema)}))
    }

    fn responses(document: &Value, responses: &Value) -> BTreeMap<String, Option<Value>> {
        let responses = responses.as_object().unwrap().iter();
        responses
            .map(|(status, response)| {
                let schema = &follow(document, response)["content"]["application/json"]["schema"];
                let shape = (!schema.is_null()).then(|| shape(document, schema));
                (status.clone(), shape)
            })
            .collect()
    }

    fn follow<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            None => value,
            Some(reference) => {
                let found = document.pointer(reference.trim_start_matches('#'));
                found.unwrap_or_else(|| panic!("{reference} leads nowhere"))
            }
        }
    }

    /// A schema without texts, limits and the several ways of saying that something may be null.
    fn shape(document: &Value, schema: &Value) -> Value {
        let schema = follow(document, schema);
        if let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
            let real: Vec<&Value> = choices.iter().filter(|one| one["type"] != "null").collect();
            assert_eq!(real.len(), 1, "{schema}");
            return shape(document, real[0]);
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap().clone(),
            kind => kind.clone(),
        };
        let mut seen = Map::new();
        seen.insert("type".into(), kind.clone());
        for name in ["format", "enum"] {
            if !schema[name].is_null() {
                seen.insert(name.into(), schema[name].clone());
            }
        }
        if let Some(values) = schema["x-extensible-enum"].as_array()
            && kind == "string"
        {
            let values: BTreeSet<&str> = values.iter().filter_map(Value::as_str).collect();
            seen.insert("open enum".into(), json!(values));
        }
        if kind == "array" {
            seen.insert("items".into(), shape(document, &schema["items"]));
        }
        if let Some(properties) = schema["properties"].as_object() {
            let properties: BTreeMap<&String, Value> = properties
                .iter()
                .map(|(name, property)| (name, shape(document, property)))
                .collect();
            seen.insert("properties".into(), json!(properties));
        }
        if let Some(required) = schema["required"].as_array() {
            let required: BTreeSet<&str> = required.iter().filter_map(Value::as_str).collect();
            seen.insert("required".into(), json!(required));
        }
        match &schema["additionalProperties"] {
            // An empty schema and `true` both say: anything.
            Value::Bool(true) => drop(seen.insert("others".into(), json!({ "type": null }))),
            // So does an object that says nothing of its properties.
            Value::Null if kind == "object" && schema["properties"].is_null() => {
                drop(seen.insert("others".into(), json!({ "type": null })));
            }
            others @ Value::Object(_) => {
                drop(seen.insert("others".into(), shape(document, others)))
            }
            _ => {}
        }
        Value::Object(seen)
    }

    /// Where two values differ, in words.
    fn differences(at: &str, described: &Value, document: &Value, found: &mut Vec<String>) {
        if let (Value::Object(a), Value::Object(b)) = (described, document) {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                differences(
                    &format!("{at} / {name}"),
                    &described[name],
                    &document[name],
                    found,
                );
            }
        } else if described != document {
            found.push(format!(
                "{at}: the routes say {described}, the document {document}"
            ));
        }
    }

    fn compare(described: &Value, document: &str) {
        let document: Value = serde_json::from_str(document).unwrap();
        let mut found = Vec::new();
        differences(
            "",
            &json!(operations(described)),
            &json!(operations(&document)),
            &mut found,
        );
        assert!(found.is_empty(), "{}", found.join("\n"));
    }

    #[test]
    fn the_service_is_described_as_the_document_has_it() {
        compare(
            &described(&api_description()),
            modelarts_client::devenviron::DOCUMENT,
        );
    }

    #[test]
    fn the_identity_service_is_described_as_its_document_has_it() {
        compare(
            &described(&iam_description()),
            modelarts_client::iam::DOCUMENT,
        );
    }

    #[test]
    fn every_reference_of_the_control_plane_leads_somewhere() {
        let control = described(&control_description());
        assert!(operations(&control).len() > 15);
        for (path, item) in control["paths"].as_object().unwrap() {
            assert!(path.starts_with("/_emulator/"), "{path}");
            for operation in item.as_object().unwrap().values() {
                assert!(operation["summary"].is_string(), "{path} has no summary");
                let responses = operation["responses"].as_object().unwrap();
                let described = |status: &str| responses.contains_key(status);
                assert!(described("403") && described("500"), "{path}");
                let body = operation.get("requestBody").is_some();
                assert_eq!(
                    (described("413"), !body || described("400")),
                    (body, true),
                    "{path}"
                );
            }
        }
    }
}
