//! Schemas with their references resolved.

use serde_json::{Number, Value};

use crate::reference::{Root, list, members, text};

/// The type of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaType {
    /// A text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// An object, with properties of its own or with free keys.
    Object,
    /// The schema has no type: any value fits.
    Any,
}

/// What an object may hold beside its listed properties.
#[derive(Clone, Copy, Debug)]
pub enum AdditionalProperties<'a> {
    /// The document does not say: a strict reader refuses them, a tolerant one ignores them.
    Undeclared,
    /// Anything.
    Any,
    /// Values of this schema.
    Of(Schema<'a>),
}

/// The limits of a schema, as the document writes them.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Limits<'a> {
    /// Least number of characters.
    pub min_length: Option<u64>,
    /// Greatest number of characters.
    pub max_length: Option<u64>,
    /// Regular expression that a text matches.
    pub pattern: Option<&'a str>,
    /// Least value.
    pub minimum: Option<&'a Number>,
    /// Greatest value.
    pub maximum: Option<&'a Number>,
    /// Whether the least value itself is refused.
    pub exclusive_minimum: bool,
    /// Whether the greatest value itself is refused.
    pub exclusive_maximum: bool,
    /// Least number of entries.
    pub min_items: Option<u64>,
    /// Greatest number of entries.
    pub max_items: Option<u64>,
}

/// A schema. Its references are resolved one step at a time, so it may contain itself.
#[derive(Clone, Copy, Debug)]
pub struct Schema<'a> {
    root: Root<'a>,
    name: Option<&'a str>,
    value: &'a Value,
}

impl<'a> Schema<'a> {
    pub(crate) fn new(root: Root<'a>, written: &'a Value) -> Self {
        let (name, value) = root.resolve(written);
        Self { root, name, value }
    }

    pub(crate) fn component(root: Root<'a>, name: &'a str, written: &'a Value) -> Self {
        let schema = Self::new(root, written);
        Self {
            name: schema.name.or(Some(name)),
            ..schema
        }
    }

    /// The name of the component, unless the schema is written in place.
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }

    /// The schema object as the document has it.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// The type.
    pub fn schema_type(&self) -> SchemaType {
        match text(self.value, "type") {
            "string" => SchemaType::String,
            "integer" => SchemaType::Integer,
            "number" => SchemaType::Number,
            "boolean" => SchemaType::Boolean,
            "array" => SchemaType::Array,
            "object" => SchemaType::Object,
            _ => SchemaType::Any,
        }
    }

    /// The `format`, or nothing.
    pub fn format(&self) -> &'a str {
        text(self.value, "format")
    }

    /// The description, or nothing.
    pub fn description(&self) -> &'a str {
        text(self.value, "description")
    }

    /// Whether `null` is a value of it.
    pub fn is_nullable(&self) -> bool {
        self.value.get("nullable") == Some(&Value::Bool(true))
    }

    /// The listed properties of an object, in the document's order.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, Schema<'a>)> + use<'a> {
        let root = self.root;
        members(self.value, "properties").map(move |(name, value)| (name, Self::new(root, value)))
    }

    /// One property of an object.
    pub fn property(&self, name: &str) -> Option<Schema<'a>> {
        let written = self.value.get("properties")?.get(name)?;
        Some(Self::new(self.root, written))
    }

    /// The names of the properties that an object must have.
    pub fn required(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        list(self.value, "required")
            .iter()
            .filter_map(Value::as_str)
    }

    /// Whether an object must have this property.
    pub fn requires(&self, property: &str) -> bool {
        self.required().any(|name| name == property)
    }

    /// The entries of a list.
    pub fn items(&self) -> Option<Schema<'a>> {
        Some(Self::new(self.root, self.value.get("items")?))
    }

    /// What an object may hold beside its listed properties.
    pub fn additional_properties(&self) -> AdditionalProperties<'a> {
        match self.value.get("additionalProperties") {
            Some(Value::Bool(true)) => AdditionalProperties::Any,
            Some(Value::Object(members)) if members.is_empty() => AdditionalProperties::Any,
            Some(written @ Value::Object(_)) => {
                AdditionalProperties::Of(Self::new(self.root, written))
            }
            _ => AdditionalProperties::Undeclared,
        }
    }

    /// The values of an open enumeration: known, and not the only ones.
    pub fn known_values(&self) -> &'a [Value] {
        list(self.value, "x-extensible-enum")
    }

    /// The values of a closed enumeration.
    pub fn enum_values(&self) -> &'a [Value] {
        list(self.value, "enum")
    }

    /// The limits.
    pub fn limits(&self) -> Limits<'a> {
        let count = |key| self.value.get(key).and_then(Value::as_u64);
        let number = |key| match self.value.get(key) {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        };
        let flag = |key| self.value.get(key) == Some(&Value::Bool(true));
        Limits {
            min_length: count("minLength"),
            max_length: count("maxLength"),
            pattern: self.value.get("pattern").and_then(Value::as_str),
            minimum: number("minimum"),
            maximum: number("maximum"),
            exclusive_minimum: flag("exclusiveMinimum"),
            exclusive_maximum: flag("exclusiveMaximum"),
            min_items: count("minItems"),
            max_items: count("maxItems"),
        }
    }

    /// The default, where the document gives one: `default` or `x-default`.
    pub fn default_value(&self) -> Option<&'a Value> {
        let value = self.value;
        value.get("default").or_else(|| value.get("x-default"))
    }

    /// Whether the component leads back to itself.
    pub fn is_recursive(&self) -> bool {
        self.name
            .is_some_and(|name| self.root.reachable(self.value).contains(name))
    }
}
