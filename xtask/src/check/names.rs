//! Rules against names that clash in the generated Rust code.

use std::collections::HashMap;

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use super::Rule;
use crate::document::Document;
use crate::problem::{Problem, push};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "schema-reserved",
        why: "a type with this name would shadow one that the generated code uses",
        run: reserved_types,
    },
    Rule {
        name: "operation-reserved",
        why: "a builder or method with this name would clash with one that every client or builder has",
        run: reserved_operations,
    },
    Rule {
        name: "name-unusable",
        why: "each name becomes a Rust identifier, which must be valid and unique in its place",
        run: unusable,
    },
];

/// Names that the generated code uses without a path, and names of the prelude.
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

/// Names in the module of the operation builders.
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

/// Methods of a client other than those of operations.
const METHODS: &[&str] = &["new_with_client", "with_transport", "base", "http", "clone"];

/// Methods and fields of builders other than setters.
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
                    "`{name}` is a reserved name in Rust; use a more specific one, such as `Thing{name}`"
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
                    "`{}` is a reserved name of clients or builders; add the object of the verb",
                    operation.id()
                ),
            )
        })
        .collect()
}

/// Converts a name to a Rust identifier.
type Case = fn(&str) -> String;

fn unusable(document: &Document) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut check = |pointer: &str,
                     names: &mut dyn Iterator<Item = &str>,
                     case: Case,
                     taken: &[&str]| {
        let mut seen: HashMap<String, &str> = HashMap::new();
        for name in names {
            let rust = case(name);
            let message = if !rust.starts_with(|first: char| first.is_ascii_alphabetic()) {
                format!("`{name}` is not usable as a Rust identifier; begin the name with a letter")
            } else if taken.contains(&rust.as_str()) {
                format!(
                    "`{name}` becomes `{rust}`, a reserved name of builders; choose another name"
                )
            } else if let Some(other) = seen.insert(rust.clone(), name) {
                format!("`{name}` and `{other}` both become `{rust}`; rename one of them")
            } else {
                continue;
            };
            found.push(document.problem(push(pointer, name), "name-unusable", message));
        }
    };
    let snake: Case = |name| name.to_snake_case();
    let camel: Case = |name| name.to_upper_camel_case();
    check(
        "/components/schemas",
        &mut document.schemas().map(|(name, _)| name),
        camel,
        &[],
    );
    for (name, schema) in document.schemas() {
        let pointer = push(&push("/components/schemas", name), "properties");
        let mut names = schema.properties().map(|(name, _)| name);
        check(&pointer, &mut names, snake, OF_BUILDERS);
    }
    for operation in document.operations() {
        let parameters = operation.parameters();
        let body = operation.request_body().map(|_| "body");
        let mut names = parameters.iter().map(|it| it.name()).chain(body);
        let pointer = push(&operation.pointer(), "parameters");
        check(&pointer, &mut names, snake, OF_BUILDERS);
    }
    found
}
