//! `cargo xtask check`: checks the documents against the rules.

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

/// The rules for a document that parses and whose references resolve.
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

/// Rules that are checked elsewhere: while a document is parsed, and in the files beside it.
const OTHERS: [(&str, &str); 15] = [
    (
        "rule-tested",
        "a rule that no emulator test covers may not be true",
    ),
    (
        "yaml",
        "invalid YAML and repeated keys make a document ambiguous",
    ),
    (
        "reference",
        "every tool fails on a reference that does not resolve",
    ),
    (
        "operation-id",
        "generators make one method of two operations with the same id",
    ),
    (
        "operation-path",
        "the emulator serves all documents with one router, so no two operations may have the same route",
    ),
    ("openapi", "tools expect the structure of OpenAPI 3.0"),
    (
        "catalogue-order",
        "a sorted list without duplicates can be read and searched",
    ),
    (
        "catalogue-code",
        "codes must have the form that the service uses",
    ),
    (
        "catalogue-status",
        "only error responses carry an error code",
    ),
    (
        "catalogue-class",
        "clients decide by the class of an error what to do",
    ),
    ("catalogue-text", "users read the meaning and the remedy"),
    (
        "errata-columns",
        "each row says what differs, what the document does, and why",
    ),
    ("errata-id", "other texts refer to rows by id"),
    (
        "errata-span",
        "`cargo xtask verify` and `cargo xtask drift` read the last column",
    ),
    (
        "feature",
        "each document has a cargo feature of its name in client and facade",
    ),
];

/// Reads all documents; returns all problems instead if there are any.
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

/// Returns every violation of the rules in a document.
pub(crate) fn broken_rules(document: &Document) -> Vec<Problem> {
    rules().flat_map(|rule| (rule.run)(document)).collect()
}

/// Returns where the cargo features of client and facade differ from the list of documents.
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

/// What a feature of a manifest turns on, if the manifest has the feature.
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

/// The client must have a feature for each family, and all of them must be default features.
fn features_of_client(names: &[String], manifest: &toml::Table) -> Vec<Problem> {
    let problem = |name: &str, message| feature_problem(CLIENT, name, message);
    let default = feature(manifest, "default").unwrap_or_default();
    let mut found = Vec::new();
    for name in names {
        if feature(manifest, name).is_none() {
            found.push(problem(
                name,
                format!("the document `{name}` has no feature; add `{name} = []`"),
            ));
        }
        if !default.contains(&name.as_str()) {
            found.push(problem(
                "default",
                format!("the document `{name}` is not a default feature; add `\"{name}\"`"),
            ));
        }
    }
    let others = default
        .iter()
        .filter(|name| !names.iter().any(|known| known == *name));
    found.extend(others.map(|name| {
        problem(
            "default",
            format!("`{name}` is not in openapi/documents.toml; remove it"),
        )
    }));
    found
}

/// The facade must have a feature for each family; its users choose which to enable.
fn features_of_facade(names: &[String], manifest: &toml::Table) -> Vec<Problem> {
    let missing = names.iter().filter(|name| {
        let forwarded = format!("modelarts-client/{name}");
        feature(manifest, name).is_none_or(|others| !others.contains(&forwarded.as_str()))
    });
    let missing = missing.map(|name| {
        let message = format!(
            "the document `{name}` has no feature; add `{name} = [\"modelarts-client/{name}\"]`"
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

/// Prints every problem. Returns false if there is one.
pub fn run() -> Result<bool> {
    let root = workspace::root();
    match documents(&root)? {
        Ok(documents) => {
            let count = rules().count() + OTHERS.len();
            println!("{} documents follow all {count} rules", documents.len());
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
