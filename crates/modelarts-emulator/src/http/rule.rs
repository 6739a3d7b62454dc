//! What a schema of the document says of a value, as a rule to check it by.

use std::sync::{Arc, OnceLock};

use foldhash::HashMap;
use modelarts_client::ErrorCode;
use modelarts_document::{AdditionalProperties, Schema, SchemaType};
use regex::Regex;
use serde_json::{Map, Number, Value};

use super::query::truth;
use crate::error::{ApiError, ApiResult, code};

/// A schema, with its references followed.
#[derive(Debug)]
pub(super) enum Rule {
    Text {
        least: usize,
        most: usize,
        pattern: Option<Regex>,
        values: Vec<String>,
    },
    Integer(Range),
    Number,
    Boolean,
    List {
        least: usize,
        most: usize,
        items: Box<Rule>,
    },
    Object {
        properties: HashMap<String, Rule>,
        required: Vec<String>,
        /// What other properties have to be; `None`: there are none.
        others: Option<Box<Rule>>,
        conditions: Vec<Condition>,
    },
    /// The rule of a schema component.
    Component(Arc<OnceLock<Rule>>),
    /// Null, or what the rule inside says.
    Nullable(Box<Rule>),
    Anything,
}

/// The whole numbers that are taken.
#[derive(Clone, Debug)]
pub(super) struct Range {
    least: i64,
    most: i64,
    /// Taken as well.
    besides: Option<i64>,
    /// What a refusal says.
    code: ErrorCode,
}

/// A range of a property that holds when another one has a value.
#[derive(Debug)]
pub(super) struct Condition {
    property: String,
    other: String,
    value: String,
    range: Range,
}

/// The rules of the schema components that were read, each once: a component may contain itself.
#[derive(Default)]
pub(super) struct Rules {
    components: HashMap<String, Arc<OnceLock<Rule>>>,
}

impl Rules {
    pub(super) fn read(&mut self, schema: Schema<'_>) -> Rule {
        let Some(name) = schema.name() else {
            return self.of_schema(schema);
        };
        if let Some(known) = self.components.get(name) {
            return Rule::Component(Arc::clone(known));
        }
        let component = Arc::<OnceLock<Rule>>::default();
        let known = Arc::clone(&component);
        self.components.insert(name.to_owned(), known);
        let rule = self.of_schema(schema);
        let _ = component.set(rule);
        Rule::Component(component)
    }

    fn of_schema(&mut self, schema: Schema<'_>) -> Rule {
        let rule = self.of_type(schema);
        if schema.is_nullable() {
            return Rule::Nullable(Box::new(rule));
        }
        rule
    }

    fn of_type(&mut self, schema: Schema<'_>) -> Rule {
        let limits = schema.limits();
        let size = |limit: Option<u64>| limit.and_then(|size| usize::try_from(size).ok());
        match schema.schema_type() {
            SchemaType::String => Rule::Text {
                least: size(limits.min_length).unwrap_or(0),
                most: size(limits.max_length).unwrap_or(usize::MAX),
                pattern: limits.pattern.and_then(|text| Regex::new(text).ok()),
                values: schema
                    .enum_values()
                    .iter()
                    .filter_map(|value| value.as_str().map(str::to_owned))
                    .collect(),
            },
            SchemaType::Integer => Rule::Integer(match condition(schema) {
                // What always holds is the schema's own range.
                Some(_) => Range::of_schema(schema),
                None => Range::enforced(schema),
            }),
            SchemaType::Number => Rule::Number,
            SchemaType::Boolean => Rule::Boolean,
            SchemaType::Array => Rule::List {
                least: size(limits.min_items).unwrap_or(0),
                most: size(limits.max_items).unwrap_or(usize::MAX),
                items: Box::new(
                    schema
                        .items()
                        .map_or(Rule::Anything, |items| self.read(items)),
                ),
            },
            SchemaType::Object => self.object(schema),
            SchemaType::Any => Rule::Anything,
        }
    }

    fn object(&mut self, schema: Schema<'_>) -> Rule {
        let properties = schema
            .properties()
            .map(|(name, property)| (name.to_owned(), self.read(property)))
            .collect();
        let conditions = schema.properties().filter_map(|(name, property)| {
            let (other, value) = condition(property)?;
            Some(Condition {
                property: name.to_owned(),
                other: other.to_owned(),
                value: value.to_owned(),
                range: Range::enforced(property),
            })
        });
        let others = match schema.additional_properties() {
            AdditionalProperties::Undeclared => None,
            AdditionalProperties::Any => Some(Box::new(Rule::Anything)),
            AdditionalProperties::Of(values) => Some(Box::new(self.read(values))),
        };
        Rule::Object {
            properties,
            required: schema.required().map(str::to_owned).collect(),
            others,
            conditions: conditions.collect(),
        }
    }
}

/// The property and its value on which the limits of a property beside it depend.
fn condition<'a>(schema: Schema<'a>) -> Option<(&'a str, &'a str)> {
    let when = schema.value().get("x-limits")?.get("when")?;
    let (property, value) = when.as_object()?.iter().next()?;
    Some((property, value.as_str()?))
}

impl Range {
    /// What the schema takes.
    fn of_schema(schema: Schema<'_>) -> Self {
        let limits = schema.limits();
        let (least, most) = match schema.format() {
            "int32" => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        let whole = |limit: Option<&Number>| limit.and_then(Number::as_i64);
        let beyond = |limit: i64, exclusive, step| match exclusive {
            true => limit.saturating_add(step),
            false => limit,
        };
        let enforced = schema.value().get("x-limits");
        let code = enforced.and_then(|limits| limits.get("code")?.as_str());
        Self {
            least: whole(limits.minimum)
                .map_or(least, |it| beyond(it, limits.exclusive_minimum, 1)),
            most: whole(limits.maximum).map_or(most, |it| beyond(it, limits.exclusive_maximum, -1)),
            besides: None,
            code: code.map_or(code::VALUE, ErrorCode::new),
        }
    }

    /// What the service takes of that.
    fn enforced(schema: Schema<'_>) -> Self {
        let range = Self::of_schema(schema);
        let limits = schema.value().get("x-limits");
        let number = |name: &str| limits.and_then(|limits| limits.get(name)?.as_i64());
        Self {
            least: number("minimum").unwrap_or(range.least),
            besides: number("besides"),
            ..range
        }
    }

    fn check(&self, field: &str, number: i64) -> ApiResult<()> {
        let Self {
            least,
            most,
            besides,
            code,
        } = self;
        if (*least..=*most).contains(&number) || *besides == Some(number) {
            return Ok(());
        }
        let besides = besides.map_or(String::new(), |besides| format!(", or to be {besides}"));
        let message =
            format!("'{field}' is {number} but has to lie between {least} and {most}{besides}.");
        Err(ApiError::new(code.clone(), message))
    }
}

impl Condition {
    fn check(&self, field: &str, map: &Map<String, Value>) -> ApiResult<()> {
        let text = map.get(&self.other).and_then(Value::as_str);
        let number = map.get(&self.property).and_then(Value::as_i64);
        match (text, number) {
            (Some(text), Some(number)) if text.eq_ignore_ascii_case(&self.value) => {
                self.range.check(field, number)
            }
            _ => Ok(()),
        }
    }
}

impl Rule {
    /// The rule itself, when it is that of a component.
    fn itself(&self) -> &Self {
        match self {
            Self::Component(component) => component.get().map_or(self, Self::itself),
            rule => rule,
        }
    }

    pub(super) fn check(&self, field: &str, value: &Value, strict: bool) -> ApiResult<()> {
        match (self.itself(), value) {
            (rule @ Self::Text { .. }, Value::String(text)) => rule.check_length(field, text),
            (rule @ Self::Integer(range), Value::Number(number)) => match number.as_i64() {
                Some(number) => range.check(field, number),
                None if number.is_u64() => range.check(field, i64::MAX),
                None => Err(rule.wrong_type(field)),
            },
            (Self::Number, Value::Number(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::Nullable(_), Value::Null)
            | (Self::Anything, _) => Ok(()),
            (Self::Nullable(rule), value) => rule.check(field, value, strict),
            (Self::List { least, most, items }, Value::Array(values)) => {
                let count = values.len();
                if count > *most {
                    let rule = format_args!("it has {count} entries, at most {most} are allowed");
                    return Err(ApiError::value(field, rule));
                }
                if count < *least {
                    let rule = format_args!("it has {count} entries, at least {least} are needed");
                    return Err(ApiError::value(field, rule));
                }
                values.iter().enumerate().try_for_each(|(index, value)| {
                    items.check(&format!("{field}[{index}]"), value, strict)
                })
            }
            (rule @ Self::Object { .. }, Value::Object(map)) => {
                rule.check_properties(field, map, strict)
            }
            (_, Value::Null) => Err(self.null(field)),
            _ => Err(self.wrong_type(field)),
        }
    }

    fn check_properties(
        &self,
        field: &str,
        map: &Map<String, Value>,
        strict: bool,
    ) -> ApiResult<()> {
        let Self::Object {
            properties,
            required,
            others,
            conditions,
        } = self
        else {
            return Ok(());
        };
        let inside = |name: &str| match field {
            "" => name.to_owned(),
            field => format!("{field}.{name}"),
        };
        if let Some(name) = required.iter().find(|name| !map.contains_key(*name)) {
            return Err(missing(&inside(name), name));
        }
        for (name, value) in map {
            match (properties.get(name), others) {
                (Some(rule), _) => rule.check(&inside(name), value, strict)?,
                (None, Some(rule)) => rule.check(&inside(name), value, strict)?,
                (None, None) if strict => {
                    return Err(ApiError::value(
                        &inside(&name.chars().take(64).collect::<String>()),
                        "the operation has no such property; remove it",
                    ));
                }
                (None, None) => {}
            }
        }
        conditions
            .iter()
            .try_for_each(|condition| condition.check(&inside(&condition.property), map))
    }

    /// A value from the query, which is text whatever its type.
    pub(super) fn check_text(&self, field: &str, value: &str) -> ApiResult<()> {
        match self.itself() {
            rule @ Self::Text { .. } => rule.check_length(field, value),
            rule @ Self::Integer(range) => match value.parse() {
                Ok(number) => range.check(field, number),
                Err(_) => Err(rule.wrong_type(field)),
            },
            Self::Boolean if truth(value).is_none() => Err(self.wrong_type(field)),
            _ => Ok(()),
        }
    }

    fn check_length(&self, field: &str, value: &str) -> ApiResult<()> {
        let Self::Text {
            least,
            most,
            pattern,
            values,
        } = self
        else {
            return Ok(());
        };
        let length = value.chars().count();
        if length > *most || length < *least {
            let rule = if length > *most {
                format!("it has {length} characters, at most {most} are allowed")
            } else {
                format!("it has {length} characters, at least {least} are needed")
            };
            return Err(ApiError::value(field, rule));
        }
        if !values.is_empty() && !values.iter().any(|known| known == value) {
            return Err(ApiError::value(
                field,
                format_args!("it has to be one of {}", values.join(", ")),
            ));
        }
        match pattern {
            Some(pattern) if !pattern.is_match(value) => Err(mismatch(field, value, pattern)),
            _ => Ok(()),
        }
    }

    fn type_name(&self) -> &'static str {
        match self.itself() {
            Self::Text { .. } => "String",
            Self::Integer(_) => "Integer",
            Self::Number => "Number",
            Self::Boolean => "Boolean",
            Self::List { .. } => "Array",
            Self::Object { .. } | Self::Anything | Self::Component(_) => "Object",
            Self::Nullable(rule) => rule.type_name(),
        }
    }

    fn wrong_type(&self, field: &str) -> ApiError {
        let field = if field.is_empty() { "body" } else { field };
        let wanted = self.type_name();
        ApiError::new(
            code::TYPE,
            format!("'{field}' has to be of the type {wanted}."),
        )
    }

    fn null(&self, field: &str) -> ApiError {
        let field = if field.is_empty() { "body" } else { field };
        let wanted = self.type_name();
        ApiError::new(
            code::TYPE,
            format!(
                "'{field}' is null but has to be of the type {wanted}; leave it out if there is none."
            ),
        )
    }
}

fn last(field: &str) -> &str {
    field.rsplit('.').next().unwrap_or(field)
}

fn missing(field: &str, name: &str) -> ApiError {
    if name == "storage" {
        return ApiError::new(
            code::NO_STORAGE,
            format!("'{field}' is required to create an instance: say where its files are."),
        );
    }
    ApiError::required(field, "")
}

/// Names the first character that the pattern does not take, if there is one.
fn mismatch(field: &str, value: &str, pattern: &Regex) -> ApiError {
    if value.is_empty() {
        return ApiError::value(field, "it must not be empty");
    }
    let single = |letter: &char| !pattern.is_match(letter.encode_utf8(&mut [0; 4]));
    let forbidden = value.chars().find(single);
    match (last(field), forbidden) {
        ("name" | "description", Some(letter)) => ApiError::new(
            code::CHARACTER,
            format!(
                "'{field}' contains the character {letter:?}, which is not allowed; it has to match {pattern}."
            ),
        ),
        _ => ApiError::value(field, format_args!("it has to match {pattern}")),
    }
}
