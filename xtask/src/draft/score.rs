//! Measures how many facts of a curated document a draft reproduces.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use modelarts_document::{Location, Schema};
use serde_json::Value;

use crate::document::Document;
use crate::prose;
use crate::source::{Source, sources};
use crate::verify::page::{Page, Role};
use crate::verify::shape::Shape;

/// The number of facts in the curated document, and of those that the draft reproduces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Score {
    counts: BTreeMap<&'static str, (usize, usize)>,
    /// The facts that differ.
    pub(super) misses: Vec<String>,
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, (hits, all)) in &self.counts {
            let percent = *hits * 1000 / (*all).max(1);
            writeln!(
                f,
                "{what:<12}{hits:>6} of {all:>5}   {}.{} %",
                percent / 10,
                percent % 10
            )?;
        }
        Ok(())
    }
}

impl Score {
    fn count(
        &mut self,
        what: &'static str,
        at: &str,
        own: impl fmt::Debug + PartialEq,
        draft: impl fmt::Debug,
        hit: bool,
    ) {
        let (hits, all) = self.counts.entry(what).or_default();
        *all += 1;
        *hits += usize::from(hit);
        if !hit {
            self.misses
                .push(format!("{at}: {what}: curated {own:?}, draft {draft:?}"));
        }
    }

    /// Reproduced facts and all facts of one kind.
    #[cfg(test)]
    pub(super) fn of(&self, what: &str) -> (usize, usize) {
        self.counts.get(what).copied().unwrap_or_default()
    }

    fn field(
        &mut self,
        at: &str,
        is_request: bool,
        own: (&Document, Schema<'_>, bool),
        draft: Option<(&Document, Schema<'_>, bool)>,
    ) {
        let (own_document, own, own_required) = own;
        let kind =
            |document: &Document, schema: Schema<'_>| Shape::of_schema(document, schema.value());
        let listed = kind(own_document, own);
        let found = draft.and_then(|(document, schema, _)| kind(document, schema));
        self.count("types", at, &listed, &found, listed == found);
        if is_request {
            let found = draft.map(|(_, _, required)| required);
            self.count(
                "required",
                at,
                own_required,
                found,
                found == Some(own_required),
            );
        }
        let (listed, found) = (
            values(own),
            draft
                .map(|(_, schema, _)| values(schema))
                .unwrap_or_default(),
        );
        for value in &listed {
            self.count("values", at, value, &found, found.contains(value));
        }
        for value in found.difference(&all_values(own)) {
            self.count("values", at, "", value, false);
        }
        if !is_request {
            return;
        }
        let (listed, found) = (
            limits(own),
            draft
                .map(|(_, schema, _)| limits(schema))
                .unwrap_or_default(),
        );
        for (keyword, limit) in &listed {
            self.count(
                "limits",
                at,
                (keyword, limit),
                found.get(keyword),
                found.get(keyword) == Some(limit),
            );
        }
    }
}

fn texts(schema: Schema<'_>, key: &str) -> BTreeSet<String> {
    let schema = schema.items().unwrap_or(schema);
    let list = schema.value().get(key).and_then(Value::as_array);
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
            .to_lowercase()
    };
    list.into_iter().flatten().map(text).collect()
}

fn all_values(schema: Schema<'_>) -> BTreeSet<String> {
    let mut values = texts(schema, "x-extensible-enum");
    values.extend(texts(schema, "enum"));
    values
}

/// The values in tables, without observed ones.
fn values(schema: Schema<'_>) -> BTreeSet<String> {
    let observed = texts(schema, "x-observed");
    all_values(schema).difference(&observed).cloned().collect()
}

fn limits(schema: Schema<'_>) -> BTreeMap<&'static str, String> {
    let mut found = BTreeMap::new();
    let entries = schema.items().unwrap_or(schema).limits();
    let mut add = |keyword, limit: Option<String>| {
        found.extend(limit.map(|limit| (keyword, limit)));
    };
    add(
        "minLength",
        entries.min_length.map(|limit| limit.to_string()),
    );
    add(
        "maxLength",
        entries.max_length.map(|limit| limit.to_string()),
    );
    add("minimum", entries.minimum.map(ToString::to_string));
    add("maximum", entries.maximum.map(ToString::to_string));
    add(
        "maxItems",
        schema.limits().max_items.map(|limit| limit.to_string()),
    );
    let length = entries.min_length.unwrap_or(1);
    let characters = entries
        .pattern
        .and_then(|pattern| prose::characters_of_pattern(pattern, length));
    add("pattern", characters.map(|set| set.into_iter().collect()));
    found
}

/// Compares a draft with the curated document, field by field of the pages.
pub(super) fn score(pages: &[Page], curated: &Document, draft: &Document) -> Score {
    let mut score = Score::default();
    for page in pages {
        let find = |document: &'_ Document| -> Option<(String, String)> {
            let mut operations = document.operations();
            let found = operations
                .find(|it| it.path == page.path && it.method.eq_ignore_ascii_case(&page.method))?;
            Some((found.path.to_owned(), found.method.to_owned()))
        };
        if find(curated).is_none() {
            continue;
        }
        for table in &page.tables {
            let location = match table.role {
                Role::Path => Some(Location::Path),
                Role::Query => Some(Location::Query),
                Role::Header => Some(Location::Header),
                Role::Request | Role::Response => None,
                Role::Other => continue,
            };
            for field in &table.fields {
                let at = format!("{} T{} {}", page.name, table.number, field.name);
                if let Some(location) = location {
                    let parameter = |document: &'_ Document| {
                        let operation = document.operations().find(|it| {
                            it.path == page.path && it.method.eq_ignore_ascii_case(&page.method)
                        })?;
                        let found = operation
                            .parameters_in(location)
                            .find(|it| it.name() == field.name)?;
                        Some((found.value().clone(), found.is_required()))
                    };
                    let (Some((own, required)), found) = (parameter(curated), parameter(draft))
                    else {
                        continue;
                    };
                    let none = Value::Null;
                    let own = curated
                        .schema_at(own.get("schema").unwrap_or(&none))
                        .value()
                        .clone();
                    let found_schema = found.as_ref().map(|(value, _)| {
                        draft
                            .schema_at(value.get("schema").unwrap_or(&none))
                            .value()
                            .clone()
                    });
                    let found = found_schema
                        .as_ref()
                        .zip(found.as_ref())
                        .map(|(schema, (_, required))| (draft, draft.schema_at(schema), *required));
                    score.field(
                        &at,
                        true,
                        (curated, curated.schema_at(&own), required),
                        found,
                    );
                    continue;
                }
                let property = |document| property(document, &page.name, table.number, &field.name);
                let Some((own, required)) = property(curated) else {
                    continue;
                };
                let found = property(draft).map(|(schema, required)| (draft, schema, required));
                score.field(
                    &at,
                    table.role == Role::Request,
                    (curated, own, required),
                    found,
                );
            }
        }
    }
    score
}

/// The property in the schema with this table as its source.
fn property<'a>(
    document: &'a Document,
    page: &str,
    number: u32,
    field: &str,
) -> Option<(Schema<'a>, bool)> {
    let table = Source::Table { page, number };
    let mut schemas = document.schemas();
    let (_, schema) = schemas.find(|(_, schema)| {
        schema.property(field).is_some() && sources(schema.value()).contains(&table)
    })?;
    Some((schema.property(field)?, schema.requires(field)))
}
