//! What the published variants do for generators of other languages, none of which the document needs itself.

use heck::ToUpperCamelCase as _;
use serde_json::{Map, Value, json};

/// Brings a copy of a document into the form that it is published in.
pub(crate) fn published(mut document: Value) -> Value {
    drop_rules(&mut document);
    list_descriptions(&mut document);
    name_maps(&mut document);
    document
}

/// Rules are for us; their sentences stand in the descriptions.
fn drop_rules(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("x-rules");
            members.values_mut().for_each(drop_rules);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_rules),
        _ => {}
    }
}

/// The sentences for the values as a list in their order: generators know this extension as a list only, and
/// datamodel-code-generator refuses a document that has it otherwise.
fn list_descriptions(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let values = ["x-extensible-enum", "enum"]
                .iter()
                .find_map(|key| members.get(*key)?.as_array().cloned());
            if let (Some(values), Some(sentences)) =
                (values, members.get_mut("x-enum-descriptions"))
                && sentences.is_object()
            {
                let sentence = |value: &Value| match value {
                    Value::String(name) => sentences.get(name),
                    other => sentences.get(other.to_string()),
                };
                *sentences = values
                    .iter()
                    .map(|value| sentence(value).cloned().unwrap_or_default())
                    .collect();
            }
            members.values_mut().for_each(list_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(list_descriptions),
        _ => {}
    }
}

/// Gives maps a name when the object around them may be null: such an object is read twice by openapi-python-client,
/// which then gives two maps the same invented name, and drops the object.
fn name_maps(document: &mut Value) {
    let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let mut named = Map::new();
    for (name, schema) in schemas.iter_mut() {
        if schema.get("nullable") != Some(&json!(true)) {
            continue;
        }
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (property, map) in properties.into_iter().flatten() {
            if map.get("additionalProperties").is_some() {
                let name = format!("{name}{}", property.to_upper_camel_case());
                let reference = json!({"$ref": format!("#/components/schemas/{name}")});
                named.insert(name, std::mem::replace(map, reference));
            }
        }
    }
    schemas.extend(named);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_not_published() {
        let document = json!({"a": [{"description": "Never two.", "x-rules": [{"id": "b"}]}]});
        assert_eq!(
            published(document),
            json!({"a": [{"description": "Never two."}]})
        );
    }

    #[test]
    fn descriptions_become_a_list_in_the_order_of_the_values() {
        let document = json!({
            "a": {"x-extensible-enum": ["B", "A"], "x-enum-descriptions": {"A": "a", "B": "b"}},
            "b": [{"enum": [2, 1], "x-enum-descriptions": {"1": "one", "2": "two"}}],
        });
        let published = published(document);
        assert_eq!(published["a"]["x-enum-descriptions"], json!(["b", "a"]));
        assert_eq!(
            published["b"][0]["x-enum-descriptions"],
            json!(["two", "one"])
        );
    }

    #[test]
    fn a_map_inside_an_object_that_may_be_null_gets_a_name() {
        let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
        let document = json!({"components": {"schemas": {
            "Reason": {"nullable": true, "properties": {"more_detail": map.clone(), "code": {"type": "string"}}},
            "Other": {"properties": {"labels": map.clone()}},
        }}});
        let published = published(document);
        let schemas = &published["components"]["schemas"];
        assert_eq!(schemas["ReasonMoreDetail"], map);
        assert_eq!(
            schemas["Reason"]["properties"],
            json!({"more_detail": {"$ref": "#/components/schemas/ReasonMoreDetail"}, "code": {"type": "string"}})
        );
        assert_eq!(schemas["Other"]["properties"]["labels"], map);
    }
}
