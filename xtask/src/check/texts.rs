//! Rules for the descriptions of parameters and properties.

use heck::ToSnakeCase as _;
use serde_json::Value;

use super::Rule;
use super::parts;
use crate::document::{Document, text};
use crate::problem::Problem;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "description",
        why: "descriptions become the documentation of every client",
        run: description,
    },
    Rule {
        name: "unit",
        why: "the two generations of the API use different units",
        run: unit,
    },
    Rule {
        name: "secret",
        why: "`format: password` keeps secrets out of logs",
        run: secret,
    },
];

/// Words in the names of quantities.
const QUANTITIES: [&str; 7] = [
    "duration",
    "time",
    "timestamp",
    "at",
    "capacity",
    "size",
    "memory",
];

const UNITS: [&str; 17] = [
    "milliseconds",
    "seconds",
    "minutes",
    "hours",
    "days",
    "bytes",
    "kib",
    "mib",
    "gib",
    "kb",
    "mb",
    "gb",
    "tb",
    "records",
    "unit",
    "utc",
    "epoch",
];

/// Names of properties that hold secrets.
pub(crate) const SECRETS: [&str; 6] = [
    "token",
    "password",
    "secret",
    "access_token",
    "secret_key",
    "ssh_private_key",
];

fn is_described(value: &Value) -> bool {
    !text(value, "description").trim().is_empty()
}

fn description(document: &Document) -> Vec<Problem> {
    let components = parts::components(document)
        .filter(|(_, part)| !is_described(part.value))
        .map(|(_, part)| part.pointer);
    let properties = parts::properties(document)
        .into_iter()
        .filter(|property| property.value.get("$ref").is_none() && !is_described(property.value))
        .map(|property| property.pointer);
    let parameters = parts::parameters(document)
        .into_iter()
        .filter(|parameter| !is_described(parameter.value))
        .map(|parameter| parameter.pointer);
    components
        .chain(properties)
        .chain(parameters)
        .map(|pointer| document.problem(pointer, "description", "has no description"))
        .collect()
}

/// Pointer, name, schema and description of all parameters and properties.
fn named(document: &Document) -> Vec<(String, &str, &Value, &str)> {
    let properties = parts::properties(document).into_iter().map(|property| {
        let schema = document.resolve(property.value);
        (
            property.pointer,
            property.name,
            schema,
            text(schema, "description"),
        )
    });
    let parameters = parts::parameters(document).into_iter().map(|parameter| {
        let schema = parameter.value.get("schema").unwrap_or(&Value::Null);
        (
            parameter.pointer,
            text(parameter.value, "name"),
            document.resolve(schema),
            text(parameter.value, "description"),
        )
    });
    properties.chain(parameters).collect()
}

fn unit(document: &Document) -> Vec<Problem> {
    let is_quantity = |name: &str, schema: &Value| {
        let counts = ["integer", "number", "string"].contains(&text(schema, "type"));
        let name = name.to_snake_case();
        // `time_unit` names a unit, not a quantity.
        counts && !name.ends_with("_unit") && name.split('_').any(|word| QUANTITIES.contains(&word))
    };
    let has_unit = |description: &str| {
        description
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| UNITS.contains(&word))
    };
    named(document)
        .into_iter()
        .filter(|(_, name, schema, _)| is_quantity(name, schema))
        .filter(|(_, _, _, description)| !has_unit(description))
        .map(|(pointer, name, _, _)| {
            let message = format!(
                "the description of `{name}` must name a unit (seconds, milliseconds, GB, KiB, bytes, records …)"
            );
            document.problem(pointer, "unit", message)
        })
        .collect()
}

fn secret(document: &Document) -> Vec<Problem> {
    named(document)
        .into_iter()
        .filter(|(_, name, schema, _)| {
            SECRETS.contains(&name.to_snake_case().as_str())
                && text(schema, "type") == "string"
                && text(schema, "format") != "password"
        })
        .map(|(pointer, name, _, _)| {
            let message = format!("`{name}` is a secret and needs `format: password`");
            document.problem(pointer, "secret", message)
        })
        .collect()
}
