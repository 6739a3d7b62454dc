//! Merges a draft into a curated document: only adds lines.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use modelarts_document::{Location, Parameter, Schema};
use serde_json::{Map, Value, json};

use super::insert::{Refusal, Text};
use crate::check::parts;
use crate::document::{Document, Operation};

/// A place in a document: the keys from the root.
type Place = Vec<String>;

fn place(keys: &[&str]) -> Place {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// An addition, and its name in the report.
#[derive(Debug)]
struct Addition {
    /// The key of a member; `None` for a list entry.
    key: String,
    value: Value,
    what: String,
}

/// Additions by the place of their mapping or list.
#[derive(Debug, Default)]
struct Lack {
    /// Operations, properties, descriptions of values, components.
    members: BTreeMap<Place, Vec<Addition>>,
    /// Parameters and values.
    entries: BTreeMap<Place, Vec<Addition>>,
}

const VALUES: &str = "x-extensible-enum";
const SENTENCES: &str = "x-enum-descriptions";

/// Returns the merged text, and a report of the additions and of what has to be done by hand.
pub(super) fn merge(
    text: &str,
    curated: &Document,
    draft: &Document,
) -> Result<(String, Vec<String>)> {
    let mut merge = Merge {
        curated,
        draft,
        known: BTreeMap::new(),
        met: BTreeSet::new(),
        is_pairing: true,
        lack: Lack::default(),
    };
    // The first pass matches the draft's schemas with the document's, since later additions refer to them.
    merge.operations();
    merge.is_pairing = false;
    merge.met.clear();
    merge.operations();
    merge.components();
    let mut lack = merge.lack;
    let mut merged = Text::new(text);
    let mut report = Vec::new();
    for (at, additions) in lack.entries {
        let list = additions.iter().map(|it| it.value.clone()).collect();
        let done = add(&mut merged, &at, Value::Array(list));
        report.extend(lines(&at, &additions, done));
        if done.is_err()
            && let Some((VALUES, owner)) = at.split_last().map(|(last, at)| (last.as_str(), at))
        {
            lack.members
                .remove(&[owner, &[SENTENCES.to_owned()]].concat());
        }
    }
    for (at, additions) in lack.members {
        let members = additions
            .iter()
            .map(|it| (it.key.clone(), it.value.clone()));
        let done = add(&mut merged, &at, Value::Object(members.collect()));
        if at.last().is_none_or(|last| last != SENTENCES) {
            report.extend(lines(&at, &additions, done));
        }
    }
    let merged = merged.finish();
    ensure!(
        is_kept(text, &merged),
        "the merge would change a line of the document"
    );
    Ok((merged, report))
}

/// Adds to a mapping or list; adds the mapping or list itself if it is missing.
fn add(text: &mut Text, at: &[String], value: Value) -> Result<(), Refusal> {
    let done = match &value {
        Value::Array(entries) => text.add_entries(at, entries),
        Value::Object(members) => text.add_members(at, members),
        _ => Err(Refusal::Missing),
    };
    match (done, at.split_last()) {
        (Err(Refusal::Missing), Some((key, parent))) => {
            let member = Map::from_iter([(key.clone(), value)]);
            text.add_members(parent, &member)
        }
        (done, _) => done,
    }
}

fn lines(at: &[String], additions: &[Addition], done: Result<(), Refusal>) -> Vec<String> {
    let line = |addition: &Addition| match done {
        Ok(()) => format!("added {}", addition.what),
        Err(_) => format!(
            "not added, since the place is in flow style on one line: {} ({})",
            addition.what,
            at.join(" / ")
        ),
    };
    additions.iter().map(line).collect()
}

/// Whether the new text contains every line of the old text in order.
fn is_kept(old: &str, new: &str) -> bool {
    let mut lines = new.lines();
    old.lines().all(|line| lines.any(|other| other == line))
}

struct Merge<'a> {
    curated: &'a Document,
    draft: &'a Document,
    /// The schemas of the draft, each with the document's schema at the same place.
    known: BTreeMap<&'a str, &'a str>,
    /// The pairs that have been compared.
    met: BTreeSet<(&'a str, &'a str)>,
    /// Whether this is the first pass, which only matches schemas.
    is_pairing: bool,
    lack: Lack,
}

impl<'a> Merge<'a> {
    fn operations(&mut self) {
        for operation in self.draft.operations() {
            let same = self.curated.operations().find(|known| {
                known.method == operation.method && is_same_path(known.path, operation.path)
            });
            match same {
                Some(known) => self.operation(&known, &operation),
                None => self.new_operation(&operation),
            }
        }
    }

    fn new_operation(&mut self, operation: &Operation<'a>) {
        let paths = self.curated.value().get("paths").and_then(Value::as_object);
        let path = paths
            .into_iter()
            .flat_map(Map::keys)
            .find(|known| is_same_path(known, operation.path))
            .map_or(operation.path, String::as_str);
        let value = self.adopted(operation.value);
        let what = format!("{} {path}", operation.method);
        self.member(place(&["paths", path]), operation.method, value, what);
    }

    fn operation(&mut self, curated: &Operation<'a>, draft: &Operation<'a>) {
        for parameter in draft.parameters() {
            let (location, name) = (parameter.location(), parameter.name());
            let known = curated.parameters();
            let known = known.iter().find(|known| {
                known.location() == location && (known.name() == name || is_also(known, name))
            });
            if let Some(known) = known {
                self.schema(None, known.schema(), parameter.schema());
                continue;
            }
            // Path parameters keep the document's names.
            if location == Location::Path {
                continue;
            }
            let what = format!(
                "the {} parameter `{name}` of {}",
                location.as_str(),
                curated.id()
            );
            let value = self.adopted(parameter.value());
            let at = place(&["paths", curated.path, curated.method, "parameters"]);
            self.entry(at, value, what);
        }
        let request = |operation: &Operation<'a>| operation.request_body()?.json()?.schema();
        let response = |operation: &Operation<'a>| {
            let mut successes = operation.responses().filter(|it| it.is_success());
            successes.find_map(|response| response.json()?.schema())
        };
        for (curated, draft) in [
            (request(curated), request(draft)),
            (response(curated), response(draft)),
        ] {
            if let (Some(curated), Some(draft)) = (curated, draft) {
                self.schema(None, curated, draft);
            }
        }
    }

    /// Compares two schemas at the same place. `at` is the place of the document's schema if it is not a component.
    fn schema(&mut self, at: Option<Place>, curated: Schema<'a>, draft: Schema<'a>) {
        if let (Some(own), Some(other)) = (curated.name(), draft.name()) {
            if !self.met.insert((other, own)) {
                return;
            }
            self.known.entry(other).or_insert(own);
        }
        let component = curated
            .name()
            .map(|name| place(&["components", "schemas", name]));
        let at = component.or(at);
        let inside = |keys: &[&str]| Some([at.clone()?, place(keys)].concat());
        self.values(at.as_ref(), curated, draft);
        for (name, property) in draft.properties() {
            if let Some(known) = curated.property(name) {
                self.schema(inside(&["properties", name]), known, property);
            } else if let Some(properties) = inside(&["properties"]) {
                let written = draft.value().get("properties");
                let written = written.and_then(|properties| properties.get(name));
                let value = self.adopted(written.unwrap_or(&Value::Null));
                let what = format!("the property {}.{name}", readable(&properties));
                self.member(properties, name, value, what);
            }
        }
        if let (Some(own), Some(other)) = (curated.items(), draft.items()) {
            self.schema(inside(&["items"]), own, other);
        }
    }

    /// Adds the values that the document does not have in any letter case.
    fn values(&mut self, at: Option<&Place>, curated: Schema<'a>, draft: Schema<'a>) {
        let list = |schema: Schema<'a>, key: &str| -> Vec<&'a Value> {
            let list = schema.value().get(key).and_then(Value::as_array);
            list.into_iter().flatten().collect()
        };
        let known: Vec<String> = [VALUES, "enum", "x-observed"]
            .iter()
            .flat_map(|key| list(curated, key))
            .map(|value| value.to_string().to_lowercase())
            .collect();
        let Some(at) = at.filter(|_| !list(curated, VALUES).is_empty()) else {
            return;
        };
        for value in list(draft, VALUES) {
            if known.contains(&value.to_string().to_lowercase()) {
                continue;
            }
            let name = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let what = format!("the value {name} of {}", readable(at));
            let entries = [at.clone(), place(&[VALUES])].concat();
            self.entry(entries, value.clone(), what);
            let sentences = [at.clone(), place(&[SENTENCES])].concat();
            let sentence = json!("TODO: when is it this?");
            self.member(sentences, &name, sentence, String::new());
        }
    }

    /// Adds the missing components that added parts refer to.
    fn components(&mut self) {
        let sections = ["schemas", "responses"];
        loop {
            let added = self.lack.members.values().chain(self.lack.entries.values());
            let added: String = added.flatten().map(|it| it.value.to_string()).collect();
            let mut wanted = Vec::new();
            for section in sections {
                let is_wanted = |name: &str| {
                    let mut known = self.curated.components(section);
                    added.contains(&format!("#/components/{section}/{name}\""))
                        && known.all(|(known, _)| known != name)
                };
                let components = self.draft.components(section);
                wanted.extend(
                    components
                        .filter(|(name, _)| is_wanted(name))
                        .map(|(name, component)| {
                            (section, name.to_owned(), self.adopted(component))
                        }),
                );
            }
            let mut is_more = false;
            for (section, name, value) in wanted {
                let what = format!("{section} / {name}");
                is_more |= self.member(place(&["components", section]), &name, value, what);
            }
            if !is_more {
                return;
            }
        }
    }

    /// A part of the draft, with references to the document's schemas where there are any.
    fn adopted(&self, value: &Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| (key.clone(), self.adopted_member(key, member)))
                    .collect(),
            ),
            Value::Array(items) => items.iter().map(|item| self.adopted(item)).collect(),
            other => other.clone(),
        }
    }

    fn adopted_member(&self, key: &str, member: &Value) -> Value {
        let own = (key == "$ref")
            .then(|| {
                parts::target(&json!({ "$ref": member })).and_then(|name| self.known.get(name))
            })
            .flatten();
        match own {
            Some(own) => json!(format!("#/components/schemas/{own}")),
            None => self.adopted(member),
        }
    }

    /// Adds a member; returns whether it was missing.
    fn member(&mut self, at: Place, key: &str, value: Value, what: String) -> bool {
        if self.is_pairing {
            return false;
        }
        let members = self.lack.members.entry(at).or_default();
        let is_new = members.iter().all(|member| member.key != key);
        if is_new {
            let key = key.to_owned();
            members.push(Addition { key, value, what });
        }
        is_new
    }

    fn entry(&mut self, at: Place, value: Value, what: String) {
        if self.is_pairing {
            return;
        }
        let entries = self.lack.entries.entry(at).or_default();
        if entries.iter().all(|entry| entry.value != value) {
            let key = String::new();
            entries.push(Addition { key, value, what });
        }
    }
}

/// Whether the name is another name of the parameter (`x-also`).
fn is_also(parameter: &Parameter<'_>, name: &str) -> bool {
    let others = parameter.value().get("x-also").and_then(Value::as_array);
    others.is_some_and(|others| others.iter().any(|other| other == name))
}

/// A place as text: from the component or the operation on.
fn readable(at: &[String]) -> String {
    let keys = at.iter().skip(2).filter(|key| *key != "properties");
    keys.map(String::as_str).collect::<Vec<_>>().join(".")
}

/// Whether two paths are equal up to the names of their placeholders.
fn is_same_path(one: &str, other: &str) -> bool {
    let plain = |path: &str| -> Vec<String> {
        path.split('/')
            .map(|segment| match segment.starts_with('{') {
                true => String::new(),
                false => segment.to_owned(),
            })
            .collect()
    };
    plain(one) == plain(other)
}
