//! `cargo xtask check`: are the documents what we promise?

mod behaviour;
mod enums;
mod examples;
mod forms;
mod names;
mod operations;
pub mod parts;
mod rule;
mod schemas;
mod sources;
mod texts;
mod words;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::catalogue::Catalogue;
use crate::document::Document;
use crate::errata::Errata;
use crate::problem::{Problem, push};
use crate::workspace;
use rule::Rule;

/// The rules for a document that is whole.
const RULES: [&[Rule]; 10] = [
    operations::RULES,
    schemas::RULES,
    names::RULES,
    enums::RULES,
    texts::RULES,
    sources::RULES,
    examples::RULES,
    forms::RULES,
    words::RULES,
    behaviour::RULES,
];

/// What is looked at elsewhere: before a document is whole, and in the files beside it.
const OTHERS: [(&str, &str); 14] = [
    ("rule-tested", "a rule that no test holds is only prose"),
    (
        "yaml",
        "text that is no YAML, or repeats a key, says nothing certain",
    ),
    ("reference", "a reference to nowhere breaks every reader"),
    ("operation-id", "two operations of one id become one method"),
    ("openapi", "every tool expects the structure of OpenAPI 3.0"),
    (
        "catalogue-order",
        "ascending codes, each once, can be read and searched",
    ),
    ("catalogue-code", "codes have the form of the service"),
    (
        "catalogue-status",
        "a code stands under error statuses only",
    ),
    ("catalogue-class", "clients decide by the class of an error"),
    ("catalogue-text", "meaning and remedy are what users see"),
    ("errata-columns", "each row says what, how and why"),
    ("errata-id", "rows are referred to by their id"),
    (
        "errata-span",
        "`cargo xtask verify` and `cargo xtask drift` read the last column",
    ),
    (
        "feature",
        "a document is a cargo feature of the client, of the same name",
    ),
];

/// Reads all documents; all their problems if there are any.
pub fn documents(root: &Path) -> Result<Result<Vec<Document>, Vec<Problem>>> {
    let mut documents = Vec::new();
    let mut problems = Vec::new();
    for family in workspace::families(root)? {
        match Document::read(root, &family.name)? {
            Ok(document) => {
                problems.extend(broken_rules(&document));
                documents.push(document);
            }
            Err(found) => problems.extend(found),
        }
    }
    problems.extend(behaviour::untested(root, &documents)?);
    problems.extend(Catalogue::read(root)?.problems());
    problems.extend(Errata::read(root)?.problems());
    problems.extend(operations::shared_ids(&documents));
    problems.extend(features(root)?);
    Ok(if problems.is_empty() {
        Ok(documents)
    } else {
        Err(problems)
    })
}

fn rules() -> impl Iterator<Item = &'static Rule> {
    RULES.into_iter().flatten()
}

/// Everything in which a document breaks the rules.
pub(crate) fn broken_rules(document: &Document) -> Vec<Problem> {
    rules().flat_map(|rule| (rule.run)(document)).collect()
}

/// Where the cargo features of the client are not the list of documents.
fn features(root: &Path) -> Result<Vec<Problem>> {
    let names: Vec<_> = workspace::families(root)?
        .into_iter()
        .map(|family| family.name)
        .collect();
    let text =
        fs::read_to_string(root.join(MANIFEST)).with_context(|| format!("reading {MANIFEST}"))?;
    let manifest: toml::Table = text.parse().with_context(|| format!("in {MANIFEST}"))?;
    Ok(features_of(&names, &manifest))
}

const MANIFEST: &str = "crates/modelarts-client/Cargo.toml";

fn features_of(names: &[String], manifest: &toml::Table) -> Vec<Problem> {
    let problem = |name: &str, message: String| Problem {
        file: MANIFEST.to_owned(),
        pointer: push("/features", name),
        rule: "feature",
        message,
    };
    let features = manifest.get("features").and_then(toml::Value::as_table);
    let default = features.and_then(|features| features.get("default")?.as_array());
    let default: Vec<_> = default
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    let is_known = |name: &str| features.is_some_and(|features| features.contains_key(name));
    let mut found = Vec::new();
    for name in names {
        if !is_known(name) {
            found.push(problem(
                name,
                format!("the document `{name}` needs a feature of its name: `{name} = []`"),
            ));
        }
        if !default.contains(&name.as_str()) {
            found.push(problem(
                "default",
                format!(
                    "the document `{name}` is not among the default features: add `\"{name}\"`"
                ),
            ));
        }
    }
    let others = default
        .iter()
        .filter(|name| !names.iter().any(|known| known == *name));
    found.extend(others.map(|name| {
        problem(
            "default",
            format!("`{name}` is no document of openapi/documents.toml: take it out"),
        )
    }));
    found
}

/// Prints the names of all rules and their reasons.
pub fn print_rules() {
    let rules = rules().map(|rule| (rule.name, rule.why));
    for (name, why) in rules.chain(OTHERS) {
        println!("{name:<22}{why}");
    }
}

/// Prints every problem; false when there is one.
pub fn run() -> Result<bool> {
    let root = workspace::root();
    match documents(&root)? {
        Ok(documents) => {
            let count = rules().count() + OTHERS.len();
            println!("{} documents keep {count} rules", documents.len());
            Ok(true)
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("{problem}");
            }
            Ok(false)
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
