//! `cargo xtask diff`: what changed between two documents, in the words of somebody who generates a client.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

use crate::document::{METHODS, text, walk};
use crate::problem::push;
use crate::{publish, workspace};

/// Folder of the documents of the last release, from the root of the checkout.
const RELEASED: &str = "openapi/released";

/// What a change means for a generated client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Texts and examples.
    Patch,
    /// Something new, which no client needs to know.
    Minor,
    /// Code that was written against the old client, or a request that worked, may fail.
    Major,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patch => "text",
            Self::Minor => "added",
            Self::Major => "BREAKING",
        })
    }
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// What it means.
    pub level: Level,
    /// Where it is, in the words of the document.
    pub place: String,
    /// What is different.
    pub what: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8}  {}: {}", self.level, self.place, self.what)
    }
}

/// Compares two files and prints what changed; without files, each published document with its last release.
///
/// False when the version of the document does not admit the changes.
pub fn run(files: &[std::path::PathBuf]) -> Result<bool> {
    match files {
        [old, new] => {
            let changes = changes(&read(old)?, &read(new)?);
            changes.iter().for_each(|change| println!("{change}"));
            println!("{}", summary(&changes));
            Ok(true)
        }
        [] => released(&workspace::root()),
        _ => bail!("give two files, the old and the new one, or none"),
    }
}

fn released(root: &Path) -> Result<bool> {
    let changelog = fs::read_to_string(root.join(publish::CHANGELOG))
        .with_context(|| format!("reading {}", publish::CHANGELOG))?;
    let mut is_right = true;
    for family in workspace::families(root)? {
        let name = family.name;
        let file = root.join(RELEASED).join(format!("{name}.json"));
        if !file.exists() {
            println!("{name}: never released");
            continue;
        }
        let old = read(&file)?;
        let new = read(&root.join(publish::FOLDER).join(format!("{name}.json")))?;
        let changes = changes(&old, &new);
        println!("{name}: {}", summary(&changes));
        for problem in problems(&old, &new, &changes, &changelog) {
            is_right = false;
            for change in changes.iter().filter(|change| change.level == Level::Major) {
                println!("  {change}");
            }
            eprintln!("{name}: {problem}");
        }
    }
    Ok(is_right)
}

fn read(file: &Path) -> Result<Value> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("in {}", file.display()))
}

fn summary(changes: &[Change]) -> String {
    let count = |level| {
        changes
            .iter()
            .filter(|change| change.level == level)
            .count()
    };
    format!(
        "{} breaking changes, {} additions, {} texts",
        count(Level::Major),
        count(Level::Minor),
        count(Level::Patch)
    )
}

/// What is wrong with the version of the new document, or with the changelog.
fn problems(old: &Value, new: &Value, changes: &[Change], changelog: &str) -> Vec<String> {
    let version = |document: &Value| document.pointer("/info/version").map(semver);
    let Some(level) = changes.iter().map(|change| change.level).max() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let Some(Some(now)) = version(new) else {
        return vec!["`info.version` is not a semantic version".to_owned()];
    };
    // What was released before there were semantic versions says nothing.
    if let Some(Some(before)) = version(old) {
        let step = match level {
            Level::Major => [before[0] + 1, 0, 0],
            Level::Minor => [before[0], before[1] + 1, 0],
            Level::Patch => [before[0], before[1], before[2] + 1],
        };
        if now < step {
            let [major, minor, patch] = step;
            found.push(format!(
                "{level} changes since the release ask for version {major}.{minor}.{patch} at least"
            ));
        }
    }
    let [major, minor, patch] = now;
    let heading = format!("## {major}.{minor}.{patch}");
    let Some(lines) = lines_of(changelog, &heading) else {
        found.push(format!("{} has no `{heading}`", publish::CHANGELOG));
        return found;
    };
    let section = format!("{}, {major}.{minor}.{patch}", publish::CHANGELOG);
    let changed: BTreeMap<&str, &Change> = changes
        .iter()
        .rev()
        .filter(|change| change.level > Level::Patch)
        .map(|change| (subject(change), change))
        .collect();
    let named: BTreeSet<&str> = lines.iter().flat_map(|line| names(line)).collect();
    for (name, change) in &changed {
        if !named.contains(name) {
            found.push(format!(
                "{section}: no line names `{name}`, which has changed: {change}"
            ));
        }
    }
    let known = subjects(old).chain(subjects(new));
    let known: BTreeSet<&str> = known.filter(|name| !changed.contains_key(name)).collect();
    for name in known.intersection(&named) {
        found.push(format!(
            "{section}: a line names `{name}`, which has not changed"
        ));
    }
    found
}

/// The operation, schema or scheme that a change is about.
fn subject(change: &Change) -> &str {
    let end = change.place.find(['.', ',', ' ']);
    end.map_or(&change.place, |end| &change.place[..end])
}

/// Everything that a change can be about.
fn subjects(document: &Value) -> impl Iterator<Item = &str> {
    let components = |section: &str| {
        let components = document.pointer(&format!("/components/{section}"));
        let components = components.and_then(Value::as_object);
        components
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
    };
    operations(document)
        .into_keys()
        .chain(components("schemas"))
        .chain(components("securitySchemes"))
}

/// The entries of the list below a heading, each on one line.
fn lines_of(changelog: &str, heading: &str) -> Option<Vec<String>> {
    let mut lines = changelog.lines().skip_while(|line| *line != heading);
    lines.next()?;
    let mut entries: Vec<String> = Vec::new();
    for line in lines.take_while(|line| !line.starts_with("## ")) {
        match (line.strip_prefix("- "), entries.last_mut()) {
            (Some(entry), _) => entries.push(entry.to_owned()),
            (None, Some(entry)) if line.starts_with("  ") => {
                entry.push(' ');
                entry.push_str(line.trim());
            }
            _ => {}
        }
    }
    Some(entries)
}

/// What an entry names between backticks; of `Schema.property` the schema.
fn names(entry: &str) -> impl Iterator<Item = &str> {
    let spans = entry.split('`').skip(1).step_by(2);
    spans.filter_map(|span| span.split('.').next())
}

fn semver(version: &Value) -> Option<[u64; 3]> {
    let parts = version.as_str()?.split('.').map(str::parse);
    let parts: Vec<u64> = parts.collect::<Result<_, _>>().ok()?;
    parts.try_into().ok()
}

/// Everything in which two documents differ, breaking changes first.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut diff = Diff {
        old,
        new,
        sent: travelling(old, new, is_request),
        received: travelling(old, new, |key| key == "responses"),
        found: BTreeSet::new(),
    };
    diff.operations();
    diff.components();
    diff.security();
    if diff.found.is_empty() && old != new {
        diff.add(Level::Patch, "document", "texts or examples differ");
    }
    let mut found: Vec<Change> = diff.found.into_iter().collect();
    found.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.cmp(b)));
    found
}

fn is_request(key: &str) -> bool {
    ["requestBody", "parameters"].contains(&key)
}

/// Names of the schemas that travel in one direction, in either document.
fn travelling(old: &Value, new: &Value, is_start: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for document in [old, new] {
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

/// An operation with the parameters of its path.
struct Found<'a> {
    place: String,
    value: &'a Value,
    parameters: BTreeMap<String, &'a Value>,
}

fn operations(document: &Value) -> BTreeMap<&str, Found<'_>> {
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
                let key = format!(
                    "{} parameter `{}`",
                    text(parameter, "in"),
                    text(parameter, "name")
                );
                (key, parameter)
            });
            let operation = Found {
                place: format!("{} {path}", method.to_uppercase()),
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

struct Diff<'a> {
    old: &'a Value,
    new: &'a Value,
    sent: BTreeSet<String>,
    received: BTreeSet<String>,
    found: BTreeSet<Change>,
}

impl<'a> Diff<'a> {
    fn add(&mut self, level: Level, place: &str, what: impl Into<String>) {
        self.found.insert(Change {
            level,
            place: place.to_owned(),
            what: what.into(),
        });
    }

    fn operations(&mut self) {
        let (old, new) = (operations(self.old), operations(self.new));
        for (id, before) in &old {
            match new.get(id) {
                None => self.add(Level::Major, id, "the operation is gone"),
                Some(after) => self.operation(id, before, after),
            }
        }
        for id in new.keys().filter(|id| !old.contains_key(*id)) {
            self.add(Level::Minor, id, "a new operation");
        }
    }

    fn operation(&mut self, id: &str, old: &Found<'a>, new: &Found<'a>) {
        if old.place != new.place {
            let what = format!("is {} instead of {}", new.place, old.place);
            self.add(Level::Major, id, what);
        }
        if old.value.get("tags") != new.value.get("tags") {
            self.add(
                Level::Major,
                id,
                "has another tag, so its method moves to another class",
            );
        }
        if is_true(new.value, "deprecated") && !is_true(old.value, "deprecated") {
            self.add(Level::Minor, id, "is deprecated");
        }
        for (name, before) in &old.parameters {
            let Some(after) = new.parameters.get(name) else {
                self.add(Level::Major, id, format!("the {name} is gone"));
                continue;
            };
            let place = format!("{id}, {name}");
            if is_true(after, "required") && !is_true(before, "required") {
                self.add(Level::Major, &place, "is required now");
            }
            let pair = (before.get("schema"), after.get("schema"));
            if let (Some(before), Some(after)) = pair {
                self.schema(&place, before, after, true, false);
            }
        }
        for (name, after) in &new.parameters {
            if !old.parameters.contains_key(name) {
                let level = match is_true(after, "required") {
                    true => Level::Major,
                    false => Level::Minor,
                };
                self.add(level, id, format!("a new {name}"));
            }
        }
        let body = |operation: &Found<'a>| operation.value.get("requestBody");
        match (body(old), body(new)) {
            (Some(_), None) => self.add(Level::Major, id, "takes no body any more"),
            (None, Some(body)) => {
                let level = match is_true(body, "required") {
                    true => Level::Major,
                    false => Level::Minor,
                };
                self.add(level, id, "takes a body");
            }
            (Some(before), Some(after)) => {
                if is_true(after, "required") && !is_true(before, "required") {
                    self.add(Level::Major, id, "the body is required now");
                }
                self.media(&format!("{id}, body"), before, after, true);
            }
            (None, None) => {}
        }
        self.responses(id, old.value, new.value);
    }

    fn responses(&mut self, id: &str, old: &'a Value, new: &'a Value) {
        let responses =
            |operation: &'a Value| operation.get("responses").and_then(Value::as_object);
        let (Some(old), Some(new)) = (responses(old), responses(new)) else {
            return;
        };
        for (status, before) in old {
            match new.get(status) {
                None => self.add(Level::Major, id, format!("status {status} is gone")),
                Some(after) => {
                    let (before, after) = (resolve(self.old, before), resolve(self.new, after));
                    self.media(&format!("{id}, status {status}"), before, after, false);
                }
            }
        }
        for status in new.keys().filter(|status| !old.contains_key(*status)) {
            self.add(Level::Minor, id, format!("a new status {status}"));
        }
    }

    fn media(&mut self, place: &str, old: &'a Value, new: &'a Value, is_sent: bool) {
        const SCHEMA: &str = "/content/application~1json/schema";
        match (old.pointer(SCHEMA), new.pointer(SCHEMA)) {
            (Some(old), Some(new)) => self.schema(place, old, new, is_sent, !is_sent),
            (None, Some(_)) => self.add(Level::Minor, place, "has a body now"),
            (Some(_), None) => self.add(Level::Major, place, "has no body any more"),
            (None, None) => {}
        }
    }

    fn components(&mut self) {
        let of = |document: &'a Value| {
            document
                .pointer("/components/schemas")
                .and_then(Value::as_object)
        };
        let (Some(old), Some(new)) = (of(self.old), of(self.new)) else {
            return;
        };
        for (name, before) in old {
            match new.get(name) {
                None => self.add(
                    Level::Major,
                    name,
                    "the schema is gone, and the type with it",
                ),
                Some(after) => {
                    let (sent, received) = (self.sent.contains(name), self.received.contains(name));
                    self.schema(name, before, after, sent, received);
                }
            }
        }
        for name in new.keys().filter(|name| !old.contains_key(*name)) {
            self.add(Level::Minor, name, "a new schema");
        }
    }

    /// A schema of one place; what a reference leads to is compared once, as a component.
    fn schema(&mut self, place: &str, old: &'a Value, new: &'a Value, sent: bool, received: bool) {
        let (before, after) = (kind(old), kind(new));
        if before != after {
            self.add(
                Level::Major,
                place,
                format!("is {after} instead of {before}"),
            );
        }
        if is_nullable(new) && !is_nullable(old) {
            let level = if received { Level::Major } else { Level::Minor };
            self.add(level, place, "may be null");
        }
        if is_nullable(old) && !is_nullable(new) {
            let level = if sent { Level::Major } else { Level::Minor };
            self.add(level, place, "may not be null any more");
        }
        if old.get("default") != new.get("default") {
            let what = match new.get("default") {
                Some(default) => format!("has the default {default}, which clients send"),
                None => "has no default any more, so clients send nothing".to_owned(),
            };
            self.add(Level::Major, place, what);
        }
        self.values(place, old, new, received);
        if sent {
            self.limits(place, old, new);
        }
        self.properties(place, old, new, sent, received);
        for key in ["items", "additionalProperties"] {
            if let (Some(old), Some(new)) = (old.get(key), new.get(key)) {
                self.schema(&format!("{place}, each"), old, new, sent, received);
            }
        }
    }

    fn values(&mut self, place: &str, old: &Value, new: &Value, received: bool) {
        let list = |schema: &Value, key: &str| -> Option<BTreeSet<String>> {
            let values = schema.get(key)?.as_array()?;
            Some(values.iter().map(Value::to_string).collect())
        };
        let of = |schema: &Value| {
            let closed = list(schema, "enum").map(|values| (true, values));
            closed.or_else(|| list(schema, "x-extensible-enum").map(|values| (false, values)))
        };
        let (before, after) = match (of(old), of(new)) {
            (None, None) => return,
            (None, Some((true, _))) => {
                return self.add(Level::Major, place, "is a closed list of values now");
            }
            (None, Some(_)) => return self.add(Level::Minor, place, "names its known values"),
            (Some(_), None) => {
                return self.add(Level::Major, place, "names no values any more");
            }
            (Some(before), Some(after)) => (before, after),
        };
        if before.0 != after.0 {
            let what = match after.0 {
                true => "the list of values is closed now: a client refuses others",
                false => "the list of values is open now: the type becomes a text",
            };
            self.add(Level::Major, place, what);
        }
        for value in before.1.difference(&after.1) {
            self.add(Level::Major, place, format!("the value {value} is gone"));
        }
        for value in after.1.difference(&before.1) {
            // A client with a closed list fails with the first response that has the new value.
            let level = match after.0 && received {
                true => Level::Major,
                false => Level::Minor,
            };
            self.add(level, place, format!("a new value {value}"));
        }
    }

    fn limits(&mut self, place: &str, old: &Value, new: &Value) {
        for (keyword, grows) in [
            ("minimum", true),
            ("minLength", true),
            ("minItems", true),
            ("maximum", false),
            ("maxLength", false),
            ("maxItems", false),
        ] {
            let number = |schema: &Value| schema.get(keyword).and_then(Value::as_f64);
            let (before, after) = (number(old), number(new));
            let Some(value) = after.filter(|_| before != after) else {
                if before != after {
                    self.add(Level::Minor, place, format!("has no {keyword} any more"));
                }
                continue;
            };
            let is_narrower = before.is_none_or(|before| (value > before) == grows);
            let level = match is_narrower {
                true => Level::Major,
                false => Level::Minor,
            };
            self.add(level, place, format!("{keyword} is {value}"));
        }
        if old.get("pattern") != new.get("pattern") {
            let level = match new.get("pattern") {
                Some(_) => Level::Major,
                None => Level::Minor,
            };
            self.add(level, place, "has another pattern");
        }
    }

    fn properties(
        &mut self,
        place: &str,
        old: &'a Value,
        new: &'a Value,
        sent: bool,
        received: bool,
    ) {
        let empty = Map::new();
        let of = |schema: &'a Value| schema.get("properties").and_then(Value::as_object);
        let (before, after) = (of(old), of(new));
        for (name, old) in before.into_iter().flatten() {
            let place = format!("{place}.{name}");
            match after.and_then(|after| after.get(name)) {
                None => self.add(Level::Major, &place, "the property is gone"),
                Some(new) => self.schema(&place, old, new, sent, received),
            }
        }
        let before = before.unwrap_or(&empty);
        for name in after.into_iter().flatten().map(|(name, _)| name) {
            if !before.contains_key(name) {
                self.add(Level::Minor, &format!("{place}.{name}"), "a new property");
            }
        }
        let required = |schema: &Value| -> BTreeSet<String> {
            let names = schema.get("required").and_then(Value::as_array);
            let names = names.into_iter().flatten().filter_map(Value::as_str);
            names.map(str::to_owned).collect()
        };
        let (before, after) = (required(old), required(new));
        for name in after.difference(&before) {
            let level = if sent { Level::Major } else { Level::Minor };
            self.add(level, &format!("{place}.{name}"), "is required now");
        }
        for name in before.difference(&after) {
            let level = if received { Level::Major } else { Level::Minor };
            self.add(level, &format!("{place}.{name}"), "is optional now");
        }
    }

    fn security(&mut self) {
        let of = |document: &'a Value| {
            document
                .pointer("/components/securitySchemes")
                .and_then(Value::as_object)
        };
        let (old, new) = (of(self.old), of(self.new));
        for (name, before) in old.into_iter().flatten() {
            let after = new.and_then(|new| new.get(name));
            let same = |key: &str| before.get(key) == after.and_then(|after| after.get(key));
            if !["type", "in", "name", "scheme"].into_iter().all(same) {
                self.add(
                    Level::Major,
                    name,
                    "the way to sign in is another one, or gone",
                );
            }
        }
    }
}

fn is_true(value: &Value, key: &str) -> bool {
    value.get(key) == Some(&Value::Bool(true))
}

fn is_nullable(schema: &Value) -> bool {
    let of_type = schema.get("type").and_then(Value::as_array);
    let of_choice = schema.get("anyOf").and_then(Value::as_array);
    is_true(schema, "nullable")
        || of_type.is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
        || of_choice.is_some_and(|choices| choices.iter().any(|it| text(it, "type") == "null"))
}

/// What a schema is, in a word: the type that a reference leads to, or its own.
fn kind(schema: &Value) -> String {
    let choice = schema.pointer("/allOf/0").or(schema.pointer("/anyOf/0"));
    let reference = choice.unwrap_or(schema).get("$ref").and_then(Value::as_str);
    if let Some(name) = reference.and_then(|reference| reference.rsplit('/').next()) {
        return name.to_owned();
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find(|kind| *kind != "null"),
        kind => kind,
    };
    let kind = kind.and_then(Value::as_str).unwrap_or("anything");
    match text(schema, "format") {
        "" => kind.to_owned(),
        format => format!("{kind} ({format})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "
openapi: 3.0.3
info: {title: T, version: '1.2.3'}
paths:
  /things:
    post:
      operationId: createThing
      tags: [Things]
      parameters: [{name: kind, in: query, schema: {$ref: '#/components/schemas/Kind'}}]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/ThingReq'}}}}
      responses:
        '200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
components:
  securitySchemes: {Token: {type: apiKey, in: header, name: X-Token}}
  schemas:
    Kind: {type: string, x-extensible-enum: [BIG, SMALL]}
    ThingReq: {type: object, required: [name], properties: {name: {type: string, maxLength: 9}, size: {type: integer, format: int32}}}
    Thing: {type: object, properties: {name: {type: string, nullable: true}, kind: {$ref: '#/components/schemas/Kind'}}}
";

    /// An edit, the level of what it does, and the words for it.
    #[rustfmt::skip]
    const EDITS: &[(&str, &str, Level, &str)] = &[
        ("operationId: createThing", "operationId: makeThing", Level::Major, "createThing: the operation is gone"),
        ("/things:", "/objects:", Level::Major, "createThing: is POST /objects instead of POST /things"),
        ("name: kind, in: query,", "name: kind, required: true, in: query,", Level::Major, "createThing, query parameter `kind`: is required now"),
        ("name: kind, in: query,", "name: sort, in: query,", Level::Major, "createThing: the query parameter `kind` is gone"),
        ("requestBody: {", "requestBody: {required: true, ", Level::Major, "createThing: the body is required now"),
        ("tags: [Things]", "tags: [Things]\n      deprecated: true", Level::Minor, "createThing: is deprecated"),
        ("x-extensible-enum", "enum", Level::Major, "Kind: the list of values is closed now: a client refuses others"),
        ("[BIG, SMALL]", "[BIG]", Level::Major, "Kind: the value \"SMALL\" is gone"),
        ("[BIG, SMALL]", "[BIG, SMALL, TINY]", Level::Minor, "Kind: a new value \"TINY\""),
        ("maxLength: 9", "maxLength: 8", Level::Major, "ThingReq.name: maxLength is 8"),
        ("maxLength: 9", "maxLength: 10", Level::Minor, "ThingReq.name: maxLength is 10"),
        ("format: int32", "format: int32, default: 1", Level::Major, "ThingReq.size: has the default 1, which clients send"),
        ("format: int32", "format: int64", Level::Major, "ThingReq.size: is integer (int64) instead of integer (int32)"),
        ("required: [name]", "required: [name, size]", Level::Major, "ThingReq.size: is required now"),
        ("name: {type: string, nullable: true}", "name: {type: string}", Level::Minor, "Thing.name: may not be null any more"),
        ("properties: {name: {type: string, nullable: true},", "properties: {", Level::Major, "Thing.name: the property is gone"),
        ("type: string, nullable: true}", "type: string, nullable: true}, at: {type: string}", Level::Minor, "Thing.at: a new property"),
        ("type: apiKey, in: header", "type: apiKey, in: query", Level::Major, "Token: the way to sign in is another one, or gone"),
        ("title: T", "title: U", Level::Patch, "document: texts or examples differ"),
    ];

    fn parse(text: &str) -> Value {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn each_edit_is_reported_with_what_it_means() {
        for (from, to, level, words) in EDITS {
            assert!(OLD.contains(from), "{from}");
            let found = changes(&parse(OLD), &parse(&OLD.replace(from, to)));
            let is_this = |change: &&Change| format!("{}: {}", change.place, change.what) == *words;
            let change = found.iter().find(is_this);
            let change = change.unwrap_or_else(|| panic!("{to}: {found:#?}"));
            assert_eq!(change.level, *level, "{to}");
            assert_eq!(found[0].level.max(*level), found[0].level);
        }
        assert_eq!(changes(&parse(OLD), &parse(OLD)), []);
    }

    #[test]
    fn a_new_value_of_a_closed_list_breaks_whoever_receives_it() {
        let old = OLD.replace("x-extensible-enum", "enum");
        let found = changes(
            &parse(&old),
            &parse(&old.replace("[BIG, SMALL]", "[BIG, SMALL, TINY]")),
        );
        assert_eq!(found[0].to_string(), "BREAKING  Kind: a new value \"TINY\"");
    }

    #[test]
    fn a_breaking_change_asks_for_a_major_version_and_a_line_in_the_changelog() {
        let old = parse(OLD);
        let edit = |version: &str| {
            parse(
                &OLD.replace("[BIG, SMALL]", "[BIG]")
                    .replace("1.2.3", version),
            )
        };
        let problems = |version: &str, changelog: &str| {
            let new = edit(version);
            problems(&old, &new, &changes(&old, &new), changelog)
        };
        assert_eq!(
            problems("1.3.0", "## 1.3.0\n- `Kind` has no SMALL.\n"),
            ["BREAKING changes since the release ask for version 2.0.0 at least"]
        );
        assert_eq!(
            problems("2.0.0", "## 1.2.3\n"),
            ["openapi/CHANGELOG.md has no `## 2.0.0`"]
        );
        let line = "## 2.0.0\n- `Kind` has no\n  SMALL.\n";
        assert_eq!(problems("2.0.0", line), [""; 0]);
        assert_eq!(problems("2.0", "").len(), 1);
    }

    #[test]
    fn every_change_has_its_line_and_every_line_its_change() {
        let old = parse(OLD);
        let new = OLD
            .replace("1.2.3", "2.0.0")
            .replace("maxLength: 9", "maxLength: 8")
            .replace("requestBody: {", "requestBody: {required: true, ")
            .replace("type: apiKey, in: header", "type: apiKey, in: query")
            .replace("description: d", "description: e");
        let new = parse(&new);
        let changes = changes(&old, &new);
        let problems = |lines: &str| {
            let changelog =
                format!("# C\n\n## 2.0.0\n{lines}\n\n## 1.2.3\n- `Kind` and `Thing`.\n");
            problems(&old, &new, &changes, &changelog)
        };
        let whole = "### Changed\n- `ThingReq.name` is shorter.\n- `Token` goes into the query;\n  \
                     the body of `createThing` is required, as in `errors.json`.";
        assert_eq!(problems(whole), [""; 0]);
        for (from, to, expected) in [
            (
                "`ThingReq.name`",
                "The name",
                "no line names `ThingReq`, which has changed: BREAKING  ThingReq.name: maxLength is 8",
            ),
            (
                "`Token`",
                "Token",
                "no line names `Token`, which has changed",
            ),
            (
                "`createThing`",
                "`Thing`",
                "no line names `createThing`, which has changed",
            ),
            (
                "`errors.json`",
                "`Kind`",
                "a line names `Kind`, which has not changed",
            ),
            (
                "`errors.json`",
                "`Thing.kind`",
                "a line names `Thing`, which has not changed",
            ),
        ] {
            let found = problems(&whole.replace(from, to));
            let expected = format!("openapi/CHANGELOG.md, 2.0.0: {expected}");
            assert!(
                found.iter().any(|problem| problem.starts_with(&expected)),
                "{found:?}"
            );
        }
    }
}
