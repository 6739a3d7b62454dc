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
        why: "generators invent one or more type names for an enumeration without a name",
        run: enum_component,
    },
    Rule {
        name: "enum-open",
        why: "a new value of the service must not break clients; a closed enumeration needs a reason",
        run: enum_open,
    },
    Rule {
        name: "enum-descriptions",
        why: "readers need to know when each value occurs",
        run: enum_descriptions,
    },
    Rule {
        name: "enum-case",
        why: "generators make the same name of values that differ only in letter case",
        run: enum_case,
    },
    Rule {
        name: "enum-states",
        why: "waiters use x-states: with a missing value, or an action without an end, they would wait forever",
        run: enum_states,
    },
    Rule {
        name: "enum-status",
        why: "clients wait for a `status`; without x-states they do not know what a value means",
        run: enum_status,
    },
    Rule {
        name: "enum-extras",
        why: "x-observed, x-enum-varnames and x-spellings must match the values of the enumeration",
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
                    let message = "move the enumeration to a component and refer to it with `$ref`";
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
            let message =
                "use `x-extensible-enum`, or keep `enum` and give the reason in `x-closed-because`";
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
                let message = format!("`{value}` has no description");
                found.push(document.problem(pointer.as_str(), "enum-descriptions", message));
            }
        }
        for name in described.into_iter().flat_map(|map| map.keys()) {
            if !values.contains(&name.as_str()) {
                let message = format!("`{name}` is not a value of the enumeration");
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
                    "`{value}` and `{earlier}` differ only in letter case; keep the spelling of the tables"
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
                report(format!(
                    "unknown group `{group}`; the groups are {}",
                    STATES.join(", ")
                ));
            } else if !entries
                .as_object()
                .is_some_and(|entries| entries.values().all(is_list))
            {
                report(format!("`{group}` must map values to lists of actions"));
            }
        }
        let states = states(schema);
        for value in &values {
            match states.iter().filter(|state| state.value == *value).count() {
                1 => {}
                0 => report(format!(
                    "`{value}` is missing; add it to one of the groups transient, settled, failed, gone"
                )),
                times => report(format!("`{value}` is in {times} groups; keep one")),
            }
        }
        if let Some(state) = states.iter().find(|state| !values.contains(&state.value)) {
            report(format!(
                "`{}` is not a value of the enumeration",
                state.value
            ));
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
                    report(format!("the action `{action}` must be a lower-case word"));
                } else if has_ends && !ended.contains(action) {
                    report(format!(
                        "`{action}` of `{}` is not listed for any settled or gone value, so it never ends",
                        state.value
                    ));
                }
            }
        }
    }
    found
}

/// A status is an enumeration of a response property named `status`.
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
                "`{}` is a status in responses; add `x-states` with each value in one of the groups {}",
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
                    format!("`{value}` is not a value of the enumeration"),
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
                let message = format!(
                    "`{value}` is not a value of the enumeration, or its spellings differ in more than letter case"
                );
                found.push(document.problem(push(&pointer, "x-spellings"), "enum-extras", message));
            }
        }
        let names = texts(schema, "x-enum-varnames").len();
        if names != 0 && names != values.len() {
            let message = format!(
                "has {names} names for {} values; add one name per value",
                values.len()
            );
            found.push(document.problem(push(&pointer, "x-enum-varnames"), "enum-extras", message));
        }
    }
    found
}
