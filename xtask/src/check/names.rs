//! Names that Rust code cannot bear.

use std::collections::HashMap;

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use super::Rule;
use crate::document::Document;
use crate::problem::{Problem, push};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "schema-reserved",
        why: "a type of this name hides one that all generated code relies on",
        run: reserved_types,
    },
    Rule {
        name: "operation-reserved",
        why: "a builder or a method of this name hides what all builders or clients have",
        run: reserved_operations,
    },
    Rule {
        name: "name-unusable",
        why: "a name becomes one of Rust, which another of the same place must not become too",
        run: unusable,
    },
];

/// What generated code calls by its bare name, and what is in scope everywhere.
const TYPES: &[&str] = &[
    "AsMut",
    "AsRef",
    "Box",
    "Clone",
    "Copy",
    "Default",
    "Display",
    "Drop",
    "Eq",
    "Err",
    "Error",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "Into",
    "IntoIterator",
    "IntoOptional",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Problems",
    "RequestError",
    "Result",
    "Self",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

/// What stands beside the builders of operations.
const BUILDERS: &[&str] = &[
    "Display",
    "IntoOptional",
    "Prepared",
    "RequestError",
    "ResponseValue",
    "Problems",
    "Client",
    "Result",
    "Self",
];

/// What a client has beside the methods of operations.
const METHODS: &[&str] = &["new_with_client", "with_transport", "base", "http", "clone"];

/// What builders have beside setters.
const OF_BUILDERS: &[&str] = &[
    "new", "prepare", "send", "build", "builder", "client", "problems", "clone",
];

fn reserved_types(document: &Document) -> Vec<Problem> {
    let names = document.schemas().map(|(name, _)| name);
    names
        .filter(|name| {
            let name = name.to_upper_camel_case();
            TYPES.contains(&name.as_str()) || syn::parse_str::<syn::Ident>(&name).is_err()
        })
        .map(|name| {
            document.problem(
                push("/components/schemas", name),
                "schema-reserved",
                format!(
                    "`{name}` means something else in Rust already; say what it is the {name} of"
                ),
            )
        })
        .collect()
}

fn reserved_operations(document: &Document) -> Vec<Problem> {
    document
        .operations()
        .filter(|operation| {
            BUILDERS.contains(&operation.id().to_upper_camel_case().as_str())
                || METHODS.contains(&operation.id().to_snake_case().as_str())
        })
        .map(|operation| {
            document.problem(
                push(&operation.pointer(), "operationId"),
                "operation-reserved",
                format!(
                    "`{}` is what every client or builder has already; add what it is done to",
                    operation.id()
                ),
            )
        })
        .collect()
}

/// What a name becomes.
type Case = fn(&str) -> String;

fn unusable(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut look =
        |pointer: &str, names: &mut dyn Iterator<Item = &str>, case: Case, taken: &[&str]| {
            let mut seen: HashMap<String, &str> = HashMap::new();
            for name in names {
                let rust = case(name);
                let message = if !rust.starts_with(|first: char| first.is_ascii_alphabetic()) {
                    format!("`{name}` becomes no name in Rust; a name begins with a letter")
                } else if taken.contains(&rust.as_str()) {
                    format!("`{name}` becomes `{rust}`, which every builder has already")
                } else if let Some(other) = seen.insert(rust.clone(), name) {
                    format!("`{name}` and `{other}` both become `{rust}`")
                } else {
                    continue;
                };
                found.push(document.problem(push(pointer, name), "name-unusable", message));
            }
        };
    let snake: Case = |name| name.to_snake_case();
    let camel: Case = |name| name.to_upper_camel_case();
    look(
        "/components/schemas",
        &mut document.schemas().map(|(name, _)| name),
        camel,
        &[],
    );
    for (name, schema) in document.schemas() {
        let pointer = push(&push("/components/schemas", name), "properties");
        let mut names = schema.properties().map(|(name, _)| name);
        look(&pointer, &mut names, snake, OF_BUILDERS);
    }
    for operation in document.operations() {
        let parameters = operation.parameters();
        let body = operation.request_body().map(|_| "body");
        let mut names = parameters.iter().map(|it| it.name()).chain(body);
        let pointer = push(&operation.pointer(), "parameters");
        look(&pointer, &mut names, snake, OF_BUILDERS);
    }
    found
}
