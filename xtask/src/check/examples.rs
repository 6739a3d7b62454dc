//! Rules for examples.

use modelarts_document::to_json_schema;

use super::Rule;
use super::parts;
use crate::document::{Document, text};
use crate::problem::{Problem, push};
use crate::strict::Strict;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "example-present",
        why: "readers look for an example of every body first",
        run: example_present,
    },
    Rule {
        name: "example-form",
        why: "tests use x-sample, readers the summary",
        run: example_form,
    },
    Rule {
        name: "example-fits",
        why: "if an example does not match its schema, one of them is wrong",
        run: example_fits,
    },
    Rule {
        name: "parameter-example",
        why: "tools send the examples of parameters unchanged",
        run: parameter_example,
    },
];

fn example_present(document: &Document) -> Vec<Problem> {
    parts::bodies(document)
        .into_iter()
        .filter(|(_, body)| parts::examples(body).next().is_none())
        .map(|(_, body)| {
            let message = "has no named example under `examples`";
            document.problem(body.pointer, "example-present", message)
        })
        .collect()
}

fn example_form(document: &Document) -> Vec<Problem> {
    parts::all_examples(document)
        .into_iter()
        .filter_map(|example| {
            let message = if text(example.value, "summary").trim().is_empty() {
                "has no summary"
            } else if example.value.get("value").is_none() {
                "has no value"
            } else if !["documented", "composed"].contains(&text(example.value, "x-sample")) {
                "`x-sample` must be `documented` or `composed`"
            } else {
                return None;
            };
            Some(document.problem(example.pointer, "example-form", message))
        })
        .collect()
}

fn example_fits(document: &Document) -> Vec<Problem> {
    let strict = match Strict::new(document) {
        Ok(strict) => strict,
        Err(error) => {
            let pointer = "/components/schemas";
            return vec![document.problem(pointer, "example-fits", format!("{error:#}"))];
        }
    };
    let mut found = Vec::new();
    for (_, body) in parts::bodies(document) {
        let Some(name) = body.value.get("schema").and_then(parts::target) else {
            continue;
        };
        for example in parts::examples(&body) {
            let Some(value) = example.value.get("value") else {
                continue;
            };
            for fault in strict.faults(name, value) {
                let pointer = format!("{}/value{}", example.pointer, fault.path);
                let message = format!("does not match the schema {name}: {}", fault.message);
                found.push(document.problem(pointer, "example-fits", message));
            }
        }
    }
    found
}

fn parameter_example(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for parameter in parts::parameters(document) {
        let (Some(example), Some(schema)) = (
            parameter.value.get("example"),
            parameter.value.get("schema"),
        ) else {
            continue;
        };
        let converted = to_json_schema(document.resolve(schema));
        let message = match jsonschema::validator_for(&converted) {
            Ok(validator) => match validator.validate(example) {
                Ok(()) => continue,
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        let pointer = push(&parameter.pointer, "example");
        found.push(document.problem(pointer, "parameter-example", message));
    }
    found
}
