//! Rules for keywords, URLs and characters.

use serde_json::Value;

use super::Rule;
use super::parts;
use crate::document::{Document, METHODS, text, walk};
use crate::problem::{Problem, push};
use crate::words::CLOUDS;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "keyword",
        why: "tools silently ignore a misspelt keyword",
        run: keyword,
    },
    Rule {
        name: "clouds",
        why: "x-clouds becomes a sentence of the description, so there must be one and the names must be known",
        run: clouds,
    },
    Rule {
        name: "server",
        why: "clients send credentials to the servers of the document, so they need TLS unless they are local",
        run: server,
    },
    Rule {
        name: "docs-host",
        why: "links must lead to the pages of the service",
        run: docs_host,
    },
    Rule {
        name: "limits",
        why: "tools ignore an x-limits that they cannot read",
        run: limits,
    },
    Rule {
        name: "character",
        why: "invisible characters change how a text is displayed",
        run: character,
    },
];

/// The extensions that the documents may use; `xtask/README.md` explains them.
const EXTENSIONS: [&str; 20] = [
    "x-also",
    "x-clouds",
    "x-closed-because",
    "x-default",
    "x-emulated",
    "x-enum-descriptions",
    "x-enum-varnames",
    "x-extensible-enum",
    "x-idempotent",
    "x-limits",
    "x-observed",
    "x-pagination",
    "x-published",
    "x-required-when",
    "x-rules",
    "x-sample",
    "x-since",
    "x-source",
    "x-spellings",
    "x-states",
];

const SCHEMA: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "anyOf",
    "default",
    "deprecated",
    "description",
    "discriminator",
    "enum",
    "example",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "externalDocs",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "nullable",
    "oneOf",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];

const DOCUMENT: &[&str] = &[
    "components",
    "externalDocs",
    "info",
    "openapi",
    "paths",
    "security",
    "servers",
    "tags",
];

const OPERATION: &[&str] = &[
    "deprecated",
    "description",
    "externalDocs",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "security",
    "servers",
    "summary",
    "tags",
];

const PARAMETER: &[&str] = &[
    "$ref",
    "allowEmptyValue",
    "allowReserved",
    "content",
    "deprecated",
    "description",
    "example",
    "examples",
    "explode",
    "in",
    "name",
    "required",
    "schema",
    "style",
];

const RESPONSE: &[&str] = &["$ref", "content", "description", "headers", "links"];

const REQUEST_BODY: &[&str] = &["$ref", "content", "description", "required"];

const MEDIA_TYPE: &[&str] = &["encoding", "example", "examples", "schema"];

const EXAMPLE: &[&str] = &["$ref", "description", "externalValue", "summary", "value"];

/// The names in an object that are neither keywords of its kind nor known extensions.
fn unknown<'a>(value: &'a Value, keywords: &[&str]) -> Vec<&'a str> {
    let names = value.as_object().into_iter().flatten();
    names
        .map(|(name, _)| name.as_str())
        .filter(|name| match name.strip_prefix("x-") {
            Some(_) => !EXTENSIONS.contains(name),
            None => !keywords.contains(name),
        })
        .collect()
}

fn keyword(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut look = |pointer: &str, value: &Value, keywords: &[&str]| {
        for name in unknown(value, keywords) {
            let near = keywords
                .iter()
                .chain(&EXTENSIONS)
                .find(|known| known.eq_ignore_ascii_case(name));
            let message = match near {
                Some(near) => format!("unknown keyword `{name}`; did you mean `{near}`?"),
                None => format!(
                    "unknown keyword `{name}`; add a new extension to this rule and to xtask/README.md"
                ),
            };
            found.push(document.problem(push(pointer, name), "keyword", message));
        }
    };
    look("", document.value(), DOCUMENT);
    for operation in document.operations() {
        look(&operation.pointer(), operation.value, OPERATION);
        if let Some(body) = operation.value.get("requestBody") {
            look(
                &push(&operation.pointer(), "requestBody"),
                body,
                REQUEST_BODY,
            );
        }
    }
    for (path, item) in document.value()["paths"].as_object().into_iter().flatten() {
        let own = ["parameters", "summary", "description", "servers"];
        let keywords: Vec<&str> = METHODS.into_iter().chain(own).collect();
        look(&push("/paths", path), item, &keywords);
    }
    for parameter in parts::parameters(document) {
        look(&parameter.pointer, parameter.value, PARAMETER);
    }
    for response in parts::responses(document) {
        look(&response.pointer, response.value, RESPONSE);
    }
    for (_, body) in parts::bodies(document) {
        look(&body.pointer, body.value, MEDIA_TYPE);
    }
    for example in parts::all_examples(document) {
        look(&example.pointer, example.value, EXAMPLE);
    }
    for schema in parts::schemas(document) {
        look(&schema.pointer, schema.value, SCHEMA);
    }
    found
}

/// The host of a URL, without the port.
fn host(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some((scheme, authority.split(':').next()?))
}

fn server(document: &Document) -> Vec<Problem> {
    const LOCAL: [&str; 2] = ["127.0.0.1", "localhost"];
    let servers = document.value().get("servers").and_then(Value::as_array);
    let mut found = Vec::new();
    for (index, server) in servers.into_iter().flatten().enumerate() {
        let url = text(server, "url");
        let message = match host(url) {
            Some(("https", host)) if !host.is_empty() && !host.contains('@') => continue,
            Some(("http", host)) if LOCAL.contains(&host) => continue,
            Some((scheme, _)) if scheme != "https" => {
                format!("`{url}` must use https; only a loopback address may use http")
            }
            _ => format!("`{url}` is not a URL with a host"),
        };
        let pointer = push(&push("/servers", &index.to_string()), "url");
        found.push(document.problem(pointer, "server", message));
    }
    found
}

/// `x-clouds` must list some known clouds, but not all, beside a description.
fn clouds(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        let Some(clouds) = value.get("x-clouds") else {
            return;
        };
        let named = clouds.as_array().map_or(&[][..], Vec::as_slice);
        let is_known = |cloud: &Value| CLOUDS.iter().any(|(name, _)| cloud == name);
        let is_some = !named.is_empty() && named.len() < CLOUDS.len();
        if !(is_some && named.iter().all(is_known)) {
            let known: Vec<&str> = CLOUDS.iter().map(|(name, _)| *name).collect();
            let message = format!("must list some of, but not all of, {}", known.join(", "));
            found.push(document.problem(push(pointer, "x-clouds"), "clouds", message));
        } else if text(value, "description").is_empty() {
            let message = "needs a `description` beside it, which then names the cloud";
            found.push(document.problem(push(pointer, "x-clouds"), "clouds", message));
        }
    });
    found
}

/// `x-limits` must be on an integer, have only known members, and a valid code.
fn limits(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        let Some(limits) = value.get("x-limits") else {
            return;
        };
        let members = limits.as_object().into_iter().flatten();
        let is_known = |(name, member): (&String, &Value)| match name.as_str() {
            "minimum" | "besides" => member.is_i64(),
            "when" => member.as_object().is_some_and(|when| when.len() == 1),
            "code" => text(limits, "code").starts_with("ModelArts."),
            _ => false,
        };
        let message = if text(value, "type") != "integer" {
            "is allowed on integers only"
        } else if limits.get("code").is_none() || !members.into_iter().all(is_known) {
            "needs a `code`; optional are the integers `minimum` and `besides`, and `when` with one property and its value"
        } else {
            return;
        };
        found.push(document.problem(push(pointer, "x-limits"), "limits", message));
    });
    found
}

fn docs_host(document: &Document) -> Vec<Problem> {
    const HOSTS: [&str; 3] = [
        "docs.otc.t-systems.com",
        "support.huaweicloud.com",
        "example.com",
    ];
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        if !pointer.ends_with("/externalDocs") {
            return;
        }
        let url = text(value, "url");
        let is_known = host(url).is_some_and(|(_, host)| HOSTS.contains(&host));
        if !is_known {
            let message = format!("`{url}` must be on one of the hosts {}", HOSTS.join(", "));
            found.push(document.problem(push(pointer, "url"), "docs-host", message));
        }
    });
    found
}

/// Whether a character is invisible: control characters except line feed and tab, direction marks, zero width.
fn is_invisible(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn character(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        let names = value.as_object().into_iter().flat_map(|map| map.keys());
        let texts = names.map(String::as_str).chain(value.as_str());
        for c in texts.flat_map(str::chars).filter(|c| is_invisible(*c)) {
            let message = format!(
                "contains the invisible character U+{:04X}; remove it",
                u32::from(c)
            );
            found.push(document.problem(pointer, "character", message));
        }
    });
    found
}
