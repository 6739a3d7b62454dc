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
        why: "readers check an operation against its pages",
        run: source_operation,
    },
    Rule {
        name: "source-schema",
        why: "readers and `cargo xtask verify` compare a schema with its tables",
        run: source_schema,
    },
    Rule {
        name: "source-property",
        why: "a property that is in no table must say where it was seen",
        run: source_property,
    },
    Rule {
        name: "source-example",
        why: "a documented example must name its sample; a composed one has none",
        run: source_example,
    },
];

/// A message if there are no entries or one is invalid here.
fn fault(value: &Value, expected: &str, fits: impl Fn(Source<'_>) -> bool) -> Option<String> {
    let entries = entries(value);
    if entries.is_empty() {
        return Some(format!("has no `x-source`; expected: {expected}"));
    }
    let wrong = entries
        .iter()
        .find(|entry| !Source::parse(entry).is_some_and(&fits))?;
    Some(format!(
        "`{wrong}` is not a valid source here; expected: {expected}"
    ))
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
                "a composed example must not have `x-source`".to_owned()
            };
            let pointer = push(&example.pointer, "x-source");
            Some(document.problem(pointer, "source-example", message))
        })
        .collect()
}
