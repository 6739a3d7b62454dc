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

pub(crate) use texts::SECRETS;

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
const OTHERS: [(&str, &str); 15] = [
    ("rule-tested", "a rule that no test holds is only prose"),
    (
        "yaml",
        "text that is no YAML, or repeats a key, says nothing certain",
    ),
    ("reference", "a reference to nowhere breaks every reader"),
    ("operation-id", "two operations of one id become one method"),
    (
        "operation-path",
        "the emulator serves all documents with one router, which leads each request to one operation",
    ),
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
        "a document is a cargo feature of client and facade, of the same name",
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
    problems.extend(operations::shared_paths(&documents));
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

/// Where the cargo features of client and facade are not the list of documents.
fn features(root: &Path) -> Result<Vec<Problem>> {
    let names: Vec<_> = workspace::families(root)?
        .into_iter()
        .map(|family| family.name)
        .collect();
    let manifest = |path: &str| -> Result<toml::Table> {
        let text =
            fs::read_to_string(root.join(path)).with_context(|| format!("reading {path}"))?;
        text.parse().with_context(|| format!("in {path}"))
    };
    let mut found = features_of_client(&names, &manifest(CLIENT)?);
    found.extend(features_of_facade(&names, &manifest(FACADE)?));
    Ok(found)
}

const CLIENT: &str = "crates/modelarts-client/Cargo.toml";
const FACADE: &str = "crates/modelarts/Cargo.toml";

/// A feature of a manifest, if it has it: what it turns on.
fn feature<'a>(manifest: &'a toml::Table, name: &str) -> Option<Vec<&'a str>> {
    let others = manifest.get("features")?.get(name)?.as_array()?;
    Some(others.iter().filter_map(toml::Value::as_str).collect())
}

fn feature_problem(file: &str, name: &str, message: String) -> Problem {
    Problem {
        file: file.to_owned(),
        pointer: push("/features", name),
        rule: "feature",
        message,
    }
}

/// The client has all families unless it is told otherwise.
fn features_of_client(names: &[String], manifest: &toml::Table) -> Vec<Problem> {
    let problem = |name: &str, message| feature_problem(CLIENT, name, message);
    let default = feature(manifest, "default").unwrap_or_default();
    let mut found = Vec::new();
    for name in names {
        if feature(manifest, name).is_none() {
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

/// The facade has a module for each family, and which of them are there is for its users to choose.
fn features_of_facade(names: &[String], manifest: &toml::Table) -> Vec<Problem> {
    let missing = names.iter().filter(|name| {
        let forwarded = format!("modelarts-client/{name}");
        feature(manifest, name).is_none_or(|others| !others.contains(&forwarded.as_str()))
    });
    let missing = missing.map(|name| {
        let message = format!(
            "the document `{name}` needs a feature of its name: `{name} = [\"modelarts-client/{name}\"]`"
        );
        feature_problem(FACADE, name, message)
    });
    missing.collect()
}

/// The names of all rules about documents.
#[cfg(test)]
pub(crate) fn rule_names() -> impl Iterator<Item = &'static str> {
    rules().map(|rule| rule.name)
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
