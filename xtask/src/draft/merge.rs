//! A draft into a curated document: lines are added, none is changed.

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use crate::document::Document;
use crate::problem::push;

/// The text with what it lacks, and a report of what was added and what differs.
pub(super) fn merge(
    text: &str,
    curated: &Document,
    draft: &Document,
) -> Result<(String, Vec<String>)> {
    let mut report = Vec::new();
    let mut paths = Map::new();
    let mut wanted: Vec<String> = Vec::new();
    for operation in draft.operations() {
        let known = curated.value().pointer(&push("/paths", operation.path));
        let has = known.is_some_and(|item| item.get(operation.method).is_some());
        if has {
            continue;
        }
        if known.is_some() {
            report.push(format!(
                "{} {} is not added: write it below its path, which the document has",
                operation.method, operation.path
            ));
            continue;
        }
        report.push(format!("added {} {}", operation.method, operation.path));
        let item = paths
            .entry(operation.path.to_owned())
            .or_insert_with(|| Value::Object(Map::new()));
        item[operation.method] = operation.value.clone();
        wanted.extend(needed(curated, draft, operation.value));
    }
    let mut schemas = Map::new();
    wanted.sort();
    wanted.dedup();
    for name in wanted {
        if curated.schema(&name).is_some() {
            continue;
        }
        if let Some(schema) = draft.value().pointer(&push("/components/schemas", &name)) {
            report.push(format!("added the schema {name}"));
            schemas.insert(name, schema.clone());
        }
    }
    for (name, schema) in draft.schemas() {
        let Some(known) = curated.schema(name) else {
            continue;
        };
        for (property, _) in schema
            .properties()
            .filter(|(property, _)| known.property(property).is_none())
        {
            report.push(format!(
                "{name} has no `{property}`, which the sources have; add it by hand"
            ));
        }
    }
    let responses = missing_responses(curated, draft, &paths);
    let mut merged = insert(text, &["paths"], &paths)?;
    merged = insert(&merged, &["components", "responses"], &responses)?;
    merged = insert(&merged, &["components", "schemas"], &schemas)?;
    ensure!(is_kept(text, &merged), "a curated line would change");
    Ok((merged, report))
}

/// The schemas that an operation leads to, except through shared responses that the document has.
fn needed(curated: &Document, draft: &Document, operation: &Value) -> Vec<String> {
    let responses = operation.get("responses").and_then(Value::as_object);
    let responses = responses
        .into_iter()
        .flatten()
        .map(|(_, response)| response);
    let is_known = |response: &&Value| {
        let target = response.get("$ref").and_then(Value::as_str);
        target.is_some_and(|target| {
            curated
                .value()
                .pointer(target.trim_start_matches('#'))
                .is_some()
        })
    };
    let parts = ["parameters", "requestBody"];
    parts
        .into_iter()
        .filter_map(|part| operation.get(part))
        .chain(responses.filter(|response| !is_known(response)))
        .flat_map(|part| schemas_of(draft, part))
        .collect()
}

fn schemas_of(draft: &Document, part: &Value) -> Vec<String> {
    draft
        .reachable(part)
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// The shared responses that added operations refer to and the document lacks.
fn missing_responses(
    curated: &Document,
    draft: &Document,
    paths: &Map<String, Value>,
) -> Map<String, Value> {
    let text = Value::Object(paths.clone()).to_string();
    draft
        .components("responses")
        .filter(|(name, _)| text.contains(&format!("#/components/responses/{name}\"")))
        .filter(|(name, _)| {
            curated
                .components("responses")
                .all(|(known, _)| known != *name)
        })
        .map(|(name, response)| (name.to_owned(), response.clone()))
        .collect()
}

/// Every line of the old text stands in the new one, in its order.
fn is_kept(old: &str, new: &str) -> bool {
    let mut lines = new.lines();
    old.lines().all(|line| lines.any(|other| other == line))
}

/// Puts members at the end of a mapping of the text.
fn insert(text: &str, path: &[&str], members: &Map<String, Value>) -> Result<String> {
    if members.is_empty() {
        return Ok(text.to_owned());
    }
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_content = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let (mut start, mut depth) = (0, 0);
    for (level, key) in path.iter().enumerate() {
        let head = format!("{key}:");
        let found = (start..lines.len()).find(|index| {
            let line = lines[*index];
            is_content(line)
                && line.trim_start().starts_with(&head)
                && (level > 0 || indent(line) == 0)
        });
        let found = found.with_context(|| format!("the document has no `{}`", path.join(".")))?;
        depth = indent(lines[found]);
        start = found + 1;
    }
    let end = (start..lines.len())
        .find(|index| is_content(lines[*index]) && indent(lines[*index]) <= depth)
        .unwrap_or(lines.len());
    let yaml = super::yaml(&Value::Object(members.clone()))?;
    let prefix = " ".repeat(depth + 2);
    let added = yaml.lines().map(|line| match line.is_empty() {
        true => String::new(),
        false => format!("{prefix}{line}"),
    });
    let before = lines[..end].iter().map(|line| (*line).to_owned());
    let after = lines[end..].iter().map(|line| (*line).to_owned());
    let all: Vec<String> = before.chain(added).chain(after).collect();
    Ok(all.join("\n") + "\n")
}
