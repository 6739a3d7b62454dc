//! A document and its operations, prepared for the comparison with pages.

use std::collections::{BTreeMap, BTreeSet};

use modelarts_document::{Location, MediaType, Parameter, SchemaType};
use serde_json::Value;

use super::page::Page;
use crate::document::{Document, Operation as Described};
use crate::source::{Source, sources};
use crate::strict::Strict;

/// Decodes a value into the Rust type of a schema and encodes it again. Returns `None` if there is no such type.
pub type RoundTrip = fn(&str, Value) -> Option<serde_json::Result<Value>>;

/// A document prepared for the comparison.
pub(crate) struct Family<'a> {
    pub(crate) document: &'a Document,
    pub(crate) strict: Strict,
    pub(crate) round_trip: RoundTrip,
    /// The object schemas with a table as their source.
    pub(crate) claims: BTreeMap<(&'a str, u32), Vec<&'a str>>,
}

impl<'a> Family<'a> {
    pub(crate) fn new(document: &'a Document, round_trip: RoundTrip) -> anyhow::Result<Self> {
        let mut claims: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let objects = document
            .schemas()
            .filter(|(_, schema)| schema.schema_type() == SchemaType::Object);
        for (name, schema) in objects {
            for source in sources(schema.value()) {
                if let Source::Table { page, number } = source {
                    claims.entry((page, number)).or_default().push(name);
                }
            }
        }
        Ok(Self {
            document,
            strict: Strict::new(document)?,
            round_trip,
            claims,
        })
    }

    pub(crate) fn schema(&self, name: &str) -> &'a Value {
        let pointer = format!("/components/schemas/{name}");
        self.document
            .value()
            .pointer(&pointer)
            .unwrap_or(&Value::Null)
    }

    pub(crate) fn operation(&self, page: &Page) -> Option<Described<'a>> {
        self.document.operations().find(|operation| {
            operation.path == page.path && operation.method.eq_ignore_ascii_case(&page.method)
        })
    }
}

/// An operation prepared for the comparison.
pub(crate) struct Operation<'a> {
    value: Described<'a>,
    /// Name of the schema of the request body.
    pub(crate) request: Option<&'a str>,
    /// Name of the schema of the success body.
    pub(crate) response: Option<&'a str>,
    /// Name of the schema of the shared error body.
    pub(crate) error: Option<&'a str>,
}

impl<'a> Operation<'a> {
    pub(crate) fn new(value: Described<'a>) -> Self {
        let name = |media: Option<MediaType<'a>>| media?.schema()?.name();
        let of_status = |first: char| {
            value
                .responses()
                .filter(|response| response.status.starts_with(first))
                .find_map(|response| name(response.json()))
        };
        Self {
            request: name(value.request_body().and_then(|body| body.json())),
            response: of_status('2'),
            error: of_status('4'),
            value,
        }
    }

    pub(crate) fn statuses(&self) -> BTreeSet<u16> {
        self.value
            .responses()
            .filter_map(|response| response.status.parse().ok())
            .collect()
    }

    /// The parameters of one location, such as the query.
    pub(crate) fn parameters(&self, place: Location) -> BTreeMap<&'a str, Parameter<'a>> {
        self.value
            .parameters_in(place)
            .map(|parameter| (parameter.name(), parameter))
            .collect()
    }
}
