//! The operations of the documents, as far as a command line needs to know them.

use std::sync::LazyLock;

use modelarts_document::{Document, Location, SchemaType};
use serde_json::{Number, Value};

use crate::schema::{self, Schema};

/// An operation with what it takes and what it returns.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Whether sending it twice does no more than sending it once.
    pub(crate) idempotent: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    /// The flags of a call that has all that it needs, as the document's examples have them.
    pub(crate) example: String,
    /// What a success returns; none where the document promises no body.
    pub(crate) response: Option<Schema>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
    Header,
}

/// A parameter in path, query or headers.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) required: bool,
    pub(crate) kind: Kind,
    pub(crate) help: String,
    pub(crate) maximum: Option<i64>,
}

/// The JSON body of a request.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) required: bool,
    pub(crate) schema: Schema,
    /// Its fields, nested objects flattened.
    pub(crate) fields: Vec<Field>,
}

/// A field of a body.
#[derive(Debug)]
pub(crate) struct Field {
    /// Names from the body's root down.
    pub(crate) path: Vec<String>,
    pub(crate) kind: Kind,
    /// Whether no body is complete without it.
    pub(crate) required: bool,
    pub(crate) help: String,
}

/// How the text of a flag becomes JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Number,
    Boolean,
    /// Several texts.
    Texts,
    /// Anything else is written as JSON.
    Json,
}

/// How a list is read page by page.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Paging {
    /// The largest page that the document allows.
    pub(crate) limit: i64,
    /// The property of a page that holds its items.
    pub(crate) items: String,
    /// The property that counts the items of all pages.
    pub(crate) total: Option<String>,
}

/// A page when the document sets no limit.
const PAGE: i64 = 100;

impl Operation {
    /// How to read all pages; none if it does not page.
    pub(crate) fn paging(&self) -> Option<Paging> {
        let limit = self.query("limit")?;
        self.query("offset")?;
        let properties: Vec<_> = self.response.as_ref()?.properties().collect();
        let arrays = || {
            properties
                .iter()
                .filter(|(_, schema)| schema.schema_type() == SchemaType::Array)
        };
        // A list that is sent twice has the name that all lists share.
        let (items, _) = arrays()
            .find(|(name, _)| *name == "data")
            .or_else(|| arrays().next())?;
        let total = properties.iter().find(|(name, schema)| {
            name.starts_with("total") && schema.schema_type() == SchemaType::Integer
        });
        Some(Paging {
            limit: limit.maximum.unwrap_or(PAGE),
            items: (*items).to_owned(),
            total: total.map(|(name, _)| (*name).to_owned()),
        })
    }

    fn query(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|parameter| parameter.place == Place::Query && parameter.name == name)
    }

    /// The operation that lists what this one creates: the same path, read.
    pub(crate) fn listing(&self) -> Option<&'static Self> {
        all()
            .iter()
            .find(|other| other.path == self.path && other.method == "GET")
    }
}

/// The operations of all documents; they are parsed when this is first asked for.
pub(crate) fn all() -> &'static [Operation] {
    static ALL: LazyLock<Vec<Operation>> = LazyLock::new(|| {
        documents()
            .iter()
            .flat_map(|document| document.operations().map(operation))
            .collect()
    });
    &ALL
}

/// The operation of this id.
pub(crate) fn find(id: &str) -> Option<&'static Operation> {
    all().iter().find(|operation| operation.id == id)
}

fn documents() -> &'static [Document] {
    static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
        modelarts_client::FAMILIES
            .iter()
            // A test holds that they parse.
            .filter_map(|family| Document::from_json(family.document).ok())
            .collect()
    });
    &DOCUMENTS
}

/// The parameter that the connection fills in.
pub(crate) const PROJECT: &str = "project_id";

/// Deeper bodies than this are written as JSON.
const DEPTH: usize = 4;

fn operation(described: modelarts_document::Operation<'static>) -> Operation {
    let body = described.request_body();
    let success = described
        .responses()
        .filter(modelarts_document::Response::is_success)
        .find_map(|response| response.json()?.schema());
    Operation {
        id: described.id().to_owned(),
        summary: one_line(described.summary()),
        description: one_line(described.description()),
        method: described.method.to_uppercase(),
        path: described.path.to_owned(),
        idempotent: described.value.get("x-idempotent") == Some(&Value::Bool(true)),
        parameters: described
            .parameters()
            .iter()
            .filter_map(parameter)
            .collect(),
        body: body.and_then(|body| {
            let schema = body.json()?.schema()?;
            let mut fields = Vec::new();
            collect(schema, true, &mut Vec::new(), &mut fields);
            Some(Body {
                required: body.is_required(),
                schema,
                fields,
            })
        }),
        response: success,
        example: example(&described),
    }
}

/// A body that is longer is in a file.
const SHORT: usize = 40;

fn example(described: &modelarts_document::Operation<'static>) -> String {
    let mut flags = String::new();
    for parameter in described.parameters() {
        // The project comes from the connection.
        if !parameter.is_required() || parameter.name() == PROJECT {
            continue;
        }
        let example = parameter.value().get("example");
        let value = match example.or_else(|| parameter.schema().value().get("example")) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => parameter.name().to_uppercase(),
        };
        flags += &format!(" --{} {value}", parameter.name().replace('_', "-"));
    }
    let body = described.request_body().filter(|body| body.is_required());
    if let Some(body) = body.and_then(|body| body.json()) {
        let short = body
            .examples()
            .filter_map(|example| Some(example.value()?.to_string()))
            .find(|body| body.len() <= SHORT);
        flags += &match short {
            Some(body) => format!(" --body '{body}'"),
            None => " --body @body.json".to_owned(),
        };
    }
    flags
}

fn parameter(parameter: &modelarts_document::Parameter<'static>) -> Option<Parameter> {
    let place = match parameter.location() {
        Location::Path => Place::Path,
        Location::Query => Place::Query,
        Location::Header => Place::Header,
        Location::Cookie => return None,
    };
    let schema = parameter.schema();
    Some(Parameter {
        name: match place {
            // A flag as other flags; the case of a header's name does not count.
            Place::Header => parameter.name().to_ascii_lowercase(),
            Place::Path | Place::Query => parameter.name().to_owned(),
        },
        place,
        required: parameter.is_required(),
        kind: kind(schema),
        help: help(parameter.description(), schema),
        maximum: schema.limits().maximum.and_then(Number::as_i64),
    })
}

fn collect(schema: Schema, required: bool, path: &mut Vec<String>, fields: &mut Vec<Field>) {
    for (name, property) in schema.properties() {
        let required = required && schema.requires(name);
        path.push(name.to_owned());
        // An object can be given whole, too; its own fields come after it and replace parts.
        fields.push(Field {
            path: path.clone(),
            kind: kind(property),
            required,
            help: help(property.description(), property),
        });
        // One that contains itself is given whole only.
        if path.len() < DEPTH && !property.is_recursive() {
            collect(property, required, path, fields);
        }
        path.pop();
    }
}

fn kind(schema: Schema) -> Kind {
    match schema.schema_type() {
        SchemaType::String => Kind::Text,
        SchemaType::Integer => Kind::Integer,
        SchemaType::Number => Kind::Number,
        SchemaType::Boolean => Kind::Boolean,
        SchemaType::Array => match schema.items().map(|items| items.schema_type()) {
            Some(SchemaType::String) => Kind::Texts,
            _ => Kind::Json,
        },
        SchemaType::Object | SchemaType::Any => Kind::Json,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The description, with the values that are known.
fn help(description: &str, schema: Schema) -> String {
    let description = one_line(description);
    let known = schema::known(schema);
    if known.is_empty() {
        return description;
    }
    format!("{description} [known: {}]", known.join(", "))
        .trim_start()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_the_documents_is_there() {
        let ids: Vec<_> = all().iter().map(|operation| &operation.id).collect();
        let known: Vec<_> = modelarts_client::operations()
            .map(|operation| operation.id)
            .collect();
        assert_eq!(ids, known);
    }

    #[test]
    fn nested_bodies_become_dotted_fields() {
        let create = find("createNotebook").unwrap();
        let body = create.body.as_ref().unwrap();
        let field = |path: &[&str]| body.fields.iter().find(|field| field.path == path).unwrap();
        assert_eq!(field(&["volume", "capacity"]).kind, Kind::Integer);
        let category = field(&["volume", "category"]);
        assert!(category.help.contains("EVS"), "{}", category.help);
        assert!(category.required && !field(&["volume", "capacity"]).required);
        assert!(body.required && !create.idempotent);
    }

    #[test]
    fn every_list_that_takes_a_limit_and_an_offset_pages() {
        for operation in all() {
            let takes = |name| operation.query(name).is_some();
            assert_eq!(
                operation.paging().is_some(),
                takes("limit") && takes("offset"),
                "{}",
                operation.id
            );
        }
        let items = |id: &str| find(id).unwrap().paging().unwrap().items;
        assert_eq!(items("listFlavors"), "data");
        assert_eq!(items("listDevEnvInstances"), "instances");
    }

    #[test]
    fn a_creation_knows_the_list_of_what_it_creates() {
        let listing = |id: &str| Some(find(id)?.listing()?.id.as_str());
        assert_eq!(listing("createNotebook"), Some("listNotebooks"));
        assert_eq!(listing("createDevEnvInstance"), Some("listDevEnvInstances"));
        assert_eq!(listing("createImage"), None);
    }

    #[test]
    fn a_body_that_contains_itself_and_is_no_plain_json_type_has_flags() {
        static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
            Document::from_json(
                r##"{"paths": {"/a": {"patch": {
                "operationId": "changeNode",
                "parameters": [{"name": "If-Match", "in": "header", "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/merge-patch+json": {
                    "schema": {"$ref": "#/components/schemas/Node"}}}}
            }}}, "components": {"schemas": {"Node": {"type": "object", "properties": {
                "name": {"type": "string"}, "child": {"$ref": "#/components/schemas/Node"}}}}}}"##,
            )
            .unwrap()
        });
        let operations: Vec<_> = DOCUMENT.operations().map(operation).collect();
        let fields = &operations[0].body.as_ref().unwrap().fields;
        let names: Vec<_> = fields.iter().map(|field| field.path.join(".")).collect();
        assert_eq!(names, ["name", "child"]);
        let parameters = operations[0].parameters.iter();
        let parameters: Vec<_> = parameters.map(|it| it.name.as_str()).collect();
        assert_eq!(parameters, ["if-match"]);
    }
}
