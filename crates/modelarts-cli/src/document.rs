//! The operations of the documents, prepared for the command line.

use std::sync::{LazyLock, OnceLock};

use modelarts_client::Family;
use modelarts_document::{Document, Location, SchemaType};
use serde_json::Value;

use crate::schema::{self, Schema};

/// An operation with its parameters, body and response.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) method: String,
    /// Whether sending it twice does no more than sending it once.
    pub(crate) idempotent: bool,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    /// The flags of a complete call, with values from the document's examples.
    pub(crate) example: String,
    /// The schema of a success; `None` if the document describes no body.
    pub(crate) response: Option<Schema>,
    /// How to read all pages; `None` if the operation has no pages.
    pub(crate) paging: Option<Paging>,
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
    /// The values that the document lists; there may be others.
    pub(crate) known: Vec<String>,
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
    /// Whether every body must have it.
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
pub(crate) type Paging = modelarts_document::Pagination<'static>;

impl Operation {
    /// Whether the query has this parameter.
    pub(crate) fn has_query_parameter(&self, name: &str) -> bool {
        self.parameters
            .iter()
            .any(|parameter| parameter.place == Place::Query && parameter.name == name)
    }

    /// The properties of a response that hold its items; the first one present is used.
    pub(crate) fn items(&self) -> Vec<&'static str> {
        match &self.paging {
            Some(paging) => paging.items.clone(),
            None => {
                let properties = self.response.iter().flat_map(Schema::properties);
                properties
                    .filter(|(_, schema)| schema.schema_type() == SchemaType::Array)
                    .map(|(name, _)| name)
                    .collect()
            }
        }
    }
}

/// Returns the ID of the operation that lists what this one creates: the GET of the same path.
pub(crate) fn listing_of(id: &str) -> Option<&'static str> {
    let (family, creation) = modelarts_client::operation(id)?;
    let mut others = family.operations.iter();
    let list = others.find(|other| other.path == creation.path && other.method == "GET")?;
    Some(list.id)
}

/// A document, which is parsed on first use.
struct Source {
    family: &'static Family,
    document: OnceLock<Option<Document>>,
    /// In the order of the family.
    operations: Vec<OnceLock<Option<Operation>>>,
}

impl Source {
    fn new(family: &'static Family) -> Self {
        Self {
            family,
            document: OnceLock::new(),
            operations: family.operations.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    fn operation(&'static self, index: usize) -> Option<&'static Operation> {
        let read = || {
            let id = self.family.operations.get(index)?.id;
            // A test ensures that it parses.
            let parse = || Document::from_json(self.family.document).ok();
            let document = self.document.get_or_init(parse).as_ref()?;
            document.operation(id).map(operation)
        };
        self.operations.get(index)?.get_or_init(read).as_ref()
    }

    fn find(&'static self, id: &str) -> Option<&'static Operation> {
        let mut operations = self.family.operations.iter();
        self.operation(operations.position(|operation| operation.id == id)?)
    }
}

fn sources() -> Vec<Source> {
    modelarts_client::FAMILIES.iter().map(Source::new).collect()
}

static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(sources);

/// Returns the operations of all documents, which parses all of them.
#[cfg(any(test, feature = "mcp"))]
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    let sources = SOURCES.iter();
    sources.flat_map(|source| (0..source.operations.len()).filter_map(|it| source.operation(it)))
}

/// Returns the operation with this ID. Only the document that contains it is parsed.
pub(crate) fn find(id: &str) -> Option<&'static Operation> {
    SOURCES.iter().find_map(|source| source.find(id))
}

/// The parameter that the connection fills in.
pub(crate) const PROJECT: &str = "project_id";

/// The maximum depth of fields that have flags; deeper ones are written as JSON.
const DEPTH: usize = 4;

fn operation(described: modelarts_document::Operation<'static>) -> Operation {
    let body = described.request_body();
    Operation {
        id: described.id().to_owned(),
        summary: one_line(described.summary()),
        description: one_line(described.description()),
        method: described.method.to_uppercase(),
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
        response: described.success_schema(),
        // A rule for documents ensures that it matches the operation.
        paging: Paging::read(&described).and_then(Result::ok),
        example: example(&described),
    }
}

/// The maximum length of an inline body in an example; a longer one is read from a file.
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
            // In lower case like other flags; the case of a header's name does not matter.
            Place::Header => parameter.name().to_ascii_lowercase(),
            Place::Path | Place::Query => parameter.name().to_owned(),
        },
        place,
        required: parameter.is_required(),
        kind: kind(schema),
        help: help(parameter.description(), schema),
        known: schema::known(schema),
    })
}

fn collect(schema: Schema, required: bool, path: &mut Vec<String>, fields: &mut Vec<Field>) {
    for (name, property) in schema.properties() {
        let required = required && schema.requires(name);
        path.push(name.to_owned());
        // An object can also be given as a whole; its fields come after it and replace parts of it.
        fields.push(Field {
            path: path.clone(),
            kind: kind(property),
            required,
            help: help(property.description(), property),
        });
        // A recursive object can only be given as a whole.
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

/// Returns the description, followed by the known values.
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
    fn all_operations_are_found() {
        let ids: Vec<_> = all().map(|operation| &operation.id).collect();
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
    fn pagination_is_read_from_the_document() {
        for operation in all() {
            let (family, of_client) = modelarts_client::operation(&operation.id).unwrap();
            let document: Value = serde_json::from_str(family.document).unwrap();
            let method = operation.method.to_lowercase();
            let says = document["paths"][of_client.path][method].get("x-pagination");
            assert_eq!(
                operation.paging.is_some(),
                says.is_some(),
                "{}",
                operation.id
            );
        }
        let items = |id: &str| find(id).unwrap().items();
        assert_eq!(items("listFlavors"), ["data", "flavors"]);
        assert_eq!(items("listDevEnvInstances"), ["instances"]);
        assert_eq!(items("listNotebookTags"), ["tags"]);
    }

    #[test]
    fn the_list_of_a_creation_is_found() {
        assert_eq!(listing_of("createNotebook"), Some("listNotebooks"));
        assert_eq!(
            listing_of("createDevEnvInstance"),
            Some("listDevEnvInstances")
        );
        assert_eq!(listing_of("createImage"), None);
    }

    #[test]
    fn one_operation_parses_one_document() {
        let sources: &'static [Source] = Vec::leak(sources());
        let parsed = || -> Vec<_> {
            let sources = sources.iter();
            let parsed = sources.filter(|source| source.document.get().is_some());
            parsed.map(|source| source.family.name).collect()
        };
        let find = |id: &str| sources.iter().find_map(|source| source.find(id));
        assert!(find("noSuchOperation").is_none());
        assert_eq!(parsed(), [""; 0]);
        assert!(find("createToken").is_some());
        assert_eq!(parsed(), ["iam"]);
    }

    #[test]
    fn a_recursive_merge_patch_body_has_flags() {
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
