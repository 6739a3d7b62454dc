//! Tests with small composed pages and facts.

use serde_json::{Value, json};

use super::*;

fn field(
    name: &str,
    mandatory: Option<bool>,
    kind: &str,
    description: &str,
    table: Option<u32>,
) -> Value {
    let refs: Vec<Value> = table
        .iter()
        .map(|table| json!({"table": table, "page": null}))
        .collect();
    json!({"name": name, "mandatory": mandatory, "type": kind, "description": description, "options": null, "refs": refs})
}

fn pages() -> Vec<Page> {
    let page = json!({
        "page": "CreateThing", "title": "Creating a Thing", "method": "POST", "path": "/v1/{project_id}/things",
        "tables": [
            {"number": 1, "title": "Path", "role": "path", "root": false,
             "fields": [field("project_id", Some(true), "String", "Project.", None)]},
            {"number": 2, "title": "Body", "role": "request", "root": true, "fields": [
                field("name", Some(true), "String", "Name, a maximum of 64 characters, including letters, digits, and hyphens (-).", None),
                field("size", Some(false), "Integer", "Size, in GB. The value ranges from 1 to 4096. The default value is **5**.", None),
                field("part", Some(false), "Part object", "A part.", Some(3)),
            ]},
            {"number": 3, "title": "Part", "role": "request", "root": false, "fields": [
                field("order", Some(false), "String", "The value can be **asc** or **desc**.", None)]},
            {"number": 4, "title": "Answer", "role": "response", "root": true, "status": 200, "fields": [
                field("first", None, "Node object", "One.", Some(5)),
                field("second", None, "Array of Node objects", "Others.", Some(6)),
            ]},
            {"number": 5, "title": "Node", "role": "response", "root": false, "fields": [
                field("child", None, "Node object", "Itself.", Some(5)), field("state", None, "String", "\n- **ON**: on\n- **OFF**: off", None)]},
            {"number": 6, "title": "Node", "role": "response", "root": false, "fields": [
                field("child", None, "Node object", "Itself.", Some(6)), field("state", None, "String", "\n- **ON**: on\n- **OFF**: off", None)]},
        ],
        "samples": [{"role": "request", "http": null, "json": {"name": "a", "size": 5}},
                    {"role": "response", "http": null, "json": {"first": {"state": "on"}}}],
        "status_codes": [{"code": 200}, {"code": 400}],
    });
    vec![serde_json::from_value(page).unwrap()]
}

fn facts() -> Vec<Facts> {
    let create = json!({
        "operation": "CreateThing", "method": "POST", "path": "/v1/{project_id}/things", "parameters": [
            {"name": "dry_run", "in": "query", "type": "bool"}],
        "request_body": "Req", "response_body": null,
        "models": {"Req": [{"name": "name", "type": "str"}, {"name": "colour", "type": "str", "values": ["RED", "BLUE"]},
                           {"name": "part", "type": "Part"}], "Part": [{"name": "weight", "type": "float"}]},
    });
    let show = json!({
        "operation": "ShowTag", "method": "GET", "path": "/v1/{project_id}/tags/{id}",
        "parameters": [{"name": "id", "in": "path", "type": "str"}], "request_body": null, "response_body": "Tag",
        "models": {"Tag": [{"name": "key", "type": "str"}]},
    });
    [create, show]
        .into_iter()
        .map(|facts| serde_json::from_value(facts).unwrap())
        .collect()
}

fn document(value: &Value) -> Document {
    parse(&insert::yaml(value).unwrap()).unwrap()
}

#[test]
fn a_page_becomes_a_document_that_keeps_every_rule() {
    let draft = document(&draft(&pages(), &[]));
    assert_eq!(check::broken_rules(&draft), []);
    let request = draft.schema("CreateThingRequest").unwrap();
    let name = request.property("name").unwrap().limits();
    assert_eq!(
        (name.max_length, name.pattern),
        (Some(64), Some("^[A-Za-z0-9-]*$"))
    );
    let size = request.property("size").unwrap();
    assert_eq!(size.default_value(), Some(&json!(5)));
    assert_eq!(size.limits().maximum.and_then(|it| it.as_i64()), Some(4096));
    assert!(request.requires("name") && !request.requires("size"));
    let order = request.property("part").unwrap().property("order").unwrap();
    assert_eq!(order.known_values(), [json!("asc"), json!("desc")]);
    // No sentence is copied from the page.
    assert!(!draft.value().to_string().contains("maximum of"));
}

#[test]
fn equal_tables_share_a_schema_even_when_they_contain_themselves() {
    let draft = document(&draft(&pages(), &[]));
    let response = draft.schema("CreateThingResponse").unwrap();
    let (first, second) = (
        response.property("first").unwrap(),
        response.property("second").unwrap(),
    );
    assert_eq!(first.name(), second.items().unwrap().name());
    assert!(first.is_recursive());
    let sources = &first.value()["x-source"];
    assert_eq!(sources, &json!(["CreateThing T5", "CreateThing T6"]));
}

#[test]
fn the_sdk_adds_fields_parameters_and_operations() {
    let draft = document(&draft(&pages(), &facts()));
    let request = draft.schema("CreateThingRequest").unwrap();
    assert_eq!(request.property("colour").unwrap().known_values().len(), 2);
    let weight = request
        .property("part")
        .unwrap()
        .property("weight")
        .unwrap();
    assert_eq!(weight.value()["x-source"], "sdk");
    let create = draft.operation("createThing").unwrap();
    assert!(
        create
            .parameters()
            .iter()
            .any(|parameter| parameter.name() == "dry_run")
    );
    assert!(draft.operation("showTag").is_some());
}

#[test]
fn a_draft_agrees_with_itself_and_not_with_another() {
    let value = draft(&pages(), &[]);
    let own = document(&value);
    let full = score::score(&pages(), &own, &own);
    assert_eq!(full.misses, [""; 0]);
    assert_eq!(full.of("limits"), (4, 4));
    let mut other = value;
    let properties = &mut other["components"]["schemas"]["CreateThingRequest"]["properties"];
    properties["size"] = json!({"type": "string"});
    let less = score::score(&pages(), &own, &document(&other));
    assert_eq!(less.of("limits"), (2, 4));
    assert_eq!(less.of("types").0 + 1, full.of("types").0);
}

const CURATED: &str = "\
openapi: 3.0.3
info: {title: T, version: '1'}
# A comment that stays.
paths:
  /v1/{project_id}/things:
    post:
      operationId: createThing
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/NewThing'}
      responses:
        '200': {$ref: '#/components/responses/Error'}

  # Of another day.
  /v1/{project_id}/tags/{tag_id}:
    delete:
      operationId: deleteTag
      responses:
        '204': {description: Ours.}
components:
  responses:
    Error: {description: Ours.}
  schemas:
    # What it is called here is no name of the sources.
    NewThing:
      type: object   # kept, too
      properties:
        name: {type: string, description: Ours.}
        colour: {$ref: '#/components/schemas/Colour'}
        part: {$ref: '#/components/schemas/Detail'}
    Colour:
      type: string
      x-extensible-enum:
        - red
      x-enum-descriptions:
        red: Ours.
    Detail:
      type: object
      properties:
        order: {type: string, x-extensible-enum: [asc]}
";

#[test]
fn merging_adds_what_is_missing_and_changes_no_line() {
    let draft = document(&draft(&pages(), &facts()));
    let (merged, report) = merge::merge(CURATED, &parse(CURATED).unwrap(), &draft).unwrap();
    let mut lines = merged.lines();
    for line in CURATED.lines() {
        assert!(lines.any(|other| other == line), "{line}\n{merged}");
    }
    let found = parse(&merged).unwrap();
    // A new method of a path whose placeholder has another name in the document.
    let tags = &found.value()["paths"]["/v1/{project_id}/tags/{tag_id}"];
    assert_eq!(tags["get"]["operationId"], "showTag");
    assert_eq!(tags["delete"]["operationId"], "deleteTag");
    // Properties and parameters at any depth, with the document's names.
    let create = found.operation("createThing").unwrap();
    assert!(create.parameters().iter().any(|it| it.name() == "dry_run"));
    let thing = found.schema("NewThing").unwrap();
    assert!(thing.property("size").is_some());
    assert_eq!(thing.property("name").unwrap().description(), "Ours.");
    assert!(found.schema("Detail").unwrap().property("weight").is_some());
    let colour = found.schema("Colour").unwrap();
    assert_eq!(colour.known_values(), [json!("red"), json!("BLUE")]);
    assert!(colour.value()["x-enum-descriptions"]["BLUE"].is_string());
    for name in ["CreateThingRequest", "Part", "ErrorBody"] {
        assert!(found.schema(name).is_none(), "{name}: {merged}");
    }
    let mut report = report;
    report.sort();
    assert_eq!(
        report,
        [
            "added get /v1/{project_id}/tags/{tag_id}",
            "added schemas / Tag",
            "added the property Detail.weight",
            "added the property NewThing.size",
            "added the query parameter `dry_run` of createThing",
            "added the value BLUE of Colour",
            "not added, since the place is in flow style on one line: the value desc of Detail.order \
             (components / schemas / Detail / properties / order / x-extensible-enum)",
        ]
    );
    let (again, report) = merge::merge(&merged, &found, &draft).unwrap();
    assert_eq!(again, merged, "a second time adds nothing");
    assert_eq!(report.len(), 1, "{report:?}");
}
