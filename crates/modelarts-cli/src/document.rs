//! The operations of the documents, as far as a command line needs to know them.

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

/// The operations of a document, in its order.
pub(crate) fn operations(document: &Value) -> Vec<Operation> {
    let reader = Reader { document };
    let paths = document.get("paths").and_then(Value::as_object);
    let mut found = Vec::new();
    for item in paths.into_iter().flatten().map(|(_, item)| item) {
        let shared = items(item, "parameters");
        for (_, operation) in item.as_object().into_iter().flatten() {
            if operation.get("operationId").is_some() {
                found.push(reader.operation(operation, shared));
            }
        }
    }
    found
}

struct Reader<'a> {
    document: &'a Value,
}

/// Deeper bodies than this are written as JSON.
const DEPTH: usize = 4;

impl<'a> Reader<'a> {
    fn operation(&self, operation: &'a Value, shared: &'a [Value]) -> Operation {
        let parameters = shared
            .iter()
            .chain(items(operation, "parameters"))
            .filter_map(|parameter| self.parameter(self.resolve(parameter)))
            .collect();
        let body = operation.get("requestBody");
        let fields = body
            .and_then(|body| body.pointer("/content/application~1json/schema"))
            .map(|schema| {
                let mut fields = Vec::new();
                self.fields(self.resolve(schema), true, &mut Vec::new(), &mut fields);
                fields
            });
        Operation {
            id: text(operation, "operationId"),
            summary: text(operation, "summary"),
            description: text(operation, "description"),
            parameters,
            body: fields,
            body_required: body.and_then(|body| body.get("required")) == Some(&Value::Bool(true)),
        }
    }

    fn parameter(&self, parameter: &'a Value) -> Option<Parameter> {
        let place = match parameter.get("in").and_then(Value::as_str) {
            Some("path") => Place::Path,
            Some("query") => Place::Query,
            _ => return None,
        };
        let schema = self.resolve(parameter.get("schema").unwrap_or(&Value::Null));
        Some(Parameter {
            name: text(parameter, "name"),
            place,
            required: parameter.get("required") == Some(&Value::Bool(true)),
            help: help(&text(parameter, "description"), schema),
        })
    }

    fn fields(
        &self,
        schema: &'a Value,
        required: bool,
        path: &mut Vec<String>,
        fields: &mut Vec<Field>,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let property = self.resolve(property);
            let required = required && items(schema, "required").iter().any(|item| item == name);
            path.push(name.clone());
            // An object can be given whole, too; its own fields come after it and replace parts.
            fields.push(Field {
                path: path.clone(),
                kind: self.kind(property),
                required,
                help: help(&text(property, "description"), property),
            });
            if path.len() < DEPTH {
                self.fields(property, required, path, fields);
            }
            path.pop();
        }
    }

    fn kind(&self, schema: &'a Value) -> Kind {
        let of = |schema: &Value| {
            schema
                .get("type")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        match of(schema).as_deref() {
            Some("string") => Kind::Text,
            Some("integer") => Kind::Integer,
            Some("boolean") => Kind::Boolean,
            Some("array") => {
                let items = self.resolve(schema.get("items").unwrap_or(&Value::Null));
                match of(items).as_deref() {
                    Some("string") => Kind::Texts,
                    _ => Kind::Json,
                }
            }
            _ => Kind::Json,
        }
    }

    fn resolve(&self, mut value: &'a Value) -> &'a Value {
        while let Some(target) = value.get("$ref").and_then(Value::as_str) {
            match self.document.pointer(target.trim_start_matches('#')) {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }
}

fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text(value: &Value, key: &str) -> String {
    let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The description, with the values that are known.
fn help(description: &str, schema: &Value) -> String {
    let known = ["x-extensible-enum", "enum"]
        .iter()
        .find_map(|key| schema.get(key).and_then(Value::as_array));
    let Some(known) = known else {
        return description.to_owned();
    };
    let values: Vec<_> = known
        .iter()
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
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
        operations(&serde_json::from_str(modelarts_client::devenviron::DOCUMENT).unwrap())
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
}
