//! The published variant for generators that only support closed enumerations.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::check::parts;
use crate::document::Document;
use crate::enums::texts;
use crate::problem::push;

/// Returns the document with closed enumerations.
///
/// Enumerations whose values the service also returns in another letter case stay open, because a client that
/// compares strictly would fail on such a response.
pub(crate) fn closed_enums(document: &Document) -> Value {
    let mut closed = document.value().clone();
    close(&mut closed);
    for name in spelled_otherwise(document) {
        let pointer = push("/components/schemas", name);
        let open = document.value().pointer(&pointer);
        if let (Some(open), Some(closed)) = (open, closed.pointer_mut(&pointer)) {
            *closed = open.clone();
        }
    }
    closed
}

/// The enumerations with `x-spellings`, or with an example whose value is not on their list.
fn spelled_otherwise(document: &Document) -> BTreeSet<&str> {
    let spelled =
        parts::components(document).filter(|(_, part)| part.value.get("x-spellings").is_some());
    let mut found: BTreeSet<&str> = spelled.map(|(name, _)| name).collect();
    for (_, body) in parts::bodies(document) {
        let Some(schema) = body.value.get("schema") else {
            continue;
        };
        for example in parts::examples(&body) {
            let value = example.value.get("value").unwrap_or(&Value::Null);
            compare(document, schema, value, &mut found);
        }
    }
    found
}

fn compare<'a>(
    document: &'a Document,
    schema: &'a Value,
    value: &Value,
    found: &mut BTreeSet<&'a str>,
) {
    let reference = schema.get("$ref").and_then(Value::as_str);
    let schema = document.resolve(schema);
    match value {
        Value::String(text) => {
            let values = texts(schema, "x-extensible-enum");
            if !values.is_empty() && !values.contains(&text.as_str()) {
                found.extend(reference.and_then(|reference| reference.rsplit('/').next()));
            }
        }
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Null);
            for item in items {
                compare(document, schema, item, found);
            }
        }
        Value::Object(members) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, schema) in properties.into_iter().flat_map(Map::iter) {
                let member = members.get(name).unwrap_or(&Value::Null);
                compare(document, schema, member, found);
            }
        }
        _ => {}
    }
}

fn close(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if let Some(values) = members.remove("x-extensible-enum") {
                members.insert("enum".to_owned(), values);
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SMALL: &str = "
openapi: 3.0.3
info: {title: Small, version: '1'}
paths:
  /things:
    get:
      operationId: listThings
      responses:
        '200':
          description: d
          content:
            application/json:
              schema: {$ref: '#/components/schemas/ThingList'}
              examples:
                other: {summary: s, x-sample: documented, x-source: [P S1], value: {things: [{kind: big, size: L, name: big}]}}
                same: {summary: s, x-sample: documented, x-source: [P S2], value: {things: [{kind: BIG}]}}
components:
  schemas:
    Kind: {type: string, x-extensible-enum: [BIG, SMALL]}
    Class: {type: string, x-extensible-enum: [FIRST], x-spellings: {FIRST: [First]}}
    Size: {type: string, x-extensible-enum: [L, M]}
    Thing: {type: object, properties: {kind: {$ref: '#/components/schemas/Kind'}, size: {$ref: '#/components/schemas/Size'}, name: {type: string}}}
    ThingList: {type: object, properties: {things: {type: array, items: {$ref: '#/components/schemas/Thing'}}}}
";

    #[test]
    fn every_list_is_closed_unless_an_example_spells_a_value_otherwise() {
        let document = Document::parse("small", "openapi/small.yaml", SMALL).unwrap();
        let closed = closed_enums(&document);
        let schemas = &closed["components"]["schemas"];
        assert_eq!(schemas["Size"]["enum"], json!(["L", "M"]));
        assert_eq!(schemas["Size"].get("x-extensible-enum"), None);
        assert_eq!(schemas["Class"].get("enum"), None);
        assert_eq!(
            schemas["Kind"],
            json!({"type": "string", "x-extensible-enum": ["BIG", "SMALL"]})
        );
    }
}
