//! Rules for provenance.

use serde_json::Value;

use super::Rule;
use super::parts;
use crate::document::Document;
use crate::problem::{Problem, push};
use crate::source::{Source, entries};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "source-operation",
        why: "the pages of an operation are where a reader checks it",
        run: source_operation,
    },
    Rule {
        name: "source-schema",
        why: "the tables of a schema are where a reader, and `cargo xtask verify`, compare it",
        run: source_schema,
    },
    Rule {
        name: "source-property",
        why: "a property that no table has must say where it was seen",
        run: source_property,
    },
    Rule {
        name: "source-example",
        why: "a documented example names its sample; one that we made has none",
        run: source_example,
    },
];

/// The first entry of a list that does not fit, or the lack of entries.
fn fault(value: &Value, expected: &str, fits: impl Fn(Source<'_>) -> bool) -> Option<String> {
    let entries = entries(value);
    if entries.is_empty() {
        return Some(format!("has no x-source: {expected}"));
    }
    let wrong = entries
        .iter()
        .find(|entry| !Source::parse(entry).is_some_and(&fits))?;
    Some(format!("`{wrong}` is no source for this place: {expected}"))
}

fn source_operation(document: &Document) -> Vec<Problem> {
    let fits =
        |source: Source<'_>| matches!(source, Source::Page(_) | Source::Practice | Source::Sdk);
    document
        .operations()
        .filter_map(|operation| {
            let message = fault(operation.value, "names of pages, `observed` or `sdk`", fits)?;
            let pointer = push(&operation.pointer(), "x-source");
            Some(document.problem(pointer, "source-operation", message))
        })
        .collect()
}

fn source_schema(document: &Document) -> Vec<Problem> {
    let fits = |source: Source<'_>| !matches!(source, Source::Page(_)) || source.is_calling_page();
    let expected = "`PAGE T<table>`, `PAGE S<sample>`, `sample`, `observed`, `sdk` or a page on calling the service";
    parts::components(document)
        .filter_map(|(_, part)| {
            let message = fault(part.value, expected, fits)?;
            Some(document.problem(push(&part.pointer, "x-source"), "source-schema", message))
        })
        .collect()
}

fn source_property(document: &Document) -> Vec<Problem> {
    let fits =
        |source: Source<'_>| matches!(source, Source::Sample | Source::Practice | Source::Sdk);
    parts::properties(document)
        .into_iter()
        .filter(|property| property.value.get("x-source").is_some())
        .filter_map(|property| {
            let message = fault(property.value, "`sample`, `observed` or `sdk`", fits)?;
            let pointer = push(&property.pointer, "x-source");
            Some(document.problem(pointer, "source-property", message))
        })
        .collect()
}

fn source_example(document: &Document) -> Vec<Problem> {
    let fits = |source: Source<'_>| matches!(source, Source::SampleOf { .. });
    parts::all_examples(document)
        .into_iter()
        .filter_map(|example| {
            let documented = example.value.get("x-sample")? == "documented";
            let message = if documented {
                fault(example.value, "`PAGE S<sample>`", fits)?
            } else {
                example.value.get("x-source")?;
                "an example of our own has no x-source".to_owned()
            };
            let pointer = push(&example.pointer, "x-source");
            Some(document.problem(pointer, "source-example", message))
        })
        .collect()
}
