//! Conversion of OpenAPI 3.0 schemas to JSON Schema.

use serde_json::{Map, Value, json};

use crate::reference::text;

/// Keywords that mean the same in JSON Schema.
const SAME: [&str; 13] = [
    "type",
    "enum",
    "required",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];

/// Converts an OpenAPI 3.0 schema to a JSON Schema (draft 2020-12) in which undeclared properties are invalid.
///
/// References to components become references to `$defs`. Of an open enumeration, only the known values are valid; for
/// texts, the letter case is ignored.
///
/// ```
/// use serde_json::json;
///
/// let schema = modelarts_document::to_json_schema(&json!({"type": "string", "nullable": true}));
/// assert_eq!(schema, json!({"type": ["string", "null"]}));
/// ```
pub fn to_json_schema(schema: &Value) -> Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return json!({"$ref": target.replace("#/components/schemas/", "#/$defs/")});
    }
    let mut out = Map::new();
    for keyword in SAME {
        if let Some(value) = schema.get(keyword) {
            out.insert(keyword.to_owned(), value.clone());
        }
    }
    // An exclusive limit is a flag next to the limit in OpenAPI 3.0, but a limit of its own in JSON Schema.
    for (limit, exclusive) in [
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ] {
        if schema.get(exclusive) == Some(&Value::Bool(true))
            && let Some(value) = schema.get(limit)
        {
            out.remove(limit);
            out.insert(exclusive.to_owned(), value.clone());
        }
    }
    if schema.get("nullable") == Some(&Value::Bool(true)) {
        out.insert("type".to_owned(), json!([text(schema, "type"), "null"]));
        if let Some(Value::Array(values)) = out.get_mut("enum") {
            values.push(Value::Null);
        }
    }
    if text(schema, "format") == "int32" {
        out.entry("minimum").or_insert(json!(i32::MIN));
        out.entry("maximum").or_insert(json!(i32::MAX));
    }
    if let Some(values) = schema.get("x-extensible-enum").and_then(Value::as_array) {
        known_values(values, &mut out);
    }
    if let Some(items) = schema.get("items") {
        out.insert("items".to_owned(), to_json_schema(items));
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let converted: Map<String, Value> = properties
            .iter()
            .map(|(name, property)| (name.clone(), to_json_schema(property)))
            .collect();
        out.insert("properties".to_owned(), Value::Object(converted));
    }
    if text(schema, "type") == "object" {
        let others = match schema.get("additionalProperties") {
            Some(values) if values.is_object() => to_json_schema(values),
            Some(values) => values.clone(),
            None => Value::Bool(false),
        };
        out.insert("additionalProperties".to_owned(), others);
    }
    Value::Object(out)
}

/// Adds the known values of an open enumeration; texts match regardless of case, as in the client.
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
