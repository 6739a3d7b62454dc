//! Types in a form in which tables, documents and the SDK can be compared.

use std::fmt;

use crate::document::{Document, text};
use serde_json::Value;

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Shape {
    Text,
    /// `Integer`: 32 bits.
    Integer,
    /// `Long`: 64 bits.
    Long,
    Number,
    Flag,
    /// An object with fields.
    Object,
    /// Arbitrary keys with strings as values.
    Map,
    /// Arbitrary keys and values.
    Free,
    List(Box<Shape>),
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Integer => "an integer of 32 bits",
            Self::Long => "an integer of 64 bits",
            Self::Number => "a number",
            Self::Flag => "a boolean",
            Self::Object => "an object",
            Self::Map => "a map of texts",
            Self::Free => "an open map",
            Self::List(items) => return write!(f, "a list, each entry {items}"),
        })
    }
}

impl Shape {
    /// The type of a field in a table; `refers` says whether the field refers to another table.
    pub(crate) fn of_field(kind: &str, refers: bool) -> Option<Self> {
        let kind = kind.trim();
        if let Some(items) = kind.strip_prefix("Array") {
            return Self::of_items(items.trim(), refers).map(|items| Self::List(Box::new(items)));
        }
        Some(match kind {
            "String" => Self::Text,
            "Integer" => Self::Integer,
            "Long" => Self::Long,
            "Double" | "Float" => Self::Number,
            "Boolean" => Self::Flag,
            "Dict" => Self::Free,
            "Map<String,String>" => Self::Map,
            "Object" => Self::Object,
            other if other.ends_with(" object") => Self::Object,
            _ => return None,
        })
    }

    /// The rest of a type after `Array`: nothing, `of strings`, `of Thing objects`, `<Thing>`.
    fn of_items(items: &str, refers: bool) -> Option<Self> {
        match items.strip_prefix("of ") {
            Some("strings") => Some(Self::Text),
            Some("integers") => Some(Self::Integer),
            Some(items) if items.ends_with(" objects") => Some(Self::Object),
            Some(_) => None,
            // In tables, an array of things without a table of their own is an array of strings.
            None if refers => Some(Self::Object),
            None => Some(Self::Text),
        }
    }

    /// The type of a schema.
    pub(crate) fn of_schema(document: &Document, schema: &Value) -> Option<Self> {
        let schema = document.resolve(schema);
        Some(match (text(schema, "type"), text(schema, "format")) {
            ("string", _) => Self::Text,
            ("integer", "int32") => Self::Integer,
            ("integer", "int64") => Self::Long,
            ("number", _) => Self::Number,
            ("boolean", _) => Self::Flag,
            ("array", _) => {
                let items = Self::of_schema(document, schema.get("items")?)?;
                Self::List(Box::new(items))
            }
            ("object", _) => match schema.get("additionalProperties") {
                None => Self::Object,
                Some(values) if text(values, "type") == "string" => Self::Map,
                Some(_) => Self::Free,
            },
            _ => return None,
        })
    }

    /// Whether the type, or that of its entries, is an object with fields.
    pub(crate) fn has_fields(&self) -> bool {
        match self {
            Self::Object => true,
            Self::List(items) => items.has_fields(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_tables_are_understood() {
        let list = |items| Some(Shape::List(Box::new(items)));
        assert_eq!(Shape::of_field("Long", false), Some(Shape::Long));
        assert_eq!(Shape::of_field("Thing object", true), Some(Shape::Object));
        assert_eq!(
            Shape::of_field("Array of strings", false),
            list(Shape::Text)
        );
        assert_eq!(
            Shape::of_field("Array of Thing objects", true),
            list(Shape::Object)
        );
        assert_eq!(Shape::of_field("Array< thing >", false), list(Shape::Text));
        assert_eq!(Shape::of_field("Array<Thing>", true), list(Shape::Object));
        assert_eq!(Shape::of_field("Array", true), list(Shape::Object));
        assert_eq!(Shape::of_field("Blob", false), None);
    }
}
