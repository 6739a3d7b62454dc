//! Converts a source document to the published form in OpenAPI 3.0, in one step per need of clients in other
//! languages.

use std::collections::{BTreeMap, BTreeSet};

use heck::ToUpperCamelCase as _;
use serde_json::{Map, Value, json};

use super::extensions;
use crate::document::{METHODS, text, walk};
use crate::problem::push;
use crate::words;

/// Returns the published form of a document whose enumerations are already open or closed.
pub(super) fn published(source: &Value, variant: &str) -> Value {
    let mut document = source.clone();
    introduce(&mut document, variant);
    one_way_to_say_it(&mut document);
    no_empty_bodies(&mut document);
    let examples = property_examples(&document);
    let received = received(&document);
    if let Some(schemas) = schemas_mut(&mut document) {
        for (name, schema) in schemas.iter_mut() {
            properties(name, schema, received.contains(name), source, &examples);
        }
    }
    name_maps(&mut document);
    known_values(&mut document);
    list_descriptions(&mut document);
    strip(&mut document);
    remove_unused(&mut document);
    deprecated_last(&mut document);
    document
}

fn schemas_mut(document: &mut Value) -> Option<&mut Map<String, Value>> {
    let schemas = document.pointer_mut("/components/schemas")?;
    schemas.as_object_mut()
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    paths
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
        .flat_map(Map::iter_mut)
        .filter(|(key, _)| METHODS.contains(&key.as_str()))
        .filter_map(|(_, operation)| operation.as_object_mut())
}

/// Shortens the description to the first paragraph and authentication, since generators copy it into every file.
fn introduce(document: &mut Value, variant: &str) {
    let Some(info) = document.get_mut("info").and_then(Value::as_object_mut) else {
        return;
    };
    let description = info.get("description").and_then(Value::as_str);
    let first = description.unwrap_or_default().split("\n\n").next();
    let first: Vec<&str> = first.unwrap_or_default().lines().map(str::trim).collect();
    let text = format!(
        "{}\n\nSend the token of `createToken` as `X-Auth-Token`, or sign with an access key, never both. Every property of a \
         response may be null or absent, and new values and properties may be added. For units, states, errors and gateway \
         codes, see `README.md` next to this file.\n",
        first.join(" ").trim()
    );
    info.insert("description".to_owned(), text.into());
    info.insert("x-variant".to_owned(), variant.into());
}

/// Removes parameters that repeat a property of the body, since their names clash in generated methods; the body
/// becomes required.
fn one_way_to_say_it(document: &mut Value) {
    for operation in operations_mut(document) {
        let Some(parameters) = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut)
        else {
            continue;
        };
        let before = parameters.len();
        parameters.retain(|parameter| parameter.get("x-published") != Some(&json!(false)));
        if parameters.len() == before {
            continue;
        }
        if parameters.is_empty() {
            operation.shift_remove("parameters");
        }
        if let Some(body) = operation.get_mut("requestBody") {
            body["required"] = true.into();
            body["description"] = "Request body.".into();
        }
    }
}

/// Removes optional bodies without properties: some clients send them as `null`, which the service rejects.
fn no_empty_bodies(document: &mut Value) {
    let known = document.pointer("/components/schemas").cloned();
    let is_empty = |body: &Value| {
        let reference = body.pointer("/content/application~1json/schema/$ref");
        let name = reference.and_then(Value::as_str)?.rsplit('/').next()?;
        let schema = known.as_ref()?.get(name)?;
        Some(schema.get("properties").is_none() && body.get("required") != Some(&json!(true)))
    };
    for operation in operations_mut(document) {
        if operation.get("requestBody").and_then(is_empty) == Some(true) {
            operation.shift_remove("requestBody");
        }
    }
}

/// Names of the schemas that can occur in responses.
fn received(document: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut open = Vec::new();
    walk(document, "", &mut |pointer, value| {
        if pointer.ends_with("/responses") {
            open.push(value);
        }
    });
    while let Some(value) = open.pop() {
        walk(value, "", &mut |_, value| {
            let target = value.get("$ref").and_then(Value::as_str);
            if let Some(name) = target.and_then(|it| it.strip_prefix("#/components/schemas/"))
                && names.insert(name.to_owned())
            {
                open.extend(document.pointer(&push("/components/schemas", name)));
            }
        });
    }
    names
}

/// Adds a description and an example to each property, and `nullable` to those of responses.
fn properties(
    name: &str,
    schema: &mut Value,
    is_received: bool,
    source: &Value,
    examples: &Examples,
) {
    let members = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (property, value) in members.into_iter().flatten() {
        let target = value.get("$ref").and_then(Value::as_str).map(str::to_owned);
        if let Some(target) = target {
            // OpenAPI 3.0 allows no keywords beside `$ref`, so a reference with additions is wrapped in `allOf`.
            if is_received {
                let referred = source.pointer(target.trim_start_matches('#'));
                *value = json!({
                    "description": referred.map_or("", |referred| text(referred, "description")),
                    "type": referred.map_or("object", |referred| text(referred, "type")),
                    "nullable": true,
                    "allOf": [{"$ref": target}],
                });
            }
            continue;
        }
        if is_received {
            value["nullable"] = true.into();
        }
        if let Some(example) = examples.get(&(name.to_owned(), property.clone())) {
            value["example"] = example.clone();
        }
    }
}

/// Moves maps inside nullable objects to components: openapi-python-client parses such an object twice, gives both
/// maps the same invented name, and drops the object.
fn name_maps(document: &mut Value) {
    let Some(schemas) = schemas_mut(document) else {
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
                let target = format!("#/components/schemas/{name}");
                let wrapped = json!({
                    "description": text(map, "description"),
                    "type": "object",
                    "nullable": true,
                    "allOf": [{"$ref": target}],
                });
                named.insert(name, std::mem::replace(map, wrapped));
            }
        }
    }
    schemas.extend(named);
}

type Examples = BTreeMap<(String, String), Value>;

/// The first value of each property in the examples of bodies, without secrets.
fn property_examples(document: &Value) -> Examples {
    let mut examples = Examples::new();
    walk(document, "", &mut |_, value| {
        let reference = value.pointer("/schema/$ref").and_then(Value::as_str);
        let named = value.get("examples").and_then(Value::as_object);
        for example in named.into_iter().flat_map(Map::values) {
            if let (Some(reference), Some(value)) = (reference, example.get("value")) {
                collect(document, reference, value, &mut examples);
            }
        }
    });
    examples
}

fn collect(document: &Value, reference: &str, value: &Value, examples: &mut Examples) {
    let name = reference.rsplit('/').next().unwrap_or_default();
    let schema = document.pointer(reference.trim_start_matches('#'));
    for (property, value) in value.as_object().into_iter().flatten() {
        let pointer = push("/properties", property);
        let Some(declared) = schema.and_then(|schema| schema.pointer(&pointer)) else {
            continue;
        };
        let nested = declared.get("$ref").or(declared.pointer("/items/$ref"));
        if let Some(nested) = nested.and_then(Value::as_str) {
            let items = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            for item in items {
                collect(document, nested, item, examples);
            }
        } else if !value.is_null() && text(declared, "format") != "password" {
            let key = (name.to_owned(), property.clone());
            examples.entry(key).or_insert_with(|| value.clone());
        }
    }
}

/// Adds the known values to descriptions, since tools show an open enumeration as a plain string.
fn known_values(value: &mut Value) {
    match value {
        Value::Object(members) => {
            let values = members.get("x-extensible-enum").and_then(Value::as_array);
            if let Some(values) = values {
                let values = values.iter().map(|value| match value {
                    Value::String(text) => format!("`{text}`"),
                    other => format!("`{other}`"),
                });
                let sentence = format!(
                    "Known values: {}. Other values may be added.",
                    values.collect::<Vec<_>>().join(", ")
                );
                let description = members.entry("description").or_insert_with(|| "".into());
                words::append(description, &sentence);
            }
            members.values_mut().for_each(known_values);
        }
        Value::Array(items) => items.iter_mut().for_each(known_values),
        _ => {}
    }
}

/// Converts `x-enum-descriptions` to a list in the order of the values: generators only support this form, and
/// datamodel-code-generator rejects any other.
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

/// Removes provenance and other extensions that only our own tools read.
fn strip(document: &mut Value) {
    fn inside(value: &mut Value, is_data: bool) {
        match value {
            Value::Object(members) => {
                if !is_data {
                    members
                        .retain(|key, _| !key.starts_with("x-") || extensions::is_published(key));
                }
                for (key, member) in members {
                    let is_data =
                        is_data || ["example", "value", "x-default"].contains(&key.as_str());
                    inside(member, is_data);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| inside(item, is_data)),
            _ => {}
        }
    }
    inside(document, false);
}

/// Removes components that are no longer used.
fn remove_unused(document: &mut Value) {
    loop {
        let mut used = BTreeSet::new();
        walk(document, "", &mut |_, value| {
            used.extend(value.get("$ref").and_then(Value::as_str).map(str::to_owned));
        });
        let mut removed = false;
        let components = document
            .get_mut("components")
            .and_then(Value::as_object_mut);
        for (kind, members) in components.into_iter().flatten() {
            if kind == "securitySchemes" {
                continue;
            }
            if let Some(members) = members.as_object_mut() {
                let before = members.len();
                members.retain(|name, _| used.contains(&format!("#/components/{kind}/{name}")));
                removed |= members.len() < before;
            }
        }
        if !removed {
            return;
        }
    }
}

/// Moves deprecated paths, and tags that only they use, to the end.
fn deprecated_last(document: &mut Value) {
    let mut current = BTreeSet::new();
    let mut old_paths = BTreeSet::new();
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        let operations = METHODS.iter().filter_map(|method| item.get(*method));
        let (old, new): (Vec<&Value>, Vec<&Value>) =
            operations.partition(|operation| operation.get("deprecated") == Some(&json!(true)));
        if new.is_empty() && !old.is_empty() {
            old_paths.insert(path.clone());
        }
        for tag in new
            .iter()
            .filter_map(|operation| operation.pointer("/tags/0"))
        {
            current.extend(tag.as_str().map(str::to_owned));
        }
    }
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        let (old, mut new): (Vec<_>, Vec<_>) = std::mem::take(paths)
            .into_iter()
            .partition(|(path, _)| old_paths.contains(path));
        new.extend(old);
        paths.extend(new);
    }
    if let Some(tags) = document.get_mut("tags").and_then(Value::as_array_mut) {
        tags.sort_by_key(|tag| !current.contains(text(tag, "name")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Value {
        let text = "
openapi: 3.0.3
info: {title: T, version: '1', description: \"First\\nline.\\n\\n## More\\nLong text.\"}
tags: [{name: Old, description: o}, {name: New, description: n}]
paths:
  /old:
    get:
      tags: [Old]
      deprecated: true
      x-source: [P]
      responses: {'200': {description: d}}
  /new:
    patch:
      tags: [New]
      parameters:
        - {name: duration, in: query, x-published: false, schema: {type: integer}}
      requestBody:
        required: false
        content: {application/json: {schema: {$ref: '#/components/schemas/LeaseReq'}}}
      responses:
        '200':
          description: d
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Notebook'}
              examples:
                one: {x-sample: composed, value: {id: a, token: secret, lease: {duration: 5}, x-kept: true}}
    post:
      tags: [New]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Nothing'}}}}
      responses: {'200': {description: d}}
components:
  schemas:
    Nothing: {type: object}
    LeaseReq: {type: object, properties: {duration: {type: integer, x-source: sample}, kind: {$ref: '#/components/schemas/Kind'}}}
    Kind: {type: string, description: Kind., x-extensible-enum: [B, A], x-enum-descriptions: {A: a, B: b}, x-observed: [A]}
    Lease: {type: object, nullable: true, description: A lease., properties: {duration: {type: integer}, more_detail: {type: object, additionalProperties: true}}}
    Notebook:
      type: object
      properties:
        id: {type: string}
        token: {type: string, format: password}
        kind: {$ref: '#/components/schemas/Kind'}
        lease: {$ref: '#/components/schemas/Lease'}
        labels: {type: object, additionalProperties: {type: string}}
";
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn what_is_received_may_be_null_and_what_is_sent_may_not() {
        let document = published(&source(), "open enumerations");
        let schemas = &document["components"]["schemas"];
        let notebook = &schemas["Notebook"]["properties"];
        assert_eq!(
            notebook["lease"],
            json!({"description": "A lease.", "type": "object", "nullable": true, "allOf": [{"$ref": "#/components/schemas/Lease"}]})
        );
        for property in notebook.as_object().unwrap().values() {
            assert_eq!(property["nullable"], true, "{property}");
        }
        // A map inside a nullable object is a component.
        assert_eq!(
            schemas["Lease"]["properties"]["more_detail"]["allOf"],
            json!([{"$ref": "#/components/schemas/LeaseMoreDetail"}])
        );
        assert_eq!(schemas["LeaseMoreDetail"]["additionalProperties"], true);
        assert_eq!(
            schemas["LeaseReq"]["properties"]["kind"],
            json!({"$ref": "#/components/schemas/Kind"})
        );
        assert_eq!(
            schemas["LeaseReq"]["properties"]["duration"].get("nullable"),
            None
        );
    }

    #[test]
    fn examples_of_bodies_become_examples_of_properties_but_secrets_do_not() {
        let document = published(&source(), "open enumerations");
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Notebook"]["properties"]["id"]["example"], "a");
        assert_eq!(
            schemas["Notebook"]["properties"]["token"].get("example"),
            None
        );
        assert_eq!(schemas["Lease"]["properties"]["duration"]["example"], 5);
    }

    #[test]
    fn a_parameter_that_repeats_the_body_goes_and_an_empty_body_too() {
        let document = published(&source(), "open enumerations");
        let patch = &document["paths"]["/new"]["patch"];
        assert_eq!(patch.get("parameters"), None);
        assert_eq!(patch["requestBody"]["required"], true);
        assert_eq!(document["paths"]["/new"]["post"].get("requestBody"), None);
        assert_eq!(document["components"]["schemas"].get("Nothing"), None);
    }

    #[test]
    fn known_values_stand_in_the_description_and_sentences_in_their_order() {
        let document = published(&source(), "open enumerations");
        let kind = &document["components"]["schemas"]["Kind"];
        assert_eq!(
            kind["description"],
            "Kind. Known values: `B`, `A`. Other values may be added."
        );
        assert_eq!(kind["x-enum-descriptions"], json!(["b", "a"]));
    }

    #[test]
    fn provenance_goes_and_data_stays() {
        let document = published(&source(), "open enumerations");
        let text = document.to_string();
        for internal in ["x-source", "x-sample", "x-observed", "x-published"] {
            assert!(!text.contains(internal), "{internal}");
        }
        assert!(text.contains("x-kept"));
    }

    #[test]
    fn what_is_deprecated_comes_last_and_the_introduction_is_short() {
        let document = published(&source(), "closed enumerations");
        let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        assert_eq!(paths, ["/new", "/old"]);
        assert_eq!(document["tags"][0]["name"], "New");
        let info = &document["info"];
        assert!(
            info["description"]
                .as_str()
                .unwrap()
                .starts_with("First line.\n\nSend the token")
        );
        assert_eq!(info["x-variant"], "closed enumerations");
    }
}
