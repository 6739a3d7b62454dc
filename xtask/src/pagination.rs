//! `x-pagination`: how an operation pages its list.

use modelarts_document::{Location, Schema, SchemaType};
use serde_json::Value;

use crate::document::{Operation, text};

/// What the position of a page counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Records, from 0.
    Offset,
    /// Pages, from this one.
    Page(i64),
    /// Nothing: it is a text of the page before.
    Token,
}

/// How many records to ask for at once, where the document does not say.
const SIZE: u32 = 100;

/// Where an operation has what a list in pages needs.
#[derive(Debug, Clone)]
pub(crate) struct Pagination<'a> {
    pub(crate) style: Style,
    /// The parameter with the size of a page.
    pub(crate) limit: &'a str,
    /// The parameter with the position of a page.
    pub(crate) position: &'a str,
    /// The properties of a page that hold records; the first that is there counts.
    pub(crate) items: Vec<&'a str>,
    /// The property with the number of records on all pages.
    pub(crate) total: Option<&'a str>,
    /// The property with the position of the next page.
    pub(crate) next: Option<&'a str>,
    /// How many records to ask for at once.
    pub(crate) size: u32,
    /// The schema of a page.
    pub(crate) page: Schema<'a>,
}

impl<'a> Pagination<'a> {
    /// Reads what an operation says; nothing where it does not page, and why where that makes no sense.
    pub(crate) fn read(operation: &Operation<'a>) -> Option<Result<Self, String>> {
        let value = operation.value.get("x-pagination")?;
        Some(Self::parse(operation, value))
    }

    fn parse(operation: &Operation<'a>, value: &'a Value) -> Result<Self, String> {
        let page = page(operation).ok_or("no response is an object that could hold records")?;
        let (style, keys): (Style, &[&str]) = match text(value, "style") {
            "offset" => (Style::Offset, &["offset"]),
            "page" => {
                let first = value.get("first").and_then(Value::as_i64);
                (Style::Page(first.unwrap_or(0)), &["offset", "first"])
            }
            "token" => (Style::Token, &["token", "next"]),
            other => {
                return Err(format!(
                    "the style `{other}` is none of offset, page, token"
                ));
            }
        };
        let common = ["style", "limit", "items", "total", "size"];
        let keys: Vec<&str> = common.iter().chain(keys).copied().collect();
        let members = value.as_object().into_iter().flatten();
        if let Some((unknown, _)) = members
            .into_iter()
            .find(|(key, _)| !keys.contains(&key.as_str()))
        {
            return Err(format!("`{unknown}` is none of {}", keys.join(", ")));
        }
        let parameter = |key: &'static str, wanted: SchemaType| {
            let name = text(value, key);
            let mut query = operation.parameters_in(Location::Query);
            match query.find(|parameter| parameter.name() == name) {
                Some(found) if found.schema().schema_type() == wanted => Ok(name),
                _ => Err(format!(
                    "`{key}` names no parameter of the query of the type {wanted:?}"
                )),
            }
        };
        let property =
            |key: &'static str, name: &'a str, wanted: SchemaType| match page.property(name) {
                Some(found) if found.schema_type() == wanted => Ok(name),
                _ => Err(format!(
                    "`{key}` names `{name}`, which is no property of a page of the type {wanted:?}"
                )),
            };
        let optional = |key: &'static str, wanted: SchemaType| {
            let name = value.get(key).and_then(Value::as_str);
            name.map(|name| property(key, name, wanted)).transpose()
        };
        let items: Vec<&str> = match value.get("items") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => vec![text(value, "items")],
        };
        if items.is_empty() {
            return Err("`items` names no property".to_owned());
        }
        for name in &items {
            property("items", name, SchemaType::Array)?;
        }
        let position = match style {
            Style::Token => parameter("token", SchemaType::String)?,
            _ => parameter("offset", SchemaType::Integer)?,
        };
        let next = optional("next", SchemaType::String)?;
        if style == Style::Token && next.is_none() {
            return Err("`next` names no property that holds the token".to_owned());
        }
        let size = match value.get("size") {
            None => SIZE,
            Some(size) => size
                .as_u64()
                .and_then(|size| u32::try_from(size).ok())
                .filter(|size| *size > 0)
                .ok_or("`size` is no number of records")?,
        };
        Ok(Self {
            style,
            limit: parameter("limit", SchemaType::Integer)?,
            position,
            total: optional("total", SchemaType::Integer)?,
            next,
            items,
            size,
            page,
        })
    }

    /// The schema of a record.
    pub(crate) fn item(&self) -> Option<Schema<'a>> {
        self.page.property(self.items.first()?)?.items()
    }
}

/// The object that a success responds with.
fn page<'a>(operation: &Operation<'a>) -> Option<Schema<'a>> {
    let mut responses = operation.responses();
    let success = responses.find(|response| response.is_success())?;
    let schema = success.json()?.schema()?;
    (schema.schema_type() == SchemaType::Object).then_some(schema)
}

/// Whether an operation has the parameters of a list in pages, and a list in its response.
pub(crate) fn is_paged(operation: &Operation<'_>) -> bool {
    const NAMES: [&str; 9] = [
        "continue",
        "cursor",
        "limit",
        "marker",
        "offset",
        "page",
        "page_size",
        "pageSize",
        "per_page",
    ];
    let mut query = operation.parameters_in(Location::Query);
    let has_list = |page: Schema<'_>| {
        let mut properties = page.properties();
        properties.any(|(_, property)| property.schema_type() == SchemaType::Array)
    };
    query.any(|parameter| NAMES.contains(&parameter.name()))
        && page(operation).is_some_and(has_list)
}
