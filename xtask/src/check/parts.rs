//! Iterators over the parts of a document, for the rules.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::{Document, METHODS};
use crate::problem::push;

/// A part of a document with its pointer.
pub struct Part<'a> {
    /// JSON pointer to the part.
    pub pointer: String,
    /// The part itself.
    pub value: &'a Value,
}

/// The direction in which a body is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the service.
    Request,
    /// From the service to the client.
    Response,
}

/// A schema.
pub struct Schema<'a> {
    /// JSON pointer to the schema.
    pub pointer: String,
    /// The schema object.
    pub value: &'a Value,
    /// Whether it is a component, and not part of another schema, a parameter or a body.
    pub is_component: bool,
}

/// A named property of a component.
pub struct Property<'a> {
    /// JSON pointer to the property.
    pub pointer: String,
    /// The name.
    pub name: &'a str,
    /// The schema, often a reference.
    pub value: &'a Value,
}

/// The members of an object, with their pointers.
fn members<'a>(
    holder: Option<&'a Value>,
    pointer: &str,
) -> impl Iterator<Item = (&'a str, Part<'a>)> + use<'a> {
    let pointer = pointer.to_owned();
    holder
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(move |(name, value)| {
            let pointer = push(&pointer, name);
            (name.as_str(), Part { pointer, value })
        })
}

fn component<'a>(
    document: &'a Document,
    kind: &str,
) -> impl Iterator<Item = (&'a str, Part<'a>)> + use<'a> {
    let pointer = push("/components", kind);
    members(document.value().pointer(&pointer), &pointer)
}

/// Name and part of each schema component.
pub fn components(document: &Document) -> impl Iterator<Item = (&str, Part<'_>)> {
    component(document, "schemas")
}

/// Every parameter that is not a reference: of components, path items and operations.
pub fn parameters(document: &Document) -> Vec<Part<'_>> {
    let mut found: Vec<Part<'_>> = component(document, "parameters")
        .map(|(_, part)| part)
        .collect();
    let mut list = |holder: &'_ Part<'_>| {
        let pointer = push(&holder.pointer, "parameters");
        let parameters = document.value().pointer(&pointer).and_then(Value::as_array);
        for (index, value) in parameters.into_iter().flatten().enumerate() {
            if value.get("$ref").is_none() {
                found.push(Part {
                    pointer: push(&pointer, &index.to_string()),
                    value,
                });
            }
        }
    };
    for (_, item) in members(document.value().get("paths"), "/paths") {
        list(&item);
        for (method, operation) in members(Some(item.value), &item.pointer) {
            if METHODS.contains(&method) {
                list(&operation);
            }
        }
    }
    found
}

/// Every response that is not a reference.
pub fn responses(document: &Document) -> Vec<Part<'_>> {
    let mut found: Vec<Part<'_>> = component(document, "responses")
        .map(|(_, part)| part)
        .collect();
    for operation in document.operations() {
        let pointer = push(&operation.pointer(), "responses");
        found.extend(
            members(operation.value.get("responses"), &pointer)
                .map(|(_, part)| part)
                .filter(|part| part.value.get("$ref").is_none()),
        );
    }
    found
}

/// Every media type object: of requests, responses and shared responses.
pub fn bodies(document: &Document) -> Vec<(Direction, Part<'_>)> {
    let requests = document.operations().filter_map(|operation| {
        let value = operation.value.get("requestBody")?;
        let pointer = push(&operation.pointer(), "requestBody");
        Some((Direction::Request, Part { pointer, value }))
    });
    let responses = responses(document)
        .into_iter()
        .map(|part| (Direction::Response, part));
    requests
        .chain(responses)
        .flat_map(|(direction, holder)| {
            let pointer = push(&holder.pointer, "content");
            members(holder.value.get("content"), &pointer)
                .map(move |(_, part)| (direction, part))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Every schema at every depth.
pub fn schemas(document: &Document) -> Vec<Schema<'_>> {
    fn inside<'a>(found: &mut Vec<Schema<'a>>, part: Part<'a>, is_component: bool) {
        let Part { pointer, value } = part;
        for (_, property) in members(value.get("properties"), &push(&pointer, "properties")) {
            inside(found, property, false);
        }
        for key in ["items", "additionalProperties"] {
            if let Some(nested) = value.get(key).filter(|nested| nested.is_object()) {
                let part = Part {
                    pointer: push(&pointer, key),
                    value: nested,
                };
                inside(found, part, false);
            }
        }
        found.push(Schema {
            pointer,
            value,
            is_component,
        });
    }
    let mut found = Vec::new();
    for (_, part) in components(document) {
        inside(&mut found, part, true);
    }
    let headers = responses(document).into_iter().flat_map(|response| {
        let pointer = push(&response.pointer, "headers");
        members(response.value.get("headers"), &pointer)
            .map(|(_, part)| part)
            .collect::<Vec<_>>()
    });
    let bodies = bodies(document).into_iter().map(|(_, part)| part);
    for holder in parameters(document)
        .into_iter()
        .chain(headers)
        .chain(bodies)
    {
        if let Some(value) = holder.value.get("schema") {
            let pointer = push(&holder.pointer, "schema");
            inside(&mut found, Part { pointer, value }, false);
        }
    }
    found
}

/// Every property of every component.
pub fn properties(document: &Document) -> Vec<Property<'_>> {
    components(document)
        .flat_map(|(_, part)| {
            members(
                part.value.get("properties"),
                &push(&part.pointer, "properties"),
            )
            .map(|(name, Part { pointer, value })| Property {
                pointer,
                name,
                value,
            })
            .collect::<Vec<_>>()
        })
        .collect()
}

/// The name of the schema component that a value refers to.
pub fn target(value: &Value) -> Option<&str> {
    value
        .get("$ref")?
        .as_str()?
        .strip_prefix("#/components/schemas/")
}

/// Names of the schema components that are used in bodies of one direction.
pub fn travelling(document: &Document, direction: Direction) -> BTreeSet<&str> {
    bodies(document)
        .into_iter()
        .filter(|(way, _)| *way == direction)
        .filter_map(|(_, body)| body.value.get("schema"))
        .flat_map(|schema| document.reachable(schema))
        .collect()
}

/// The named examples of a media type.
pub fn examples<'a>(body: &Part<'a>) -> impl Iterator<Item = Part<'a>> + use<'a> {
    let pointer = push(&body.pointer, "examples");
    members(body.value.get("examples"), &pointer).map(|(_, part)| part)
}

/// All named examples of all bodies.
pub fn all_examples(document: &Document) -> Vec<Part<'_>> {
    bodies(document)
        .iter()
        .flat_map(|(_, body)| examples(body))
        .collect()
}
