//! Compares two schemas.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::change::{Changes, Level};
use crate::document::text;

/// The directions in which a schema is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directions {
    pub(super) in_requests: bool,
    pub(super) in_responses: bool,
}

impl Directions {
    pub(super) const REQUEST: Self = Self {
        in_requests: true,
        in_responses: false,
    };
    pub(super) const RESPONSE: Self = Self {
        in_requests: false,
        in_responses: true,
    };

    /// The level of a change that breaks only requests.
    fn breaks_requests(self) -> Level {
        major_if(self.in_requests)
    }

    /// The level of a change that breaks only responses.
    fn breaks_responses(self) -> Level {
        major_if(self.in_responses)
    }
}

pub(super) fn major_if(is_breaking: bool) -> Level {
    match is_breaking {
        true => Level::Major,
        false => Level::Minor,
    }
}

/// Compares the schemas of one place. References are not followed: components are compared once, by name.
pub(super) fn compare(
    place: &str,
    old: &Value,
    new: &Value,
    directions: Directions,
    changes: &mut Changes,
) {
    let (before, after) = (kind(old), kind(new));
    if before != after {
        let what = format!("is {after} instead of {before}");
        changes.add(Level::Major, place, what);
    }
    if is_nullable(new) && !is_nullable(old) {
        changes.add(directions.breaks_responses(), place, "may now be null");
    }
    if is_nullable(old) && !is_nullable(new) {
        changes.add(directions.breaks_requests(), place, "may no longer be null");
    }
    if old.get("default") != new.get("default") {
        let what = match new.get("default") {
            Some(default) => format!("has the default {default}, which clients send"),
            None => "no longer has a default, so clients send nothing".to_owned(),
        };
        changes.add(Level::Major, place, what);
    }
    values(place, old, new, directions, changes);
    if directions.in_requests {
        limits(place, old, new, changes);
    }
    properties(place, old, new, directions, changes);
    for key in ["items", "additionalProperties"] {
        if let (Some(old), Some(new)) = (old.get(key), new.get(key)) {
            compare(&format!("{place}, each"), old, new, directions, changes);
        }
    }
}

/// The values of an enumeration.
struct Enumeration {
    is_closed: bool,
    values: BTreeSet<String>,
}

impl Enumeration {
    fn of(schema: &Value) -> Option<Self> {
        let list = |key: &str| -> Option<BTreeSet<String>> {
            let values = schema.get(key)?.as_array()?;
            Some(values.iter().map(Value::to_string).collect())
        };
        let of = |is_closed: bool, values| Self { is_closed, values };
        let closed = list("enum").map(|values| of(true, values));
        closed.or_else(|| list("x-extensible-enum").map(|values| of(false, values)))
    }
}

fn values(place: &str, old: &Value, new: &Value, directions: Directions, changes: &mut Changes) {
    let (before, after) = match (Enumeration::of(old), Enumeration::of(new)) {
        (None, None) => return,
        (None, Some(after)) => {
            return match after.is_closed {
                true => changes.add(Level::Major, place, "is now a closed enumeration"),
                false => changes.add(Level::Minor, place, "now lists known values"),
            };
        }
        (Some(_), None) => {
            return changes.add(Level::Major, place, "no longer lists values");
        }
        (Some(before), Some(after)) => (before, after),
    };
    if before.is_closed != after.is_closed {
        let what = match after.is_closed {
            true => "is now a closed enumeration: clients reject other values",
            false => "is now an open enumeration: its type becomes a string",
        };
        changes.add(Level::Major, place, what);
    }
    for value in before.values.difference(&after.values) {
        changes.add(Level::Major, place, format!("the value {value} is removed"));
    }
    for value in after.values.difference(&before.values) {
        // A client with a closed enumeration fails on the first response with the new value.
        let level = major_if(after.is_closed && directions.in_responses);
        changes.add(level, place, format!("has the new value {value}"));
    }
}

fn limits(place: &str, old: &Value, new: &Value, changes: &mut Changes) {
    for (keyword, is_minimum) in [
        ("minimum", true),
        ("minLength", true),
        ("minItems", true),
        ("maximum", false),
        ("maxLength", false),
        ("maxItems", false),
    ] {
        let number = |schema: &Value| schema.get(keyword).and_then(Value::as_f64);
        match (number(old), number(new)) {
            (before, after) if before == after => {}
            (_, None) => changes.add(Level::Minor, place, format!("no longer has {keyword}")),
            (before, Some(after)) => {
                let is_narrower = before.is_none_or(|before| (after > before) == is_minimum);
                changes.add(
                    major_if(is_narrower),
                    place,
                    format!("{keyword} is now {after}"),
                );
            }
        }
    }
    if old.get("pattern") != new.get("pattern") {
        let level = major_if(new.get("pattern").is_some());
        changes.add(level, place, "has another pattern");
    }
}

fn properties(
    place: &str,
    old: &Value,
    new: &Value,
    directions: Directions,
    changes: &mut Changes,
) {
    let empty = Map::new();
    let of = |schema| -> Option<&Map<_, _>> { Value::as_object(Value::get(schema, "properties")?) };
    let before = of(old).unwrap_or(&empty);
    let after = of(new).unwrap_or(&empty);
    for (name, old) in before {
        let place = format!("{place}.{name}");
        match after.get(name) {
            None => changes.add(Level::Major, &place, "the property is removed"),
            Some(new) => compare(&place, old, new, directions, changes),
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        changes.add(
            Level::Minor,
            &format!("{place}.{name}"),
            "is a new property",
        );
    }
    let required = |schema: &Value| -> BTreeSet<String> {
        let names = schema.get("required").and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let (before, after) = (required(old), required(new));
    for name in after.difference(&before) {
        let place = format!("{place}.{name}");
        changes.add(directions.breaks_requests(), &place, "is now required");
    }
    for name in before.difference(&after) {
        let place = format!("{place}.{name}");
        changes.add(directions.breaks_responses(), &place, "is now optional");
    }
}

fn is_nullable(schema: &Value) -> bool {
    let of_type = schema.get("type").and_then(Value::as_array);
    let of_choice = schema.get("anyOf").and_then(Value::as_array);
    schema.get("nullable") == Some(&Value::Bool(true))
        || of_type.is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
        || of_choice.is_some_and(|choices| choices.iter().any(|it| text(it, "type") == "null"))
}

/// The type of a schema: the name of the referenced component, otherwise type and format.
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
