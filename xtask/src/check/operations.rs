//! Rules for operations.

use std::collections::{BTreeSet, HashMap};

use modelarts_document::{Location, Schema, SchemaType};
use serde_json::Value;

use super::Rule;
use crate::document::{Document, Operation, text, walk};
use crate::problem::{Problem, push};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "operation-id-form",
        why: "ids become method names in every language, so they must be a verb and a noun in camelCase",
        run: operation_id_form,
    },
    Rule {
        name: "operation-tag",
        why: "tags become groups of methods, so each operation needs exactly one, declared with a description",
        run: operation_tag,
    },
    Rule {
        name: "operation-summary",
        why: "summaries are shown in lists, so they must be short, unique titles",
        run: operation_summary,
    },
    Rule {
        name: "operation-description",
        why: "a summary has no room for states, limits and effects after the response",
        run: operation_description,
    },
    Rule {
        name: "operation-docs",
        why: "readers must be able to check the document against the page of the service",
        run: operation_docs,
    },
    Rule {
        name: "operation-idempotent",
        why: "clients retry a request after a lost response only if it is idempotent",
        run: operation_idempotent,
    },
    Rule {
        name: "operation-pagination",
        why: "list builders and pagers are generated from x-pagination",
        run: operation_pagination,
    },
    Rule {
        name: "response-status",
        why: "ranges hide which statuses the service documents; `default` covers all others",
        run: response_status,
    },
    Rule {
        name: "response-success",
        why: "an operation without a success response is incomplete",
        run: response_success,
    },
    Rule {
        name: "response-error",
        why: "a shared error body gives clients one error type; one response per status gives each a matching example",
        run: response_error,
    },
    Rule {
        name: "path-parameters",
        why: "each placeholder needs a parameter, and each path parameter a placeholder",
        run: path_parameters,
    },
    Rule {
        name: "path-segment",
        why: "routers and clients do not support a placeholder that is only a part of its segment",
        run: path_segment,
    },
    Rule {
        name: "operation-emulated",
        why: "operations are emulated unless they have `x-emulated: false`; any other value would be ignored",
        run: operation_emulated,
    },
];

const SUMMARY: usize = 60;

fn each(
    document: &Document,
    rule: impl Fn(Operation<'_>) -> Option<(String, String)>,
    name: &'static str,
) -> Vec<Problem> {
    document
        .operations()
        .filter_map(rule)
        .map(|(pointer, message)| document.problem(pointer, name, message))
        .collect()
}

fn operation_id_form(document: &Document) -> Vec<Problem> {
    let fits = |id: &str| {
        let mut words = 1;
        let camel = id.bytes().all(|b| {
            words += usize::from(b.is_ascii_uppercase());
            b.is_ascii_alphanumeric()
        });
        camel && words > 1 && id.starts_with(|c: char| c.is_ascii_lowercase())
    };
    each(
        document,
        |operation| {
            let id = operation.id();
            (!fits(id)).then(|| {
                (
                    push(&operation.pointer(), "operationId"),
                    format!("`{id}` is not a verb and a noun in camelCase, such as `showThing`"),
                )
            })
        },
        "operation-id-form",
    )
}

/// Finds operations of different documents with the same id.
pub(super) fn shared_ids(documents: &[Document]) -> Vec<Problem> {
    let mut first: HashMap<&str, &str> = HashMap::new();
    let mut found = Vec::new();
    for document in documents {
        for operation in document.operations() {
            match first.get(operation.id()) {
                Some(file) if *file != document.file => found.push(document.problem(
                    push(&operation.pointer(), "operationId"),
                    "operation-id",
                    format!(
                        "`{}` is already an operation of {file}; ids must be unique across all documents",
                        operation.id()
                    ),
                )),
                _ => {
                    first.insert(operation.id(), &document.file);
                }
            }
        }
    }
    found
}

/// Finds operations that conflict in a router: with the same path and method, or with paths that differ only in the
/// names of their parameters.
pub(super) fn shared_paths(documents: &[Document]) -> Vec<Problem> {
    let mut first: HashMap<String, (&str, HashMap<&str, String>)> = HashMap::new();
    let mut found = Vec::new();
    for document in documents {
        for operation in document.operations() {
            let segments = operation.path.split('/');
            let form = segments.map(|segment| match segment.starts_with('{') {
                true => "{}",
                false => segment,
            });
            let form = form.collect::<Vec<_>>().join("/");
            let (path, methods) = first
                .entry(form)
                .or_insert((operation.path, HashMap::new()));
            let message = if *path != operation.path {
                format!(
                    "differs from `{path}` only in the names of its parameters; use the same names"
                )
            } else if let Some(other) = methods.get(operation.method) {
                format!("{other} already has this path and method")
            } else {
                let name = format!("{} of {}", operation.id(), document.file);
                methods.insert(operation.method, name);
                continue;
            };
            found.push(document.problem(operation.pointer(), "operation-path", message));
        }
    }
    found
}

fn path_segment(document: &Document) -> Vec<Problem> {
    each(
        document,
        |operation| {
            let is_whole = |segment: &&str| {
                let inner = segment
                    .strip_prefix('{')
                    .and_then(|it| it.strip_suffix('}'));
                !inner.unwrap_or(segment).contains(['{', '}'])
            };
            let part = operation
                .path
                .split('/')
                .find(|segment| !is_whole(segment))?;
            let message =
                format!("the segment `{part}` must be a fixed word or a single placeholder");
            Some((operation.pointer(), message))
        },
        "path-segment",
    )
}

fn operation_emulated(document: &Document) -> Vec<Problem> {
    let operations: BTreeSet<String> = document.operations().map(|it| it.pointer()).collect();
    let mut found = Vec::new();
    walk(document.value(), "", &mut |pointer, value| {
        let Some(emulated) = value.get("x-emulated") else {
            return;
        };
        let message = match emulated {
            Value::Bool(false) if operations.contains(pointer) => return,
            Value::Bool(false) => "is ignored here; move it to an operation",
            _ => "must be false; remove it if the emulator implements the operation",
        };
        found.push(document.problem(push(pointer, "x-emulated"), "operation-emulated", message));
    });
    found
}

fn operation_tag(document: &Document) -> Vec<Problem> {
    let declared = document.value().get("tags").and_then(Value::as_array);
    let declared: HashMap<&str, &str> = declared
        .into_iter()
        .flatten()
        .map(|tag| (text(tag, "name"), text(tag, "description")))
        .collect();
    let mut used = BTreeSet::new();
    let mut found = Vec::new();
    for operation in document.operations() {
        let tags = operation.value.get("tags").and_then(Value::as_array);
        let tags: Vec<&str> = tags
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        used.extend(tags.iter().copied());
        let message = match tags.as_slice() {
            [tag] if declared.contains_key(tag) => continue,
            [tag] => {
                format!("the tag `{tag}` is not declared; add it to the `tags` of the document")
            }
            tags => format!("has {} tags; exactly one is required", tags.len()),
        };
        let pointer = push(&operation.pointer(), "tags");
        found.push(document.problem(pointer, "operation-tag", message));
    }
    for (name, description) in declared {
        if !used.contains(name) {
            let message = format!("no operation uses the tag `{name}`; remove it");
            found.push(document.problem("/tags", "operation-tag", message));
        } else if description.is_empty() {
            let message = format!("the tag `{name}` has no description");
            found.push(document.problem("/tags", "operation-tag", message));
        }
    }
    found
}

fn operation_summary(document: &Document) -> Vec<Problem> {
    let mut known = HashMap::new();
    let mut found = Vec::new();
    for operation in document.operations() {
        let summary = text(operation.value, "summary");
        let length = summary.chars().count();
        let earlier = known.insert(summary, operation.id());
        let message = if summary.is_empty() {
            "is missing".to_owned()
        } else if length > SUMMARY {
            format!("has {length} characters; the limit is {SUMMARY}")
        } else if summary.ends_with('.') {
            "ends with a full stop; it is a title, not a sentence".to_owned()
        } else if !summary.starts_with(|c: char| c.is_uppercase()) {
            "does not begin with a capital letter".to_owned()
        } else if let Some(earlier) = earlier {
            format!("`{summary}` is also the summary of {earlier}")
        } else {
            continue;
        };
        let pointer = push(&operation.pointer(), "summary");
        found.push(document.problem(pointer, "operation-summary", message));
    }
    found
}

fn operation_description(document: &Document) -> Vec<Problem> {
    each(
        document,
        |operation| {
            text(operation.value, "description")
                .trim()
                .is_empty()
                .then(|| (operation.pointer(), "has no description".to_owned()))
        },
        "operation-description",
    )
}

fn operation_docs(document: &Document) -> Vec<Problem> {
    each(
        document,
        |operation| {
            let docs = operation.value.get("externalDocs");
            let url = docs.map_or("", |docs| text(docs, "url"));
            let described = docs.is_some_and(|docs| !text(docs, "description").is_empty());
            (!described || !url.starts_with("https://")).then(|| {
                (
                    push(&operation.pointer(), "externalDocs"),
                    "needs a description and the https URL of the page".to_owned(),
                )
            })
        },
        "operation-docs",
    )
}

fn operation_idempotent(document: &Document) -> Vec<Problem> {
    each(
        document,
        |operation| {
            let known = operation
                .value
                .get("x-idempotent")
                .is_some_and(Value::is_boolean);
            (!known).then(|| {
                (
                    push(&operation.pointer(), "x-idempotent"),
                    "must be true or false: true if sending the request twice has the same effect as sending it once".to_owned(),
                )
            })
        },
        "operation-idempotent",
    )
}

fn operation_pagination(document: &Document) -> Vec<Problem> {
    each(
        document,
        |operation| {
            let message = match modelarts_document::Pagination::read(&operation) {
                Some(Ok(pagination)) if pagination.item().is_some() => return None,
                Some(Ok(_)) => "`items` must name a list whose entries have a schema".to_owned(),
                Some(Err(error)) => error.to_string(),
                None if is_paged(&operation) => {
                    "must describe the paging: style, limit, offset or token, items, total"
                        .to_owned()
                }
                None => return None,
            };
            Some((push(&operation.pointer(), "x-pagination"), message))
        },
        "operation-pagination",
    )
}

/// Whether an operation has paging parameters and a list in its response.
fn is_paged(operation: &Operation<'_>) -> bool {
    const NAMES: [&str; 9] = [
        "continue",
        "cursor",
        "limit",
        "marker",
        "offset",
        "page",
        "page_size",
        "pageSize",
        "per_page",
    ];
    let mut query = operation.parameters_in(Location::Query);
    let has_list = |page: Schema<'_>| {
        let mut properties = page.properties();
        properties.any(|(_, property)| property.schema_type() == SchemaType::Array)
    };
    query.any(|parameter| NAMES.contains(&parameter.name()))
        && operation.success_schema().is_some_and(has_list)
}

fn statuses<'a>(operation: &Operation<'a>) -> impl Iterator<Item = (&'a str, &'a Value)> {
    operation
        .value
        .get("responses")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(status, response)| (status.as_str(), response))
}

fn response_status(document: &Document) -> Vec<Problem> {
    let is_status = |status: &str| {
        let code = status.parse();
        status == "default" || code.is_ok_and(|code: u16| (100..600).contains(&code))
    };
    each(
        document,
        |operation| {
            let (status, _) = statuses(&operation).find(|(status, _)| !is_status(status))?;
            Some((
                push(&push(&operation.pointer(), "responses"), status),
                format!("`{status}` is not a status; list each status by number"),
            ))
        },
        "response-status",
    )
}

fn response_success(document: &Document) -> Vec<Problem> {
    each(
        document,
        |operation| {
            let succeeds = statuses(&operation).any(|(status, _)| status.starts_with('2'));
            (!succeeds).then(|| {
                (
                    push(&operation.pointer(), "responses"),
                    "has no success status".to_owned(),
                )
            })
        },
        "response-success",
    )
}

fn response_error(document: &Document) -> Vec<Problem> {
    let is_error = |status: &str| !status.starts_with(['1', '2', '3']);
    let body = |response| {
        let media = document.resolve(response).get("content")?;
        media.get("application/json")?.get("schema")
    };
    // The first response of a status sets the one for that status, and the first error body the one for all.
    let mut shared: HashMap<&str, &str> = HashMap::new();
    let mut first: Option<&Value> = None;
    let mut found = Vec::new();
    for operation in document.operations() {
        let pointer = push(&operation.pointer(), "responses");
        for (status, response) in statuses(&operation).filter(|(status, _)| is_error(status)) {
            let target = text(response, "$ref");
            let of_status = *shared.entry(status).or_insert(target);
            let message = if !target.starts_with("#/components/responses/") {
                "must be a `$ref` to the shared response of its status".to_owned()
            } else if target != of_status {
                format!("must be `{of_status}`, as in other operations with {status}")
            } else if body(response)
                != Some(*first.get_or_insert(body(response).unwrap_or(&Value::Null)))
            {
                "must have the same body as the other errors of this document".to_owned()
            } else {
                continue;
            };
            found.push(document.problem(push(&pointer, status), "response-error", message));
        }
        if !statuses(&operation).any(|(status, _)| status == "default") {
            let message =
                "needs a `default` response, which describes the body of all other statuses";
            found.push(document.problem(pointer, "response-error", message));
        }
    }
    found
}

fn path_parameters(document: &Document) -> Vec<Problem> {
    each(
        document,
        |operation| {
            let placeholders: BTreeSet<&str> = operation
                .path
                .split('{')
                .skip(1)
                .filter_map(|rest| rest.split('}').next())
                .collect();
            let parameters: Vec<_> = operation.parameters_in(Location::Path).collect();
            let names: BTreeSet<&str> = parameters.iter().map(|p| p.name()).collect();
            let optional = parameters.iter().find(|p| !p.is_required());
            let message = if let Some(name) = placeholders.difference(&names).next() {
                format!("{{{name}}} in the path has no parameter")
            } else if let Some(name) = names.difference(&placeholders).next() {
                format!("the path has no {{{name}}} for the parameter")
            } else if let Some(parameter) = optional {
                format!("`{}` must be `required: true`", parameter.name())
            } else {
                return None;
            };
            Some((operation.pointer(), message))
        },
        "path-parameters",
    )
}
