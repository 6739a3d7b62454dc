//! Tests that each single change to a correct document is reported.

use serde_json::json;

use super::compare;
use super::family::Family;
use super::page::Page;
use super::report::Report;
use crate::check::broken_rules;
use crate::check::tests::GOOD;
use crate::document::Document;
use crate::errata::Errata;

fn page() -> Page {
    let field = |name: &str, mandatory: Option<bool>, kind: &str, description: &str| {
        json!({"name": name, "mandatory": mandatory, "type": kind, "description": description,
               "options": if name == "kind" { json!(["BIG"]) } else { json!(null) }, "refs": []})
    };
    let page = json!({
        "page": "UpdateThing",
        "method": "PUT",
        "path": "/things/{id}",
        "tables": [
            {"number": 1, "role": "path", "root": false,
             "fields": [field("id", Some(true), "String", "Which one.")]},
            {"number": 4, "role": "query", "root": false,
             "fields": [field("kind", Some(false), "String", "Its kind.")]},
            {"number": 2, "role": "request", "root": true, "fields": [
                field("name", Some(true), "String", "A name with a maximum of 3 characters."),
                field("labels", Some(false), "Map<String,String>", "Labels."),
                field("kind", Some(false), "String", "Its kind."),
                field("size", Some(false), "Long",
                      "Size, in bytes. The maximum value is 9. The default value is **5**."),
            ]},
            {"number": 3, "role": "response", "root": true, "fields": [
                field("kind", None, "String", "Its kind."),
                field("update_at", None, "Long", "Last change, accurate to millisecond."),
            ]},
        ],
        "samples": [{"role": "request", "http": null, "json": {"name": "a", "labels": {"a": "b"}}}],
        "status_codes": [{"code": 200}, {"code": 400}],
    });
    serde_json::from_value(page).unwrap()
}

/// All findings of `check` and `verify` in a text.
fn findings(text: &str) -> Vec<String> {
    let document = match Document::parse("things", "openapi/things.yaml", text) {
        Ok(document) => document,
        Err(problems) => return problems.iter().map(ToString::to_string).collect(),
    };
    let family = Family::new(&document, |_, value| Some(Ok(value))).unwrap();
    let mut report = Report::new(&Errata::default());
    compare::compare(&[family], &[page()], &mut report);
    let rules = broken_rules(&document);
    let rules = rules.iter().map(ToString::to_string);
    rules.chain(report.findings()).collect()
}

/// Name of the change, text, replacement, and a part of the expected finding.
#[rustfmt::skip]
const MUTATIONS: &[(&str, &str, &str, &str)] = &[
    ("property renamed", "labels: {type: object", "label: {type: object", "T2/labels:missing"),
    ("property added", "        labels: {type: object", "        colour: {type: string, description: A colour.}\n        labels: {type: object", "T2/colour:extra"),
    ("property removed", "        update_at: {type: integer, format: int64, description: Last change in milliseconds since 1970.}\n", "", "T3/update_at:missing"),
    ("type", "size: {type: integer, format: int64", "size: {type: string", "T2/size:type"),
    ("width", "size: {type: integer, format: int64", "size: {type: integer, format: int32", "T2/size:type"),
    ("required", "required: [name]", "required: [name, labels]", "T2/labels:mandatory"),
    ("required of a parameter", "- {name: kind, in: query,", "- {name: kind, in: query, required: true,", "T4/kind:mandatory"),
    ("enum value", "x-observed: [SMALL]", "x-observed: []", "things/Kind/SMALL:values"),
    ("enum value renamed", "BIG", "BUG", "kind:values"),
    ("limit in the keyword", "maxLength: 3", "maxLength: 4", "stated-limit"),
    ("limit in the words", "at most 3 characters", "at most 4 characters", "stated-limit"),
    ("limit in both", "'Its name, at most 3 characters.', maxLength: 3", "'Its name, at most 4 characters.', maxLength: 4", "T2/name:limit"),
    ("limit gone", ", maximum: 9", "", "T2/size:limit"),
    ("limit invented", "maxLength: 3}", "maxLength: 3, pattern: '^[a-z]+$'}", "T2/name:limit"),
    ("default", "x-default: 5", "x-default: 6", "T2/size:default"),
    ("default gone", ", x-default: 5", "", "T2/size:default"),
    ("unit of a request", "Its size in bytes", "Its size in GB", "T2/size:unit"),
    ("unit of a response", "in milliseconds since", "in seconds since", "T3/update_at:unit"),
    ("sample", "value: {name: a, labels: {a: b}}", "value: {name: b, labels: {a: b}}", "S1:sample"),
    ("sample that does not fit", "value: {name: a, labels", "value: {name: abcd, labels", "example-fits"),
    ("reference to nowhere", "part: {$ref: '#/components/schemas/Part'}", "part: {$ref: '#/components/schemas/Parts'}", "reference"),
    ("reference to another schema", "schema: {$ref: '#/components/schemas/ThingReq'}", "schema: {$ref: '#/components/schemas/Part'}", "UpdateThing/T2:reference"),
    ("status of success", "'200':\n", "'201':\n", "UpdateThing/200:status"),
    ("status of an error", "'400': {$ref", "'409': {$ref", "UpdateThing/400:status"),
    ("method", "    put:", "    post:", "UpdateThing/operation:missing"),
    ("path", "/things/{id}:", "/thing/{id}:", "UpdateThing/operation:missing"),
    ("misspelt keyword", "maxLength: 3", "maxlength: 3", "did you mean `maxLength`?"),
    ("unknown extension", "x-idempotent: true", "x-idempotent: true\n      x-idempotence: true", "keyword"),
    ("scheme of a server", "https://things", "http://things", "server"),
    ("host of a page", "https://example.com/thing", "https://example.net/thing", "docs-host"),
    ("bidi character", "Its labels.", "\"Its \\u202Elabels.\"", "character"),
    ("example of another unit", "update_at: 1,", "update_at: 1500000000,", "example-stated"),
];

/// The document without the list operation, which the page does not describe.
fn one_operation() -> String {
    let (head, rest) = GOOD.split_once("  /things:\n").unwrap();
    let (_, tail) = rest.split_once("  /things/{id}:\n").unwrap();
    let (paths, schemas) = tail.split_once("    ThingList:\n").unwrap();
    // The schema ends with the first line that is not indented further.
    let end = schemas
        .lines()
        .take_while(|line| line.starts_with("      "));
    let end: usize = end.map(|line| line.len() + 1).sum();
    format!("{head}  /things/{{id}}:\n{paths}{}", &schemas[end..])
}

#[test]
fn the_document_agrees_as_it_is() {
    assert_eq!(findings(&one_operation()), [""; 0]);
}

#[test]
fn every_mutation_is_noticed() {
    let mut unnoticed = Vec::new();
    let good = one_operation();
    for (what, from, to, expected) in MUTATIONS {
        assert!(good.contains(from), "{what}: `{from}` is not there");
        let found = findings(&good.replacen(from, to, if *from == "BIG" { 99 } else { 1 }));
        if !found.iter().any(|finding| finding.contains(expected)) {
            unnoticed.push(format!("{what}: {found:#?}"));
        }
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}
