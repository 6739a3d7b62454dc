//! Strict validation: a value against a schema of a document, with undeclared properties refused.

use anyhow::{Result, anyhow};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::document::{Document, text};

/// Keywords that mean the same in JSON Schema.
const SAME: [&str; 15] = [
    "type",
    "enum",
    "required",
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
    "minProperties",
    "maxProperties",
];

/// All schemas of a document, ready to judge values.
#[derive(Debug)]
pub struct Strict {
    validator: Validator,
}

/// Where a value does not fit, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the value.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

impl Strict {
    /// Makes one validator of all schemas of a document.
    pub fn new(document: &Document) -> Result<Self> {
        let mut definitions = Map::new();
        let mut doors = Map::new();
        for (name, schema) in document.schemas() {
            definitions.insert(name.to_owned(), convert(schema));
            doors.insert(name.to_owned(), json!({"$ref": format!("#/$defs/{name}")}));
        }
        // Each schema is reached through a property of its name, so that one validator serves all.
        let root = json!({"$defs": definitions, "properties": doors});
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .build(&root)
            .map_err(|error| anyhow!("{} holds a schema that cannot be: {error}", document.file))?;
        Ok(Self { validator })
    }

    /// Everything in which a value differs from the schema of this name.
    pub fn faults(&self, schema: &str, value: &Value) -> Vec<Fault> {
        let mut wrapped = Map::new();
        wrapped.insert(schema.to_owned(), value.clone());
        let wrapped = Value::Object(wrapped);
        self.validator
            .iter_errors(&wrapped)
            .map(|error| {
                let path = error.instance_path().to_string();
                let inner = path.trim_start_matches('/').split_once('/');
                Fault {
                    path: inner.map_or(String::new(), |(_, rest)| format!("/{rest}")),
                    message: error.to_string(),
                }
            })
            .collect()
    }
}

/// A schema of OpenAPI 3.0 in the words of JSON Schema.
pub fn convert(schema: &Value) -> Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return json!({"$ref": target.replace("#/components/schemas/", "#/$defs/")});
    }
    let mut out = Map::new();
    for keyword in SAME {
        if let Some(value) = schema.get(keyword) {
            out.insert(keyword.to_owned(), value.clone());
        }
    }
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        out.insert("type".to_owned(), json!([text(schema, "type"), "null"]));
    }
    if text(schema, "format") == "int32" {
        out.entry("minimum").or_insert(json!(i32::MIN));
        out.entry("maximum").or_insert(json!(i32::MAX));
    }
    if let Some(values) = schema.get("x-extensible-enum").and_then(Value::as_array) {
        known_values(values, &mut out);
    }
    if let Some(items) = schema.get("items") {
        out.insert("items".to_owned(), convert(items));
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let converted: Map<String, Value> = properties
            .iter()
            .map(|(name, property)| (name.clone(), convert(property)))
            .collect();
        out.insert("properties".to_owned(), Value::Object(converted));
    }
    if text(schema, "type") == "object" {
        let others = match schema.get("additionalProperties") {
            Some(values) if values.is_object() => convert(values),
            Some(values) => values.clone(),
            None => Value::Bool(false),
        };
        out.insert("additionalProperties".to_owned(), others);
    }
    Value::Object(out)
}

/// The known values of an open enumeration; texts match without regard to case, as in the client.
fn known_values(values: &[Value], out: &mut Map<String, Value>) {
    let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
    let Some(texts) = texts else {
        out.insert("enum".to_owned(), Value::Array(values.to_vec()));
        return;
    };
    let pattern = texts
        .iter()
        .map(|text| escape(text))
        .collect::<Vec<_>>()
        .join("|");
    out.insert("pattern".to_owned(), json!(format!("^(?i:{pattern})$")));
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if !c.is_alphanumeric() && c != '_' {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(value: &Value) -> Vec<String> {
        let text = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths: {}
components:
  schemas:
    Kind: {type: string, x-extensible-enum: [BIG, 'a.b']}
    Part: {type: object, nullable: true, properties: {size: {type: integer, format: int32}}}
    Thing:
      type: object
      properties:
        kind: {$ref: '#/components/schemas/Kind'}
        part: {$ref: '#/components/schemas/Part'}
        labels: {type: object, additionalProperties: {type: string}}
        step: {type: integer, format: int32, x-extensible-enum: [1, 2]}
";
        let document = Document::parse("t", "t.yaml", text).unwrap();
        let strict = Strict::new(&document).unwrap();
        let faults = strict.faults("Thing", value);
        faults.into_iter().map(|fault| fault.path).collect()
    }

    #[test]
    fn what_is_declared_fits() {
        let value = json!({"kind": "big", "part": null, "labels": {"a": "b"}, "step": 2});
        assert!(faults(&value).is_empty());
        assert!(faults(&json!({"kind": "A.B", "part": {"size": 1}})).is_empty());
    }

    #[test]
    fn everything_else_is_named_by_its_path() {
        assert_eq!(faults(&json!({"other": 1})), [""]);
        assert_eq!(faults(&json!({"kind": "BIGGER"})), ["/kind"]);
        assert_eq!(faults(&json!({"kind": "aXb"})), ["/kind"]);
        assert_eq!(faults(&json!({"part": {"x": 1}})), ["/part"]);
        assert_eq!(
            faults(&json!({"part": {"size": 5_000_000_000_i64}})),
            ["/part/size"]
        );
        assert_eq!(faults(&json!({"labels": {"a": 1}})), ["/labels/a"]);
        assert_eq!(faults(&json!({"labels": null, "step": 3})).len(), 2);
    }
}
