//! Compares two documents: operations, components, security schemes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::change::{Change, Changes, Level};
use super::schemas::{self, Directions, major_if};
use crate::document::{METHODS, text, walk};
use crate::problem::push;

/// Returns all changes between two documents, breaking ones first.
pub(super) fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut comparison = Comparison {
        old,
        new,
        changes: Changes::default(),
    };
    comparison.operations();
    comparison.components();
    comparison.security_schemes();
    let mut changes = comparison.changes;
    if changes.is_empty() && old != new {
        changes.add(Level::Patch, "document", "descriptions or examples differ");
    }
    changes.sorted()
}

/// Returns everything that can be the subject of a change: operations, schemas, security schemes.
pub(super) fn subjects(document: &Value) -> impl Iterator<Item = &str> {
    let names = |section| components(document, section).map(|(name, _)| name.as_str());
    operations(document)
        .into_keys()
        .chain(names("schemas"))
        .chain(names("securitySchemes"))
}

fn components<'a>(
    document: &'a Value,
    section: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    section_of(document, section).into_iter().flatten()
}

fn section_of<'a>(document: &'a Value, section: &str) -> Option<&'a Map<String, Value>> {
    let section = document.pointer(&push("/components", section));
    section.and_then(Value::as_object)
}

/// An operation with the parameters of its path.
struct Operation<'a> {
    route: String,
    value: &'a Value,
    /// By a text such as "query parameter `limit`".
    parameters: BTreeMap<String, &'a Value>,
}

fn operations(document: &Value) -> BTreeMap<&str, Operation<'_>> {
    let mut found = BTreeMap::new();
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        for (method, value) in item.as_object().into_iter().flatten() {
            if !METHODS.contains(&method.as_str()) {
                continue;
            }
            let lists = [item.get("parameters"), value.get("parameters")];
            let parameters = lists.into_iter().flatten().filter_map(Value::as_array);
            let parameters = parameters.flatten().map(|parameter| {
                let parameter = resolve(document, parameter);
                let (location, name) = (text(parameter, "in"), text(parameter, "name"));
                (format!("{location} parameter `{name}`"), parameter)
            });
            let operation = Operation {
                route: format!("{} {path}", method.to_uppercase()),
                value,
                parameters: parameters.collect(),
            };
            found.insert(text(value, "operationId"), operation);
        }
    }
    found
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(Value::as_str);
    let target = target.and_then(|it| document.pointer(it.trim_start_matches('#')));
    target.unwrap_or(value)
}

/// Names of the schemas that are used in one direction in either document.
fn used_in(documents: [&Value; 2], is_start: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for document in documents {
        let mut open = Vec::new();
        walk(document, "", &mut |pointer, value| {
            if pointer.rsplit('/').next().is_some_and(&is_start) {
                open.push(value);
            }
        });
        while let Some(value) = open.pop() {
            walk(value, "", &mut |_, value| {
                let target = value.get("$ref").and_then(Value::as_str);
                let name = target.and_then(|it| it.strip_prefix("#/components/schemas/"));
                if let Some(name) = name
                    && names.insert(name.to_owned())
                {
                    open.extend(document.pointer(&push("/components/schemas", name)));
                }
            });
        }
    }
    names
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    changes: Changes,
}

impl<'a> Comparison<'a> {
    fn operations(&mut self) {
        let (old, new) = (operations(self.old), operations(self.new));
        for (id, before) in &old {
            match new.get(id) {
                None => {
                    self.changes
                        .add(Level::Major, id, "the operation is removed");
                }
                Some(after) => self.operation(id, before, after),
            }
        }
        for id in new.keys().filter(|id| !old.contains_key(*id)) {
            self.changes.add(Level::Minor, id, "is a new operation");
        }
    }

    fn operation(&mut self, id: &str, old: &Operation<'a>, new: &Operation<'a>) {
        if old.route != new.route {
            let what = format!("is {} instead of {}", new.route, old.route);
            self.changes.add(Level::Major, id, what);
        }
        if old.value.get("tags") != new.value.get("tags") {
            let what = "has another tag, so its method moves to another class";
            self.changes.add(Level::Major, id, what);
        }
        if is_true(new.value, "deprecated") && !is_true(old.value, "deprecated") {
            self.changes.add(Level::Minor, id, "is now deprecated");
        }
        self.parameters(id, old, new);
        self.request_body(id, old.value, new.value);
        self.responses(id, old.value, new.value);
    }

    fn parameters(&mut self, id: &str, old: &Operation<'a>, new: &Operation<'a>) {
        for (name, before) in &old.parameters {
            let Some(after) = new.parameters.get(name) else {
                let what = format!("the {name} is removed");
                self.changes.add(Level::Major, id, what);
                continue;
            };
            let place = format!("{id}, {name}");
            if is_true(after, "required") && !is_true(before, "required") {
                self.changes.add(Level::Major, &place, "is now required");
            }
            if let (Some(old), Some(new)) = (before.get("schema"), after.get("schema")) {
                schemas::compare(&place, old, new, Directions::REQUEST, &mut self.changes);
            }
        }
        for (name, after) in &new.parameters {
            if !old.parameters.contains_key(name) {
                let level = major_if(is_true(after, "required"));
                self.changes.add(level, id, format!("has the new {name}"));
            }
        }
    }

    fn request_body(&mut self, id: &str, old: &'a Value, new: &'a Value) {
        match (old.get("requestBody"), new.get("requestBody")) {
            (Some(_), None) => self.changes.add(Level::Major, id, "no longer has a body"),
            (None, Some(body)) => {
                let level = major_if(is_true(body, "required"));
                self.changes.add(level, id, "now has a body");
            }
            (Some(before), Some(after)) => {
                if is_true(after, "required") && !is_true(before, "required") {
                    self.changes
                        .add(Level::Major, id, "the body is now required");
                }
                self.content(&format!("{id}, body"), before, after, Directions::REQUEST);
            }
            (None, None) => {}
        }
    }

    fn responses(&mut self, id: &str, old: &'a Value, new: &'a Value) {
        let responses =
            |operation: &'a Value| operation.get("responses").and_then(Value::as_object);
        let (Some(old), Some(new)) = (responses(old), responses(new)) else {
            return;
        };
        for (status, before) in old {
            match new.get(status) {
                None => {
                    let what = format!("the status {status} is removed");
                    self.changes.add(Level::Major, id, what);
                }
                Some(after) => {
                    let (before, after) = (resolve(self.old, before), resolve(self.new, after));
                    let place = format!("{id}, status {status}");
                    self.content(&place, before, after, Directions::RESPONSE);
                }
            }
        }
        for status in new.keys().filter(|status| !old.contains_key(*status)) {
            let what = format!("has the new status {status}");
            self.changes.add(Level::Minor, id, what);
        }
    }

    /// Compares the JSON of a request or response body.
    fn content(&mut self, place: &str, old: &Value, new: &Value, directions: Directions) {
        const SCHEMA: &str = "/content/application~1json/schema";
        match (old.pointer(SCHEMA), new.pointer(SCHEMA)) {
            (Some(old), Some(new)) => {
                schemas::compare(place, old, new, directions, &mut self.changes);
            }
            (None, Some(_)) => self.changes.add(Level::Minor, place, "now has a body"),
            (Some(_), None) => self
                .changes
                .add(Level::Major, place, "no longer has a body"),
            (None, None) => {}
        }
    }

    fn components(&mut self) {
        let of = |document| section_of(document, "schemas");
        let (Some(old), Some(new)) = (of(self.old), of(self.new)) else {
            return;
        };
        let documents = [self.old, self.new];
        let is_request = |key: &str| ["requestBody", "parameters"].contains(&key);
        let in_requests = used_in(documents, is_request);
        let in_responses = used_in(documents, |key| key == "responses");
        for (name, before) in old {
            let Some(after) = new.get(name) else {
                self.changes
                    .add(Level::Major, name, "the schema and its type are removed");
                continue;
            };
            let directions = Directions {
                in_requests: in_requests.contains(name),
                in_responses: in_responses.contains(name),
            };
            schemas::compare(name, before, after, directions, &mut self.changes);
        }
        for name in new.keys().filter(|name| !old.contains_key(*name)) {
            self.changes.add(Level::Minor, name, "is a new schema");
        }
    }

    fn security_schemes(&mut self) {
        let new = section_of(self.new, "securitySchemes");
        for (name, before) in components(self.old, "securitySchemes") {
            let after = new.and_then(|new| new.get(name));
            let same = |key: &str| before.get(key) == after.and_then(|after| after.get(key));
            if !["type", "in", "name", "scheme"].into_iter().all(same) {
                let what = "the security scheme is changed or removed";
                self.changes.add(Level::Major, name, what);
            }
        }
    }
}

fn is_true(value: &Value, key: &str) -> bool {
    value.get(key) == Some(&Value::Bool(true))
}
