//! The documents, their operations and their samples.

use std::collections::BTreeSet;

use modelarts_client::{FAMILIES, Family, Operation};
use modelarts_document::Schema;
use serde_json::{Value, json};

/// A document of the workspace, with the code generated from it.
#[derive(Debug)]
pub struct Document {
    /// The name of its family.
    pub name: &'static str,
    /// Whether the emulator implements it.
    pub emulated: bool,
    /// The document itself.
    pub document: modelarts_document::Document,
    /// The operations of the generated client.
    pub operations: &'static [Operation],
    /// Decodes a value into the type of a schema and encodes it again.
    pub round_trip: fn(&str, Value) -> Option<serde_json::Result<Value>>,
    /// The generated types, described by utoipa.
    pub schemas: fn() -> utoipa::openapi::OpenApi,
}

/// A named example of a document.
#[derive(Debug)]
pub struct Sample {
    /// `<document>__<operation or component>__<place>__<name>`.
    pub id: String,
    /// The schema component of the sample.
    pub schema: String,
    /// `documented` or `composed`.
    pub origin: String,
    /// The pages from which it was taken.
    pub sources: Vec<String>,
    /// The value.
    pub value: Value,
}

/// Returns all documents.
pub fn all() -> Vec<Document> {
    FAMILIES.iter().map(Document::of).collect()
}

/// Returns the document of notebooks.
pub fn devenviron() -> Document {
    let mut families = FAMILIES.iter();
    let family = families.find(|family| family.name == "devenviron");
    Document::of(family.expect("a family of notebooks"))
}

impl Document {
    fn of(family: &Family) -> Self {
        Self {
            name: family.name,
            emulated: family.emulated,
            document: modelarts_document::Document::from_json(family.document)
                .expect("a whole document"),
            operations: family.operations,
            round_trip: family.round_trip,
            schemas: family.schemas,
        }
    }

    /// Returns the schema component with this name.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn schema(&self, name: &str) -> Schema<'_> {
        let schema = self.document.schema(name);
        schema.unwrap_or_else(|| panic!("{} has no schema {name}", self.name))
    }

    /// Returns all named examples of requests, responses and shared responses.
    pub fn samples(&self) -> Vec<Sample> {
        let examples = self.document.examples().into_iter();
        examples
            .map(|found| {
                let example = found.example;
                let id = format!(
                    "{}__{}__{}__{}",
                    self.name, found.owner, found.place, example.name
                );
                let schema = found.schema.and_then(|schema| schema.name());
                let schema = schema.unwrap_or_else(|| panic!("{id}: the schema is no component"));
                Sample {
                    schema: schema.to_owned(),
                    origin: example.origin().to_owned(),
                    sources: example.sources().map(str::to_owned).collect(),
                    value: example.value().cloned().unwrap_or_default(),
                    id,
                }
            })
            .collect()
    }

    /// Returns the names of the components that can occur in a response, at any depth.
    pub fn response_schemas(&self) -> Vec<String> {
        let operations = self.document.operations();
        let names: BTreeSet<_> = operations
            .filter_map(|operation| operation.value.get("responses"))
            .flat_map(|responses| self.document.reachable(responses))
            .collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Returns a validator for a component that rejects undeclared properties.
    pub fn strict_validator(&self, schema: &str) -> jsonschema::Validator {
        let mut root = self.document.json_schema();
        let members = root.as_object_mut().expect("a schema is an object");
        members.remove("properties");
        members.insert("$ref".to_owned(), json!(format!("#/$defs/{schema}")));
        jsonschema::draft202012::new(&root)
            .unwrap_or_else(|error| panic!("{schema} is no JSON Schema: {error}"))
    }

    /// Replaces the values that the document marks as secret.
    pub fn redact(&self, schema: &str, value: &mut Value) {
        redact(self.schema(schema), value);
    }
}

fn redact(schema: Schema<'_>, value: &mut Value) {
    if schema.format() == "password" && value.is_string() {
        *value = "[secret]".into();
        return;
    }
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                if let Some(schema) = schema.property(key) {
                    redact(schema, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.items() {
                items.iter_mut().for_each(|item| redact(schema, item));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(schema: &str, value: &Value) -> Vec<String> {
        let document = devenviron();
        let validator = document.strict_validator(schema);
        validator
            .iter_errors(value)
            .map(|error| error.to_string())
            .collect()
    }

    #[test]
    fn an_undeclared_property_is_rejected_at_any_depth() {
        let value = json!({"spec": {"auto_stop": {"enabled": true}}});
        let problems = problems("UpdateDevEnvInstanceRequest", &value);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains("enabled"), "{problems:?}");
    }

    #[test]
    fn null_is_accepted_only_where_the_document_allows_it() {
        assert!(problems("DevEnvNotebookSpec", &json!({"failed_reasons": null})).is_empty());
        assert!(!problems("Notebook", &json!({"name": null})).is_empty());
    }

    #[test]
    fn secrets_are_found_through_references_and_lists() {
        let document = devenviron();
        let mut value = json!({"data": [{"id": "1", "token": "abc", "url": null}]});
        document.redact("NotebookList", &mut value);
        assert_eq!(
            value,
            json!({"data": [{"id": "1", "token": "[secret]", "url": null}]})
        );
    }
}
