//! Every named example of the documents must survive its Rust type unchanged, and responses that deviate from the
//! documents must still decode.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::collections::{BTreeMap, BTreeSet};

use modelarts_client::devenviron::{enums, types};
use modelarts_tests::documents::{self, Document, Sample};
use modelarts_tests::json::{differences, variations};
use modelarts_tests::snapshots::Snapshots;
use modelarts_tests::values::{complete, extended};
use serde_json::{Value, json};

/// Decodes a value and encodes it again.
fn round_trip(document: &Document, schema: &str, value: &Value) -> Result<Value, String> {
    (document.round_trip)(schema, value.clone())
        .ok_or_else(|| format!("{schema} has no Rust type"))?
        .map_err(|error| error.to_string())
}

/// Returns the problems of a sample, and the sample as encoded by its Rust type.
fn check(document: &Document, sample: &Sample) -> (Vec<String>, Value) {
    let validator = document.strict_validator(&sample.schema);
    let mut problems: Vec<_> = validator
        .iter_errors(&sample.value)
        .map(|error| format!("invalid: {}: {error}", error.instance_path()))
        .collect();
    let back = match round_trip(document, &sample.schema, &sample.value) {
        Ok(back) => back,
        Err(error) => {
            problems.push(format!("does not decode: {error}"));
            return (problems, Value::Null);
        }
    };
    problems.extend(differences(&sample.value, &back));
    (problems, back)
}

#[test]
fn every_sample_survives_its_rust_type() {
    let mut snapshots = Snapshots::in_folder("samples");
    let mut problems = BTreeMap::new();
    for document in documents::all() {
        for sample in document.samples() {
            let (found, mut back) = check(&document, &sample);
            if !found.is_empty() {
                problems.insert(sample.id.clone(), found);
            }
            document.redact(&sample.schema, &mut back);
            snapshots.assert(&sample.id, &format!("{back:#}"));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    snapshots.finish();
}

#[test]
fn a_sample_that_does_not_survive_is_reported_by_path() {
    let document = documents::devenviron();
    let sample = |value| Sample {
        id: "bad".to_owned(),
        schema: "Lease".to_owned(),
        origin: "composed".to_owned(),
        sources: Vec::new(),
        value,
    };
    let (problems, _) = check(&document, &sample(json!({"enable": true, "colour": "red"})));
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("invalid: "), "{problems:?}");
    assert!(problems[0].contains("'colour'"), "{problems:?}");
    assert_eq!(problems[1], "lost: $.colour");
    let (problems, _) = check(&document, &sample(json!({"enable": "yes"})));
    assert!(
        problems[0].starts_with("invalid: /enable: "),
        "{problems:?}"
    );
    assert!(problems[1].starts_with("does not decode: "), "{problems:?}");
}

/// The list of samples must cover every example of the documents.
#[test]
fn every_sample_is_tested() {
    fn count(value: &Value) -> usize {
        match value {
            Value::Object(object) if object.contains_key("x-sample") => 1,
            Value::Object(object) => object.values().map(count).sum(),
            Value::Array(items) => items.iter().map(count).sum(),
            _ => 0,
        }
    }
    for document in documents::all() {
        let samples = document.samples();
        assert_eq!(
            samples.len(),
            count(document.document.value()),
            "{}",
            document.name
        );
        for sample in samples {
            let known = ["documented", "composed"].contains(&sample.origin.as_str());
            assert!(known, "{}: x-sample is `{}`", sample.id, sample.origin);
        }
    }
}

/// The pages whose samples may be copied into a document.
const SEED_PAGES: [&str; 5] = [
    "StartNotebook",
    "modelarts_03_0110",
    "modelarts_03_0113",
    "modelarts_03_0115",
    "modelarts_03_0152",
];

#[test]
fn every_documented_sample_is_of_one_seed_page_and_every_seed_page_has_one() {
    let mut pages = BTreeSet::new();
    for document in documents::all() {
        for sample in document.samples() {
            if sample.origin != "documented" {
                continue;
            }
            let [source] = sample.sources.as_slice() else {
                panic!("{} has one source: {:?}", sample.id, sample.sources);
            };
            let page = source.split([' ', '@']).next().unwrap().to_owned();
            assert!(SEED_PAGES.contains(&page.as_str()), "{}: {page}", sample.id);
            pages.insert(page);
        }
    }
    assert!(pages.iter().eq(SEED_PAGES), "{pages:?}");
}

#[test]
fn every_property_and_unknown_values_survive() {
    let mut problems = BTreeMap::new();
    for document in documents::all() {
        for (schema, _) in document.document.schemas() {
            for choose in [first, unknown] {
                let value = complete(&document, schema, &choose);
                let found = match round_trip(&document, schema, &value) {
                    Ok(back) => differences(&value, &back),
                    Err(error) => vec![format!("does not decode: {error}")],
                };
                if !found.is_empty() {
                    problems.insert(format!("{} {schema}", document.name), found);
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn missing_null_and_extra_fields_do_not_fail_a_response() {
    let mut problems = Vec::new();
    for document in documents::all() {
        for schema in document.response_schemas() {
            let value = complete(&document, &schema, &first);
            let mut variants = vec![("with extra fields".to_owned(), extended(&value))];
            let named = |what: &str, (at, value): (String, Value)| (format!("{what} {at}"), value);
            variants.extend(
                variations(&value, |_| None)
                    .into_iter()
                    .map(|it| named("without", it)),
            );
            let nulls = variations(&value, |_| Some(Value::Null)).into_iter();
            // Maps have no fixed fields.
            let nulls = nulls.filter(|(at, _)| !at.ends_with("/key"));
            variants.extend(nulls.map(|it| named("null at", it)));
            if value.is_object() {
                variants.push(("empty".to_owned(), json!({})));
            }
            for (variant, value) in variants {
                if let Err(error) = round_trip(&document, &schema, &value) {
                    problems.push(format!("{} {schema} {variant}: {error}", document.name));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn responses_have_only_open_enumerations() {
    for document in documents::all() {
        for schema in document.response_schemas() {
            let text = document.schema(&schema).value().to_string();
            assert!(!text.contains("\"enum\":"), "{} {schema}", document.name);
        }
    }
}

#[test]
fn the_text_of_an_unknown_value_can_be_read() {
    let response = json!({
        "status": "HIBERNATING",
        "feature": null,
        "billing_items": ["STORAGE", "ENERGY"],
        "added_later": {"any": ["thing"]},
    });
    let notebook: types::Notebook = serde_json::from_value(response).unwrap();
    let status = notebook.status.unwrap();
    assert!(matches!(&*status, enums::NotebookStatus::Unknown(text) if text == "HIBERNATING"));
    assert_eq!(status.as_str(), "HIBERNATING");
    let items = notebook.billing_items.unwrap();
    assert_eq!(items[0], enums::BillingItem::Storage);
    assert_eq!(items[1].to_string(), "ENERGY");
}

fn first(values: &[Value]) -> Value {
    values[0].clone()
}

fn unknown(values: &[Value]) -> Value {
    if values[0].is_number() {
        json!(4711)
    } else {
        json!("NEVER_HEARD_OF")
    }
}
