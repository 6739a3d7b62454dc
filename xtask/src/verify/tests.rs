//! Tests with a small page and document, with one fault at a time.

use crate::document::Document;
use crate::errata::Errata;
use serde_json::{Value, json};

use super::compare;
use super::errors::{self, Row};
use super::family::Family;
use super::page::{Page, Role};
use super::report::Report;

const DOCUMENT: &str = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /things/{id}:
    put:
      operationId: updateThing
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: kind, in: query, schema: {$ref: '#/components/schemas/Kind'}}
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/ThingReq'}}}
      responses:
        '200':
          description: d
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
        '400':
          description: d
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Failure'}
              examples: {no: {x-source: [UpdateThing S3], value: {message: 'No.'}}}
components:
  schemas:
    Kind:
      type: string
      x-extensible-enum: [BIG, SMALL, ODD]
      x-observed: [ODD]
      x-source: [UpdateThing T2, UpdateThing T5]
    Failure: {type: object, properties: {message: {type: string}}}
    ThingReq:
      type: object
      x-source: [UpdateThing T3]
      required: [name]
      properties:
        name: {type: string}
        size: {type: integer, format: int64}
    Thing:
      type: object
      x-source: [UpdateThing T4]
      properties:
        name: {type: string}
        parts: {type: array, items: {$ref: '#/components/schemas/Part'}}
        seen: {type: string, x-source: observed}
    Part:
      type: object
      x-source: [UpdateThing T5]
      properties:
        count: {type: integer, format: int32}
        kind: {$ref: '#/components/schemas/Kind'}
";

fn field(
    name: &str,
    mandatory: Option<bool>,
    kind: &str,
    options: &[&str],
    table: Option<u32>,
) -> Value {
    let refs: Vec<Value> = table
        .iter()
        .map(|table| json!({"table": table, "page": null}))
        .collect();
    json!({"name": name, "mandatory": mandatory, "type": kind, "description": "SMALL or not.",
           "options": options, "refs": refs})
}

fn table(number: u32, role: &str, root: bool, fields: &[Value]) -> Value {
    json!({"number": number, "role": role, "root": root, "fields": fields})
}

fn page() -> Page {
    let page = json!({
        "page": "UpdateThing",
        "method": "PUT",
        "path": "/things/{id}",
        "tables": [
            table(1, "path", false, &[field("id", Some(true), "String", &[], None)]),
            table(2, "query", false, &[field("kind", Some(false), "String", &["BIG"], None)]),
            table(3, "request", true, &[
                field("name", Some(true), "String", &[], None),
                field("size", Some(false), "Long", &[], None),
            ]),
            table(4, "response", true, &[
                field("name", None, "String", &[], None),
                field("parts", None, "Array of Part objects", &[], Some(5)),
            ]),
            table(5, "response", false, &[
                field("count", None, "Integer", &[], None),
                field("kind", None, "String", &["BIG"], None),
            ]),
        ],
        "samples": [
            {"role": "request", "http": {"query": {"kind": "BIG"}}, "json": {"name": "a", "size": 1}},
            {"role": "response", "http": null, "json": {"name": "a", "parts": [{"kind": "big"}]}},
            {"role": "error", "http": null, "json": {"message": "No."}},
        ],
        "status_codes": [{"code": 200}, {"code": 400}],
    });
    serde_json::from_value(page).unwrap()
}

fn compared(document: &str, errata: &str, row: &str) -> Report {
    let document = Document::parse("tiny", "openapi/tiny.yaml", document).unwrap();
    let family = Family::new(&document, |_, value| Some(Ok(value))).unwrap();
    let text = format!("| {row} | p | says | does | why | {errata} |\n");
    let mut report = Report::new(&Errata::parse(&text));
    compare::compare(&[family], &[page()], &mut report);
    report
}

/// The spans found after one change to the document.
fn found(from: &str, to: &str) -> Vec<String> {
    assert!(DOCUMENT.contains(from), "`{from}` is not there");
    spans(&compared(&DOCUMENT.replace(from, to), "", "A1"))
}

fn spans(report: &Report) -> Vec<String> {
    let span = |finding: String| finding.split(": ").next().unwrap_or_default().to_owned();
    report.findings().into_iter().map(span).collect()
}

#[test]
fn a_page_that_agrees_scores_all() {
    let report = compared(DOCUMENT, "", "A1");
    assert_eq!(report.findings(), [""; 0]);
    assert!(report.suffices(100.0), "{report}");
}

#[test]
fn each_difference_is_named() {
    for (from, to, expected) in [
        ("    put:", "    post:", "UpdateThing/operation:missing"),
        (
            "name: kind",
            "name: sort",
            "UpdateThing/T2/kind:missing UpdateThing/T2/sort:extra UpdateThing/S1:sample",
        ),
        (
            "in: path, required: true",
            "in: path",
            "UpdateThing/T1/id:mandatory",
        ),
        (
            "count: {type",
            "number: {type",
            "UpdateThing/T5/count:missing UpdateThing/T5/number:extra",
        ),
        (", x-source: observed", "", "UpdateThing/T4/seen:extra"),
        (
            "count: {type: integer, format: int32}",
            "count: {type: string}",
            "UpdateThing/T5/count:type",
        ),
        ("format: int64", "format: int32", "UpdateThing/T3/size:type"),
        (
            "required: [name]",
            "required: [size]",
            "UpdateThing/T3/name:mandatory UpdateThing/T3/size:mandatory",
        ),
        (
            "[BIG, ",
            "[BIGGER, ",
            "UpdateThing/T2/kind:values UpdateThing/T5/kind:values UpdateThing/S2:sample tiny/Kind/BIGGER:values",
        ),
        (
            "x-observed: [ODD]",
            "x-observed: []",
            "tiny/Kind/ODD:values",
        ),
        (
            "[UpdateThing T2, UpdateThing T5]",
            "[UpdateThing T2]",
            "UpdateThing/T5/kind:reference",
        ),
        (
            "[UpdateThing T5]",
            "[UpdateThing T3]",
            "UpdateThing/T3:reference UpdateThing/T3/name:missing \
          UpdateThing/T3/size:missing UpdateThing/T3/count:extra UpdateThing/T3/kind:extra UpdateThing/T4/parts:reference \
          UpdateThing/T5:missing",
        ),
        (
            "[UpdateThing T4]",
            "[UpdateThing T4, UpdateThing T5]",
            "UpdateThing/T5:reference UpdateThing/T5/count:missing \
          UpdateThing/T5/kind:missing",
        ),
        ("'400'", "'404'", "UpdateThing/400:status"),
        (
            "'200'",
            "'201'",
            "UpdateThing/200:status UpdateThing/201:status",
        ),
        ("{message: {type", "{text: {type", "UpdateThing/S3:sample"),
        (
            "{message: 'No.'}",
            "{message: 'Yes.'}",
            "UpdateThing/S3:sample",
        ),
    ] {
        let mut expected: Vec<&str> = expected.split_whitespace().collect();
        let mut found = found(from, to);
        expected.sort_unstable();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, expected, "for `{to}`");
    }
}

#[test]
fn what_only_the_sdk_has_is_no_difference() {
    const QUERY: &str =
        "        - {name: kind, in: query, schema: {$ref: '#/components/schemas/Kind'}}\n";
    const PATHS: &str = "paths:\n";
    for (from, added, span) in [
        (
            QUERY,
            "        - {name: billing, in: query, MARK, schema: {type: string}}\n",
            "UpdateThing/T2/billing:extra",
        ),
        (
            PATHS,
            "  /tags:\n    get: {operationId: listTags, MARK, responses: {'200': {description: d}}}\n",
            "tiny/listTags:extra",
        ),
    ] {
        let marked = |mark: &str| found(from, &format!("{from}{}", added.replace("MARK", mark)));
        assert_eq!(marked("x-source: [sdk]"), [""; 0], "{span}");
        assert_eq!(marked("deprecated: false"), [span]);
        assert_eq!(marked("x-source: [sdk, UpdateThing T2]"), [span]);
    }
}

#[test]
fn a_parameter_that_only_the_sdk_has_needs_no_table_of_its_place() {
    let document = DOCUMENT.replace(
        "in: query, schema: {$ref: '#/components/schemas/Kind'}",
        "in: query, x-source: sdk, schema: {$ref: '#/components/schemas/Kind'}",
    );
    let without = |document: &str| {
        let document = Document::parse("tiny", "openapi/tiny.yaml", document).unwrap();
        let family = Family::new(&document, |_, value| Some(Ok(value))).unwrap();
        let mut page = page();
        page.tables.retain(|table| table.role != Role::Query);
        let mut report = Report::new(&Errata::parse(""));
        compare::compare(&[family], &[page], &mut report);
        spans(&report)
    };
    let stray = "UpdateThing/query/kind:extra".to_owned();
    assert!(without(DOCUMENT).contains(&stray));
    assert!(!without(&document).contains(&stray));
}

#[test]
fn an_erratum_excuses_its_difference_and_no_other() {
    let document = DOCUMENT.replace("format: int64", "format: int32");
    let report = compared(&document, "`UpdateThing/T3/size:type`", "A1");
    assert!(
        report.findings().is_empty() && report.suffices(100.0),
        "{report}"
    );
    let report = compared(&document, "`UpdateThing/T3/size:values`", "A1");
    assert_eq!(
        spans(&report),
        ["UpdateThing/T3/size:type", "UpdateThing/T3/size:values"]
    );
}

#[test]
fn a_stale_erratum_is_an_error_at_any_score() {
    let report = compared(DOCUMENT, "`UpdateThing/T3/size:type`", "A7");
    assert!(report.findings()[0].contains("stale: row A7 of openapi/ERRATA.md"));
    assert!(!report.suffices(0.0));
    let elsewhere = compared(DOCUMENT, "`OtherPage/T3/size:type`", "A7");
    assert!(
        elsewhere.suffices(100.0),
        "a page that was not compared says nothing"
    );
}

#[test]
fn the_catalogue_has_the_codes_and_statuses_of_the_list() {
    let catalogue = |entries: &str| {
        let text = format!("selection: {{prefixes: ['63']}}\nerrors:\n{entries}");
        crate::catalogue::Catalogue::parse(&text).unwrap()
    };
    let entry = |code: &str, statuses: &str| {
        format!(
            "  - {{code: {code}, statuses: {statuses}, class: busy, meaning: M., remedy: R.}}\n"
        )
    };
    let rows: Vec<Row> = serde_json::from_value(json!([
        {"status": 100, "code": "ModelArts.6301"},
        {"status": 500, "code": "ModelArts.6301"},
        {"status": 400, "code": "ModelArts.6309"},
        {"status": 400, "code": "ModelArts.0001"},
    ]))
    .unwrap();
    let found = |entries: String| {
        let mut report = Report::new(&Errata::default());
        errors::compare(&catalogue(&entries), &rows, &mut report);
        spans(&report)
    };
    let good = entry("ModelArts.6301", "[400, 500]") + &entry("ModelArts.6309", "[400]");
    assert!(found(good.clone()).is_empty());
    let observed = entry("ModelArts.6404", "[400]").replace("class", "x-source: observed, class");
    assert!(found(good.clone() + &observed).is_empty());
    assert_eq!(
        found(good.clone() + &entry("ModelArts.6310", "[400]")),
        ["errors.json/ModelArts.6310:extra"]
    );
    assert_eq!(
        found(entry("ModelArts.6301", "[400, 500]")),
        ["errors.json/ModelArts.6309:missing"]
    );
    assert_eq!(
        found(good.replace("[400, 500]", "[500]")),
        ["errors.json/ModelArts.6301:status"]
    );
}
