//! Tests with a small document and one edit at a time.

use serde_json::Value;

use super::change::{Change, Level};
use super::coverage::problems;
use super::documents::changes;

const OLD: &str = "
openapi: 3.0.3
info: {title: T, version: '1.2.3'}
paths:
  /things:
    post:
      operationId: createThing
      tags: [Things]
      parameters: [{name: kind, in: query, schema: {$ref: '#/components/schemas/Kind'}}]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/ThingReq'}}}}
      responses:
        '200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
components:
  securitySchemes: {Token: {type: apiKey, in: header, name: X-Token}}
  schemas:
    Kind: {type: string, x-extensible-enum: [BIG, SMALL]}
    ThingReq: {type: object, required: [name], properties: {name: {type: string, maxLength: 9}, size: {type: integer, format: int32}}}
    Thing: {type: object, properties: {name: {type: string, nullable: true}, kind: {$ref: '#/components/schemas/Kind'}}}
";

/// Text, replacement, and level and text of the expected change.
#[rustfmt::skip]
const EDITS: &[(&str, &str, Level, &str)] = &[
    ("operationId: createThing", "operationId: makeThing", Level::Major, "createThing: the operation is removed"),
    ("/things:", "/objects:", Level::Major, "createThing: is POST /objects instead of POST /things"),
    ("name: kind, in: query,", "name: kind, required: true, in: query,", Level::Major, "createThing, query parameter `kind`: is now required"),
    ("name: kind, in: query,", "name: sort, in: query,", Level::Major, "createThing: the query parameter `kind` is removed"),
    ("requestBody: {", "requestBody: {required: true, ", Level::Major, "createThing: the body is now required"),
    ("tags: [Things]", "tags: [Things]\n      deprecated: true", Level::Minor, "createThing: is now deprecated"),
    ("x-extensible-enum", "enum", Level::Major, "Kind: is now a closed enumeration: clients reject other values"),
    ("[BIG, SMALL]", "[BIG]", Level::Major, "Kind: the value \"SMALL\" is removed"),
    ("[BIG, SMALL]", "[BIG, SMALL, TINY]", Level::Minor, "Kind: has the new value \"TINY\""),
    ("maxLength: 9", "maxLength: 8", Level::Major, "ThingReq.name: maxLength is now 8"),
    ("maxLength: 9", "maxLength: 10", Level::Minor, "ThingReq.name: maxLength is now 10"),
    ("format: int32", "format: int32, default: 1", Level::Major, "ThingReq.size: has the default 1, which clients send"),
    ("format: int32", "format: int64", Level::Major, "ThingReq.size: is integer (int64) instead of integer (int32)"),
    ("required: [name]", "required: [name, size]", Level::Major, "ThingReq.size: is now required"),
    ("name: {type: string, nullable: true}", "name: {type: string}", Level::Minor, "Thing.name: may no longer be null"),
    ("properties: {name: {type: string, nullable: true},", "properties: {", Level::Major, "Thing.name: the property is removed"),
    ("type: string, nullable: true}", "type: string, nullable: true}, at: {type: string}", Level::Minor, "Thing.at: is a new property"),
    ("type: apiKey, in: header", "type: apiKey, in: query", Level::Major, "Token: the security scheme is changed or removed"),
    ("title: T", "title: U", Level::Patch, "document: descriptions or examples differ"),
];

fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn each_edit_is_reported_with_its_level() {
    for (from, to, level, words) in EDITS {
        assert!(OLD.contains(from), "{from}");
        let found = changes(&parse(OLD), &parse(&OLD.replace(from, to)));
        let is_this = |change: &&Change| format!("{}: {}", change.place, change.what) == *words;
        let change = found.iter().find(is_this);
        let change = change.unwrap_or_else(|| panic!("{to}: {found:#?}"));
        assert_eq!(change.level, *level, "{to}");
        assert_eq!(found[0].level.max(*level), found[0].level);
    }
    assert_eq!(changes(&parse(OLD), &parse(OLD)), []);
}

#[test]
fn a_new_value_of_a_closed_enumeration_breaks_responses() {
    let old = OLD.replace("x-extensible-enum", "enum");
    let found = changes(
        &parse(&old),
        &parse(&old.replace("[BIG, SMALL]", "[BIG, SMALL, TINY]")),
    );
    assert_eq!(
        found[0].to_string(),
        "BREAKING  Kind: has the new value \"TINY\""
    );
}

#[test]
fn a_breaking_change_requires_a_major_version_and_a_changelog_entry() {
    let old = parse(OLD);
    let edit = |version: &str| {
        parse(
            &OLD.replace("[BIG, SMALL]", "[BIG]")
                .replace("1.2.3", version),
        )
    };
    let problems = |version: &str, changelog: &str| {
        let new = edit(version);
        problems(&old, &new, &changes(&old, &new), changelog)
    };
    assert_eq!(
        problems("1.3.0", "## 1.3.0\n- `Kind` has no SMALL.\n"),
        ["BREAKING changes since the release require at least version 2.0.0 in `info.version`"]
    );
    assert_eq!(
        problems("2.0.0", "## 1.2.3\n"),
        ["openapi/CHANGELOG.md has no section `## 2.0.0`"]
    );
    let line = "## 2.0.0\n- `Kind` has no\n  SMALL.\n";
    assert_eq!(problems("2.0.0", line), [""; 0]);
    assert_eq!(problems("2.0", "").len(), 1);
}

#[test]
fn changes_and_changelog_entries_must_match() {
    let old = parse(OLD);
    let new = OLD
        .replace("1.2.3", "2.0.0")
        .replace("maxLength: 9", "maxLength: 8")
        .replace("requestBody: {", "requestBody: {required: true, ")
        .replace("type: apiKey, in: header", "type: apiKey, in: query")
        .replace("description: d", "description: e");
    let new = parse(&new);
    let changes = changes(&old, &new);
    let problems = |lines: &str| {
        let changelog = format!("# C\n\n## 2.0.0\n{lines}\n\n## 1.2.3\n- `Kind` and `Thing`.\n");
        problems(&old, &new, &changes, &changelog)
    };
    let whole = "### Changed\n- `ThingReq.name` is shorter.\n- `Token` goes into the query;\n  \
                 the body of `createThing` is required, as in `errors.json`.";
    assert_eq!(problems(whole), [""; 0]);
    for (from, to, expected) in [
        (
            "`ThingReq.name`",
            "The name",
            "add a line that names `ThingReq`, which has changed:\n  BREAKING  ThingReq.name: maxLength is now 8",
        ),
        (
            "`Token`",
            "Token",
            "add a line that names `Token`, which has changed",
        ),
        (
            "`createThing`",
            "`Thing`",
            "add a line that names `createThing`, which has changed",
        ),
        (
            "`errors.json`",
            "`Kind`",
            "a line names `Kind`, which has not changed",
        ),
        (
            "`errors.json`",
            "`Thing.kind`",
            "a line names `Thing`, which has not changed",
        ),
    ] {
        let found = problems(&whole.replace(from, to));
        let expected = format!("openapi/CHANGELOG.md, 2.0.0: {expected}");
        assert!(
            found.iter().any(|problem| problem.starts_with(&expected)),
            "{found:?}"
        );
    }
}
