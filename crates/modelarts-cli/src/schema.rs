//! Schemas of the documents, and the validation of values against them.

use std::fmt;

use modelarts_document::{AdditionalProperties, SchemaType};
use serde_json::{Map, Value};

/// A schema of one of the built-in documents.
pub(crate) type Schema = modelarts_document::Schema<'static>;

/// A problem of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Missing(Path),
    Unknown {
        path: Path,
        nearest: Option<String>,
    },
    Type {
        path: Path,
        expected: &'static str,
        found: &'static str,
    },
}

/// Names and indices from the root down.
pub(crate) type Path = Vec<String>;

/// Returns the values that the document lists.
pub(crate) fn known(schema: Schema) -> Vec<String> {
    let known = [schema.known_values(), schema.enum_values()].concat();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    known.iter().map(text).collect()
}

/// Returns all problems of a value with the schema: unknown names, wrong types, and missing properties.
///
/// Limits are left to the service, since they may have changed.
pub(crate) fn problems(schema: Schema, value: &Value) -> Vec<Problem> {
    let mut problems = Vec::new();
    check(schema, value, &mut Vec::new(), &mut problems);
    problems
}

fn check(schema: Schema, value: &Value, path: &mut Path, problems: &mut Vec<Problem>) {
    if value.is_null() && schema.is_nullable() {
        return;
    }
    if !fits(schema.schema_type(), value) {
        problems.push(Problem::Type {
            path: path.clone(),
            expected: type_name(schema.schema_type()),
            found: name_of(value),
        });
        return;
    }
    match value {
        Value::Object(members) => check_members(schema, members, path, problems),
        Value::Array(values) => {
            let Some(items) = schema.items() else { return };
            for (index, value) in values.iter().enumerate() {
                path.push(index.to_string());
                check(items, value, path, problems);
                path.pop();
            }
        }
        _ => {}
    }
}

fn check_members(
    schema: Schema,
    members: &Map<String, Value>,
    path: &mut Path,
    problems: &mut Vec<Problem>,
) {
    for name in schema.required() {
        if members.get(name).is_none_or(Value::is_null) {
            path.push(name.to_owned());
            missing(schema, name, path, problems);
            path.pop();
        }
    }
    for (name, value) in members {
        // A required property that is null was reported above.
        if value.is_null() && schema.requires(name) {
            continue;
        }
        path.push(name.clone());
        match (schema.property(name), schema.additional_properties()) {
            (Some(property), _) => check(property, value, path, problems),
            (None, AdditionalProperties::Of(other)) => check(other, value, path, problems),
            (None, AdditionalProperties::Any) => {}
            // A schema without properties describes a free-form object.
            (None, AdditionalProperties::Undeclared) if schema.properties().next().is_none() => {}
            (None, AdditionalProperties::Undeclared) => problems.push(Problem::Unknown {
                path: path.clone(),
                nearest: nearest(name, schema.properties().map(|(known, _)| known)),
            }),
        }
        path.pop();
    }
}

/// Reports a missing property; for an object, the properties that it requires itself.
fn missing(schema: Schema, name: &str, path: &mut Path, problems: &mut Vec<Problem>) {
    let property = schema.property(name);
    match property.filter(|property| property.required().next().is_some()) {
        Some(object) => check_members(object, &Map::new(), path, problems),
        None => problems.push(Problem::Missing(path.clone())),
    }
}

/// A value that the document does not list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unlisted {
    name: String,
    value: String,
    nearest: Option<String>,
}

impl Unlisted {
    /// Returns `None` if the document lists the value, ignoring case, or lists no values.
    pub(crate) fn of(name: &str, value: &str, known: &[String]) -> Option<Self> {
        let is_known = |known: &String| known.eq_ignore_ascii_case(value);
        if known.is_empty() || known.iter().any(is_known) {
            return None;
        }
        let upper = value.to_ascii_uppercase();
        let nearest = nearest(&upper, known.iter().map(String::as_str));
        Some(Self {
            name: name.to_owned(),
            value: value.to_owned(),
            nearest,
        })
    }
}

impl fmt::Display for Unlisted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a documented value of `{}`",
            self.value, self.name
        )?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => Ok(()),
        }
    }
}

/// Returns the values, at any depth, that the document does not list.
pub(crate) fn unlisted(schema: Schema, value: &Value) -> Vec<Unlisted> {
    let mut found = Vec::new();
    collect_unlisted(schema, value, "", &mut found);
    found
}

fn collect_unlisted(schema: Schema, value: &Value, name: &str, found: &mut Vec<Unlisted>) {
    match value {
        Value::String(text) => found.extend(Unlisted::of(name, text, &known(schema))),
        Value::Array(values) => {
            let items = schema.items();
            for (items, value) in items
                .iter()
                .flat_map(|it| values.iter().map(move |v| (*it, v)))
            {
                collect_unlisted(items, value, name, found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                if let Some(property) = schema.property(name) {
                    collect_unlisted(property, member, name, found);
                }
            }
        }
        _ => {}
    }
}

/// Returns a value to start from: the first listed value, or else an empty one.
pub(crate) fn skeleton(schema: Schema) -> Value {
    skeleton_at(schema, 0)
}

fn skeleton_at(schema: Schema, depth: usize) -> Value {
    let first = known(schema).into_iter().next();
    match schema.schema_type() {
        _ if depth > 8 => Value::Null,
        SchemaType::String => Value::from(first.unwrap_or_default()),
        SchemaType::Integer | SchemaType::Number => Value::from(0),
        SchemaType::Boolean => Value::from(false),
        SchemaType::Array => {
            let item = schema.items().map(|items| skeleton_at(items, depth + 1));
            Value::Array(item.into_iter().collect())
        }
        SchemaType::Object | SchemaType::Any => {
            let (required, optional): (Vec<_>, Vec<_>) = schema
                .properties()
                .partition(|(name, _)| schema.requires(name));
            required
                .into_iter()
                .chain(optional)
                .map(|(name, property)| (name.to_owned(), skeleton_at(property, depth + 1)))
                .collect::<Map<_, _>>()
                .into()
        }
    }
}

/// Returns the known name that was probably meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known.to_owned())
}

fn fits(expected: SchemaType, value: &Value) -> bool {
    match expected {
        SchemaType::String => value.is_string(),
        SchemaType::Integer => value.is_i64() || value.is_u64(),
        SchemaType::Number => value.is_number(),
        SchemaType::Boolean => value.is_boolean(),
        SchemaType::Array => value.is_array(),
        SchemaType::Object => value.is_object(),
        SchemaType::Any => true,
    }
}

pub(crate) fn type_name(of: SchemaType) -> &'static str {
    match of {
        SchemaType::String => "string",
        SchemaType::Integer => "integer",
        SchemaType::Number => "number",
        SchemaType::Boolean => "boolean",
        SchemaType::Array => "array",
        SchemaType::Object => "object",
        SchemaType::Any => "value",
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "`{}` is missing", path.join(".")),
            Self::Unknown { path, nearest } => {
                write!(f, "`{}` is not a known field", path.join("."))?;
                match nearest {
                    Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
                    None => Ok(()),
                }
            }
            Self::Type {
                path,
                expected,
                found,
            } if path.is_empty() => write!(f, "the body must be of type {expected}, not {found}"),
            Self::Type {
                path,
                expected,
                found,
            } => write!(
                f,
                "`{}` must be of type {expected}, not {found}",
                path.join(".")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document;

    fn problems(operation: &str, body: &Value) -> Vec<String> {
        let operation = document::find(operation).unwrap();
        let schema = operation.body.as_ref().unwrap().schema;
        super::problems(schema, body)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn all_missing_properties_are_reported_at_once() {
        let missing = [
            "`flavor` is missing",
            "`image_id` is missing",
            "`name` is missing",
            "`volume.category` is missing",
            "`volume.ownership` is missing",
        ];
        assert_eq!(problems("createNotebook", &json!({})), missing);
        assert_eq!(
            problems("createNotebook", &json!({"name": null}))[2],
            missing[2]
        );
        assert!(problems("updateNotebook", &json!({})).is_empty());
    }

    #[test]
    fn an_unknown_name_is_reported_with_the_nearest_one() {
        let found = problems(
            "updateNotebook",
            &json!({"nmae": "a", "hooks": {"container_hook": {}}, "endpoints": [{"allowed_ips": []}], "zzz": 1}),
        );
        assert_eq!(
            found,
            [
                "`nmae` is not a known field; did you mean `name`?",
                "`hooks.container_hook` is not a known field; did you mean `container_hooks`?",
                "`endpoints.0.allowed_ips` is not a known field; did you mean `allowed_access_ips`?",
                "`zzz` is not a known field"
            ]
        );
    }

    #[test]
    fn an_unlisted_value_is_reported_with_the_nearest_one() {
        let operation = document::find("createNotebook").unwrap();
        let schema = operation.body.as_ref().unwrap().schema;
        let body = json!({"volume": {"category": "EVZ", "ownership": "managed"}, "endpoints": [{"service": "???"}]});
        let found: Vec<_> = unlisted(schema, &body)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "`EVZ` is not a documented value of `category`; did you mean `EVS`?",
                "`???` is not a documented value of `service`"
            ]
        );
        assert_eq!(Unlisted::of("name", "anything", &[]), None);
    }

    #[test]
    fn types_are_checked() {
        let found = problems(
            "updateNotebook",
            &json!({"name": 5, "storage_new_size": "10", "endpoints": {}}),
        );
        assert_eq!(
            found,
            [
                "`name` must be of type string, not integer",
                "`storage_new_size` must be of type integer, not string",
                "`endpoints` must be of type array, not object"
            ]
        );
        assert_eq!(
            problems("updateNotebook", &json!([])),
            ["the body must be of type object, not array"]
        );
    }

    #[test]
    fn a_skeleton_fits_its_schema() {
        for operation in document::all() {
            let Some(body) = &operation.body else {
                continue;
            };
            assert_eq!(
                super::problems(body.schema, &skeleton(body.schema)),
                [],
                "{}",
                operation.id
            );
        }
    }
}
