//! Rules for enumerations.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::Rule;
use super::parts::{self, Direction};
use crate::document::{Document, text};
use crate::enums::{STATES, State, states, texts};
use crate::problem::{Problem, push};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "enum-component",
        why: "an enumeration without a name becomes an invented type, or several",
        run: enum_component,
    },
    Rule {
        name: "enum-open",
        why: "a value that the service adds must not break a client; where it cannot, say why",
        run: enum_open,
    },
    Rule {
        name: "enum-descriptions",
        why: "a value without a sentence tells nobody when it is met",
        run: enum_descriptions,
    },
    Rule {
        name: "enum-case",
        why: "generators make one name of values that differ by case only",
        run: enum_case,
    },
    Rule {
        name: "enum-states",
        why: "waiters go by x-states: a value without a place, or an action without an end, would let them wait for ever",
        run: enum_states,
    },
    Rule {
        name: "enum-status",
        why: "what the service reports as `status` is waited for: without x-states no waiter knows what a value means",
        run: enum_status,
    },
    Rule {
        name: "enum-extras",
        why: "x-observed, x-enum-varnames and x-spellings are about the values; others are left-overs",
        run: enum_extras,
    },
];

/// A named enumeration.
struct Enumeration<'a> {
    name: &'a str,
    pointer: String,
    schema: &'a Value,
    values: Vec<&'a str>,
}

fn enumerations(document: &Document) -> impl Iterator<Item = Enumeration<'_>> {
    parts::components(document).filter_map(|(name, part)| {
        let values = [
            texts(part.value, "x-extensible-enum"),
            texts(part.value, "enum"),
        ]
        .concat();
        (!values.is_empty()).then_some(Enumeration {
            name,
            pointer: part.pointer,
            schema: part.value,
            values,
        })
    })
}

fn enum_component(document: &Document) -> Vec<Problem> {
    parts::schemas(document)
        .into_iter()
        .filter(|schema| !schema.is_component && text(schema.value, "type") == "string")
        .flat_map(|schema| {
            ["enum", "x-extensible-enum"]
                .into_iter()
                .filter(|key| schema.value.get(key).is_some())
                .map(|key| {
                    let message = "give the enumeration a component of its own and refer to it";
                    document.problem(push(&schema.pointer, key), "enum-component", message)
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn enum_open(document: &Document) -> Vec<Problem> {
    parts::schemas(document)
        .into_iter()
        .filter(|schema| {
            let closed = schema.value.get("enum").is_some();
            let reason = text(schema.value, "x-closed-because");
            closed == reason.trim().is_empty()
        })
        .map(|schema| {
            let message = "write `x-extensible-enum`, or keep `enum` and give the reason in `x-closed-because`";
            document.problem(schema.pointer, "enum-open", message)
        })
        .collect()
}

fn enum_descriptions(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for Enumeration {
        pointer,
        schema,
        values,
        ..
    } in enumerations(document)
    {
        let pointer = push(&pointer, "x-enum-descriptions");
        let described = schema.get("x-enum-descriptions").and_then(Value::as_object);
        for value in &values {
            let sentence = described
                .and_then(|map| map.get(*value))
                .and_then(Value::as_str);
            if sentence.is_none_or(|sentence| sentence.trim().is_empty()) {
                let message = format!("`{value}` has no sentence");
                found.push(document.problem(pointer.as_str(), "enum-descriptions", message));
            }
        }
        for name in described.into_iter().flat_map(|map| map.keys()) {
            if !values.contains(&name.as_str()) {
                let message = format!("`{name}` is no value");
                found.push(document.problem(pointer.as_str(), "enum-descriptions", message));
            }
        }
    }
    found
}

fn enum_case(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for Enumeration {
        pointer, values, ..
    } in enumerations(document)
    {
        let mut known = HashMap::new();
        for value in values {
            if let Some(earlier) = known.insert(value.to_ascii_lowercase(), value) {
                let message = format!(
                    "`{value}` and `{earlier}` differ by case only; keep the spelling of the tables"
                );
                found.push(document.problem(pointer.as_str(), "enum-case", message));
            }
        }
    }
    found
}

fn enum_states(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for Enumeration {
        pointer,
        schema,
        values,
        ..
    } in enumerations(document)
    {
        let Some(groups) = schema.get("x-states") else {
            continue;
        };
        let pointer = push(&pointer, "x-states");
        let mut report = |message: String| {
            found.push(document.problem(pointer.as_str(), "enum-states", message));
        };
        for (group, entries) in groups.as_object().into_iter().flatten() {
            let is_list = |actions: &Value| {
                let actions = actions.as_array();
                actions.is_some_and(|actions| actions.iter().all(Value::is_string))
            };
            if !STATES.contains(&group.as_str()) {
                report(format!("`{group}` is none of {}", STATES.join(", ")));
            } else if !entries
                .as_object()
                .is_some_and(|entries| entries.values().all(is_list))
            {
                report(format!(
                    "`{group}` is no map from values to lists of actions"
                ));
            }
        }
        let states = states(schema);
        for value in &values {
            match states.iter().filter(|state| state.value == *value).count() {
                1 => {}
                0 => report(format!(
                    "`{value}` has no entry: say whether it is transient, settled, failed or gone"
                )),
                times => report(format!("`{value}` stands in {times} groups instead of one")),
            }
        }
        if let Some(state) = states.iter().find(|state| !values.contains(&state.value)) {
            report(format!("`{}` is no value", state.value));
        }
        let ends = |state: &&State<'_>| matches!(state.group, "settled" | "gone");
        let has_ends = states.iter().any(|state| ends(&state));
        let ended: Vec<&str> = states
            .iter()
            .filter(ends)
            .flat_map(|state| state.actions.iter().copied())
            .collect();
        let is_word =
            |action: &str| !action.is_empty() && action.bytes().all(|b| b.is_ascii_lowercase());
        for state in &states {
            for action in &state.actions {
                if !is_word(action) {
                    report(format!("the action `{action}` is no lower-case word"));
                } else if has_ends && !ended.contains(action) {
                    report(format!(
                        "`{action}` of `{}` ends in no value that is settled or gone",
                        state.value
                    ));
                }
            }
        }
    }
    found
}

/// A status is an enumeration that a response has as the property `status` of something.
fn enum_status(document: &Document) -> Vec<Problem> {
    let received = parts::travelling(document, Direction::Response);
    let statuses: BTreeSet<&str> = parts::components(document)
        .filter(|(name, _)| received.contains(name))
        .filter_map(|(_, part)| parts::target(part.value.get("properties")?.get("status")?))
        .collect();
    enumerations(document)
        .filter(|enumeration| statuses.contains(enumeration.name))
        .filter(|enumeration| enumeration.schema.get("x-states").is_none())
        .map(|enumeration| {
            let message = format!(
                "`{}` is a status in responses; add `x-states` with every value in one of {}",
                enumeration.name,
                STATES.join(", ")
            );
            document.problem(enumeration.pointer, "enum-status", message)
        })
        .collect()
}

fn enum_extras(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for Enumeration {
        pointer,
        schema,
        values,
        ..
    } in enumerations(document)
    {
        for value in texts(schema, "x-observed") {
            if !values.contains(&value) {
                let pointer = push(&pointer, "x-observed");
                found.push(document.problem(
                    pointer,
                    "enum-extras",
                    format!("`{value}` is no value"),
                ));
            }
        }
        let spellings = schema.get("x-spellings").and_then(Value::as_object);
        for (value, others) in spellings.into_iter().flatten() {
            let others: Vec<&str> = others
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let same = |other: &&str| *other != value && other.eq_ignore_ascii_case(value);
            if !values.contains(&value.as_str()) || others.is_empty() || !others.iter().all(same) {
                let message =
                    format!("`{value}` is no value, or its spellings differ by more than case");
                found.push(document.problem(push(&pointer, "x-spellings"), "enum-extras", message));
            }
        }
        let names = texts(schema, "x-enum-varnames").len();
        if names != 0 && names != values.len() {
            let message = format!("{names} names for {} values", values.len());
            found.push(document.problem(push(&pointer, "x-enum-varnames"), "enum-extras", message));
        }
    }
    found
}
