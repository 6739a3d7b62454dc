//! Reads the rules for values from the schemas of a document.

use std::sync::{Arc, OnceLock};

use foldhash::HashMap;
use modelarts_client::ErrorCode;
use modelarts_document::{AdditionalProperties, Schema, SchemaType};
use regex::Regex;
use serde_json::Number;

use super::rule::{Condition, Range, Rule};
use crate::error::code;

/// Reads rules. Each schema component is read once, since a component may contain itself.
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
                // Without its condition, only the schema's own range applies.
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

/// Returns the property, and its value, on which the limits of this schema depend.
fn condition<'a>(schema: Schema<'a>) -> Option<(&'a str, &'a str)> {
    let when = schema.value().get("x-limits")?.get("when")?;
    let (property, value) = when.as_object()?.iter().next()?;
    Some((property, value.as_str()?))
}

impl Range {
    /// The range that the schema allows.
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

    /// The range that the service enforces.
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
}

#[cfg(test)]
mod tests {
    use modelarts_document::Document;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn null_is_accepted_where_the_document_allows_it() {
        let schema = json!({ "type": "object", "properties": {
            "size": { "type": "integer", "nullable": true, "minimum": 1 },
        } });
        let document = Document::new(json!({"components": {"schemas": {"Size": schema}}})).unwrap();
        let rule = Rules::default().read(document.schema("Size").unwrap());
        let check = |size: Value| rule.check("", &json!({ "size": size }), false);
        assert!(check(Value::Null).is_ok() && check(json!(1)).is_ok());
        assert_eq!(check(json!(0)).unwrap_err().code, code::VALUE);
        assert_eq!(check(json!("1")).unwrap_err().code, code::TYPE);
    }

    #[test]
    fn exclusive_limits_and_minimum_numbers_of_entries_are_enforced() {
        let schema = json!({ "type": "object", "properties": {
            "share": { "type": "integer", "minimum": 0, "exclusiveMinimum": true,
                       "maximum": 100, "exclusiveMaximum": true },
            "parts": { "type": "array", "minItems": 1, "items": { "type": "string" } },
        } });
        let document = Document::new(json!({"components": {"schemas": {"A": schema}}})).unwrap();
        let rule = Rules::default().read(document.schema("A").unwrap());
        for (body, is_good) in [
            (json!({"share": 1, "parts": ["a"]}), true),
            (json!({"share": 99}), true),
            (json!({"share": 0}), false),
            (json!({"share": 100}), false),
            (json!({"parts": []}), false),
        ] {
            let checked = rule.check("", &body, false);
            assert_eq!(checked.is_ok(), is_good, "{body} {checked:?}");
        }
    }

    #[test]
    fn a_schema_that_contains_itself_is_checked_as_deep_as_the_body_goes() {
        let document = Document::new(json!({"components": {"schemas": {"Node": {
            "type": "object", "required": ["name"], "properties": {
                "name": {"type": "string", "maxLength": 3},
                "children": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
            },
        }}}}))
        .unwrap();
        let rule = Rules::default().read(document.schema("Node").unwrap());
        let mut body = json!({"name": "abcd"});
        for _ in 0..100 {
            body = json!({"name": "a", "children": [body]});
        }
        let error = rule.check("", &body, false).unwrap_err();
        assert_eq!(error.code, code::VALUE, "{error}");
        assert!(error.message.contains(".children[0].name'"), "{error}");
        let error = rule.check("", &json!({"name": "a", "children": [{}]}), false);
        assert!(error.unwrap_err().message.contains("children[0].name"));
    }
}
