//! Rules that values of a request are checked by, and the errors of values that break one.

use std::sync::{Arc, OnceLock};

use foldhash::HashMap;
use modelarts_client::ErrorCode;
use regex::Regex;
use serde_json::{Map, Value};

use super::query::parse_bool;
use crate::error::{ApiError, ApiResult, code, shortened};

/// The rule for the values of a schema.
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
        /// The rule for undeclared properties; `None` if there must not be any.
        others: Option<Box<Rule>>,
        conditions: Vec<Condition>,
    },
    /// The rule of a schema component.
    Component(Arc<OnceLock<Rule>>),
    /// Null, or a value that follows the inner rule.
    Nullable(Box<Rule>),
    Anything,
}

/// A range of whole numbers.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) least: i64,
    pub(super) most: i64,
    /// A value that is allowed although it is outside of the range.
    pub(super) besides: Option<i64>,
    /// The error code for a number outside of it.
    pub(super) code: ErrorCode,
}

/// A range for one property that applies if another one has a certain value.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) property: String,
    pub(super) other: String,
    pub(super) value: String,
    pub(super) range: Range,
}

impl Range {
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
        let besides = besides.map_or(String::new(), |besides| format!(", or {besides}"));
        let message =
            format!("'{field}' is {number} but must be between {least} and {most}{besides}.");
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
    /// Resolves the rule of a component.
    fn resolved(&self) -> &Self {
        match self {
            Self::Component(component) => component.get().map_or(self, Self::resolved),
            rule => rule,
        }
    }

    pub(super) fn check(&self, field: &str, value: &Value, strict: bool) -> ApiResult<()> {
        match (self.resolved(), value) {
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
                    let rule =
                        format_args!("it has {count} entries, but at most {most} are allowed");
                    return Err(ApiError::value(field, rule));
                }
                if count < *least {
                    let rule =
                        format_args!("it has {count} entries, but at least {least} are required");
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
                        &inside(&shortened(name)),
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

    /// Checks a value of the query or of a header, which is text whatever its type.
    pub(super) fn check_text(&self, field: &str, value: &str) -> ApiResult<()> {
        match self.resolved() {
            rule @ Self::Text { .. } => rule.check_length(field, value),
            rule @ Self::Integer(range) => match value.parse() {
                Ok(number) => range.check(field, number),
                Err(_) => Err(rule.wrong_type(field)),
            },
            Self::Boolean if parse_bool(value).is_none() => Err(self.wrong_type(field)),
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
                format!("it has {length} characters, but at most {most} are allowed")
            } else {
                format!("it has {length} characters, but at least {least} are required")
            };
            return Err(ApiError::value(field, rule));
        }
        if !values.is_empty() && !values.iter().any(|known| known == value) {
            return Err(ApiError::value(
                field,
                format_args!("it must be one of {}", values.join(", ")),
            ));
        }
        match pattern {
            Some(pattern) if !pattern.is_match(value) => Err(mismatch(field, value, pattern)),
            _ => Ok(()),
        }
    }

    fn type_name(&self) -> &'static str {
        match self.resolved() {
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
            format!("'{field}' must be of the type {wanted}."),
        )
    }

    fn null(&self, field: &str) -> ApiError {
        let field = if field.is_empty() { "body" } else { field };
        let wanted = self.type_name();
        ApiError::new(
            code::TYPE,
            format!(
                "'{field}' is null but must be of the type {wanted}; leave it out if it has no value."
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
            format!("'{field}' is required to create an instance; set where its files are stored."),
        );
    }
    ApiError::required(field, "")
}

/// Returns the error for a value that does not match a pattern. It names the first character that is not allowed, if
/// a single one is to blame.
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
                "'{field}' contains the character {letter:?}, which is not allowed; it must match {pattern}."
            ),
        ),
        _ => ApiError::value(field, format_args!("it must match {pattern}")),
    }
}
