//! Values made from a schema, so that every property is tried and not only those of the samples.

use serde_json::{Map, Value, json};

use crate::documents::{Document, members, reference};

/// A value in which every property that the schema declares is present, at every depth.
///
/// `choose` gets the listed values of an enumeration and returns the text to use.
pub fn complete(document: &Document, schema: &str, choose: &dyn Fn(&[Value]) -> Value) -> Value {
    value_of(document, &document.schemas()[schema], choose, 0)
}

fn value_of(
    document: &Document,
    schema: &Value,
    choose: &dyn Fn(&[Value]) -> Value,
    depth: usize,
) -> Value {
    assert!(depth < 32, "the schema contains itself");
    let inner = |schema: &Value| value_of(document, schema, choose, depth + 1);
    if let Some(name) = reference(schema) {
        return inner(&document.schemas()[name]);
    }
    if let Some(values) = schema["enum"].as_array() {
        return values[0].clone();
    }
    if let Some(values) = schema["x-extensible-enum"].as_array() {
        return choose(values);
    }
    match schema["type"].as_str().expect("a schema has a type") {
        "string" => json!("text"),
        "boolean" => json!(true),
        "number" => json!(1.5),
        "integer" if schema["format"] == "int64" => json!(1_712_130_000_123_i64),
        "integer" => json!(7),
        "array" => json!([inner(&schema["items"])]),
        "object" => object_of(schema, &inner),
        other => panic!("no value for the type {other}"),
    }
}

fn object_of(schema: &Value, inner: &dyn Fn(&Value) -> Value) -> Value {
    let mut object: Map<_, _> = members(&schema["properties"])
        .map(|(name, property)| (name.clone(), inner(property)))
        .collect();
    match &schema["additionalProperties"] {
        Value::Object(_) => {
            object.insert("key".to_owned(), inner(&schema["additionalProperties"]));
        }
        Value::Bool(true) => {
            object.insert("key".to_owned(), json!({"any": ["thing", 1, null]}));
        }
        _ => {}
    }
    Value::Object(object)
}

/// `value` with one more member in each of its objects.
pub fn extended(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut extended: Map<_, _> = object
                .iter()
                .map(|(key, value)| (key.clone(), extended(value)))
                .collect();
            extended.insert("added_later".to_owned(), json!("news"));
            Value::Object(extended)
        }
        Value::Array(items) => items.iter().map(extended).collect(),
        other => other.clone(),
    }
}
