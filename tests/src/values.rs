//! Generates values from a schema, to test every property, not only those in samples.

use modelarts_document::{AdditionalProperties, Schema, SchemaType};
use serde_json::{Map, Value, json};

use crate::documents::Document;

/// Returns a value with every declared property at every depth. A recursive schema ends after a few levels.
///
/// `choose` receives the listed values of an enumeration and returns the text to use.
pub fn complete(document: &Document, schema: &str, choose: &dyn Fn(&[Value]) -> Value) -> Value {
    value_of(document.schema(schema), choose, &mut Vec::new()).unwrap_or_default()
}

/// Maximum nesting of a schema in itself.
const DEPTH: usize = 2;

/// Returns `None` beyond the maximum nesting.
fn value_of<'a>(
    schema: Schema<'a>,
    choose: &dyn Fn(&[Value]) -> Value,
    within: &mut Vec<&'a str>,
) -> Option<Value> {
    if let Some(value) = schema.enum_values().first() {
        return Some(value.clone());
    }
    if !schema.known_values().is_empty() {
        return Some(choose(schema.known_values()));
    }
    if let Some(name) = schema.name() {
        if within.iter().filter(|outer| **outer == name).count() > DEPTH {
            return None;
        }
        within.push(name);
    }
    let value = match schema.schema_type() {
        SchemaType::String => json!("text"),
        SchemaType::Boolean => json!(true),
        SchemaType::Number => json!(1.5),
        SchemaType::Integer if schema.format() == "int64" => json!(1_712_130_000_123_i64),
        SchemaType::Integer => json!(7),
        SchemaType::Array => {
            let items = schema.items().expect("an array has items");
            Value::Array(value_of(items, choose, within).into_iter().collect())
        }
        SchemaType::Object => object_of(schema, choose, within),
        SchemaType::Any => panic!("no value for a schema without a type"),
    };
    if schema.name().is_some() {
        within.pop();
    }
    Some(value)
}

fn object_of<'a>(
    schema: Schema<'a>,
    choose: &dyn Fn(&[Value]) -> Value,
    within: &mut Vec<&'a str>,
) -> Value {
    let mut object = Map::new();
    for (name, property) in schema.properties() {
        if let Some(value) = value_of(property, choose, within) {
            object.insert(name.to_owned(), value);
        }
    }
    match schema.additional_properties() {
        AdditionalProperties::Of(values) => {
            object.extend(value_of(values, choose, within).map(|value| ("key".to_owned(), value)));
        }
        AdditionalProperties::Any => {
            object.insert("key".to_owned(), json!({"any": ["thing", 1, null]}));
        }
        AdditionalProperties::Undeclared => {}
    }
    Value::Object(object)
}

/// Returns `value` with an additional member in each of its objects.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents;

    #[test]
    fn a_recursive_schema_ends() {
        let mut document = documents::devenviron();
        document.document = modelarts_document::Document::from_json(
            r##"{"components": {"schemas": {"Node": {"type": "object", "properties": {
                "child": {"$ref": "#/components/schemas/Node"},
                "others": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}}}}}}}"##,
        )
        .unwrap();
        let value = complete(&document, "Node", &|values| values[0].clone());
        assert!(value["child"]["child"].is_object(), "{value}");
        assert!(value["others"][0]["others"].is_array(), "{value}");
        assert!(document.strict_validator("Node").is_valid(&value));
    }
}
