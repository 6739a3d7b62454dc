//! Tests every rule with a valid document and one fault at a time.

use std::collections::BTreeSet;

use super::*;

pub(crate) const GOOD: &str = "
openapi: 3.0.3
info: {title: T, version: '1'}
servers:
  - {url: 'https://things.example.com', description: All of them.}
tags:
  - {name: Things, description: All things.}
security:
  - Token: []
paths:
  /things:
    get:
      tags: [Things]
      summary: List things
      description: Returns the things, page by page.
      externalDocs: {description: The page., url: https://example.com/things}
      operationId: listThings
      x-source: [ListThings]
      x-idempotent: true
      x-pagination: {style: offset, limit: limit, offset: offset, items: things, total: total, size: 50}
      parameters:
        - {name: limit, in: query, description: Things per page., example: 10, schema: {type: integer, format: int32}}
        - {name: offset, in: query, description: Things to skip., example: 0, schema: {type: integer, format: int32}}
        - {name: after, in: query, description: The last thing., example: a, schema: {type: string}}
      responses:
        '200':
          description: The things.
          content:
            application/json:
              schema: {$ref: '#/components/schemas/ThingList'}
              examples:
                one:
                  summary: A page with one of them
                  x-sample: composed
                  value: {things: [{kind: BIG}], total: 1}
        default: {$ref: '#/components/responses/Error'}
  /things/{id}:
    parameters:
      - {$ref: '#/components/parameters/Id'}
    put:
      tags: [Things]
      summary: Update a thing
      description: Changes a thing at once.
      externalDocs: {description: The page., url: https://example.com/thing}
      operationId: updateThing
      x-source: [UpdateThing]
      x-idempotent: true
      x-rules:
        - {id: thing-at-once, text: The change holds at once., source: UpdateThing T2}
      parameters:
        - {name: kind, in: query, description: The kind., example: BIG, schema: {$ref: '#/components/schemas/Kind'}}
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/ThingReq'}
            examples:
              big:
                summary: A big thing
                x-sample: documented
                x-source: [UpdateThing S1]
                value: {name: a, labels: {a: b}}
      responses:
        '200':
          description: The thing.
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
              examples:
                big:
                  summary: A big thing afterwards
                  x-sample: composed
                  value: {kind: BIG, update_at: 1, part: {token: x}, count: 2}
        '400': {$ref: '#/components/responses/BadRequest'}
        default: {$ref: '#/components/responses/Error'}
components:
  securitySchemes:
    Token: {type: apiKey, in: header, name: X-Token}
  parameters:
    Id: {name: id, in: path, required: true, description: Which thing., schema: {type: string}, example: a}
  responses:
    Error:
      description: It failed.
      content:
        application/json:
          schema: {$ref: '#/components/schemas/Problem'}
          examples:
            missing: {summary: No such thing, x-sample: composed, value: {message: Gone.}}
    BadRequest:
      description: It cannot be done.
      content:
        application/json:
          schema: {$ref: '#/components/schemas/Problem'}
          examples:
            wrong: {summary: A wrong thing, x-sample: composed, value: {message: Wrong.}}
  schemas:
    Kind:
      type: string
      description: Kind of a thing.
      x-source: [UpdateThing T2, UpdateThing T3, UpdateThing T4]
      x-extensible-enum: [BIG, SMALL]
      x-enum-descriptions: {BIG: It is big., SMALL: It is small.}
      x-observed: [SMALL]
      x-spellings: {BIG: [Big]}
      x-states: {transient: {}, settled: {BIG: [grow]}, failed: {SMALL: [grow]}, gone: {}}
    Problem:
      type: object
      description: What went wrong.
      x-source: [response]
      properties:
        message: {type: string, description: For people.}
    ThingReq:
      type: object
      description: A thing to be.
      x-rules: [{id: thing-price, text: It costs nothing., source: observed, emulated: false, why: Nothing is sold.}]
      x-source: [UpdateThing T2]
      required: [name]
      properties:
        name: {type: string, description: 'Its name, at most 3 characters.', maxLength: 3}
        size: {type: integer, format: int64, description: 'Its size in bytes, at most 9.', maximum: 9, x-default: 5}
        labels: {type: object, description: Its labels., additionalProperties: {type: string}}
        kind: {$ref: '#/components/schemas/Kind'}
    Thing:
      type: object
      description: A thing.
      x-source: [UpdateThing T3]
      properties:
        kind: {$ref: '#/components/schemas/Kind'}
        update_at: {type: integer, format: int64, description: Last change in milliseconds since 1970.}
        part: {$ref: '#/components/schemas/Part'}
        count: {type: integer, format: int32, description: How many., x-source: observed}
    ThingList:
      type: object
      description: A page of things.
      x-source: [ListThings T2]
      properties:
        things: {type: array, description: The things of this page., items: {$ref: '#/components/schemas/Thing'}}
        total: {type: integer, format: int32, description: The number of all things.}
    Part:
      type: object
      description: A part of a thing.
      x-source: [sample]
      properties:
        token: {type: string, format: password, description: A secret.}
";

/// Rule, replaced text of the valid document, replacement, and the end of the pointer to the problem.
#[rustfmt::skip]
const FAULTS: &[(&str, &str, &str, &str)] = &[
    ("operation-id-form", "updateThing\n", "update\n", "/put/operationId"),
    ("operation-id-form", "updateThing\n", "Update_thing\n", "/put/operationId"),
    ("operation-tag", "tags: [Things]", "tags: []", "/put/tags"),
    ("operation-tag", "tags: [Things]", "tags: [Others]", "/put/tags"),
    ("operation-tag", "description: All things.", "description: ''", "/tags"),
    ("operation-summary", "Update a thing\n", "Update a thing.\n", "/put/summary"),
    ("operation-summary", "Update a thing\n", "update a thing\n", "/put/summary"),
    ("operation-summary", "      summary: Update a thing\n", "", "/put/summary"),
    ("operation-summary", "Update a thing\n", "Update a thing so thoroughly that its title does not fit on a line\n", "/put/summary"),
    ("operation-description", "Changes a thing at once.", "''", "/put"),
    ("operation-docs", "https://example.com/thing", "ftp://example.com/thing", "/put/externalDocs"),
    ("operation-idempotent", "x-idempotent: true", "x-idempotent: perhaps", "/x-idempotent"),
    ("operation-pagination", "x-pagination: {style: offset, limit: limit, offset: offset, items: things, total: total, size: 50}", "x-since: '1'", "/get/x-pagination"),
    ("operation-pagination", "{style: offset, ", "{style: cursor, ", "/get/x-pagination"),
    ("operation-pagination", "{style: offset, ", "{", "/get/x-pagination"),
    ("operation-pagination", "{style: offset, limit: limit, offset: offset,", "{style: token, limit: limit, token: after,", "/get/x-pagination"),
    ("operation-pagination", "limit: limit,", "limit: size,", "/get/x-pagination"),
    ("operation-pagination", "offset: offset,", "offset: after,", "/get/x-pagination"),
    ("operation-pagination", "items: things,", "items: total,", "/get/x-pagination"),
    ("operation-pagination", "items: things,", "items: [things, others],", "/get/x-pagination"),
    ("operation-pagination", "total: total,", "total: things,", "/get/x-pagination"),
    ("operation-pagination", "size: 50}", "size: 0}", "/get/x-pagination"),
    ("operation-pagination", "size: 50}", "next: total}", "/get/x-pagination"),
    ("response-status", "'400': {$ref", "'4XX': {$ref", "/responses/4XX"),
    ("response-success", "'200':\n", "'302':\n", "/put/responses"),
    ("response-error", "'400': {$ref: '#/components/responses/BadRequest'}", "'400': {$ref: '#/components/responses/BadRequest'}\n        '404': {description: Gone.}", "/responses/404"),
    ("response-error", "        default: {$ref: '#/components/responses/Error'}\n", "        '500': {$ref: '#/components/responses/Error'}\n", "/put/responses"),
    ("default", "maxLength: 3", "maxLength: 3, default: a", "/name/default"),
    ("default", "count: {type: integer,", "count: {type: integer, x-default: 1,", "/count/x-default"),
    ("default", "in: path, required: true", "in: path, required: true, x-default: a", "/Id/x-default"),
    ("path-parameters", "{id}", "{name}", "/put"),
    ("path-parameters", "in: path, required: true", "in: path, required: false", "/put"),
    ("path-segment", "/things/{id}:", "/things/v{id}:", "/put"),
    ("operation-emulated", "x-idempotent: true", "x-idempotent: true\n      x-emulated: true", "/put/x-emulated"),
    ("operation-emulated", "part: {$ref: '#/components/schemas/Part'}", "part: {$ref: '#/components/schemas/Part'}\n        more: {type: string, description: More., x-source: observed, x-emulated: false}", "/more/x-emulated"),
    ("schema-name", "Part", "thing_part", "/schemas/thing_part"),
    ("schema-name", "Part", "PART", "/schemas/PART"),
    ("schema-reserved", "Part", "Result", "/schemas/Result"),
    ("schema-reserved", "Part", "Option", "/schemas/Option"),
    ("operation-reserved", "updateThing", "withTransport", "/put/operationId"),
    ("name-unusable", "count: {type: integer", "'2nd': {type: string, description: Another., x-source: observed}\n        count: {type: integer", "/2nd"),
    ("name-unusable", "count: {type: integer", "Count: {type: string, description: Another., x-source: observed}\n        count: {type: integer", "/count"),
    ("name-unusable", "count: {type: integer", "build: {type: string, description: Another., x-source: observed}\n        count: {type: integer", "/build"),
    ("schema-type", "message: {type: string, ", "message: {", "/message"),
    ("schema-type", "labels: {type: object, description: Its labels., additionalProperties: {type: string}}", "labels: {type: array, description: Its labels.}", "/labels"),
    ("inline-object", "additionalProperties: {type: string}", "properties: {a: {type: string}}", "/labels"),
    ("inline-object", "schema: {$ref: '#/components/schemas/Problem'}", "schema: {type: array, items: {$ref: '#/components/schemas/Problem'}}", "/schema"),
    ("reference-siblings", "part: {$ref: '#/components/schemas/Part'}", "part: {$ref: '#/components/schemas/Part', nullable: true}", "/part"),
    ("composition", "message: {type: string", "message: {type: string, anyOf: [{type: string}]", "/message/anyOf"),
    ("composition", "message: {type: string", "message: {type: string, readOnly: true", "/readOnly"),
    ("integer-format", "format: int64, ", "", "/update_at"),
    ("integer-format", "type: integer, format: int32", "type: number, format: int32", "/count"),
    ("required-property", "required: [name]", "required: [name, weight]", "/ThingReq/required"),
    ("direction", "additionalProperties: {type: string}}\n", "additionalProperties: {type: string}}\n        part: {$ref: '#/components/schemas/Part'}\n", "/schemas/Part"),
    ("lenient-response", "How many.,", "How many., minimum: 1,", "/count/minimum"),
    ("lenient-response", "    Part:\n", "    Part:\n      required: [token]\n", "/Part/required"),
    ("unused-component", "        part: {$ref: '#/components/schemas/Part'}\n", "        part: {type: object, description: Any., additionalProperties: true}\n", "/schemas/Part"),
    ("unused-component", "security:\n  - Token: []\n", "", "/securitySchemes/Token"),
    ("enum-component", "message: {type: string", "message: {type: string, x-extensible-enum: [Gone.]", "/message/x-extensible-enum"),
    ("enum-open", "x-extensible-enum", "enum", "/schemas/Kind"),
    ("enum-open", "x-extensible-enum", "x-closed-because: So.\n      x-extensible-enum", "/schemas/Kind"),
    ("enum-descriptions", "SMALL: It is small.", "SMALL: ''", "/x-enum-descriptions"),
    ("enum-descriptions", "SMALL: It is small.", "SMALL: Small., OLD: Old.", "/x-enum-descriptions"),
    ("enum-case", "SMALL", "big", "/schemas/Kind"),
    ("enum-states", "settled: {BIG: [grow]}", "settled: {}", "/x-states"),
    ("enum-states", "settled: {BIG: [grow]}", "settled: {BIG: [grow], SMALL: []}", "/x-states"),
    ("enum-states", "settled: {BIG: [grow]}", "settled: {BIG: [grow], OLD: []}", "/x-states"),
    ("enum-states", "settled: {BIG: [grow]}", "settled: {BIG: [Grow]}", "/x-states"),
    ("enum-states", "settled: {BIG: [grow]}", "settled: {BIG: [shrink]}", "/x-states"),
    ("enum-states", "settled: {BIG: [grow]}", "settled: [BIG]", "/x-states"),
    ("enum-states", "gone: {}", "lost: {}", "/x-states"),
    ("enum-status", "description: A secret.}\n", "description: A secret.}\n        status: {$ref: '#/components/schemas/State'}\n    State:\n      type: string\n      description: State of a part.\n      x-source: [sample]\n      x-extensible-enum: [NEW]\n      x-enum-descriptions: {NEW: It is new.}\n", "/schemas/State"),
    ("enum-extras", "x-observed: [SMALL]", "x-observed: [OLD]", "/x-observed"),
    ("enum-extras", "x-spellings: {BIG: [Big]}", "x-spellings: {BIG: [Large]}", "/x-spellings"),
    ("enum-extras", "x-spellings: {BIG: [Big]}", "x-spellings: {OLD: [Old]}", "/x-spellings"),
    ("rule-form", "id: thing-at-once", "id: At once", "/put/x-rules/0"),
    ("rule-form", "text: The change holds at once.", "text: the change holds at once", "/put/x-rules/0"),
    ("rule-form", "source: UpdateThing T2", "source: Update Thing", "/put/x-rules/0"),
    ("rule-form", "source: UpdateThing T2", "because: So.", "/put/x-rules/0"),
    ("rule-form", "emulated: false, why: Nothing is sold.", "emulated: false", "/ThingReq/x-rules/0"),
    ("rule-form", "emulated: false, why: Nothing is sold.", "emulated: true, why: So.", "/ThingReq/x-rules/0"),
    ("rule-form", "id: thing-price", "id: thing-at-once", "/ThingReq/x-rules/0"),
    ("rule-place", "additionalProperties: {type: string}}\n", "additionalProperties: {type: string, x-rules: []}}\n", "/additionalProperties/x-rules"),
    ("enum-extras", "x-observed: [SMALL]", "x-enum-varnames: [LARGE]", "/x-enum-varnames"),
    ("description", "description: For people.", "description: ''", "/message"),
    ("description", "description: Which thing., ", "", "/parameters/Id"),
    ("unit", "Last change in milliseconds since 1970.", "Last change.", "/update_at"),
    ("secret", "format: password, ", "", "/token"),
    ("source-operation", "x-source: [UpdateThing]", "x-source: [UpdateThing T1]", "/put/x-source"),
    ("source-schema", "      x-source: [sample]\n", "", "/Part/x-source"),
    ("source-schema", "x-source: [sample]", "x-source: [somewhere]", "/Part/x-source"),
    ("source-property", "x-source: observed", "x-source: UpdateThing T3", "/count/x-source"),
    ("source-example", "x-source: [UpdateThing S1]", "x-source: []", "/big/x-source"),
    ("source-example", "x-sample: documented", "x-sample: composed", "/big/x-source"),
    ("keyword", "maxLength: 3", "maxlength: 3", "/name/maxlength"),
    ("keyword", "x-idempotent: true", "x-idempotent: true\n      x-cheap: true", "/put/x-cheap"),
    ("keyword", "x-default: 5", "x-unknown: 5", "/size/x-unknown"),
    ("server", "https://things", "http://things", "/servers/0/url"),
    ("clouds", "x-idempotent: true", "x-idempotent: true\n      x-clouds: [moon]", "/put/x-clouds"),
    ("clouds", "x-idempotent: true", "x-idempotent: true\n      x-clouds: [huawei, otc]", "/put/x-clouds"),
    ("clouds", "            schema: {$ref: '#/components/schemas/ThingReq'}", "            schema: {$ref: '#/components/schemas/ThingReq'}\n            x-clouds: [otc]", "/application~1json/x-clouds"),
    ("docs-host", "https://example.com/thing", "https://example.org/thing", "/externalDocs/url"),
    ("limits", "maximum: 9, x-default", "maximum: 9, x-limits: {minimum: 2}, x-default", "/size/x-limits"),
    ("limits", "maximum: 9, x-default", "maximum: 9, x-limits: {code: ModelArts.6331, least: 2}, x-default", "/size/x-limits"),
    ("limits", "maximum: 9, x-default", "maximum: 9, x-limits: {code: ModelArts.6331, when: EVS}, x-default", "/size/x-limits"),
    ("limits", "message: {type: string", "message: {type: string, x-limits: {code: ModelArts.6331}", "/message/x-limits"),
    ("character", "Its labels.", "\"Its \\u202Elabels.\"", "/labels/description"),
    ("stated-limit", "maxLength: 3", "maxLength: 4", "/name"),
    ("stated-limit", "maximum: 9", "maximum: 8", "/size"),
    ("stated-default", "at most 9.", "at most 9. Defaults to `4`.", "/size"),
    ("example-stated", "update_at: 1,", "update_at: 1500000000,", "/value/update_at"),
    ("example-stated", "How many.,", "'How many, at most 1.',", "/value/count"),
    ("example-present", "          examples:\n            missing: {summary: No such thing, x-sample: composed, value: {message: Gone.}}\n", "", "/application~1json"),
    ("example-form", "summary: A big thing\n", "summary: ''\n", "/examples/big"),
    ("example-form", "x-sample: composed\n", "x-sample: made\n", "/examples/big"),
    ("example-fits", "{name: a, labels", "{name: abcd, labels", "/big/value/name"),
    ("example-fits", "{name: a, labels", "{name: a, colour: red, labels", "/big/value"),
    ("example-fits", "{kind: BIG", "{kind: HUGE", "/big/value/kind"),
    ("parameter-example", "example: BIG", "example: 7", "/0/example"),
];

pub(crate) fn document(text: &str) -> Document {
    Document::parse("t", "openapi/t.yaml", text).unwrap()
}

#[test]
fn a_good_document_breaks_no_rule() {
    assert_eq!(broken_rules(&document(GOOD)), []);
}

#[test]
fn each_rule_reports_its_fault_and_no_other_rule_does() {
    let mut wrong = Vec::new();
    for (rule, from, to, pointer) in FAULTS {
        assert!(GOOD.contains(from), "{rule}: `{from}` is not there");
        let found = broken_rules(&document(&GOOD.replace(from, to)));
        let is_found = found
            .iter()
            .any(|problem| problem.pointer.ends_with(pointer));
        // A missing or changed part can also invalidate the example or the paging.
        let follows = [*rule, "example-fits", "operation-pagination"];
        let is_other = |problem: &&Problem| !follows.contains(&problem.rule);
        if !is_found || found.iter().any(|problem| is_other(&problem)) {
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            wrong.push(format!("{rule} for `{to}`: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_a_case() {
    let tried: BTreeSet<&str> = FAULTS.iter().map(|(rule, ..)| *rule).collect();
    let names: BTreeSet<&str> = rules().map(|rule| rule.name).collect();
    assert_eq!(tried, names);
}

#[test]
fn names_are_unique_and_reasons_given() {
    let all = rules().map(|rule| (rule.name, rule.why)).chain(OTHERS);
    let mut known = BTreeSet::new();
    for (name, why) in all {
        assert!(known.insert(name), "{name} stands twice");
        assert!(!why.is_empty(), "{name} has no reason");
    }
}

#[test]
fn an_operation_id_in_two_documents_is_reported() {
    let first = document(GOOD);
    let second = Document::parse("other", "openapi/other.yaml", GOOD).unwrap();
    let found = operations::shared_ids(&[first, second]);
    assert!(!found.is_empty());
    for problem in found {
        assert_eq!(
            (problem.rule, problem.file.as_str()),
            ("operation-id", "openapi/other.yaml")
        );
    }
    assert_eq!(operations::shared_ids(&[document(GOOD)]), []);
}

#[test]
fn a_route_of_two_operations_is_reported() {
    let other = |text: &str| {
        let other = Document::parse("other", "openapi/other.yaml", text).unwrap();
        let found = operations::shared_paths(&[document(GOOD), other]);
        let found = found.into_iter().map(|it| (it.rule, it.file, it.message));
        found.collect::<Vec<_>>()
    };
    let found = other(GOOD);
    assert_eq!(found.len(), 2, "{found:?}");
    for ((rule, file, message), id) in found.iter().zip(["listThings", "updateThing"]) {
        assert_eq!(
            (*rule, file.as_str()),
            ("operation-path", "openapi/other.yaml")
        );
        let expected = format!("{id} of openapi/t.yaml");
        assert!(message.contains(&expected), "{message}");
    }
    let renamed = GOOD
        .replace("/things/{id}", "/things/{name}")
        .replace("name: id, in", "name: name, in");
    let found = other(&renamed);
    assert!(
        found.iter().any(|it| it.2.contains("`/things/{id}`")),
        "{found:?}"
    );
    let methods = GOOD.replace("    put:", "    patch:");
    assert!(other(&methods.replace("    get:", "    head:")).is_empty());
    assert!(other(&GOOD.replace("  /things", "  /stuff")).is_empty());
}

#[test]
fn client_features_match_the_list_of_documents() {
    let found = |manifest: &str| {
        let found = super::features_of_client(
            &["a".to_owned(), "b".to_owned()],
            &manifest.parse().unwrap(),
        );
        let found = found.into_iter().map(|problem| problem.pointer);
        found.collect::<Vec<_>>()
    };
    assert!(found("[features]\ndefault = ['a', 'b']\na = []\nb = []\nutoipa = []").is_empty());
    assert_eq!(
        found("[features]\ndefault = ['a']\na = []\nb = []"),
        ["/features/default"]
    );
    assert_eq!(
        found("[features]\ndefault = ['a', 'b']\na = []"),
        ["/features/b"]
    );
    assert_eq!(
        found("[features]\ndefault = ['a', 'b', 'c']\na = []\nb = []\nc = []"),
        ["/features/default"]
    );
}

#[test]
fn facade_features_enable_client_features() {
    let found = |manifest: &str| {
        let names = ["a".to_owned(), "b".to_owned()];
        let found = super::features_of_facade(&names, &manifest.parse().unwrap());
        let found = found.into_iter().map(|problem| problem.pointer);
        found.collect::<Vec<_>>()
    };
    let both = "a = ['modelarts-client/a']\nb = ['modelarts-client/b']";
    assert!(found(&format!("[features]\ndefault = ['a', 'tls']\n{both}")).is_empty());
    assert_eq!(
        found("[features]\na = ['modelarts-client/b']\nb = ['modelarts-client/b']"),
        ["/features/a"]
    );
    assert_eq!(
        found("[features]\na = ['modelarts-client/a']"),
        ["/features/b"]
    );
}
