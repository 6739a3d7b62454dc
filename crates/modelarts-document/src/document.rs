//! A parsed document.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::error::{ReadError, ReferenceError};
use crate::json_schema::to_json_schema;
use crate::operation::{Example, MediaType, Operation};
use crate::reference::{Root, members};
use crate::schema::Schema;

/// An OpenAPI document without broken references.
#[derive(Clone, Debug)]
pub struct Document {
    value: Value,
}

/// An example of a body, and its place in the document.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NamedExample<'a> {
    /// The `operationId`, or the name of the shared response.
    pub owner: &'a str,
    /// `request`, `response-200` and the like, or `error` for a shared response.
    pub place: String,
    /// The schema of the body.
    pub schema: Option<Schema<'a>>,
    /// The example.
    pub example: Example<'a>,
}

impl Document {
    /// Creates a document from a JSON value.
    ///
    /// # Errors
    ///
    /// [`ReadError::References`] when a `$ref` has no target or refers back to itself.
    pub fn new(value: Value) -> Result<Self, ReadError> {
        let broken = Root(&value).broken();
        if !broken.is_empty() {
            return Err(ReadError::References(broken));
        }
        Ok(Self { value })
    }

    /// Reads a document from JSON.
    ///
    /// # Errors
    ///
    /// [`ReadError::Syntax`] when the text is not JSON; otherwise the same as [`new`](Self::new).
    pub fn from_json(text: &str) -> Result<Self, ReadError> {
        let value = serde_json::from_str(text);
        Self::new(value.map_err(|error| ReadError::Syntax(error.to_string()))?)
    }

    /// Reads a document from YAML; a repeated key is an error.
    ///
    /// # Errors
    ///
    /// [`ReadError::Syntax`] when the text is not YAML; otherwise the same as [`new`](Self::new).
    #[cfg(feature = "yaml")]
    pub fn from_yaml(text: &str) -> Result<Self, ReadError> {
        let value: Result<Value, _> = serde_saphyr::from_str(text);
        Self::new(value.map_err(|error| ReadError::Syntax(error.to_string().trim().to_owned()))?)
    }

    /// Returns the document as a JSON value, including extensions.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// Returns all operations, in the document's order.
    pub fn operations(&self) -> impl Iterator<Item = Operation<'_>> {
        Operation::all(self.root())
    }

    /// Returns the operation with an `operationId`.
    pub fn operation(&self, id: &str) -> Option<Operation<'_>> {
        self.operations().find(|operation| operation.id() == id)
    }

    /// Returns the schema components, in the document's order.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, Schema<'_>)> {
        let root = self.root();
        self.components("schemas")
            .map(move |(name, value)| (name, Schema::component(root, name, value)))
    }

    /// Returns the schema component with a name.
    pub fn schema(&self, name: &str) -> Option<Schema<'_>> {
        self.schemas()
            .find(|(known, _)| *known == name)
            .map(|(_, schema)| schema)
    }

    /// Returns the members of a section of `components`, such as `responses`, without resolving references.
    pub fn components(&self, section: &str) -> impl Iterator<Item = (&str, &Value)> {
        let components = self.value.get("components").unwrap_or(&Value::Null);
        members(components, section)
    }

    /// Follows `$ref` until there is a value that is not a reference.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        self.root().resolve(value).1
    }

    /// Returns a schema that is written anywhere in this document, with references resolved.
    pub fn schema_at<'a>(&'a self, written: &'a Value) -> Schema<'a> {
        Schema::new(self.root(), written)
    }

    /// Returns the names of the schema components that a value refers to, directly or through others.
    pub fn reachable<'a>(&'a self, start: &'a Value) -> BTreeSet<&'a str> {
        self.root().reachable(start)
    }

    /// Returns every named example of a body: of requests, responses and shared responses.
    pub fn examples(&self) -> Vec<NamedExample<'_>> {
        let mut found = Vec::new();
        for operation in self.operations() {
            if let Some(body) = operation.request_body() {
                collect(operation.id(), "request", body.content(), &mut found);
            }
            let own = members(operation.value, "responses")
                .filter(|(_, response)| response.get("$ref").is_none());
            for (status, response) in own {
                let content = MediaType::all(self.root(), response);
                collect(
                    operation.id(),
                    &format!("response-{status}"),
                    content,
                    &mut found,
                );
            }
        }
        for (name, response) in self.components("responses") {
            collect(
                name,
                "error",
                MediaType::all(self.root(), response),
                &mut found,
            );
        }
        found
    }

    /// Returns all schema components as one JSON Schema: a value of the component `X` is valid as the member `X` of an
    /// object.
    ///
    /// Undeclared properties are invalid. One validator can be used for all components.
    pub fn json_schema(&self) -> Value {
        let mut definitions = Map::new();
        let mut doors = Map::new();
        for (name, schema) in self.components("schemas") {
            definitions.insert(name.to_owned(), to_json_schema(schema));
            doors.insert(name.to_owned(), json!({"$ref": format!("#/$defs/{name}")}));
        }
        json!({"$defs": definitions, "properties": doors})
    }

    fn root(&self) -> Root<'_> {
        Root(&self.value)
    }

    /// Returns the references in a value that have no target in it, or refer back to themselves.
    pub fn broken_references(value: &Value) -> Vec<ReferenceError> {
        Root(value).broken()
    }
}

fn collect<'a>(
    owner: &'a str,
    place: &str,
    content: impl Iterator<Item = MediaType<'a>>,
    found: &mut Vec<NamedExample<'a>>,
) {
    for media in content {
        found.extend(media.examples().map(|example| NamedExample {
            owner,
            place: place.to_owned(),
            schema: media.schema(),
            example,
        }));
    }
}
