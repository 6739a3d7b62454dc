//! Reads a document and makes sure that it is whole before anything is built on it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use openapiv3::OpenAPI;
use serde_json::Value;

use crate::problem::{Problem, push};

/// The HTTP methods that a path item may hold.
pub const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// A document that parses and whose references all lead somewhere.
#[derive(Debug)]
pub struct Document {
    /// Name of the family.
    pub name: String,
    /// Path from the root of the checkout.
    pub file: String,
    /// The document as data, extensions included.
    pub value: Value,
    /// The same, as OpenAPI.
    pub api: OpenAPI,
}

/// An operation, as it stands in the document.
#[derive(Debug, Clone, Copy)]
pub struct OperationRef<'a> {
    /// Template of the path.
    pub path: &'a str,
    /// HTTP method in lower case.
    pub method: &'a str,
    /// The operation object.
    pub value: &'a Value,
    /// Parameters of the path item, which the operation inherits.
    pub inherited: &'a [Value],
}

impl<'a> OperationRef<'a> {
    /// The `operationId`, or nothing.
    pub fn id(&self) -> &'a str {
        text(self.value, "operationId")
    }

    /// JSON pointer to the operation.
    pub fn pointer(&self) -> String {
        push(&push("/paths", self.path), self.method)
    }

    /// Path parameters first, then the operation's own.
    pub fn parameters(&self) -> impl Iterator<Item = &'a Value> {
        self.inherited.iter().chain(
            self.value
                .get("parameters")
                .and_then(Value::as_array)
                .into_iter()
                .flatten(),
        )
    }
}

/// The text of a member, or nothing.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Document {
    /// Reads `openapi/<name>.yaml`.
    ///
    /// The problems are those that make everything else pointless: text that is no YAML, references
    /// to nowhere, an `operationId` used twice, a structure that is not OpenAPI.
    pub fn read(root: &Path, name: &str) -> Result<Result<Self, Vec<Problem>>> {
        let file = format!("openapi/{name}.yaml");
        let text =
            fs::read_to_string(root.join(&file)).with_context(|| format!("reading {file}"))?;
        Ok(Self::parse(name, &file, &text))
    }

    /// Reads a document from its text.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let problem = |rule, message| {
            vec![Problem {
                file: file.to_owned(),
                pointer: String::new(),
                rule,
                message,
            }]
        };
        let value: Value = serde_saphyr::from_str(text)
            .map_err(|error| problem("yaml", error.to_string().trim().to_owned()))?;
        let mut broken = dangling_references(file, &value);
        broken.extend(repeated_operation_ids(file, &value));
        if !broken.is_empty() {
            return Err(broken);
        }
        let api = OpenAPI::deserialize_from(&value)
            .map_err(|error| problem("openapi", format!("is not OpenAPI 3.0: {error}")))?;
        Ok(Self {
            name: name.to_owned(),
            file: file.to_owned(),
            value,
            api,
        })
    }

    /// All operations, in the document's order.
    pub fn operations(&self) -> Vec<OperationRef<'_>> {
        operations(&self.value)
    }

    /// The schema components, in the document's order.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.value
            .pointer("/components/schemas")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, schema)| (name.as_str(), schema))
    }

    /// Follows `$ref` until something else stands there.
    pub fn resolve<'a>(&'a self, mut value: &'a Value) -> &'a Value {
        while let Some(target) = value.get("$ref").and_then(Value::as_str) {
            match self.value.pointer(target.trim_start_matches('#')) {
                Some(next) => value = next,
                None => return value,
            }
        }
        value
    }

    /// A finding in this document.
    pub fn problem(
        &self,
        pointer: impl Into<String>,
        rule: &'static str,
        message: impl Into<String>,
    ) -> Problem {
        Problem {
            file: self.file.clone(),
            pointer: pointer.into(),
            rule,
            message: message.into(),
        }
    }
}

trait DeserializeFrom: Sized {
    fn deserialize_from(value: &Value) -> serde_json::Result<Self>;
}

impl DeserializeFrom for OpenAPI {
    fn deserialize_from(value: &Value) -> serde_json::Result<Self> {
        serde_json::from_value(value.clone())
    }
}

fn operations(document: &Value) -> Vec<OperationRef<'_>> {
    let paths = document.get("paths").and_then(Value::as_object);
    let mut found = Vec::new();
    for (path, item) in paths.into_iter().flatten() {
        let inherited = item
            .get("parameters")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        for (method, value) in item.as_object().into_iter().flatten() {
            if METHODS.contains(&method.as_str()) {
                found.push(OperationRef {
                    path,
                    method,
                    value,
                    inherited,
                });
            }
        }
    }
    found
}

/// Calls `visit` with every value and the pointer to it.
pub fn walk<'a>(value: &'a Value, pointer: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(pointer, value);
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                walk(member, &push(pointer, key), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &push(pointer, &index.to_string()), visit);
            }
        }
        _ => {}
    }
}

fn dangling_references(file: &str, document: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    walk(document, "", &mut |pointer, value| {
        let Some(target) = value.get("$ref").and_then(Value::as_str) else {
            return;
        };
        let known = target
            .strip_prefix('#')
            .is_some_and(|inner| document.pointer(inner).is_some());
        if !known {
            found.push(Problem {
                file: file.to_owned(),
                pointer: push(pointer, "$ref"),
                rule: "reference",
                message: format!("`{target}` leads nowhere; define it or correct the name"),
            });
        }
    });
    found
}

fn repeated_operation_ids(file: &str, document: &Value) -> Vec<Problem> {
    let mut first: HashMap<&str, String> = HashMap::new();
    let mut found = Vec::new();
    for operation in operations(document) {
        if operation.id().is_empty() {
            continue;
        }
        let pointer = operation.pointer();
        match first.get(operation.id()) {
            None => {
                first.insert(operation.id(), pointer);
            }
            Some(earlier) => found.push(Problem {
                file: file.to_owned(),
                pointer: push(&pointer, "operationId"),
                rule: "operation-id",
                message: format!(
                    "`{}` is the id of {earlier} already; every operation needs one of its own",
                    operation.id()
                ),
            }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /a:
    get:
      operationId: showA
      responses: {'200': {description: ok}}
";

    fn problems(text: &str) -> Vec<String> {
        match Document::parse("t", "openapi/t.yaml", text) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_whole_document_is_read() {
        let document = Document::parse("t", "openapi/t.yaml", WHOLE).unwrap();
        assert_eq!(document.operations()[0].id(), "showA");
    }

    #[test]
    fn broken_yaml_is_one_error_with_its_line() {
        let found = problems("openapi: 3.0.3\n  info: [\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("openapi/t.yaml#: yaml: "), "{found:?}");
        assert!(
            found[0].contains("line 2") || found[0].contains("2:"),
            "{found:?}"
        );
    }

    #[test]
    fn a_repeated_key_is_broken_yaml() {
        let found = problems(&format!("{WHOLE}info: {{title: U, version: '2'}}\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("yaml"), "{found:?}");
    }

    #[test]
    fn a_dangling_reference_names_its_place() {
        let found =
            problems(&WHOLE.replace("{description: ok}", "{$ref: '#/components/responses/No'}"));
        assert_eq!(
            found,
            [
                "openapi/t.yaml#/paths/~1a/get/responses/200/$ref: reference: \
              `#/components/responses/No` leads nowhere; define it or correct the name"
            ]
        );
    }

    #[test]
    fn a_repeated_operation_id_names_both_places() {
        let found = problems(&format!(
            "{WHOLE}  /b:\n    get:\n      operationId: showA\n      responses: {{'200': {{description: ok}}}}\n"
        ));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("/paths/~1b/get/operationId"), "{found:?}");
        assert!(found[0].contains("/paths/~1a/get already"), "{found:?}");
    }

    #[test]
    fn a_structure_that_is_not_openapi_is_refused() {
        let found = problems("openapi: 3.0.3\ninfo: {title: T}\npaths: {}\n");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("openapi: is not OpenAPI 3.0"),
            "{found:?}"
        );
    }
}
