//! `x-pagination`, which describes how an operation splits its list into pages.

use std::fmt;

use serde_json::Value;

use crate::operation::{Location, Operation};
use crate::reference::text;
use crate::schema::{Schema, SchemaType};

/// The meaning of a page's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaginationStyle {
    /// The number of records before the page, from 0.
    Offset,
    /// The page number, starting with this one.
    Page(i64),
    /// A token from the previous page.
    Token,
}

/// The default number of records per page, if the document does not specify it.
const SIZE: u32 = 100;

/// The parameters and properties with which an operation pages its list, from its `x-pagination`.
///
/// ```
/// use modelarts_document::{Document, Pagination, PaginationStyle};
///
/// let document = Document::from_json(r#"{"paths": {"/trees": {"get": {
///     "operationId": "listTrees",
///     "x-pagination": {"style": "offset", "limit": "limit", "offset": "offset", "items": "trees", "size": 50},
///     "parameters": [
///         {"name": "limit", "in": "query", "schema": {"type": "integer"}},
///         {"name": "offset", "in": "query", "schema": {"type": "integer"}}
///     ],
///     "responses": {"200": {"content": {"application/json": {"schema": {"type": "object", "properties": {
///         "trees": {"type": "array", "items": {"type": "string"}}
///     }}}}}}
/// }}}}"#)?;
/// let list = document.operation("listTrees").ok_or("no such operation")?;
/// let pagination = Pagination::read(&list).ok_or("it has no pages")??;
/// assert_eq!(pagination.style, PaginationStyle::Offset);
/// assert_eq!((pagination.items, pagination.size), (vec!["trees"], 50));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pagination<'a> {
    /// The meaning of the position.
    pub style: PaginationStyle,
    /// The parameter with the size of a page.
    pub limit: &'a str,
    /// The parameter with the position of a page.
    pub position: &'a str,
    /// The properties of a page that can hold the records; the first one present is used.
    pub items: Vec<&'a str>,
    /// The property with the number of records on all pages.
    pub total: Option<&'a str>,
    /// The property with the position of the next page.
    pub next: Option<&'a str>,
    /// The number of records to request per page.
    pub size: u32,
    /// The schema of a page.
    pub page: Schema<'a>,
}

/// The error of an `x-pagination` that does not match its operation: what it names is missing or has another type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaginationError(String);

impl fmt::Display for PaginationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PaginationError {}

impl<'a> Pagination<'a> {
    /// Returns the schema of a record.
    pub fn item(&self) -> Option<Schema<'a>> {
        self.page.property(self.items.first()?)?.items()
    }

    /// Reads the `x-pagination` of an operation; `None` if it has none.
    ///
    /// # Errors
    ///
    /// [`PaginationError`] when it names parameters or properties that the operation does not have.
    pub fn read(operation: &Operation<'a>) -> Option<Result<Self, PaginationError>> {
        let value = operation.value.get("x-pagination")?;
        Some(Self::parse(operation, value).map_err(PaginationError))
    }

    fn parse(operation: &Operation<'a>, value: &'a Value) -> Result<Self, String> {
        let page = operation
            .success_schema()
            .filter(|schema| schema.schema_type() == SchemaType::Object)
            .ok_or("no response is an object that could hold records")?;
        let (style, keys): (PaginationStyle, &[&str]) = match text(value, "style") {
            "offset" => (PaginationStyle::Offset, &["offset"]),
            "page" => {
                let first = value.get("first").and_then(Value::as_i64);
                (
                    PaginationStyle::Page(first.unwrap_or(0)),
                    &["offset", "first"],
                )
            }
            "token" => (PaginationStyle::Token, &["token", "next"]),
            other => {
                return Err(format!(
                    "the style is `{other}`; it must be offset, page or token"
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
            return Err(format!(
                "unknown key `{unknown}`; this style has the keys {}",
                keys.join(", ")
            ));
        }
        let parameter = |key: &'static str, wanted: SchemaType| {
            let name = text(value, key);
            let mut query = operation.parameters_in(Location::Query);
            match query.find(|parameter| parameter.name() == name) {
                Some(found) if found.schema().schema_type() == wanted => Ok(name),
                _ => Err(format!(
                    "`{key}` must name a query parameter of type {wanted:?}"
                )),
            }
        };
        let property =
            |key: &'static str, name: &'a str, wanted: SchemaType| match page.property(name) {
                Some(found) if found.schema_type() == wanted => Ok(name),
                _ => Err(format!(
                    "`{key}` names `{name}`, which is not a property of the page of type {wanted:?}"
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
            return Err("`items` must name at least one property of the page".to_owned());
        }
        for name in &items {
            property("items", name, SchemaType::Array)?;
        }
        let position = match style {
            PaginationStyle::Token => parameter("token", SchemaType::String)?,
            _ => parameter("offset", SchemaType::Integer)?,
        };
        let next = optional("next", SchemaType::String)?;
        if style == PaginationStyle::Token && next.is_none() {
            return Err("`next` must name the property with the next token".to_owned());
        }
        let size = match value.get("size") {
            None => SIZE,
            Some(size) => size
                .as_u64()
                .and_then(|size| u32::try_from(size).ok())
                .filter(|size| *size > 0)
                .ok_or("`size` must be a positive number of records")?,
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
}
