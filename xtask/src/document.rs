//! Reads a document and validates its structure and references.

use std::collections::HashMap;
use std::fs;
use std::ops::Deref;
use std::path::Path;

use anyhow::{Context, Result};
use modelarts_document::ReadError;
use openapiv3::OpenAPI;
use serde::Deserialize as _;
use serde_json::Value;

pub use modelarts_document::{METHODS, Operation, walk};

use crate::problem::{Problem, push};

/// A document that parses and whose references all resolve.
#[derive(Debug)]
pub struct Document {
    /// Name of the family.
    pub name: String,
    /// Path from the root of the checkout, such as `openapi/iam.yaml`.
    pub file: String,
    document: modelarts_document::Document,
}

impl Deref for Document {
    type Target = modelarts_document::Document;

    fn deref(&self) -> &Self::Target {
        &self.document
    }
}

/// Returns the text of a member, or an empty text.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Document {
    /// Reads `openapi/<name>.yaml`.
    ///
    /// Returns problems if nothing else can be checked: invalid YAML, references that do not resolve, a repeated
    /// `operationId`, a structure that is not OpenAPI 3.0.
    pub fn read(root: &Path, name: &str) -> Result<Result<Self, Vec<Problem>>> {
        let file = format!("openapi/{name}.yaml");
        let text =
            fs::read_to_string(root.join(&file)).with_context(|| format!("reading {file}"))?;
        Ok(Self::parse(name, &file, &text))
    }

    /// Reads a document from its text.
    pub fn parse(name: &str, file: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let problem = |pointer: &str, rule, message| Problem {
            file: file.to_owned(),
            pointer: pointer.to_owned(),
            rule,
            message,
        };
        let document =
            modelarts_document::Document::from_yaml(text).map_err(|error| match error {
                ReadError::References(broken) => broken
                    .iter()
                    .map(|error| problem(&error.pointer, "reference", error.to_string()))
                    .collect(),
                other => vec![problem("", "yaml", other.to_string())],
            })?;
        let document = Self {
            name: name.to_owned(),
            file: file.to_owned(),
            document,
        };
        let repeated = repeated_operation_ids(&document);
        if !repeated.is_empty() {
            return Err(repeated);
        }
        if let Err(error) = OpenAPI::deserialize(document.value()) {
            let message = format!("is not OpenAPI 3.0: {error}");
            return Err(vec![problem("", "openapi", message)]);
        }
        Ok(document)
    }

    /// Returns a copy with a change applied.
    ///
    /// # Errors
    ///
    /// When a reference does not resolve after the change.
    pub fn changed(&self, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let mut value = self.value().clone();
        change(&mut value);
        Ok(Self {
            name: self.name.clone(),
            file: self.file.clone(),
            document: modelarts_document::Document::new(value)?,
        })
    }

    /// Creates a problem at a place in this document.
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

/// A document with one operation, for the tests of generators.
#[cfg(test)]
pub(crate) const SMALL: &str = include_str!("../fixtures/small.yaml");

fn repeated_operation_ids(document: &Document) -> Vec<Problem> {
    let mut first: HashMap<&str, String> = HashMap::new();
    let mut found = Vec::new();
    for operation in document.operations() {
        if operation.id().is_empty() {
            continue;
        }
        let pointer = operation.pointer();
        match first.get(operation.id()) {
            None => {
                first.insert(operation.id(), pointer);
            }
            Some(earlier) => found.push(document.problem(
                push(&pointer, "operationId"),
                "operation-id",
                format!(
                    "`{}` is already the id of {earlier}; give each operation its own id",
                    operation.id()
                ),
            )),
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
        assert_eq!(document.operations().next().unwrap().id(), "showA");
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
              `#/components/responses/No` does not exist; define it or correct the name"
            ]
        );
    }

    #[test]
    fn a_ring_of_references_is_named() {
        let found = problems(&format!(
            "{WHOLE}components: {{schemas: {{A: {{$ref: '#/components/schemas/A'}}}}}}\n"
        ));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("/components/schemas/A/$ref: reference: "),
            "{found:?}"
        );
    }

    #[test]
    fn a_repeated_operation_id_names_both_places() {
        let found = problems(&format!(
            "{WHOLE}  /b:\n    get:\n      operationId: showA\n      responses: {{'200': {{description: ok}}}}\n"
        ));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("/paths/~1b/get/operationId"), "{found:?}");
        assert!(
            found[0].contains("already the id of /paths/~1a/get"),
            "{found:?}"
        );
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
