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
    /// An object, with fixed properties or with free keys.
    Object,
    /// The schema has no type: any value fits.
    Any,
}

/// The values that an object may hold besides its listed properties.
#[derive(Clone, Copy, Debug)]
pub enum AdditionalProperties<'a> {
    /// Not specified: a strict reader refuses such properties, a tolerant one ignores them.
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
    /// The minimum number of characters.
    pub min_length: Option<u64>,
    /// The maximum number of characters.
    pub max_length: Option<u64>,
    /// The regular expression that a text must match.
    pub pattern: Option<&'a str>,
    /// The minimum value.
    pub minimum: Option<&'a Number>,
    /// The maximum value.
    pub maximum: Option<&'a Number>,
    /// Whether the minimum value itself is invalid.
    pub exclusive_minimum: bool,
    /// Whether the maximum value itself is invalid.
    pub exclusive_maximum: bool,
    /// The minimum number of entries.
    pub min_items: Option<u64>,
    /// The maximum number of entries.
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

    /// Returns the name of the component; `None` if the schema is written in place.
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }

    /// Returns the schema object, as in the document.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Returns the type.
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

    /// Returns the `format`, or an empty string.
    pub fn format(&self) -> &'a str {
        text(self.value, "format")
    }

    /// Returns the description, or an empty string.
    pub fn description(&self) -> &'a str {
        text(self.value, "description")
    }

    /// Returns whether `null` is a valid value.
    pub fn is_nullable(&self) -> bool {
        self.value.get("nullable") == Some(&Value::Bool(true))
    }

    /// Returns the listed properties of an object, in the document's order.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, Schema<'a>)> + use<'a> {
        let root = self.root;
        members(self.value, "properties").map(move |(name, value)| (name, Self::new(root, value)))
    }

    /// Returns a property of an object.
    pub fn property(&self, name: &str) -> Option<Schema<'a>> {
        let written = self.value.get("properties")?.get(name)?;
        Some(Self::new(self.root, written))
    }

    /// Returns the names of the required properties of an object.
    pub fn required(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        list(self.value, "required")
            .iter()
            .filter_map(Value::as_str)
    }

    /// Returns whether an object must have this property.
    pub fn requires(&self, property: &str) -> bool {
        self.required().any(|name| name == property)
    }

    /// Returns the schema of the entries of a list.
    pub fn items(&self) -> Option<Schema<'a>> {
        Some(Self::new(self.root, self.value.get("items")?))
    }

    /// Returns what an object may hold besides its listed properties.
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

    /// Returns the known values of an open enumeration; there may be others.
    pub fn known_values(&self) -> &'a [Value] {
        list(self.value, "x-extensible-enum")
    }

    /// Returns the values of a closed enumeration.
    pub fn enum_values(&self) -> &'a [Value] {
        list(self.value, "enum")
    }

    /// Returns the limits.
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

    /// Returns the default, if the document has one: `default` or `x-default`.
    pub fn default_value(&self) -> Option<&'a Value> {
        let value = self.value;
        value.get("default").or_else(|| value.get("x-default"))
    }

    /// Returns whether the component refers back to itself.
    pub fn is_recursive(&self) -> bool {
        self.name
            .is_some_and(|name| self.root.reachable(self.value).contains(name))
    }
}
