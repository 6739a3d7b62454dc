//! The operations of the documents, as far as a command line needs to know them.

use modelarts_document::{Document, Location, Schema, SchemaType};
use serde_json::Value;

/// An operation with what it takes.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) parameters: Vec<Parameter>,
    /// The fields of the JSON body, nested objects flattened; none if it takes no body.
    pub(crate) body: Option<Vec<Field>>,
    pub(crate) body_required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
}

/// A parameter in path or query.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) required: bool,
    pub(crate) help: String,
}

/// A field of a body.
#[derive(Debug)]
pub(crate) struct Field {
    /// Names from the body's root down.
    pub(crate) path: Vec<String>,
    pub(crate) kind: Kind,
    /// Whether no body goes without it.
    pub(crate) required: bool,
    pub(crate) help: String,
}

/// How the text of a flag becomes JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Boolean,
    /// Several texts.
    Texts,
    /// Anything else is written as JSON.
    Json,
}

/// Deeper bodies than this are written as JSON.
const DEPTH: usize = 4;

/// The operations of a document, in its order.
pub(crate) fn operations(document: &Document) -> Vec<Operation> {
    document.operations().map(operation).collect()
}

fn operation(operation: modelarts_document::Operation<'_>) -> Operation {
    let body = operation.request_body();
    let schema = body.and_then(|body| body.json()?.schema());
    let parameters = operation.parameters();
    Operation {
        id: operation.id().to_owned(),
        summary: one_line(operation.summary()),
        description: one_line(operation.description()),
        parameters: parameters.iter().filter_map(parameter).collect(),
        body: schema.map(|schema| {
            let mut fields = Vec::new();
            collect_fields(schema, true, &mut Vec::new(), &mut fields);
            fields
        }),
        body_required: body.is_some_and(|body| body.is_required()),
    }
}

fn parameter(parameter: &modelarts_document::Parameter<'_>) -> Option<Parameter> {
    let place = match parameter.location() {
        Location::Path => Place::Path,
        Location::Query => Place::Query,
        Location::Header | Location::Cookie => return None,
    };
    Some(Parameter {
        name: parameter.name().to_owned(),
        place,
        required: parameter.is_required(),
        help: help(parameter.description(), parameter.schema()),
    })
}

fn collect_fields(
    schema: Schema<'_>,
    required: bool,
    path: &mut Vec<String>,
    fields: &mut Vec<Field>,
) {
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
            collect_fields(property, required, path, fields);
        }
        path.pop();
    }
}

fn kind(schema: Schema<'_>) -> Kind {
    match schema.schema_type() {
        SchemaType::String => Kind::Text,
        SchemaType::Integer => Kind::Integer,
        SchemaType::Boolean => Kind::Boolean,
        SchemaType::Array => match schema.items().map(|items| items.schema_type()) {
            Some(SchemaType::String) => Kind::Texts,
            _ => Kind::Json,
        },
        SchemaType::Number | SchemaType::Object | SchemaType::Any => Kind::Json,
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The description, with the values that are known.
fn help(description: &str, schema: Schema<'_>) -> String {
    let description = one_line(description);
    let known = [schema.known_values(), schema.enum_values()].concat();
    if known.is_empty() {
        return description;
    }
    let values: Vec<_> = known
        .iter()
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| Value::to_string(value), str::to_owned)
        })
        .collect();
    format!("{description} [known: {}]", values.join(", "))
        .trim_start()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devenviron() -> Vec<Operation> {
        operations(&Document::from_json(modelarts_client::devenviron::DOCUMENT).unwrap())
    }

    #[test]
    fn every_operation_of_the_document_is_there() {
        let ids: Vec<_> = devenviron()
            .into_iter()
            .map(|operation| operation.id)
            .collect();
        let known: Vec<_> = modelarts_client::devenviron::OPERATIONS
            .iter()
            .map(|operation| operation.id.to_owned())
            .collect();
        assert_eq!(ids, known);
    }

    #[test]
    fn nested_bodies_become_dotted_fields() {
        let operations = devenviron();
        let create = operations
            .iter()
            .find(|operation| operation.id == "createNotebook")
            .unwrap();
        let fields = create.body.as_ref().unwrap();
        let capacity = fields
            .iter()
            .find(|field| field.path == ["volume", "capacity"])
            .unwrap();
        assert_eq!(capacity.kind, Kind::Integer);
        assert!(create.body_required);
        let category = fields
            .iter()
            .find(|field| field.path == ["volume", "category"])
            .unwrap();
        assert!(category.help.contains("EVS"), "{}", category.help);
        assert!(category.required && !capacity.required);
    }

    #[test]
    fn a_body_that_contains_itself_and_is_no_plain_json_type_has_flags() {
        let document = Document::from_json(
            r##"{"paths": {"/a": {"patch": {
                "operationId": "changeNode",
                "parameters": [{"name": "If-Match", "in": "header", "schema": {"type": "string"}}],
                "requestBody": {"content": {"application/merge-patch+json": {
                    "schema": {"$ref": "#/components/schemas/Node"}}}}
            }}}, "components": {"schemas": {"Node": {"type": "object", "properties": {
                "name": {"type": "string"}, "child": {"$ref": "#/components/schemas/Node"}}}}}}"##,
        )
        .unwrap();
        let operations = operations(&document);
        let fields = operations[0].body.as_ref().unwrap();
        let names: Vec<_> = fields.iter().map(|field| field.path.join(".")).collect();
        assert_eq!(names, ["name", "child"]);
        assert!(operations[0].parameters.is_empty());
    }
}
