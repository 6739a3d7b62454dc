//! Applies what the samples of the pages show beyond their tables: nulls, 64-bit numbers, further values, and lists
//! of values that are only examples.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Observations in samples, by the pointer to the schema.
#[derive(Debug, Default)]
struct Seen {
    nulls: BTreeSet<String>,
    /// Integers that do not fit into 32 bits.
    wide: BTreeSet<String>,
    texts: BTreeMap<String, BTreeSet<String>>,
}

/// Changes the schemas of a draft to match its documented samples where no decision is needed.
pub(super) fn apply(document: &mut Value, todo: &str) {
    let mut seen = Seen::default();
    let paths = document.get("paths").and_then(Value::as_object);
    let items = paths.into_iter().flatten().map(|(_, item)| item);
    let operations = items.filter_map(Value::as_object).flatten();
    for (_, operation) in operations {
        let responses = operation.get("responses").and_then(Value::as_object);
        let bodies = responses
            .into_iter()
            .flatten()
            .map(|(_, response)| response);
        for body in operation.get("requestBody").into_iter().chain(bodies) {
            for (schema, sample) in samples(body) {
                seen.look(document, schema, "", sample);
            }
        }
    }
    for pointer in &seen.nulls {
        if let Some(schema) = document.pointer_mut(pointer) {
            schema["nullable"] = json!(true);
        }
    }
    for pointer in &seen.wide {
        if let Some(schema) = document.pointer_mut(pointer) {
            schema["format"] = json!("int64");
        }
    }
    for (pointer, texts) in &seen.texts {
        values(document, pointer, texts, todo);
    }
}

/// The documented samples, each with the schema of its body.
fn samples(body: &Value) -> Vec<(&Value, &Value)> {
    let content = body.get("content").and_then(Value::as_object);
    let media = content.into_iter().flatten().map(|(_, media)| media);
    media
        .filter_map(|media| Some((media.get("schema")?, media.get("examples")?.as_object()?)))
        .flat_map(|(schema, examples)| examples.values().map(move |example| (schema, example)))
        .filter(|(_, example)| example["x-sample"] == "documented")
        .map(|(schema, example)| (schema, &example["value"]))
        .collect()
}

impl Seen {
    fn look(&mut self, document: &Value, schema: &Value, pointer: &str, value: &Value) {
        let target = schema.get("$ref").and_then(Value::as_str);
        if let Some(target) = target.and_then(|target| target.strip_prefix('#')) {
            if let Some(component) = document.pointer(target) {
                self.look(document, component, target, value);
            }
            return;
        }
        let inside = |name: &str| format!("{pointer}/{name}");
        match value {
            // Bodies refer to components, so an inline schema needs no pointer.
            _ if pointer.is_empty() => {}
            Value::Null => {
                self.nulls.insert(pointer.to_owned());
            }
            Value::Number(number) if schema["format"] == "int32" => {
                let is_whole = number.as_i64();
                if is_whole.is_some_and(|number| i32::try_from(number).is_err()) {
                    self.wide.insert(pointer.to_owned());
                }
            }
            Value::String(text) if schema.get("x-extensible-enum").is_some() => {
                let texts = self.texts.entry(pointer.to_owned()).or_default();
                texts.insert(text.clone());
            }
            Value::Array(items) => {
                if let Some(schema) = schema.get("items") {
                    let pointer = inside("items");
                    items
                        .iter()
                        .for_each(|item| self.look(document, schema, &pointer, item));
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    let property = schema.get("properties").and_then(|all| all.get(name));
                    if let Some(property) = property {
                        let name = name.replace('~', "~0").replace('/', "~1");
                        let pointer = inside(&format!("properties/{name}"));
                        self.look(document, property, &pointer, member);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Removes enumerations whose values no sample has: their lists are conditions or examples. Otherwise adds the values
/// of the samples.
fn values(document: &mut Value, pointer: &str, texts: &BTreeSet<String>, todo: &str) {
    let Some(schema) = document.pointer_mut(pointer) else {
        return;
    };
    let listed: BTreeSet<String> = schema["x-extensible-enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_lowercase)
        .collect();
    let (known, others): (Vec<&String>, Vec<&String>) = texts
        .iter()
        .partition(|text| listed.contains(&text.to_lowercase()));
    if others.is_empty() {
        return;
    }
    if known.is_empty() {
        let name = pointer
            .strip_prefix("/components/schemas/")
            .map(str::to_owned);
        match name {
            Some(name) => forget(document, &name, todo),
            None => {
                for keyword in ["x-extensible-enum", "x-enum-descriptions"] {
                    schema.as_object_mut().map(|schema| schema.remove(keyword));
                }
            }
        }
        return;
    }
    for other in others {
        for keyword in ["x-extensible-enum", "x-observed"] {
            match schema.get_mut(keyword).and_then(Value::as_array_mut) {
                Some(list) => list.push(json!(other)),
                None => schema[keyword] = json!([other]),
            }
        }
        schema["x-enum-descriptions"][other] =
            json!("TODO: seen in a sample only. When is it this?");
    }
}

/// Replaces all references to an enumeration by a plain string schema, and removes the component.
fn forget(document: &mut Value, name: &str, todo: &str) {
    fn replace(value: &mut Value, reference: &Value, plain: &Value) {
        if value.get("$ref") == Some(reference) {
            *value = plain.clone();
            return;
        }
        match value {
            Value::Object(members) => members
                .values_mut()
                .for_each(|member| replace(member, reference, plain)),
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| replace(item, reference, plain)),
            _ => {}
        }
    }
    let reference = json!(format!("#/components/schemas/{name}"));
    replace(
        document,
        &reference,
        &json!({"type": "string", "description": todo}),
    );
    let schemas = document.pointer_mut("/components/schemas");
    if let Some(schemas) = schemas.and_then(Value::as_object_mut) {
        schemas.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_widen_what_tables_say() {
        let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let listed = |values: Value| json!({"type": "string", "x-extensible-enum": values, "x-enum-descriptions": {}});
        let mut document = json!({
            "paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json": {
                "schema": reference("Answer"),
                "examples": {
                    "one": {"x-sample": "documented", "value": {
                        "at": [1_636_447_746_000_i64], "count": 7, "none": null, "node": null,
                        "state": "on", "states": ["ON", "GONE"], "flavor": "p3.large",
                    }},
                    "ours": {"x-sample": "composed", "value": {"count": 1_636_447_746_000_i64}},
                },
            }}}}}}},
            "components": {"schemas": {
                "Answer": {"type": "object", "properties": {
                    "at": {"type": "array", "items": {"type": "integer", "format": "int32"}},
                    "count": {"type": "integer", "format": "int32"},
                    "none": {"type": "string"},
                    "node": reference("Node"),
                    "state": reference("State"),
                    "states": {"type": "array", "items": reference("State")},
                    "flavor": reference("Flavor"),
                }},
                "Node": {"type": "object"},
                "State": listed(json!(["ON", "OFF"])),
                "Flavor": listed(json!(["pool.small", "pool.large"])),
            }},
        });
        apply(&mut document, "TODO");
        let schemas = &document["components"]["schemas"];
        let properties = &schemas["Answer"]["properties"];
        assert_eq!(properties["at"]["items"]["format"], "int64");
        assert_eq!(properties["count"]["format"], "int32");
        assert_eq!(properties["none"]["nullable"], true);
        assert!(properties["node"].get("nullable").is_none());
        assert_eq!(schemas["Node"]["nullable"], true);
        assert_eq!(
            schemas["State"]["x-extensible-enum"],
            json!(["ON", "OFF", "GONE"])
        );
        assert_eq!(schemas["State"]["x-observed"], json!(["GONE"]));
        assert!(schemas.get("Flavor").is_none());
        assert_eq!(
            properties["flavor"],
            json!({"type": "string", "description": "TODO"})
        );
    }
}
