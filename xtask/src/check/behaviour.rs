//! Rules for `x-rules`: what holds over time or between fields, which no schema can say.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::Rule;
use super::parts;
use crate::document::{Document, text, walk};
use crate::problem::{Problem, push};
use crate::source::Source;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "rule-form",
        why: "a rule is one sentence with an id, a source, and a reason where the emulator does not follow it",
        run: rule_form,
    },
    Rule {
        name: "rule-place",
        why: "beside a reference a rule is lost; operations, parameters, schemas and their properties have rules",
        run: rule_place,
    },
];

/// Places whose tests may name a rule.
const TESTS: [&str; 2] = ["crates/modelarts-emulator/tests", "tests/tests"];

/// Every rule, with the pointer to it.
fn entries(document: &Document) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        let rules = value.get("x-rules").and_then(Value::as_array);
        for (index, rule) in rules.into_iter().flatten().enumerate() {
            let pointer = push(&push(pointer, "x-rules"), &index.to_string());
            found.push((pointer, rule));
        }
    });
    found
}

fn rule_form(document: &Document) -> Vec<Problem> {
    let mut known = HashSet::new();
    let mut found = Vec::new();
    for (pointer, rule) in entries(document) {
        let id = text(rule, "id");
        let is_id = |id: &str| {
            let parts = id.split('-');
            id.contains('-')
                && parts.clone().all(|part| {
                    !part.is_empty()
                        && part
                            .bytes()
                            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
                })
        };
        let sentence = text(rule, "text");
        let begins = sentence.starts_with(|letter: char| letter.is_uppercase() || letter == '`');
        let keys = rule
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str());
        let unknown = keys
            .into_iter()
            .find(|key| !["id", "text", "source", "emulated", "why"].contains(key));
        let emulated = rule.get("emulated");
        let excused = emulated == Some(&Value::Bool(false)) && !text(rule, "why").is_empty();
        let message = if !is_id(id) {
            format!("`{id}` is no id: lower-case words joined by hyphens")
        } else if !known.insert(id) {
            format!("`{id}` is the id of another rule")
        } else if !begins || !sentence.ends_with('.') {
            "`text` is not one sentence, from a capital to a full stop".to_owned()
        } else if Source::parse(text(rule, "source")).is_none() {
            "`source` is no page, table, sample, `sample` or `observed`".to_owned()
        } else if let Some(key) = unknown {
            format!("`{key}` is nothing that a rule has")
        } else if (emulated.is_some() || rule.get("why").is_some()) && !excused {
            "a rule that is not emulated has `emulated: false` and `why`; another has neither"
                .to_owned()
        } else {
            continue;
        };
        found.push(document.problem(pointer, "rule-form", message));
    }
    found
}

fn rule_place(document: &Document) -> Vec<Problem> {
    let operations = document.operations().map(|operation| operation.pointer());
    let parameters = parts::parameters(document)
        .into_iter()
        .map(|part| part.pointer);
    let components = parts::components(document).map(|(_, part)| part.pointer);
    let properties = parts::properties(document)
        .into_iter()
        .filter(|property| property.value.get("$ref").is_none())
        .map(|property| property.pointer);
    let places: HashSet<String> = operations
        .chain(parameters)
        .chain(components)
        .chain(properties)
        .collect();
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        if value.get("x-rules").is_some() && !places.contains(pointer) {
            let message = "stands where no rule is read; put it on the operation or the schema";
            found.push(document.problem(push(pointer, "x-rules"), "rule-place", message));
        }
    });
    found
}

/// Rules of emulated operations that no test of the emulator names.
pub(super) fn untested(root: &Path, documents: &[Document]) -> Result<Vec<Problem>> {
    let mut tests = String::new();
    for folder in TESTS {
        read(&root.join(folder), &mut tests)?;
    }
    Ok(documents
        .iter()
        .flat_map(|document| unnamed(document, &tests))
        .collect())
}

fn unnamed(document: &Document, tests: &str) -> Vec<Problem> {
    entries(document)
        .into_iter()
        .filter(|(_, rule)| rule.get("emulated").is_none())
        .filter(|(_, rule)| !tests.contains(&format!("{:?}", text(rule, "id"))))
        .map(|(pointer, rule)| {
            let message = format!(
                "no test of the emulator names `{}`; write one, or say why it is not emulated",
                text(rule, "id")
            );
            document.problem(pointer, "rule-tested", message)
        })
        .collect()
}

fn read(folder: &Path, into: &mut String) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_named_by_a_test_or_says_why_not() {
        let document = Document::parse(
            "t",
            "openapi/t.yaml",
            "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    get:
      operationId: showA
      x-rules:
        - {id: a-one, text: One., source: observed}
        - {id: a-two, text: Two., source: observed, emulated: false, why: So.}
        - {id: a-three, text: Three., source: observed}
      responses: {'200': {description: ok}}
",
        )
        .unwrap();
        let found = unnamed(&document, r#"rules(&["a-one", "a-three-more"]);"#);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].pointer.ends_with("/get/x-rules/2"), "{found:?}");
        assert!(found[0].message.contains("`a-three`"), "{found:?}");
    }
}
