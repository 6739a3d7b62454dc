//! Reads small documents, including recursive and broken ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use modelarts_document::{AdditionalProperties, Document, Location, ReadError, SchemaType};
use serde_json::{Value, json};

fn document() -> Document {
    Document::new(json!({
        "openapi": "3.0.3",
        "paths": {"/v1/{id}": {
            "parameters": [
                {"$ref": "#/components/parameters/Id"},
                {"name": "limit", "in": "query", "schema": {"type": "integer"}},
            ],
            "patch": {
                "operationId": "changeNode",
                "parameters": [
                    {"name": "limit", "in": "query", "required": true, "schema": {"type": "string"}},
                    {"name": "If-Match", "in": "header", "required": true, "schema": {"type": "string"}},
                ],
                "requestBody": {"required": true, "content": {
                    "text/plain": {"schema": {"type": "string"}},
                    "application/merge-patch+json; charset=UTF-8": {
                        "schema": {"$ref": "#/components/schemas/Alias"},
                        "examples": {"leaf": {"summary": "A leaf", "x-sample": "composed", "x-source": ["P S1"],
                                              "value": {"name": "a"}}},
                    },
                }},
                "responses": {
                    "200": {"description": "d", "headers": {"ETag": {"schema": {"type": "string"}}},
                            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Node"}}}},
                    "404": {"$ref": "#/components/responses/Missing"},
                },
            },
        }},
        "components": {
            "parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}},
            "responses": {"Missing": {"description": "d", "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/Node"},
                "examples": {"gone": {"value": {}}},
            }}}},
            "schemas": {
                "Alias": {"$ref": "#/components/schemas/Node"},
                "Node": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string", "minLength": 1, "maxLength": 3, "pattern": "^a"},
                    "share": {"type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 0.5},
                    "children": {"type": "array", "maxItems": 2, "items": {"$ref": "#/components/schemas/Node"}},
                    "labels": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Node"}},
                    "free": {"type": "object", "additionalProperties": true},
                }},
            },
        },
    }))
    .unwrap()
}

#[test]
fn operation_parameters_override_path_parameters_and_include_headers() {
    let document = document();
    let change = document.operation("changeNode").unwrap();
    let seen: Vec<_> = change
        .parameters()
        .iter()
        .map(|it| {
            (
                it.name(),
                it.location(),
                it.is_required(),
                it.schema().schema_type(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("id", Location::Path, true, SchemaType::String),
            ("limit", Location::Query, true, SchemaType::String),
            ("If-Match", Location::Header, true, SchemaType::String),
        ]
    );
    assert_eq!(change.parameters_in(Location::Header).count(), 1);
    assert_eq!(change.pointer(), "/paths/~1v1~1{id}/patch");
}

#[test]
fn a_json_body_is_found_under_any_json_content_type() {
    let document = document();
    let body = document
        .operation("changeNode")
        .unwrap()
        .request_body()
        .unwrap();
    assert!(body.is_required());
    let json = body.json().unwrap();
    assert!(
        json.content_type
            .starts_with("application/merge-patch+json")
    );
    let schema = json.schema().unwrap();
    // An alias resolves to the component that it refers to.
    assert_eq!(
        (schema.name(), schema.schema_type()),
        (Some("Node"), SchemaType::Object)
    );
    assert!(schema.requires("name") && !schema.requires("share"));
}

#[test]
fn limits_are_read() {
    let document = document();
    let node = document.schema("Node").unwrap();
    let name = node.property("name").unwrap().limits();
    assert_eq!(
        (name.min_length, name.max_length, name.pattern),
        (Some(1), Some(3), Some("^a"))
    );
    let share = node.property("share").unwrap().limits();
    assert!(share.exclusive_minimum && !share.exclusive_maximum);
    assert_eq!(share.maximum.and_then(|it| it.as_f64()), Some(0.5));
    assert_eq!(
        node.property("children").unwrap().limits().max_items,
        Some(2)
    );
    assert!(matches!(
        node.property("free").unwrap().additional_properties(),
        AdditionalProperties::Any
    ));
    assert!(matches!(
        node.property("labels").unwrap().additional_properties(),
        AdditionalProperties::Of(of) if of.name() == Some("Node")
    ));
    assert!(matches!(
        node.additional_properties(),
        AdditionalProperties::Undeclared
    ));
}

#[test]
fn a_recursive_schema_is_read_validated_and_visited_once() {
    let document = document();
    let node = document.schema("Node").unwrap();
    assert!(node.is_recursive());
    let mut deep = node;
    for _ in 0..10_000 {
        deep = deep.property("children").unwrap().items().unwrap();
    }
    assert_eq!(deep.name(), Some("Node"));
    let reachable = document.reachable(document.value());
    assert_eq!(reachable.into_iter().collect::<Vec<_>>(), ["Alias", "Node"]);
    let schema = document.json_schema();
    assert_eq!(
        schema["$defs"]["Node"]["properties"]["children"]["items"],
        json!({"$ref": "#/$defs/Node"})
    );
    // The limit is exclusive.
    assert_eq!(
        schema["$defs"]["Node"]["properties"]["share"],
        json!({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5})
    );
}

#[test]
fn examples_are_found_in_requests_and_shared_responses_once() {
    let document = document();
    let seen: Vec<_> = document
        .examples()
        .iter()
        .map(|it| {
            let name = it.schema.and_then(|schema| schema.name()).unwrap();
            (it.owner, it.place.clone(), it.example.name, name)
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("changeNode", "request".to_owned(), "leaf", "Node"),
            ("Missing", "error".to_owned(), "gone", "Node"),
        ]
    );
}

#[test]
fn dangling_and_circular_references_are_errors() {
    let with = |schemas: Value| Document::new(json!({"components": {"schemas": schemas}}));
    let Err(ReadError::References(broken)) =
        with(json!({"A": {"items": {"$ref": "#/components/schemas/B"}}}))
    else {
        panic!("a dangling reference was read");
    };
    assert_eq!(broken[0].pointer, "/components/schemas/A/items/$ref");
    assert!(!broken[0].is_circular);
    let ring = json!({
        "A": {"$ref": "#/components/schemas/B"},
        "B": {"$ref": "#/components/schemas/A"},
        "C": {"properties": {"c": {"$ref": "#/components/schemas/C"}}},
    });
    let error = with(ring).unwrap_err();
    let ReadError::References(broken) = &error else {
        panic!("{error}");
    };
    assert_eq!(broken.len(), 2, "{error}");
    assert!(broken.iter().all(|it| it.is_circular));
    assert!(
        error.to_string().contains("refers back to itself"),
        "{error}"
    );
}

#[test]
fn invalid_json_is_reported_with_its_position() {
    let error = Document::from_json("{\n  oops").unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
}
