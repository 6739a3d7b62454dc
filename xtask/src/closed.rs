//! The published variant for generators that know closed enumerations only.

use serde_json::{Map, Value, json};

use crate::check::parts;
use crate::document::Document;
use crate::enums::texts;

/// A document whose enumerations are closed, with examples in the spelling of the lists.
pub(crate) fn closed_enums(document: &Document) -> Value {
    let mut closed = document.value.clone();
    // The service answers some values in another letter case, which a closed list refuses.
    for (_, body) in parts::bodies(document) {
        let Some(schema) = body.value.get("schema") else {
            continue;
        };
        for example in parts::examples(&body) {
            if let Some(example) = closed.pointer_mut(&example.pointer) {
                respell_example(document, schema, example);
            }
        }
    }
    close(&mut closed);
    closed
}

fn respell_example(document: &Document, schema: &Value, example: &mut Value) {
    let Some(example) = example.as_object_mut() else {
        return;
    };
    let changed = example
        .get_mut("value")
        .is_some_and(|value| respell(document, schema, value));
    if changed {
        // It does not stand on any page in this spelling.
        example.insert("x-sample".to_owned(), json!("composed"));
        example.shift_remove("x-source");
    }
}

/// Writes values as the lists do; whether that changed anything.
fn respell(document: &Document, schema: &Value, value: &mut Value) -> bool {
    let schema = document.resolve(schema);
    match value {
        Value::String(text) => {
            let values = texts(schema, "x-extensible-enum");
            let listed = values.iter().find(|value| value.eq_ignore_ascii_case(text));
            match listed {
                Some(listed) if listed != text => {
                    *text = (*listed).to_owned();
                    true
                }
                _ => false,
            }
        }
        Value::Array(items) => {
            let schema = schema.get("items").unwrap_or(&Value::Null);
            items.iter_mut().fold(false, |changed, item| {
                respell(document, schema, item) | changed
            })
        }
        Value::Object(members) => {
            let none = Map::new();
            let properties = schema.get("properties").and_then(Value::as_object);
            let properties = properties.unwrap_or(&none);
            members.iter_mut().fold(false, |changed, (name, member)| {
                let schema = properties.get(name).unwrap_or(&Value::Null);
                respell(document, schema, member) | changed
            })
        }
        _ => false,
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
                other: {summary: s, x-sample: documented, x-source: [P S1], value: {things: [{kind: big, name: big}]}}
                same: {summary: s, x-sample: documented, x-source: [P S2], value: {things: [{kind: BIG}]}}
components:
  schemas:
    Kind: {type: string, x-extensible-enum: [BIG, SMALL]}
    Thing: {type: object, properties: {kind: {$ref: '#/components/schemas/Kind'}, name: {type: string}}}
    ThingList: {type: object, properties: {things: {type: array, items: {$ref: '#/components/schemas/Thing'}}}}
";

    fn closed() -> Value {
        closed_enums(&Document::parse("small", "openapi/small.yaml", SMALL).unwrap())
    }

    #[test]
    fn every_list_is_closed() {
        let closed = closed();
        assert_eq!(
            closed.pointer("/components/schemas/Kind/enum"),
            Some(&json!(["BIG", "SMALL"]))
        );
        assert!(!closed.to_string().contains("x-extensible-enum"));
    }

    #[test]
    fn examples_take_the_spelling_of_the_list_and_say_that_they_are_ours() {
        let closed = closed();
        let examples = closed
            .pointer("/paths/~1things/get/responses/200/content/application~1json/examples")
            .unwrap();
        assert_eq!(
            examples["other"],
            json!({"summary": "s", "x-sample": "composed", "value": {"things": [{"kind": "BIG", "name": "big"}]}})
        );
        assert_eq!(examples["same"]["x-sample"], "documented");
    }
}
