//! From what the sources say to a document of ours.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToLowerCamelCase as _, ToUpperCamelCase as _};
use serde_json::{Map, Value, json};

use super::facts::{Field, Key, Object, Operation, Sources};
use crate::check::SECRETS;
use crate::prose;
use crate::verify::shape::Shape;

/// What stands where a sentence of our own is owed.
pub(super) const TODO: &str = "TODO: say it in own words.";

/// Writes documents; holds the names that were given.
pub(super) struct Writer<'a> {
    sources: &'a Sources,
    /// The component of each object.
    names: BTreeMap<Key, String>,
    /// The objects of each component.
    members: BTreeMap<String, Vec<Key>>,
    /// The values of each enumeration, and where they stand.
    enums: BTreeMap<String, Enumeration>,
    /// The enumeration of each field, by object or operation and name.
    enum_of: BTreeMap<(Key, String), String>,
}

#[derive(Debug, Default)]
struct Enumeration {
    values: Vec<String>,
    sources: BTreeSet<String>,
    /// How the fields that list values are introduced; for recognition only.
    sentences: BTreeSet<String>,
}

/// Name of the fields, their values, and the fields themselves.
type Group = (String, Enumeration, Vec<(Key, String)>);

/// Whether a field is about a status at some moment, as `current_status` and `previous_state` are.
fn is_state_of(field: &str, name: &str) -> bool {
    name == "status" && ["_status", "_state"].iter().any(|end| field.ends_with(end))
}

fn first_sentence(description: &str) -> String {
    let sentence = description
        .split(['.', '\n', ','])
        .next()
        .unwrap_or_default();
    sentence.trim().to_lowercase()
}

/// The document of all sources.
pub(super) fn document(sources: &Sources) -> Value {
    let mut writer = Writer {
        sources,
        names: BTreeMap::new(),
        members: BTreeMap::new(),
        enums: BTreeMap::new(),
        enum_of: BTreeMap::new(),
    };
    writer.name_objects();
    writer.name_enums();
    writer.write()
}

fn pascal(name: &str) -> String {
    let name = name.to_upper_camel_case();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_uppercase() => name,
        _ => format!("Object{name}"),
    }
}

fn singular(segment: &str) -> String {
    let name = segment.to_upper_camel_case();
    name.strip_suffix('s').unwrap_or(&name).to_owned()
}

impl<'a> Writer<'a> {
    /// The objects that bodies lead to, and which way they travel.
    fn reached(&self) -> BTreeMap<&'a str, bool> {
        let mut reached = BTreeMap::new();
        for operation in &self.sources.operations {
            for (body, is_request) in [(&operation.request, true), (&operation.response, false)] {
                let mut open: Vec<&str> = body.as_deref().into_iter().collect();
                while let Some(key) = open.pop() {
                    let Some((key, object)) = self.sources.objects.get_key_value(key) else {
                        continue;
                    };
                    if reached.contains_key(key.as_str()) {
                        continue;
                    }
                    reached.insert(key.as_str(), is_request);
                    open.extend(
                        object
                            .fields
                            .iter()
                            .filter_map(|field| field.target.as_deref()),
                    );
                }
            }
        }
        reached
    }

    /// Equal objects share a component: of the same direction, with the same fields that lead to equal objects.
    fn name_objects(&mut self) {
        let reached = self.reached();
        let mut classes: BTreeMap<&str, String> =
            reached.keys().map(|key| (*key, String::new())).collect();
        // As often as objects can be nested: what differs deep down differs at last.
        for _ in 0..12 {
            classes = reached
                .iter()
                .map(|(key, is_request)| (*key, self.class(key, *is_request, &classes)))
                .collect();
        }
        let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (key, class) in &classes {
            groups.entry(class.clone()).or_default().push(key);
        }
        let mut groups: Vec<Vec<&str>> = groups.into_values().collect();
        groups.sort();
        for group in groups {
            let first = &self.sources.objects[group[0]];
            let base = pascal(&first.name);
            let is_request = reached[group[0]];
            let taken = |name: &str| self.members.contains_key(name);
            let suffix = if is_request { "Req" } else { "Res" };
            let mut name = base.clone();
            if taken(&name) {
                name = format!("{base}{suffix}");
            }
            let mut number = 2;
            while taken(&name) {
                name = format!("{base}{suffix}{number}");
                number += 1;
            }
            for key in &group {
                self.names.insert((*key).to_owned(), name.clone());
            }
            self.members
                .insert(name, group.into_iter().map(str::to_owned).collect());
        }
        self.adopt(&reached);
    }

    /// Tables that no field leads to, often since the page refers to another page's table instead: each is taken for
    /// a further source of the component that it has most fields in common with.
    fn adopt(&mut self, reached: &BTreeMap<&'a str, bool>) {
        let names = |key: &str| -> BTreeSet<&'a str> {
            let fields = self.sources.objects[key].fields.iter();
            fields.map(|field| field.name.as_str()).collect()
        };
        let mut adopted = Vec::new();
        for (key, object) in &self.sources.objects {
            if reached.contains_key(key.as_str()) || object.source == "sdk" {
                continue;
            }
            let own = names(key);
            let likeness = |other: &str| {
                let other = names(other);
                own.intersection(&other).count() * 100 / own.union(&other).count().max(1)
            };
            let candidates = reached
                .iter()
                .filter(|(_, is_request)| **is_request == object.is_request);
            let ranked = candidates.map(|(other, _)| {
                let title = |object: &Object| object.name.replace(" parameters", "").to_lowercase();
                let same = title(&self.sources.objects[*other]) == title(object);
                (likeness(other), same, *other)
            });
            if let Some((likeness, _, other)) = ranked.max()
                && likeness >= 50
                && let Some(name) = self.names.get(other)
            {
                adopted.push((key.clone(), name.clone()));
            }
        }
        for (key, name) in adopted {
            self.names.insert(key.clone(), name.clone());
            self.members.entry(name).or_default().push(key);
        }
    }

    fn class(&self, key: &str, is_request: bool, classes: &BTreeMap<&str, String>) -> String {
        use std::hash::{DefaultHasher, Hash as _, Hasher as _};
        let object = &self.sources.objects[key];
        let mut fields: Vec<String> = object
            .fields
            .iter()
            .map(|field| {
                let target = field
                    .target
                    .as_deref()
                    .and_then(|target| classes.get(target));
                format!(
                    "{} {} {} {:?}",
                    field.name, field.shape, field.required, target
                )
            })
            .collect();
        fields.sort();
        let mut hasher = DefaultHasher::new();
        fields.hash(&mut hasher);
        // Root bodies keep a schema of their own where they are requests: limits of two operations differ.
        let own = if is_request && object.name.ends_with("Request") {
            key
        } else {
            ""
        };
        format!("{is_request} {own} {:x}", hasher.finish())
    }

    /// The static segments of the path of the page that describes something.
    fn family(&self, key: &str) -> Vec<&'a str> {
        let page = key.split(' ').next().unwrap_or_default();
        let operation = self
            .sources
            .operations
            .iter()
            .find(|known| known.name == page);
        let path = operation.map_or("", |operation| operation.path.as_str());
        let segments = path.split('/').filter(|segment| !segment.starts_with('{'));
        segments.skip(2).take(1).collect()
    }

    /// All fields with the object or operation that they belong to, and where they stand.
    fn fields(&self) -> Vec<(Key, &'a Field, String)> {
        let mut fields = Vec::new();
        for key in self.names.keys() {
            let object: &'a Object = &self.sources.objects[key];
            fields.extend(
                object
                    .fields
                    .iter()
                    .map(|field| (key.clone(), field, object.source.clone())),
            );
        }
        for operation in &self.sources.operations {
            let parameters = operation.parameters.iter();
            fields.extend(
                parameters
                    .map(|(_, field, source)| (operation.name.clone(), field, source.clone())),
            );
        }
        fields
    }

    /// Fields of one name share an enumeration where one lists what the other does, or where they stand in the same
    /// component. One that lists no values has those of its name in its component, with its default, or introduced in
    /// the same words.
    fn name_enums(&mut self) {
        let is_text = |field: &Field| match &field.shape {
            Shape::Text => true,
            Shape::List(items) => **items == Shape::Text,
            _ => false,
        };
        let mut groups: Vec<Group> = Vec::new();
        let fields = self.fields();
        for (key, field, source) in &fields {
            if field.values.is_empty() || !is_text(field) {
                continue;
            }
            let owner = self.names.get(key);
            let is_in = |value: &String, values: &[String]| {
                values.iter().any(|known| known.eq_ignore_ascii_case(value))
            };
            let index = groups.iter().position(|(name, group, members)| {
                let same_owner = members
                    .iter()
                    .any(|(key, _)| owner.is_some() && self.names.get(key) == owner);
                let is_part = field.values.iter().all(|value| is_in(value, &group.values))
                    || group.values.iter().all(|value| is_in(value, &field.values));
                // A single value is a part of too much.
                let is_part = is_part
                    && (field.values.len().min(group.values.len()) > 1
                        || field.values == group.values);
                *name == field.name && (is_part || same_owner)
            });
            let index = index.unwrap_or_else(|| {
                groups.push((field.name.clone(), Enumeration::default(), Vec::new()));
                groups.len() - 1
            });
            let (_, group, members) = &mut groups[index];
            for value in &field.values {
                if !group
                    .values
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(value))
                {
                    group.values.push(value.clone());
                }
            }
            group.sources.insert(source.clone());
            group.sentences.insert(first_sentence(&field.description));
            members.push((key.clone(), field.name.clone()));
        }
        for (key, field, source) in &fields {
            if !field.values.is_empty() || !is_text(field) {
                continue;
            }
            let default = prose::stated(&field.description, false).default;
            let owner = self.names.get(key);
            let best = groups
                .iter()
                .enumerate()
                .filter(|(_, (name, _, _))| *name == field.name || is_state_of(&field.name, name))
                .filter_map(|(index, (name, group, members))| {
                    let same_owner = members
                        .iter()
                        .any(|(key, _)| owner.is_some() && self.names.get(key) == owner);
                    let has_default = default.as_ref().is_some_and(|default| {
                        group
                            .values
                            .iter()
                            .any(|known| known.eq_ignore_ascii_case(default))
                    });
                    let same_words = group
                        .sentences
                        .contains(&first_sentence(&field.description));
                    let same_family = members
                        .iter()
                        .any(|(other, _)| self.family(other) == self.family(key));
                    let same_words = same_words
                        || (field.name != *name
                            && members
                                .iter()
                                .any(|(key_of, _)| self.family(key_of) == self.family(key)));
                    let rank = (same_owner, has_default, same_words);
                    (rank != (false, false, false)).then_some((
                        rank,
                        same_family,
                        group.values.len(),
                        index,
                    ))
                })
                .max();
            if let Some((_, _, _, index)) = best {
                let (_, group, members) = &mut groups[index];
                group.sources.insert(source.clone());
                members.push((key.clone(), field.name.clone()));
            }
        }
        for (field, group, members) in groups {
            let mut name = pascal(&field);
            if !name.bytes().any(|b| b.is_ascii_lowercase())
                || self.members.contains_key(&name)
                || self.enums.contains_key(&name)
            {
                let owner = members
                    .first()
                    .map(|(key, _)| key.clone())
                    .unwrap_or_default();
                let owner = self
                    .names
                    .get(&owner)
                    .cloned()
                    .unwrap_or_else(|| pascal(&owner));
                name = format!("{owner}{}", pascal(&field));
            }
            let base = name.clone();
            let mut number = 2;
            while self.members.contains_key(&name) || self.enums.contains_key(&name) {
                name = format!("{base}{number}");
                number += 1;
            }
            for member in members {
                self.enum_of.insert(member, name.clone());
            }
            self.enums.insert(name, group);
        }
    }

    fn write(&self) -> Value {
        let mut schemas = Map::new();
        for (name, keys) in &self.members {
            schemas.insert(name.clone(), self.object(keys));
        }
        for (name, group) in &self.enums {
            let sentences: Map<String, Value> = group
                .values
                .iter()
                .map(|value| (value.clone(), json!("TODO: when is it this?")))
                .collect();
            let sources: Vec<&String> = group.sources.iter().collect();
            schemas.insert(
                name.clone(),
                json!({"type": "string", "description": TODO, "x-source": sources,
                       "x-extensible-enum": group.values, "x-enum-descriptions": sentences}),
            );
        }
        schemas.insert(
            "ErrorBody".to_owned(),
            json!({"type": "object", "description": "What the service says when it refuses a request.",
                   "x-source": ["response"], "properties": {
                "error_code": {"type": "string", "description": "Code of the error, for programs."},
                "error_msg": {"type": "string", "description": "What went wrong, for people."},
            }}),
        );
        let mut statuses: BTreeSet<u16> = BTreeSet::new();
        let mut tags = BTreeSet::new();
        let mut titles = BTreeSet::new();
        let mut paths: Map<String, Value> = Map::new();
        for operation in &self.sources.operations {
            statuses.extend(operation.statuses.iter().filter(|status| **status >= 400));
            let (tag, value) = self.operation(operation, &schemas, &mut titles);
            tags.insert(tag);
            let item = paths
                .entry(operation.path.clone())
                .or_insert_with(|| json!({}));
            item[&operation.method] = value;
        }
        let error = |text: &str| {
            json!({"description": text, "content": {"application/json": {
                "schema": {"$ref": "#/components/schemas/ErrorBody"},
                "examples": {"refused": {"summary": "A refusal", "x-sample": "composed",
                             "value": {"error_code": "ModelArts.0000", "error_msg": "TODO"}}}}}})
        };
        let mut responses = Map::new();
        for status in statuses {
            let text = format!("TODO: when {status} is met.");
            responses.insert(format!("Status{status}"), error(&text));
        }
        responses.insert("Error".to_owned(), error("Any other refusal."));
        let tags: Vec<Value> = tags
            .into_iter()
            .map(|tag| json!({"name": tag, "description": TODO}))
            .collect();
        json!({
            "openapi": "3.0.3",
            "info": {"title": "TODO", "version": "1.0.0", "description": TODO},
            "servers": [{"url": "https://modelarts.{region}.otc.t-systems.com", "description": "Open Telekom Cloud",
                         "variables": {"region": {"default": "eu-de"}}}],
            "tags": tags,
            "security": [{"Token": []}],
            "paths": paths,
            "components": {
                "securitySchemes": {"Token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token",
                    "description": "Token of the identity service."}},
                "responses": responses,
                "schemas": schemas,
            },
        })
    }

    fn object(&self, keys: &[Key]) -> Value {
        let first = &self.sources.objects[&keys[0]];
        let mut sources: Vec<&str> = keys
            .iter()
            .map(|key| self.sources.objects[key].source.as_str())
            .collect();
        sources.sort_unstable();
        sources.dedup();
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut fields: Vec<&Field> = first.fields.iter().collect();
        for field in keys
            .iter()
            .flat_map(|key| &self.sources.objects[key].fields)
        {
            if !fields.iter().any(|known| known.name == field.name) {
                fields.push(field);
            }
        }
        for field in fields {
            if first.is_request && field.required {
                required.push(field.name.clone());
            }
            // Where equal objects state limits on some pages only, the page that states them is believed.
            let stating = keys
                .iter()
                .filter_map(|key| {
                    self.sources.objects[key]
                        .fields
                        .iter()
                        .find(|other| other.name == field.name)
                })
                .max_by_key(|other| {
                    prose::stated(&other.description, false) != prose::Stated::default()
                });
            let mut property =
                self.schema(&keys[0], stating.unwrap_or(field), first.is_request, true);
            if field.is_sdk && first.source != "sdk" && property.get("$ref").is_none() {
                property["x-source"] = json!("sdk");
            }
            properties.insert(field.name.clone(), property);
        }
        let mut object = json!({"type": "object", "description": TODO, "x-source": sources, "properties": properties});
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        object
    }

    /// The schema of a field; `described` puts description and default beside it.
    fn schema(&self, key: &str, field: &Field, is_request: bool, described: bool) -> Value {
        let stated = prose::stated(&field.description, matches!(field.shape, Shape::List(_)));
        let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let target = field
            .target
            .as_ref()
            .and_then(|target| self.names.get(target));
        let keys = self.names.get(key).and_then(|name| self.members.get(name));
        let values = match keys {
            // Any table of the component may be the one that lists the values.
            Some(keys) => keys
                .iter()
                .find_map(|key| self.enum_of.get(&(key.clone(), field.name.clone()))),
            None => self.enum_of.get(&(key.to_owned(), field.name.clone())),
        };
        let named = target.or(values);
        let mut schema = match (&field.shape, named) {
            (Shape::List(items), Some(name)) if matches!(**items, Shape::Object | Shape::Text) => {
                json!({"type": "array", "items": reference(name)})
            }
            (Shape::Object | Shape::Text, Some(name)) => return reference(name),
            (shape, _) => plain(shape),
        };
        let numbers: Vec<i64> = field
            .values
            .iter()
            .filter_map(|value| value.parse().ok())
            .collect();
        if matches!(field.shape, Shape::Integer | Shape::Long) && !numbers.is_empty() {
            schema["x-extensible-enum"] = json!(numbers);
            let sentence = |value: &i64| (value.to_string(), json!("TODO: when is it this?"));
            let sentences: Map<String, Value> = numbers.iter().map(sentence).collect();
            schema["x-enum-descriptions"] = Value::Object(sentences);
        }
        // A moment in milliseconds does not fit into 32 bits, whatever the page calls it.
        let is_moment = stated.unit == Some("ms") || field.name.ends_with("timestamp");
        if field.shape == Shape::Integer && is_moment {
            schema["format"] = json!("int64");
        }
        if SECRETS.contains(&field.name.as_str()) && field.shape == Shape::Text {
            schema["format"] = json!("password");
        }
        if is_request {
            limits(&stated, &field.shape, &mut schema);
        }
        if described {
            let mut text = TODO.to_owned();
            if let Some(unit) = stated.unit {
                let unit = match unit {
                    "ms" => "milliseconds",
                    "s" => "seconds",
                    "min" => "minutes",
                    "h" => "hours",
                    "d" => "days",
                    "B" => "bytes",
                    other => other,
                };
                text += &format!(" In {unit}.");
            }
            schema["description"] = json!(text);
            if is_request
                && !field.required
                && let Some(default) = default(&stated, &field.shape)
            {
                schema["x-default"] = default;
            }
        }
        schema
    }

    fn operation(
        &self,
        operation: &Operation,
        schemas: &Map<String, Value>,
        titles: &mut BTreeSet<String>,
    ) -> (String, Value) {
        let mut id = operation.name.to_lower_camel_case();
        if operation.name.starts_with("modelarts_") {
            id = operation.title.to_lower_camel_case();
        }
        let resource = operation
            .path
            .split('/')
            .filter(|segment| !segment.is_empty() && !segment.starts_with('{'))
            .nth(1)
            .unwrap_or("operations");
        let tag = format!("{}s", singular(resource));
        let mut summary: String = operation
            .title
            .trim_end_matches('.')
            .chars()
            .take(50)
            .collect();
        if summary.is_empty() || !titles.insert(summary.clone()) {
            summary = format!("{summary} ({})", operation.name)
                .chars()
                .take(60)
                .collect();
        }
        let mut parameters = Vec::new();
        let mut named = BTreeSet::new();
        for (place, field, _) in &operation.parameters {
            named.insert((*place, field.name.clone()));
            let mut parameter = json!({"name": field.name, "in": place, "description": TODO,
                "required": field.required || *place == "path",
                "schema": self.schema(&operation.name, field, true, false)});
            let stated = prose::stated(&field.description, false);
            if let Some(unit) = stated.unit {
                parameter["description"] = json!(format!("{TODO} Unit: {unit}."));
            }
            if !field.required
                && *place != "path"
                && let Some(default) = default(&stated, &field.shape)
            {
                parameter["x-default"] = default;
            }
            parameters.push(parameter);
        }
        for segment in operation.path.split('/') {
            if let Some(name) = segment
                .strip_prefix('{')
                .and_then(|it| it.strip_suffix('}'))
                && !named.contains(&("path", name.to_owned()))
            {
                parameters.push(
                    json!({"name": name, "in": "path", "required": true, "description": TODO,
                                       "schema": {"type": "string"}}),
                );
            }
        }
        let idempotent = ["get", "put", "delete", "head"].contains(&operation.method.as_str());
        let mut value = json!({
            "tags": [tag],
            "operationId": id,
            "summary": summary,
            "description": TODO,
            "externalDocs": {"description": "The page of the service.",
                             "url": "https://docs.otc.t-systems.com/modelarts/api-ref/"},
            "x-source": [operation.source],
            "x-idempotent": idempotent,
            "parameters": parameters,
        });
        if let Some(name) = operation
            .request
            .as_ref()
            .and_then(|key| self.names.get(key))
        {
            value["requestBody"] = json!({"required": true,
                "content": {"application/json": self.body(operation, name, true, schemas)}});
        }
        let mut responses = Map::new();
        let mut successes: Vec<u16> = operation
            .statuses
            .iter()
            .copied()
            .filter(|it| *it < 300)
            .collect();
        if successes.is_empty() {
            successes.push(200);
        }
        for status in successes {
            let mut response = json!({"description": TODO});
            if let Some(name) = operation
                .response
                .as_ref()
                .and_then(|key| self.names.get(key))
            {
                response["content"] =
                    json!({"application/json": self.body(operation, name, false, schemas)});
            }
            responses.insert(status.to_string(), response);
        }
        for status in operation.statuses.iter().filter(|status| **status >= 400) {
            let reference = format!("#/components/responses/Status{status}");
            responses.insert(status.to_string(), json!({"$ref": reference}));
        }
        responses.insert(
            "default".to_owned(),
            json!({"$ref": "#/components/responses/Error"}),
        );
        value["responses"] = Value::Object(responses);
        (tag, value)
    }

    /// A media type with the samples of the page, or a composed value where it has none.
    fn body(
        &self,
        operation: &Operation,
        name: &str,
        is_request: bool,
        schemas: &Map<String, Value>,
    ) -> Value {
        let mut examples = Map::new();
        for (number, _, sample) in operation
            .samples
            .iter()
            .filter(|(_, request, _)| *request == is_request)
        {
            let source = format!("{} S{number}", operation.name);
            examples.insert(
                format!("sample{number}"),
                json!({"summary": "TODO", "x-sample": "documented", "x-source": [source], "value": sample}),
            );
        }
        let composed = json!({"summary": "TODO", "x-sample": "composed",
                              "value": least(&json!({"$ref": format!("#/components/schemas/{name}")}), schemas, 0)});
        examples.insert("composed".to_owned(), composed);
        json!({"schema": {"$ref": format!("#/components/schemas/{name}")}, "examples": examples})
    }
}

/// The least value of a schema: what is required, and nothing else.
fn least(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let name = name.rsplit('/').next().unwrap_or_default();
        let target = schemas.get(name).unwrap_or(&Value::Null);
        return if depth > 16 {
            json!({})
        } else {
            least(target, schemas, depth + 1)
        };
    }
    if let Some(value) = schema
        .get("x-extensible-enum")
        .and_then(|values| values.get(0))
    {
        return value.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => json!("a"),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        _ => {
            let required = schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let value: Map<String, Value> = required
                .filter_map(Value::as_str)
                .filter_map(|name| {
                    let property = schema.get("properties")?.get(name)?;
                    Some((name.to_owned(), least(property, schemas, depth + 1)))
                })
                .collect();
            Value::Object(value)
        }
    }
}

fn plain(shape: &Shape) -> Value {
    match shape {
        Shape::Text => json!({"type": "string"}),
        Shape::Integer => json!({"type": "integer", "format": "int32"}),
        Shape::Long => json!({"type": "integer", "format": "int64"}),
        Shape::Number => json!({"type": "number", "format": "double"}),
        Shape::Flag => json!({"type": "boolean"}),
        Shape::Map => json!({"type": "object", "additionalProperties": {"type": "string"}}),
        Shape::Object | Shape::Free => json!({"type": "object", "additionalProperties": true}),
        Shape::List(items) => json!({"type": "array", "items": plain(items)}),
    }
}

fn limits(stated: &prose::Stated, shape: &Shape, schema: &mut Value) {
    match shape {
        Shape::Text => {
            let exact = stated.min_length.filter(|least| *least > 0);
            for (keyword, limit) in [("minLength", exact), ("maxLength", stated.max_length)] {
                if let Some(limit) = limit {
                    schema[keyword] = json!(limit);
                }
            }
            if let Some(characters) = &stated.characters {
                schema["pattern"] = json!(pattern(characters));
            }
        }
        Shape::Integer | Shape::Long | Shape::Number => {
            for (keyword, limit) in [("minimum", stated.minimum), ("maximum", stated.maximum)] {
                if let Some(limit) = limit {
                    schema[keyword] = json!(limit);
                }
            }
        }
        Shape::List(_) => {
            if let Some(limit) = stated.max_items {
                schema["maxItems"] = json!(limit);
            }
        }
        _ => {}
    }
}

/// A regular expression for texts of these characters.
fn pattern(characters: &BTreeSet<char>) -> String {
    let class = |listed: &BTreeSet<char>| -> String {
        let mut class = String::new();
        for (first, last) in [('A', 'Z'), ('a', 'z'), ('0', '9')] {
            if (first..=last).all(|c| listed.contains(&c)) {
                class += &format!("{first}-{last}");
            }
        }
        let special = listed
            .iter()
            .filter(|c| !c.is_ascii_alphanumeric() && **c != '-');
        for c in special {
            if ['\\', ']', '^', '['].contains(c) {
                class.push('\\');
            }
            class.push(*c);
        }
        if listed.contains(&'-') {
            class.push('-');
        }
        class
    };
    let forbidden: BTreeSet<char> = (' '..='~').filter(|c| !characters.contains(c)).collect();
    if forbidden.len() <= 16 && !forbidden.iter().any(char::is_ascii_alphanumeric) {
        return format!("^[^{}]*$", class(&forbidden));
    }
    format!("^[{}]*$", class(characters))
}

fn default(stated: &prose::Stated, shape: &Shape) -> Option<Value> {
    let text = stated.default.as_ref()?;
    match shape {
        Shape::Text => Some(json!(text)),
        Shape::Integer | Shape::Long => text.parse::<i64>().ok().map(|number| json!(number)),
        Shape::Number => text.parse::<f64>().ok().map(|number| json!(number)),
        Shape::Flag => text.parse::<bool>().ok().map(|flag| json!(flag)),
        _ => None,
    }
}
