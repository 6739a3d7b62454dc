//! Rules for schemas.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Rule;
use super::parts::{self, Direction};
use crate::document::{Document, text, walk};
use crate::lower::LIMITS;
use crate::problem::{Problem, push};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "schema-name",
        why: "names become types in every language, so they must be PascalCase",
        run: schema_name,
    },
    Rule {
        name: "schema-type",
        why: "a schema without a type accepts anything and becomes an untyped value",
        run: schema_type,
    },
    Rule {
        name: "inline-object",
        why: "generators invent names for unnamed objects; only open maps may stand inline",
        run: inline_object,
    },
    Rule {
        name: "reference-siblings",
        why: "OpenAPI 3.0 ignores keywords beside `$ref`, but not every generator does",
        run: reference_siblings,
    },
    Rule {
        name: "composition",
        why: "generators differ in their support of allOf, anyOf, oneOf, not and access keywords",
        run: composition,
    },
    Rule {
        name: "integer-format",
        why: "without a format generators use 32 bits, which is too small for timestamps",
        run: integer_format,
    },
    Rule {
        name: "required-property",
        why: "a generated client can never send a required property that is not declared",
        run: required_property,
    },
    Rule {
        name: "direction",
        why: "requests need limits and required properties, responses must not have them, so they cannot share a schema",
        run: direction,
    },
    Rule {
        name: "lenient-response",
        why: "a response with a missing property or a value beyond a limit must not break a client",
        run: lenient_response,
    },
    Rule {
        name: "default",
        why: "generated clients send a `default` that the user did not set; a partial update would change settings",
        run: default,
    },
    Rule {
        name: "unused-component",
        why: "no test covers unused components",
        run: unused_component,
    },
];

fn schema_name(document: &Document) -> Vec<Problem> {
    let fits = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|b| b.is_ascii_alphanumeric())
            && name.bytes().any(|b| b.is_ascii_lowercase())
    };
    parts::components(document)
        .filter(|(name, _)| !fits(name))
        .map(|(name, part)| {
            document.problem(
                part.pointer,
                "schema-name",
                format!("`{name}` is not PascalCase"),
            )
        })
        .collect()
}

fn schema_type(document: &Document) -> Vec<Problem> {
    const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
    let mut found = Vec::new();
    for schema in parts::schemas(document) {
        if schema.value.get("$ref").is_some() {
            continue;
        }
        let kind = text(schema.value, "type");
        let message = match kind {
            "array" if schema.value.get("items").is_none() => "an array needs `items`".to_owned(),
            kind if TYPES.contains(&kind) => continue,
            kind => format!("`type` is `{kind}`; it must be one of {}", TYPES.join(", ")),
        };
        found.push(document.problem(schema.pointer, "schema-type", message));
    }
    found
}

/// Whether a schema is an object with arbitrary keys.
pub(super) fn is_open_map(schema: &Value) -> bool {
    let values = schema.get("additionalProperties");
    let free = values == Some(&Value::Bool(true))
        || values.is_some_and(|values| text(values, "type") == "string");
    free && schema.get("properties").is_none()
}

fn inline_object(document: &Document) -> Vec<Problem> {
    let objects = parts::schemas(document)
        .into_iter()
        .filter(|schema| !schema.is_component && text(schema.value, "type") == "object")
        .filter(|schema| !is_open_map(schema.value))
        .map(|schema| schema.pointer);
    let bodies = parts::bodies(document)
        .into_iter()
        .filter(|(_, body)| {
            let schema = body.value.get("schema");
            schema.is_none_or(|schema| parts::target(schema).is_none())
        })
        .map(|(_, body)| push(&body.pointer, "schema"));
    let found: BTreeSet<String> = objects.chain(bodies).collect();
    let message = "must be a `$ref`; move the object to a component with a name";
    found
        .into_iter()
        .map(|pointer| document.problem(pointer, "inline-object", message))
        .collect()
}

fn reference_siblings(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        let siblings = value
            .as_object()
            .filter(|members| members.contains_key("$ref") && members.len() > 1);
        let Some(members) = siblings else {
            return;
        };
        let names: Vec<&str> = members
            .keys()
            .map(String::as_str)
            .filter(|key| *key != "$ref")
            .collect();
        found.push(document.problem(
            pointer,
            "reference-siblings",
            format!(
                "no keywords are allowed beside `$ref`; move {} to the component",
                names.join(", ")
            ),
        ));
    });
    found
}

fn composition(document: &Document) -> Vec<Problem> {
    const REFUSED: [&str; 7] = [
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "discriminator",
        "readOnly",
        "writeOnly",
    ];
    let mut found = Vec::new();
    for schema in parts::schemas(document) {
        for keyword in REFUSED {
            if schema.value.get(keyword).is_some() {
                found.push(document.problem(
                    push(&schema.pointer, keyword),
                    "composition",
                    format!("`{keyword}` is not allowed; write the schema out"),
                ));
            }
        }
    }
    found
}

fn integer_format(document: &Document) -> Vec<Problem> {
    let formats = |kind: &str| match kind {
        "integer" => Some(["int32", "int64"]),
        "number" => Some(["float", "double"]),
        _ => None,
    };
    parts::schemas(document)
        .into_iter()
        .filter_map(|schema| {
            let formats = formats(text(schema.value, "type"))?;
            let fits = formats.contains(&text(schema.value, "format"));
            (!fits).then(|| {
                let message = format!("needs `format: {}` or `{}`", formats[0], formats[1]);
                document.problem(schema.pointer, "integer-format", message)
            })
        })
        .collect()
}

fn required_property(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    for (_, part) in parts::components(document) {
        let required = part.value.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let declared = part.value.pointer(&push("/properties", name)).is_some();
            if !declared {
                found.push(document.problem(
                    push(&part.pointer, "required"),
                    "required-property",
                    format!("`{name}` is required but not declared"),
                ));
            }
        }
    }
    found
}

/// Whether a schema may be used in both directions: enumerations and objects with arbitrary keys.
fn is_shared(schema: &Value) -> bool {
    text(schema, "type") == "string" || is_open_map(schema)
}

fn direction(document: &Document) -> Vec<Problem> {
    let sent = parts::travelling(document, Direction::Request);
    let received = parts::travelling(document, Direction::Response);
    parts::components(document)
        .filter(|(name, _)| sent.contains(name) && received.contains(name))
        .filter(|(_, part)| !is_shared(part.value))
        .map(|(name, part)| {
            let message = format!(
                "`{name}` is used in requests and in responses; use separate schemas, such as `{name}Req`"
            );
            document.problem(part.pointer, "direction", message)
        })
        .collect()
}

fn lenient_response(document: &Document) -> Vec<Problem> {
    let received = parts::travelling(document, Direction::Response);
    let component = |pointer: &str| {
        let rest = pointer.strip_prefix("/components/schemas/")?;
        rest.split('/').next().map(str::to_owned)
    };
    let mut found = Vec::new();
    for schema in parts::schemas(document) {
        let name = component(&schema.pointer);
        if !name.is_some_and(|name| received.contains(name.as_str())) {
            continue;
        }
        for keyword in LIMITS.into_iter().chain(["required"]) {
            if schema.value.get(keyword).is_some() {
                found.push(document.problem(
                    push(&schema.pointer, keyword),
                    "lenient-response",
                    format!("`{keyword}` is not allowed in responses; state it in the description"),
                ));
            }
        }
    }
    found
}

fn default(document: &Document) -> Vec<Problem> {
    let sent = parts::travelling(document, Direction::Request);
    let is_sent = |pointer: &str| match pointer.strip_prefix("/components/schemas/") {
        Some(rest) => sent.contains(rest.split('/').next().unwrap_or_default()),
        None => false,
    };
    let mut found = Vec::new();
    for schema in parts::schemas(document) {
        if schema.value.get("default").is_some() {
            let message = "would be sent by generated clients; use `x-default`, which becomes a sentence of the description";
            found.push(document.problem(push(&schema.pointer, "default"), "default", message));
        }
        if schema.value.get("x-default").is_some() && !is_sent(&schema.pointer) {
            let message = "is allowed only on parameters and properties of requests";
            found.push(document.problem(push(&schema.pointer, "x-default"), "default", message));
        }
    }
    for parameter in parts::parameters(document) {
        let required = parameter.value.get("required") == Some(&Value::Bool(true));
        if required && parameter.value.get("x-default").is_some() {
            let message = "is not allowed on a required parameter";
            found.push(document.problem(push(&parameter.pointer, "x-default"), "default", message));
        }
    }
    found
}

fn unused_component(document: &Document) -> Vec<Problem> {
    let mut used = BTreeSet::new();
    walk(document.value(), "", &mut |_, value| {
        if let Some(target) = value.get("$ref").and_then(Value::as_str) {
            used.insert(target.trim_start_matches('#').to_owned());
        }
        let schemes = value.get("security").and_then(Value::as_array);
        for scheme in schemes.into_iter().flatten().filter_map(Value::as_object) {
            used.extend(
                scheme
                    .keys()
                    .map(|name| push("/components/securitySchemes", name)),
            );
        }
    });
    let kinds = document
        .value()
        .get("components")
        .and_then(Value::as_object);
    let mut found = Vec::new();
    for (kind, components) in kinds.into_iter().flatten() {
        for name in components
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys())
        {
            let pointer = push(&push("/components", kind), name);
            if !used.contains(&pointer) {
                let message = "nothing refers to this component; use it or remove it";
                found.push(document.problem(pointer, "unused-component", message));
            }
        }
    }
    found
}
