//! Rules for limits, defaults and units in descriptions: they must agree with keywords and examples.

use modelarts_document::Schema;
use serde_json::{Number, Value};

use super::Rule;
use super::parts::{self, Direction};
use crate::document::Document;
use crate::problem::{Problem, push};
use crate::prose::{self, Stated};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "stated-limit",
        why: "readers use the description, programs the keyword: both must state the same limit",
        run: stated_limit,
    },
    Rule {
        name: "stated-default",
        why: "the default in the description and `x-default` must agree",
        run: stated_default,
    },
    Rule {
        name: "example-stated",
        why: "an example outside of the limits or in another unit misleads readers who copy it",
        run: example_stated,
    },
];

/// Pointer, schema, description and default of each parameter and each property of requests.
fn described(document: &Document) -> Vec<(String, Schema<'_>, String, Option<Value>)> {
    let sent = parts::travelling(document, Direction::Request);
    let parameters = parts::parameters(document).into_iter().map(|part| {
        let schema = part.value.get("schema").unwrap_or(&Value::Null);
        let description = crate::document::text(part.value, "description").to_owned();
        let default = part.value.get("x-default").cloned();
        (
            part.pointer,
            document.schema_at(schema),
            description,
            default,
        )
    });
    let properties = document
        .schemas()
        .filter(|(name, _)| sent.contains(name))
        .flat_map(|(name, schema)| {
            let pointer = format!("/components/schemas/{name}/properties");
            schema.properties().map(move |(name, property)| {
                let description = property.description().to_owned();
                let default = property.default_value().cloned();
                (push(&pointer, name), property, description, default)
            })
        });
    parameters.chain(properties).collect()
}

fn whole(limit: Option<&Number>) -> Option<i64> {
    limit.and_then(Number::as_i64)
}

fn stated_limit(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for (pointer, schema, description, _) in described(document) {
        let stated = prose::stated(&description, schema.items().is_some());
        let items = schema.items().unwrap_or(schema);
        let limits = items.limits();
        let signed = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok());
        for (keyword, stated, limit) in [
            (
                "maxLength",
                signed(stated.max_length),
                signed(limits.max_length),
            ),
            ("minimum", stated.minimum, whole(limits.minimum)),
            ("maximum", stated.maximum, whole(limits.maximum)),
            (
                "maxItems",
                signed(stated.max_items),
                signed(schema.limits().max_items),
            ),
        ] {
            if let (Some(stated), Some(limit)) = (stated, limit)
                && stated != limit
                && !prose::mentions(&description, limit)
            {
                let message = format!("the description says {stated}, `{keyword}` says {limit}");
                found.push(document.problem(pointer.as_str(), "stated-limit", message));
            }
        }
    }
    found
}

fn stated_default(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for (pointer, _, description, default) in described(document) {
        let Some(default) = default else {
            continue;
        };
        let default = default.as_str().map_or(default.to_string(), str::to_owned);
        if let Some(stated) = prose::stated(&description, false).default
            && stated != default
        {
            let message = format!("the description says {stated}, `x-default` says {default}");
            found.push(document.problem(pointer, "stated-default", message));
        }
    }
    found
}

fn example_stated(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for (_, body) in parts::bodies(document) {
        let Some(schema) = body.value.get("schema") else {
            continue;
        };
        for example in parts::examples(&body) {
            // Samples of pages stay unchanged; the errata explain their oddities.
            let is_composed = crate::document::text(example.value, "x-sample") == "composed";
            let (true, Some(value)) = (is_composed, example.value.get("value")) else {
                continue;
            };
            let pointer = push(&example.pointer, "value");
            let mut contradictions = Vec::new();
            contradict(
                document.schema_at(schema),
                value,
                &pointer,
                &mut contradictions,
            );
            found.extend(
                contradictions
                    .into_iter()
                    .map(|(pointer, message)| document.problem(pointer, "example-stated", message)),
            );
        }
    }
    for parameter in parts::parameters(document) {
        let (Some(example), Some(schema)) = (
            parameter.value.get("example"),
            parameter.value.get("schema"),
        ) else {
            continue;
        };
        let description = crate::document::text(parameter.value, "description");
        let name = crate::document::text(parameter.value, "name");
        let is_list = document.schema_at(schema).items().is_some();
        let stated = prose::stated(description, is_list);
        if let Some(message) = contradiction(name, &stated, description, example) {
            let pointer = push(&parameter.pointer, "example");
            found.push(document.problem(pointer, "example-stated", message));
        }
    }
    found
}

/// Compares the values of an example at every depth.
fn contradict(schema: Schema<'_>, value: &Value, pointer: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let Some(property) = schema.property(name) else {
                    continue;
                };
                let pointer = push(pointer, name);
                let description = property.description();
                let stated = prose::stated(description, property.items().is_some());
                let message = contradiction(name, &stated, description, value);
                found.extend(message.map(|message| (pointer.clone(), message)));
                contradict(property, value, &pointer, found);
            }
        }
        Value::Array(entries) => {
            if let Some(items) = schema.items() {
                for (index, entry) in entries.iter().enumerate() {
                    contradict(items, entry, &push(pointer, &index.to_string()), found);
                }
            }
        }
        _ => {}
    }
}

/// Returns how a value contradicts the description of its field.
fn contradiction(name: &str, stated: &Stated, description: &str, value: &Value) -> Option<String> {
    if let Some(text) = value.as_str()
        && let Some(most) = stated.max_length
        && text.chars().count() as u64 > most
    {
        return Some(format!(
            "is longer than the {most} characters that the description allows"
        ));
    }
    let number = value.as_i64()?;
    if stated.maximum.is_some_and(|most| number > most) {
        return Some(format!("{number} is above the limit in the description"));
    }
    // -1 often has a special meaning, which the description explains.
    if number >= 0 && stated.minimum.is_some_and(|least| number < least) {
        return Some(format!("{number} is below the limit in the description"));
    }
    let is_moment = ["_at", "_timestamp"].iter().any(|end| name.ends_with(end))
        && !description.contains("Duration");
    // The years 2001 to 2286 in seconds and in milliseconds.
    let unit = match number {
        1_000_000_000..=9_999_999_999 => "s",
        1_000_000_000_000..=9_999_999_999_999 => "ms",
        _ => return None,
    };
    let differs = is_moment && ["s", "ms"].contains(&stated.unit?) && stated.unit != Some(unit);
    differs.then(|| {
        format!(
            "{number} is a timestamp in {unit}, but the description says {}",
            stated.unit.unwrap_or_default()
        )
    })
}
