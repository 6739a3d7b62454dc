//! Tests of the published files in the checkout.

use regex::Regex;

use super::*;
use crate::workspace;

/// The published documents of all families in one form, by family.
fn published(form: &str) -> Vec<(String, Value)> {
    let root = workspace::root();
    let families = workspace::families(&root).unwrap();
    families
        .into_iter()
        .map(|family| {
            let file = root
                .join(FOLDER)
                .join(format!("{}{form}.json", family.name));
            let text = fs::read_to_string(file).unwrap();
            (family.name, serde_json::from_str(&text).unwrap())
        })
        .collect()
}

fn at<'a>(document: &'a Value, pointer: &str) -> &'a Value {
    document.pointer(pointer).unwrap_or(&Value::Null)
}

#[test]
fn each_document_says_how_to_sign_in_and_where() {
    for (name, document) in published("-3.1") {
        let title = at(&document, "/info/title").as_str().unwrap();
        assert!(
            title.len() <= 24,
            "{name}: `{title}` becomes a package's name"
        );
        let introduction = at(&document, "/info/description").as_str().unwrap();
        assert!(introduction.contains("oken"), "{name}: {introduction}");
        let schemes = at(&document, "/components/securitySchemes")
            .as_object()
            .unwrap();
        let keys = schemes.values().filter(|scheme| scheme["type"] == "apiKey");
        assert_eq!(keys.count(), 1, "{name}: of two, clients send both");
        let servers = at(&document, "/servers").as_array().unwrap();
        let here = servers.iter().any(|server| {
            let url = server["url"].as_str().unwrap();
            url.starts_with("http://127.0.0.1:")
        });
        assert!(here, "{name}: the emulator is no server");
    }
}

#[test]
fn each_document_says_what_it_is() {
    let mut versions = std::collections::BTreeSet::new();
    for (form, variant) in [
        ("", "open enumerations"),
        ("-3.1", "open enumerations"),
        ("-closed-enums", "closed enumerations"),
    ] {
        for (name, document) in published(form) {
            assert_eq!(at(&document, "/info/x-variant"), variant, "{name}{form}");
            versions.insert(at(&document, "/info/version").as_str().unwrap().to_owned());
            assert!(
                at(&document, "/info/contact/name").is_string(),
                "{name}{form}"
            );
            let license = at(&document, "/info/license/name");
            assert_eq!(license, "MIT OR Apache-2.0", "{name}{form}");
        }
    }
    assert_eq!(versions.len(), 1, "{versions:?}");
}

#[test]
fn errors_are_described_to_their_headers_and_gateways() {
    for (name, document) in published("-3.1") {
        let responses = at(&document, "/components/responses").as_object().unwrap();
        for (status, response) in responses {
            assert!(
                response["headers"].get("X-Request-Id").is_some(),
                "{name}: {status}"
            );
        }
        let throttled = &responses["TooManyRequests"];
        assert!(throttled["headers"].get("Retry-After").is_some(), "{name}");
        // 408, 409, 417, 502 and 504 are not documented.
        let operations = at(&document, "/paths").as_object().unwrap().values();
        let operations = operations.flat_map(|item| item.as_object().unwrap().values());
        for operation in operations.filter(|it| it.get("operationId").is_some()) {
            let other = operation["responses"].get("default");
            assert!(other.is_some(), "{name}: {}", operation["operationId"]);
        }
        let text = document.to_string();
        assert!(text.contains("\"APIGW."), "{name}: no code of a gateway");
    }
}

#[test]
fn every_property_has_a_text_and_no_constant_is_a_number() {
    for (name, document) in published("-3.1") {
        let schemas = at(&document, "/components/schemas").as_object().unwrap();
        for (schema, value) in schemas {
            let properties = value.get("properties").and_then(Value::as_object);
            for (property, written) in properties.into_iter().flatten() {
                let has_text = written["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty());
                assert!(has_text, "{name}: {schema}.{property}");
            }
            let values = value.get("enum").or_else(|| value.get("x-extensible-enum"));
            let mut values = values.and_then(Value::as_array).into_iter().flatten();
            let is_number = values.any(Value::is_number);
            assert!(
                !is_number || value.get("x-enum-varnames").is_some(),
                "{name}: {schema} becomes NUMBER_1"
            );
        }
    }
}

#[test]
fn the_front_page_leads_to_what_generators_take() {
    let front = fs::read_to_string(workspace::root().join("README.md")).unwrap();
    let link = Regex::new(r"\]\((openapi/[^)]*)\)").unwrap();
    let first = link.captures(&front.replace('\n', " ")).unwrap()[1].to_owned();
    assert!(first.starts_with("openapi/published"), "{first}");
}

/// `tests/consumers/README.md` names the test for each earlier mistake.
#[test]
fn the_tests_that_hold_old_mistakes_exist() {
    let root = workspace::root();
    let page = fs::read_to_string(root.join("tests/consumers/README.md")).unwrap();
    let rules: Vec<&str> = crate::check::rule_names().collect();
    let named = Regex::new("`([a-z0-9/._-]+[.]rs)::([a-z0-9_]+)`").unwrap();
    let mut count = 0;
    for found in named.captures_iter(&page) {
        let text = fs::read_to_string(root.join(&found[1])).unwrap();
        assert!(
            text.contains(&format!("fn {}()", &found[2])),
            "{}",
            &found[0]
        );
        count += 1;
    }
    assert!(count > 8, "{count}");
    let named = Regex::new("rule `([a-z-]+)`").unwrap();
    for found in named.captures_iter(&page) {
        assert!(rules.contains(&&found[1]), "{}", &found[0]);
    }
    let rows = page.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(rows, 12 + 1, "a row for each, below the head");
}

#[test]
fn errata_lose_their_last_column_and_nothing_else() {
    let text = "# Errata\n\nFor machines.\n\n## Old\n\n| id | page | coverage |\n|---|---|---|\n| A1 | `a|b` | `x:y` |\n";
    let kept = errata_without_spans(text);
    assert!(
        kept.ends_with("## Old\n\n| id | page |\n|---|---|\n| A1 | `a|b` |\n"),
        "{kept}"
    );
    assert!(!kept.contains("For machines."));
}

#[test]
fn a_code_that_means_two_things_says_so() {
    let catalogue = Catalogue::parse(
            "
selection: {prefixes: ['63']}
errors:
  - {code: ModelArts.6309, statuses: [400, 404], class: not_found, meaning: Gone., remedy: Look., by_status: {404: {class: internal, meaning: Lost., remedy: Ask.}}}
",
        )
        .unwrap();
    assert_eq!(
        errors(&catalogue),
        json!([{
            "code": "ModelArts.6309", "statuses": [400, 404],
            "class": "not_found", "meaning": "Gone.", "remedy": "Look.",
            "by_status": {"404": {"class": "internal", "meaning": "Lost.", "remedy": "Ask."}},
        }])
    );
}
