//! Strict validation of values against the schemas of a document: undeclared properties are errors.

use anyhow::{Result, anyhow};
use jsonschema::{Draft, Validator};
use serde_json::{Map, Value};

use crate::document::Document;

/// A validator for all schemas of a document.
#[derive(Debug)]
pub struct Strict {
    validator: Validator,
}

/// A place where a value does not match, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer into the value.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

impl Strict {
    /// Builds one validator for all schemas of a document.
    pub fn new(document: &Document) -> Result<Self> {
        // Each schema is a property of one root schema, so one validator is enough.
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .build(&document.json_schema())
            .map_err(|error| anyhow!("{} has an invalid schema: {error}", document.file))?;
        Ok(Self { validator })
    }

    /// Returns every place where a value does not match the named schema.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

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
