//! The schemas of a draft.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::enumerations::Enumerations;
use super::facts::{Field, Key, Sources};
use super::names::Names;
use crate::check::SECRETS;
use crate::prose;
use crate::verify::shape::Shape;

/// The placeholder for a sentence that a maintainer has to write.
pub(super) const TODO: &str = "TODO: say it in own words.";
/// The same for the sentence of a value.
const TODO_VALUE: &str = "TODO: when is it this?";

/// The components of a draft and their schemas.
pub(super) struct Schemas<'a> {
    pub(super) names: Names<'a>,
    enumerations: Enumerations,
}

impl<'a> Schemas<'a> {
    /// Names the components and enumerations of all sources.
    pub(super) fn new(sources: &'a Sources) -> Self {
        let names = Names::new(sources);
        let enumerations = Enumerations::new(&names);
        Self {
            names,
            enumerations,
        }
    }

    /// Returns all schema components by name.
    pub(super) fn components(&self) -> Map<String, Value> {
        let mut schemas = Map::new();
        for (name, keys) in &self.names.members {
            schemas.insert(name.clone(), self.object(keys));
        }
        for (name, group) in &self.enumerations.by_name {
            let sentences: Map<String, Value> = group
                .values
                .iter()
                .map(|value| (value.clone(), json!(TODO_VALUE)))
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
        schemas
    }

    fn object(&self, keys: &[Key]) -> Value {
        let first = &self.names.sources.objects[&keys[0]];
        let mut sources: Vec<&str> = keys
            .iter()
            .map(|key| self.names.sources.objects[key].source.as_str())
            .collect();
        sources.sort_unstable();
        sources.dedup();
        let mut properties = Map::new();
        let mut required = Vec::new();
        let mut fields: Vec<&Field> = first.fields.iter().collect();
        for field in keys
            .iter()
            .flat_map(|key| &self.names.sources.objects[key].fields)
        {
            if !fields.iter().any(|known| known.name == field.name) {
                fields.push(field);
            }
        }
        for field in fields {
            if first.is_request && field.required {
                required.push(field.name.clone());
            }
            // If only some pages of equal objects state limits, their text is used.
            let stating = keys
                .iter()
                .filter_map(|key| {
                    self.names.sources.objects[key]
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

    /// The component or enumeration of a field.
    fn component(&self, key: &str, field: &Field) -> Option<&String> {
        let target = field
            .target
            .as_ref()
            .and_then(|target| self.names.of_object.get(target));
        let keys = self
            .names
            .of_object
            .get(key)
            .and_then(|name| self.names.members.get(name));
        let values = match keys {
            // Any table of the component can list the values.
            Some(keys) => keys.iter().find_map(|key| {
                self.enumerations
                    .of_field
                    .get(&(key.clone(), field.name.clone()))
            }),
            None => self
                .enumerations
                .of_field
                .get(&(key.to_owned(), field.name.clone())),
        };
        target.or(values)
    }

    /// The schema of a field; `described` adds description and default.
    pub(super) fn schema(
        &self,
        key: &str,
        field: &Field,
        is_request: bool,
        described: bool,
    ) -> Value {
        let stated = prose::stated(&field.description, matches!(field.shape, Shape::List(_)));
        let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        let named = self.component(key, field);
        let mut schema = match (&field.shape, named) {
            (Shape::List(items), Some(name)) if matches!(**items, Shape::Object | Shape::Text) => {
                json!({"type": "array", "items": reference(name)})
            }
            (Shape::Object | Shape::Text, Some(name)) => return reference(name),
            (shape, _) => plain(shape),
        };
        known_integers(field, &mut schema);
        // A timestamp in milliseconds does not fit into 32 bits, even if the page says so.
        let is_timestamp = stated.unit == Some("ms") || field.name.ends_with("timestamp");
        if field.shape == Shape::Integer && is_timestamp {
            schema["format"] = json!("int64");
        }
        if SECRETS.contains(&field.name.as_str()) && field.shape == Shape::Text {
            schema["format"] = json!("password");
        }
        if is_request {
            limits(&stated, &field.shape, &mut schema);
        }
        if described {
            schema["description"] = json!(description(&stated));
            if is_request
                && !field.required
                && let Some(default) = default(&stated, &field.shape)
            {
                schema["x-default"] = default;
            }
        }
        schema
    }
}

/// Adds the listed values of an integer.
fn known_integers(field: &Field, schema: &mut Value) {
    let numbers = field.values.iter().filter_map(|value| value.parse().ok());
    let numbers: Vec<i64> = numbers.collect();
    if matches!(field.shape, Shape::Integer | Shape::Long) && !numbers.is_empty() {
        schema["x-extensible-enum"] = json!(numbers);
        let sentence = |value: &i64| (value.to_string(), json!(TODO_VALUE));
        let sentences: Map<String, Value> = numbers.iter().map(sentence).collect();
        schema["x-enum-descriptions"] = Value::Object(sentences);
    }
}

/// The placeholder for a description, with the unit that a page states.
fn description(stated: &prose::Stated) -> String {
    let unit = match stated.unit {
        None => return TODO.to_owned(),
        Some("ms") => "milliseconds",
        Some("s") => "seconds",
        Some("min") => "minutes",
        Some("h") => "hours",
        Some("d") => "days",
        Some("B") => "bytes",
        Some(other) => other,
    };
    format!("{TODO} In {unit}.")
}

/// The smallest value of a schema: only what is required.
pub(super) fn least(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Value {
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

/// The schema of a type without a component.
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

/// Adds the limits that a page states.
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

/// A regular expression for texts of only these characters.
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

/// The default that a page states, as a value of the type.
pub(super) fn default(stated: &prose::Stated, shape: &Shape) -> Option<Value> {
    let text = stated.default.as_ref()?;
    match shape {
        Shape::Text => Some(json!(text)),
        Shape::Integer | Shape::Long => text.parse::<i64>().ok().map(|number| json!(number)),
        Shape::Number => text.parse::<f64>().ok().map(|number| json!(number)),
        Shape::Flag => text.parse::<bool>().ok().map(|flag| json!(flag)),
        _ => None,
    }
}
