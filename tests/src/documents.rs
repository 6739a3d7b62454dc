//! The documents, their operations and their samples.

use modelarts_client::{Operation, devenviron, iam};
use serde_json::{Map, Value, json};

/// A document of the workspace, with what was generated from it.
#[derive(Debug)]
pub struct Document {
    /// The name of its family.
    pub name: &'static str,
    /// The document as JSON.
    pub value: Value,
    /// The operations of the generated client.
    pub operations: &'static [Operation],
    /// Decodes into the type of a schema and encodes again.
    pub round_trip: fn(&str, Value) -> Option<serde_json::Result<Value>>,
}

/// A named example of a document.
#[derive(Debug)]
pub struct Sample {
    /// `<document>__<operation or component>__<where it stands>__<name>`.
    pub id: String,
    /// The component that describes it.
    pub schema: String,
    /// `documented` or `composed`.
    pub origin: String,
    /// The pages that it was taken from.
    pub sources: Vec<String>,
    /// The example itself.
    pub value: Value,
}

/// All documents.
pub fn all() -> [Document; 2] {
    let parse = |text| serde_json::from_str(text).expect("the document is JSON");
    [
        Document {
            name: "devenviron",
            value: parse(devenviron::DOCUMENT),
            operations: devenviron::OPERATIONS,
            round_trip: devenviron::round_trip,
        },
        Document {
            name: "iam",
            value: parse(iam::DOCUMENT),
            operations: iam::OPERATIONS,
            round_trip: iam::round_trip,
        },
    ]
}

/// The last part of a reference like `#/components/schemas/Notebook`.
pub fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.rsplit('/').next()
}

/// The members of an object, or none.
pub fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

impl Document {
    /// The schema components.
    pub fn schemas(&self) -> &Map<String, Value> {
        self.value["components"]["schemas"].as_object().unwrap()
    }

    /// All named examples: of requests, of responses and of the shared responses.
    pub fn samples(&self) -> Vec<Sample> {
        let mut samples = Vec::new();
        for (_, item) in members(&self.value["paths"]) {
            for (_, operation) in members(item) {
                let Some(id) = operation.get("operationId").and_then(Value::as_str) else {
                    continue;
                };
                self.collect(id, "request", &operation["requestBody"], &mut samples);
                for (status, response) in members(&operation["responses"]) {
                    self.collect(id, &format!("response-{status}"), response, &mut samples);
                }
            }
        }
        for (name, response) in members(&self.value["components"]["responses"]) {
            self.collect(name, "error", response, &mut samples);
        }
        samples
    }

    fn collect(&self, owner: &str, place: &str, body: &Value, samples: &mut Vec<Sample>) {
        for (_, media) in members(&body["content"]) {
            for (name, example) in members(&media["examples"]) {
                let id = format!("{}__{owner}__{place}__{name}", self.name);
                let schema = reference(&media["schema"]);
                let schema = schema.unwrap_or_else(|| panic!("{id}: the schema is no component"));
                let sources = example["x-source"].as_array().into_iter().flatten();
                samples.push(Sample {
                    schema: schema.to_owned(),
                    origin: example["x-sample"].as_str().unwrap_or_default().to_owned(),
                    sources: sources
                        .map(|page| page.as_str().unwrap().to_owned())
                        .collect(),
                    value: example["value"].clone(),
                    id,
                });
            }
        }
    }

    /// The names of the components that can occur in a response, at any depth.
    pub fn response_schemas(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (_, item) in members(&self.value["paths"]) {
            for (_, operation) in members(item) {
                self.reach(&operation["responses"], &mut names);
            }
        }
        names
    }

    fn reach(&self, value: &Value, names: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                if let Some(target) = object.get("$ref").and_then(Value::as_str) {
                    let name = reference(value).unwrap().to_owned();
                    let is_schema = target.starts_with("#/components/schemas/");
                    if is_schema && names.contains(&name) {
                        return;
                    }
                    if is_schema {
                        names.push(name);
                    }
                    let target = self.value.pointer(target.trim_start_matches('#'));
                    self.reach(target.expect("references lead somewhere"), names);
                }
                object.values().for_each(|value| self.reach(value, names));
            }
            Value::Array(items) => items.iter().for_each(|value| self.reach(value, names)),
            _ => {}
        }
    }

    /// A validator for a component that refuses properties which no schema declares.
    pub fn strict_validator(&self, schema: &str) -> jsonschema::Validator {
        let mut schemas = self.value["components"]["schemas"].clone();
        schemas
            .as_object_mut()
            .unwrap()
            .values_mut()
            .for_each(strict);
        let root = json!({
            "$ref": format!("#/components/schemas/{schema}"),
            "components": {"schemas": schemas},
        });
        jsonschema::draft202012::new(&root)
            .unwrap_or_else(|error| panic!("{schema} is no JSON Schema: {error}"))
    }

    /// Replaces the texts that the document calls secret.
    pub fn redact(&self, schema: &str, value: &mut Value) {
        self.redact_by(&self.schemas()[schema], value);
    }

    fn redact_by(&self, schema: &Value, value: &mut Value) {
        if let Some(name) = reference(schema) {
            return self.redact(name, value);
        }
        if schema["format"] == "password" && value.is_string() {
            *value = "[secret]".into();
            return;
        }
        match value {
            Value::Object(object) => {
                for (key, value) in object {
                    if let Some(schema) = schema["properties"].get(key) {
                        self.redact_by(schema, value);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.redact_by(&schema["items"], item);
                }
            }
            _ => {}
        }
    }
}

/// Turns a schema of OpenAPI 3.0 into JSON Schema: `null` where it may stand, nothing undeclared.
fn strict(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if object.get("type") == Some(&json!("object")) && !object.contains_key("additionalProperties")
    {
        object.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    if object.get("nullable") == Some(&Value::Bool(true)) {
        let kind = object["type"].clone();
        object.insert("type".to_owned(), json!([kind, "null"]));
        if let Some(Value::Array(values)) = object.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            strict(inner);
        }
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(strict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(schema: &str, value: &Value) -> Vec<String> {
        let [document, _] = all();
        let validator = document.strict_validator(schema);
        validator
            .iter_errors(value)
            .map(|error| error.to_string())
            .collect()
    }

    #[test]
    fn an_undeclared_property_is_refused_at_any_depth() {
        let value = json!({"spec": {"auto_stop": {"enabled": true}}});
        let problems = problems("UpdateDevEnvInstanceRequest", &value);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("enabled"), "{problems:?}");
    }

    #[test]
    fn null_is_accepted_where_the_document_says_so_and_only_there() {
        assert!(problems("DevEnvNotebookSpec", &json!({"failed_reasons": null})).is_empty());
        assert!(!problems("Notebook", &json!({"name": null})).is_empty());
    }

    #[test]
    fn secrets_are_found_through_references_and_lists() {
        let [document, _] = all();
        let mut value = json!({"data": [{"id": "1", "token": "abc", "url": null}]});
        document.redact("NotebookList", &mut value);
        assert_eq!(
            value,
            json!({"data": [{"id": "1", "token": "[secret]", "url": null}]})
        );
    }
}
