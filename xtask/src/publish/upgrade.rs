//! Converts OpenAPI 3.0 to idiomatic 3.1.

use serde_json::{Map, Value, json};

/// Keys whose values are data, not OpenAPI objects.
const DATA: [&str; 5] = [
    "example",
    "examples",
    "value",
    "x-default",
    "x-enum-descriptions",
];

/// Returns the document in OpenAPI 3.1.
pub(super) fn to_3_1(mut document: Value) -> Value {
    let texts = descriptions(&document);
    if let Some(licence) = document
        .pointer_mut("/info/license")
        .and_then(Value::as_object_mut)
    {
        licence.shift_remove("url");
        let name = licence.get("name").cloned().unwrap_or_default();
        licence.insert("identifier".to_owned(), name);
    }
    let schemas = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut);
    for schema in schemas.into_iter().flat_map(Map::values_mut) {
        self::schema(schema, &texts);
    }
    holders(&mut document, &texts);
    document["openapi"] = "3.1.1".into();
    document
}

/// The description of each schema component.
fn descriptions(document: &Value) -> Map<String, Value> {
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    let described = schemas.into_iter().flatten().filter_map(|(name, schema)| {
        let text = schema.get("description")?;
        Some((format!("#/components/schemas/{name}"), text.clone()))
    });
    described.collect()
}

/// Schemas of parameters, headers and bodies.
fn holders(value: &mut Value, texts: &Map<String, Value>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match key.as_str() {
                    "schema" => schema(member, texts),
                    "schemas" => {}
                    key if DATA.contains(&key) => {}
                    _ => holders(member, texts),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| holders(item, texts)),
        _ => {}
    }
}

fn schema(value: &mut Value, texts: &Map<String, Value>) {
    let Some(members) = value.as_object_mut() else {
        return;
    };
    let is_nullable = members.shift_remove("nullable") == Some(json!(true));
    if let Some(choice) = members.shift_remove("allOf") {
        members.shift_remove("type");
        let reference = choice.get(0).cloned().unwrap_or_default();
        match is_nullable {
            true => members.insert("anyOf".to_owned(), json!([reference, {"type": "null"}])),
            false => members.insert("allOf".to_owned(), choice),
        };
        return;
    }
    if is_nullable && let Some(kind) = members.get_mut("type") {
        *kind = json!([kind.clone(), "null"]);
        if let Some(values) = members.get_mut("enum").and_then(Value::as_array_mut) {
            values.push(Value::Null);
        }
    }
    if let Some(example) = members.shift_remove("example") {
        members.insert("examples".to_owned(), json!([example]));
    }
    // 3.1 supports keywords beside `$ref`.
    let described = members.get("$ref").and_then(Value::as_str);
    if let Some(text) = described
        .and_then(|reference| texts.get(reference))
        .cloned()
    {
        members.entry("description").or_insert(text);
    }
    let properties = members.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        schema(property, texts);
    }
    if let Some(items) = members.get_mut("items") {
        schema(items, &Map::new());
    }
    if let Some(others) = members.get_mut("additionalProperties") {
        schema(others, texts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nullable_examples_and_references_have_the_form_of_3_1() {
        let document = to_3_1(json!({
            "openapi": "3.0.3",
            "info": {"license": {"name": "MIT OR Apache-2.0", "url": "https://example.com"}},
            "paths": {"/a": {"get": {"parameters": [{"name": "q", "example": 1, "schema": {"type": "string", "nullable": true}}]}}},
            "components": {"schemas": {
                "B": {"type": "object", "description": "A B."},
                "A": {"type": "object", "properties": {
                    "s": {"type": "string", "nullable": true, "example": "x"},
                    "n": {"description": "N.", "type": "object", "nullable": true, "allOf": [{"$ref": "#/components/schemas/B"}]},
                    "r": {"$ref": "#/components/schemas/B"},
                    "l": {"type": "array", "nullable": true, "items": {"$ref": "#/components/schemas/B"}},
                }},
            }},
        }));
        let reference = json!({"$ref": "#/components/schemas/B"});
        assert_eq!(document["openapi"], "3.1.1");
        assert_eq!(
            document["info"]["license"],
            json!({"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"})
        );
        assert_eq!(
            document["components"]["schemas"]["A"]["properties"],
            json!({
                "s": {"type": ["string", "null"], "examples": ["x"]},
                "n": {"description": "N.", "anyOf": [reference, {"type": "null"}]},
                "r": {"$ref": "#/components/schemas/B", "description": "A B."},
                "l": {"type": ["array", "null"], "items": reference},
            })
        );
        let parameter = &document["paths"]["/a"]["get"]["parameters"][0];
        assert_eq!(parameter["schema"]["type"], json!(["string", "null"]));
        assert_eq!(parameter["example"], 1);
    }
}
