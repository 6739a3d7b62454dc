//! Compares the schemas that `utoipa` derives from the Rust types with those of the document.
//!
//! The document is OpenAPI 3.0 and `utoipa` writes 3.1, so both are normalized first. Rust types do not contain
//! descriptions, limits, defaults, examples and the known values of integers, so these are not compared. Neither is
//! `nullable`, since an optional property accepts `null` as absent.

use std::collections::{BTreeMap, BTreeSet};

use modelarts_document::Document;
use serde_json::Value;

/// Returns every difference between the schema components of the document and those derived from Rust.
pub fn compare_schemas(document: &Document, described: &Document) -> Vec<String> {
    let sides = Sides {
        document,
        described,
    };
    let expected = components(document);
    let actual = components(described);
    let mut found = Vec::new();
    for (name, schema) in &expected {
        match actual.get(name) {
            Some(other) => sides.compare_component(name, schema, other, &mut found),
            None => found.push(format!("{name}: lost")),
        }
    }
    // Helper types without properties, such as `Secret`, are compared where they are used.
    found.extend(
        actual
            .iter()
            .filter(|(name, schema)| !expected.contains_key(*name) && is_object(schema))
            .map(|(name, _)| format!("{name}: invented")),
    );
    found
}

#[derive(Clone, Copy)]
enum Side {
    Document,
    Described,
}

struct Sides<'a> {
    document: &'a Document,
    described: &'a Document,
}

impl<'a> Sides<'a> {
    fn compare_component(
        &self,
        name: &str,
        expected: &Value,
        actual: &Value,
        found: &mut Vec<String>,
    ) {
        let describe = |side, schema| {
            let mut facts = BTreeMap::from([(String::new(), self.shape(side, schema))]);
            let properties = schema["properties"].as_object();
            for (property, schema) in properties.into_iter().flatten() {
                facts.insert(property.clone(), self.shape(side, schema));
            }
            for property in schema["required"].as_array().into_iter().flatten() {
                let property = property.as_str().unwrap_or_default();
                facts.insert(format!("{property}:required"), "required".to_owned());
            }
            facts
        };
        compare_maps(
            name,
            &describe(Side::Document, expected),
            &describe(Side::Described, actual),
            found,
        );
    }

    fn side(&self, side: Side) -> &'a Document {
        match side {
            Side::Document => self.document,
            Side::Described => self.described,
        }
    }

    /// Describes a schema in one line, identical for 3.0 and 3.1.
    fn shape(&self, side: Side, schema: &Value) -> String {
        let schema = without_null(schema);
        if let Some(name) = reference(schema) {
            return self.shape_of_reference(side, name);
        }
        if let Some(values) = schema["enum"].as_array() {
            return format!("one of {}", listed(values));
        }
        let kind = kind(schema);
        match kind.as_str() {
            "string" if schema["x-extensible-enum"].is_array() => {
                let values = schema["x-extensible-enum"].as_array();
                format!("open list of {}", listed(values.unwrap_or(&Vec::new())))
            }
            "array" => format!("array of {}", self.shape(side, &schema["items"])),
            "object" if schema["properties"].is_object() => "object with properties".to_owned(),
            "object" => match &schema["additionalProperties"] {
                inner if inner["type"].is_null() && reference(inner).is_none() => {
                    "map of anything".to_owned()
                }
                inner => format!("map of {}", self.shape(side, inner)),
            },
            _ => match schema["format"].as_str() {
                Some(format) => format!("{kind} ({format})"),
                None => kind,
            },
        }
    }

    /// Keeps the name of a component of the document; resolves any other reference.
    fn shape_of_reference(&self, side: Side, name: &str) -> String {
        if components(self.document).contains_key(name) {
            return format!("the component {name}");
        }
        match components(self.side(side)).get(name) {
            Some(schema) if !is_object(schema) => self.shape(side, schema),
            _ => format!("the unknown component {name}"),
        }
    }
}

fn compare_maps(
    owner: &str,
    expected: &BTreeMap<String, String>,
    actual: &BTreeMap<String, String>,
    found: &mut Vec<String>,
) {
    let keys: BTreeSet<_> = expected.keys().chain(actual.keys()).collect();
    for key in keys {
        let separator = if key.is_empty() { "" } else { "." };
        let path = format!("{owner}{separator}{key}");
        match (expected.get(key), actual.get(key)) {
            (Some(expected), Some(actual)) if expected == actual => {}
            (Some(expected), Some(actual)) => {
                found.push(format!("{path}: {expected} became {actual}"));
            }
            (Some(expected), None) => found.push(format!("{path}: lost ({expected})")),
            (None, Some(actual)) => found.push(format!("{path}: invented ({actual})")),
            (None, None) => {}
        }
    }
}

/// The alternative beside `null`, if there is one.
fn without_null(schema: &Value) -> &Value {
    let Some(choices) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) else {
        return schema;
    };
    let mut others = choices.iter().filter(|choice| choice["type"] != "null");
    match (others.next(), others.next()) {
        (Some(only), None) => only,
        _ => schema,
    }
}

fn kind(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str);
            let kinds: Vec<_> = kinds.by_ref().filter(|kind| *kind != "null").collect();
            kinds.join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

fn is_object(schema: &Value) -> bool {
    kind(schema) == "object" || schema["properties"].is_object()
}

fn components(api: &Document) -> BTreeMap<&str, &Value> {
    api.components("schemas").collect()
}

/// The last segment of a reference such as `#/components/schemas/Notebook`.
fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.rsplit('/').next()
}

fn listed(values: &[Value]) -> String {
    Value::from(values).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "components": {
                "schemas": {
                    "Thing": {"type": "object", "required": ["name"], "properties": {
                        "name": {"type": "string", "maxLength": 64},
                        "size": {"type": "integer", "format": "int64"},
                        "state": {"$ref": "#/components/schemas/State"},
                        "tags": {"type": "array", "nullable": true, "items": {"type": "string"}},
                        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                        "token": {"type": "string", "format": "password"},
                    }},
                    "State": {"type": "string", "x-extensible-enum": ["ON", "OFF"]},
                },
            },
        })
    }

    fn described() -> Value {
        let nullable = |schema: Value| json!({"oneOf": [{"type": "null"}, schema]});
        json!({
            "components": {"schemas": {
                "Thing": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string"},
                    "size": {"type": ["integer", "null"], "format": "int64"},
                    "state": nullable(json!({"$ref": "#/components/schemas/State"})),
                    "tags": {"type": ["array", "null"], "items": {"type": "string"}},
                    "labels": {"type": ["object", "null"], "additionalProperties": {"type": "string"},
                               "propertyNames": {"type": "string"}},
                    "token": nullable(json!({"$ref": "#/components/schemas/Secret"})),
                }},
                "State": {"type": "string", "x-extensible-enum": ["ON", "OFF"]},
                "Secret": {"type": "string", "format": "password"},
            }},
        })
    }

    /// The differences after one change to the derived schemas.
    fn after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut described = described();
        change(&mut described);
        let document = Document::new(document()).unwrap();
        let described = Document::new(described).unwrap();
        compare_schemas(&document, &described)
    }

    fn remove(value: &mut Value, parent: &str, key: &str) {
        let parent = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        parent.remove(key).unwrap();
    }

    #[test]
    fn both_versions_of_openapi_are_equal() {
        assert_eq!(after(|_| {}), [""; 0]);
    }

    #[test]
    fn a_dropped_property_is_reported() {
        let found = after(|it| remove(it, "/components/schemas/Thing/properties", "tags"));
        assert_eq!(found, ["Thing.tags: lost (array of string)"]);
    }

    #[test]
    fn an_invented_property_is_reported() {
        let found = after(|it| {
            it["components"]["schemas"]["Thing"]["properties"]["colour"] =
                json!({"type": "string"});
        });
        assert_eq!(found, ["Thing.colour: invented (string)"]);
    }

    #[test]
    fn changed_types_formats_and_lists_are_reported() {
        let found = after(|it| {
            let schemas = &mut it["components"]["schemas"];
            schemas["Thing"]["properties"]["size"]["format"] = "int32".into();
            schemas["Thing"]["properties"]["tags"]["items"] = json!({"type": "boolean"});
            schemas["Thing"]["required"] = json!(["name", "size"]);
            schemas["State"]["x-extensible-enum"] = json!(["ON"]);
            schemas["Secret"]["format"] = Value::Null;
        });
        assert_eq!(
            found,
            [
                r#"State: open list of ["ON","OFF"] became open list of ["ON"]"#,
                "Thing.size: integer (int64) became integer (int32)",
                "Thing.size:required: invented (required)",
                "Thing.tags: array of string became array of boolean",
                "Thing.token: string (password) became string",
            ]
        );
    }

    #[test]
    fn lost_and_invented_components_are_reported() {
        let found = after(|it| {
            let schemas = &mut it["components"]["schemas"];
            schemas["Extra"] = schemas["Thing"].clone();
        });
        assert_eq!(found, ["Extra: invented"]);
        let found = after(|it| {
            let renamed = it
                .to_string()
                .replace("schemas/State\"", "schemas/Status\"");
            *it = serde_json::from_str(&renamed.replace("\"State\":", "\"Status\":")).unwrap();
        });
        assert!(found.contains(&"State: lost".to_owned()), "{found:?}");
    }
}
