//! Compares tables with the document: parameters, fields, types, mandatory marks, values, statuses.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::parts;
use crate::document::{Document, text};
use crate::source::{Source, entries, sources};
use modelarts_document::Location;
use serde_json::Value;

use super::family::{Family, Operation};
use super::page::{Field, Page, Role, Table};
use super::report::{Aspect, Kind, Report};
use super::samples;
use super::shape::Shape;
use super::stated::{self, Documented};

/// The state of comparing all pages with all documents.
pub(crate) struct Comparison<'a, 'r> {
    families: &'a [Family<'a>],
    pages: &'a [Page],
    report: &'r mut Report,
    /// The operations that a page describes.
    met: BTreeSet<&'a str>,
    /// The values of each enumeration that a table names.
    named: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

/// Compares all pages with all documents.
pub(crate) fn compare<'a>(families: &'a [Family<'a>], pages: &'a [Page], report: &mut Report) {
    let mut comparison = Comparison {
        families,
        pages,
        report,
        met: BTreeSet::new(),
        named: BTreeMap::new(),
    };
    for page in pages {
        comparison.page(page);
    }
    comparison.left_over();
}

impl<'a> Comparison<'a, '_> {
    fn page(&mut self, page: &'a Page) {
        let name = page.name.as_str();
        let families = self.families;
        let found = families
            .iter()
            .find_map(|family| Some((family, family.operation(page)?)));
        let Some((family, operation)) = found else {
            let message = format!("no document has {} {}", page.method, page.path);
            let difference = (format!("{name}/operation"), Kind::Missing, message);
            self.report.fact(name, Aspect::Operations, Some(difference));
            return;
        };
        self.met.insert(operation.id());
        self.report.fact(name, Aspect::Operations, None);
        let operation = Operation::new(operation);
        self.statuses(page, &operation);
        self.stray_parameters(page, &operation);
        for table in &page.tables {
            match table.role {
                Role::Path => self.parameters(family, page, &operation, table, Location::Path),
                Role::Query => self.parameters(family, page, &operation, table, Location::Query),
                Role::Header => self.parameters(family, page, &operation, table, Location::Header),
                Role::Request => self.body(family, page, operation.request, table),
                Role::Response => self.body(family, page, operation.response, table),
                Role::Other => {}
            }
        }
        samples::compare(family, page, &operation, self.report);
    }

    fn statuses(&mut self, page: &Page, operation: &Operation<'_>) {
        let documented = operation.statuses();
        let listed: BTreeSet<u16> = page.status_codes.iter().map(|status| status.code).collect();
        for status in &listed {
            let message = || format!("the page lists status {status}, the document does not");
            let difference = (!documented.contains(status))
                .then(|| (format!("{}/{status}", page.name), Kind::Status, message()));
            self.report.fact(&page.name, Aspect::Statuses, difference);
        }
        // Pages of the old generation list no statuses.
        let successes = documented
            .iter()
            .filter(|status| (200..300).contains(*status));
        for status in successes.filter(|status| !listed.is_empty() && !listed.contains(status)) {
            let message = format!("the document has status {status}, the page does not");
            let difference = (format!("{}/{status}", page.name), Kind::Status, message);
            self.report
                .fact(&page.name, Aspect::Statuses, Some(difference));
        }
    }

    /// Reports parameters in a location for which the page has no table.
    fn stray_parameters(&mut self, page: &Page, operation: &Operation<'a>) {
        for (place, role) in [(Location::Path, Role::Path), (Location::Query, Role::Query)] {
            if page.tables.iter().any(|table| table.role == role) {
                continue;
            }
            for (name, parameter) in operation.parameters(place) {
                if all_marks(parameter.value()) {
                    continue;
                }
                let message = format!("the page has no {} parameters", place.as_str());
                let difference = (
                    format!("{}/{}/{name}", page.name, place.as_str()),
                    Kind::Extra,
                    message,
                );
                self.report
                    .fact(&page.name, Aspect::Parameters, Some(difference));
            }
        }
    }

    fn parameters(
        &mut self,
        family: &Family<'a>,
        page: &Page,
        operation: &Operation<'a>,
        table: &Table,
        place: Location,
    ) {
        let mut documented = operation.parameters(place);
        for field in &table.fields {
            let at = format!("{}/T{}/{}", page.name, table.number, field.name);
            let Some(parameter) = documented.remove(field.name.as_str()) else {
                let message = format!("the operation has no such {} parameter", place.as_str());
                let difference = (at, Kind::Missing, message);
                self.report
                    .fact(&page.name, Aspect::Parameters, Some(difference));
                continue;
            };
            self.report.fact(&page.name, Aspect::Parameters, None);
            self.mandatory(page, &at, field, parameter.is_required());
            let schema = parameter.value().get("schema").unwrap_or(&Value::Null);
            self.kind(family, page, &at, field, schema);
            self.values(family, page, &at, field, schema);
            self.provenance(family, page, table, field, schema);
            let documented = Documented {
                schema: parameter.schema(),
                descriptions: [parameter.description(), parameter.schema().description()]
                    .into_iter()
                    .chain(rule_texts(parameter.value()))
                    .chain(rule_texts(parameter.schema().value()))
                    .collect(),
                default: parameter.default_value(),
            };
            self.stated(page, &at, field, &documented, true);
        }
        for (name, parameter) in documented {
            if all_marks(parameter.value()) {
                continue;
            }
            let at = format!("{}/T{}/{name}", page.name, table.number);
            let message = format!("the table has no such {} parameter", place.as_str());
            self.report.fact(
                &page.name,
                Aspect::Parameters,
                Some((at, Kind::Extra, message)),
            );
        }
    }

    /// Compares a table of a body with the schema that names it as its source.
    fn body(&mut self, family: &Family<'a>, page: &Page, body: Option<&'a str>, table: &Table) {
        let at = format!("{}/T{}", page.name, table.number);
        let claims = family.claims.get(&(page.name.as_str(), table.number));
        let claims = claims.map_or(&[][..], Vec::as_slice);
        let difference = match (claims, body) {
            ([], _) => Some((
                Kind::Missing,
                "no schema names this table in `x-source`".to_owned(),
            )),
            ([name], Some(body)) if table.root && *name != body => Some((
                Kind::Reference,
                format!(
                    "the table describes the body, whose schema is {body}, but {name} names it in `x-source`"
                ),
            )),
            ([name], Some(body)) if *name != body && !self.leads(family, body, name) => Some((
                Kind::Reference,
                format!(
                    "{name} names this table in `x-source`, but the body {body} does not refer to {name}"
                ),
            )),
            ([name], None) => Some((
                Kind::Reference,
                format!(
                    "{name} names this table in `x-source`, but the operation has no such body"
                ),
            )),
            ([_], Some(_)) => None,
            (several, _) => Some((
                Kind::Reference,
                format!(
                    "several schemas name this table in `x-source`: {}",
                    several.join(", ")
                ),
            )),
        };
        let difference = difference.map(|(kind, message)| (at, kind, message));
        self.report.fact(&page.name, Aspect::References, difference);
        for name in claims {
            self.fields(family, page, table, name);
        }
    }

    fn leads(&self, family: &Family<'a>, from: &str, to: &str) -> bool {
        family.document.reachable(family.schema(from)).contains(to)
    }

    fn fields(&mut self, family: &Family<'a>, page: &Page, table: &Table, name: &'a str) {
        let schema = family.schema(name);
        let none = serde_json::Map::new();
        let properties = schema.get("properties").and_then(Value::as_object);
        let properties = properties.unwrap_or(&none);
        let required = schema.get("required").and_then(Value::as_array);
        for field in &table.fields {
            let at = format!("{}/T{}/{}", page.name, table.number, field.name);
            let Some(property) = family
                .schema(name)
                .pointer(&format!("/properties/{}", field.name))
            else {
                let difference = (
                    at,
                    Kind::Missing,
                    format!("the schema {name} has no such property"),
                );
                self.report
                    .fact(&page.name, Aspect::Fields, Some(difference));
                continue;
            };
            self.report.fact(&page.name, Aspect::Fields, None);
            if table.role == Role::Request {
                let required = required.is_some_and(|names| names.iter().any(|n| n == &field.name));
                self.mandatory(page, &at, field, required);
            }
            self.kind(family, page, &at, field, property);
            self.values(family, page, &at, field, property);
            self.provenance(family, page, table, field, property);
            self.reference(family, page, &at, field, property);
            let resolved = family.document.schema_at(property);
            let items = resolved.items().map_or("", |items| items.description());
            let documented = Documented {
                schema: resolved,
                descriptions: [resolved.description(), items, text(schema, "description")]
                    .into_iter()
                    .chain(rule_texts(resolved.value()))
                    .chain(
                        resolved
                            .items()
                            .into_iter()
                            .flat_map(|items| rule_texts(items.value())),
                    )
                    .collect(),
                default: resolved.default_value(),
            };
            self.stated(page, &at, field, &documented, table.role == Role::Request);
        }
        for (property, value) in properties {
            if table.fields.iter().any(|field| field.name == *property)
                || is_marked(family.document, value)
                || self.is_elsewhere(schema, property)
            {
                continue;
            }
            let at = format!("{}/T{}/{property}", page.name, table.number);
            let message =
                format!("the schema {name} has this property, but none of its tables does");
            self.report
                .fact(&page.name, Aspect::Fields, Some((at, Kind::Extra, message)));
        }
    }

    /// Whether another table of the schema has a field of this name.
    fn is_elsewhere(&self, schema: &Value, field: &str) -> bool {
        sources(schema).into_iter().any(|source| {
            let Source::Table { page, number } = source else {
                return false;
            };
            self.pages
                .iter()
                .filter(|other| other.name == page)
                .flat_map(|other| &other.tables)
                .filter(|table| table.number == number)
                .any(|table| table.fields.iter().any(|other| other.name == field))
        })
    }

    /// Compares limits, defaults and units that the page states.
    fn stated(
        &mut self,
        page: &Page,
        at: &str,
        field: &Field,
        documented: &Documented<'_>,
        is_request: bool,
    ) {
        for (aspect, difference) in stated::facts(&field.description, documented, is_request) {
            let difference = difference.map(|(kind, message)| (at.to_owned(), kind, message));
            self.report.fact(&page.name, aspect, difference);
        }
    }

    fn mandatory(&mut self, page: &Page, at: &str, field: &Field, required: bool) {
        let mandatory = field.mandatory.unwrap_or(false);
        let words = |yes| if yes { "mandatory" } else { "optional" };
        let difference = (mandatory != required).then(|| {
            let message = format!(
                "is {} on the page and {} in the document",
                words(mandatory),
                words(required)
            );
            (at.to_owned(), Kind::Mandatory, message)
        });
        self.report.fact(&page.name, Aspect::Mandatory, difference);
    }

    fn kind(&mut self, family: &Family<'a>, page: &Page, at: &str, field: &Field, schema: &Value) {
        let refers = field.tables(&page.name).next().is_some();
        let listed = Shape::of_field(&field.kind, refers);
        let documented = Shape::of_schema(family.document, schema);
        let message = match (listed, documented) {
            (Some(listed), Some(documented)) if listed == documented => None,
            (Some(listed), Some(documented)) => Some(format!(
                "is {listed} (`{}`) on the page and {documented} in the document",
                field.kind
            )),
            (None, _) => Some(format!("the type `{}` is not understood", field.kind)),
            (_, None) => Some("has no type in the document".to_owned()),
        };
        let difference = message.map(|message| (at.to_owned(), Kind::Type, message));
        self.report.fact(&page.name, Aspect::Types, difference);
    }

    fn values(
        &mut self,
        family: &Family<'a>,
        page: &Page,
        at: &str,
        field: &Field,
        schema: &'a Value,
    ) {
        let (name, known) = known_values(family.document, schema);
        if let Some(name) = name {
            let named = known.iter().filter(|value| field.names(value)).copied();
            self.named.entry(name).or_default().extend(named);
        }
        let numbers: Vec<String> = schema
            .get("x-extensible-enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|value| value.is_number())
            .map(ToString::to_string)
            .collect();
        let is_flag = text(schema, "type") == "boolean";
        for option in field.options.iter().flatten() {
            let is_known = known.contains(&option.as_str())
                || numbers.contains(option)
                || (is_flag && ["true", "false"].contains(&option.as_str()));
            let difference = (!is_known).then(|| {
                let message = format!("the document does not list the value {option}");
                (at.to_owned(), Kind::Values, message)
            });
            self.report.fact(&page.name, Aspect::Values, difference);
        }
    }

    /// Checks that the enumeration of a field names the field's table as a source.
    fn provenance(
        &mut self,
        family: &Family<'a>,
        page: &Page,
        table: &Table,
        field: &Field,
        schema: &'a Value,
    ) {
        let (Some(name), _) = known_values(family.document, schema) else {
            return;
        };
        let expected = Source::Table {
            page: &page.name,
            number: table.number,
        };
        let is_named = sources(family.schema(name)).contains(&expected);
        let difference = (!is_named).then(|| {
            let at = format!("{}/T{}/{}", page.name, table.number, field.name);
            let message = format!("{name} lacks `{expected}` in x-source");
            (at, Kind::Reference, message)
        });
        self.report.fact(&page.name, Aspect::References, difference);
    }

    /// Checks that field and property refer to the same object.
    fn reference(
        &mut self,
        family: &Family<'a>,
        page: &Page,
        at: &str,
        field: &Field,
        schema: &Value,
    ) {
        let is_object = Shape::of_schema(family.document, schema).is_some_and(|s| s.has_fields());
        let target = parts::target(schema).or_else(|| parts::target(schema.get("items")?));
        let (true, Some(target)) = (is_object, target) else {
            return;
        };
        let known = |name: &str| self.pages.iter().any(|page| page.name == name);
        let Some((other, number)) = field.tables(&page.name).find(|(name, _)| known(name)) else {
            return;
        };
        let claims = family.claims.get(&(other, number));
        let agrees = claims.is_some_and(|names| names.contains(&target));
        let difference = (!agrees).then(|| {
            let message = format!(
                "refers to {other} T{number} on the page and to {target} in the document, whose `x-source` does not name that table"
            );
            (at.to_owned(), Kind::Reference, message)
        });
        self.report.fact(&page.name, Aspect::References, difference);
    }

    /// Reports what only the documents have: operations, values of enumerations.
    fn left_over(&mut self) {
        for family in self.families {
            let name = family.document.name.as_str();
            let operations: Vec<_> = family.document.operations().collect();
            if !operations
                .iter()
                .any(|operation| self.met.contains(operation.id()))
            {
                // No page describes this document.
                continue;
            }
            for operation in operations {
                let is_met = self.met.contains(operation.id());
                if !is_met && all_marks(operation.value) {
                    continue;
                }
                let difference = (!is_met).then(|| {
                    let message = "no page describes the operation".to_owned();
                    (format!("{name}/{}", operation.id()), Kind::Extra, message)
                });
                self.report.fact(name, Aspect::Operations, difference);
            }
            self.documented_examples(family);
            for (schema, named) in &self.named {
                for (value, difference) in unnamed(family.schema(schema), named) {
                    let difference = difference.then(|| {
                        let message =
                            "no table names the value; if it was observed, add it to `x-observed`";
                        (
                            format!("{name}/{schema}/{value}"),
                            Kind::Values,
                            message.to_owned(),
                        )
                    });
                    self.report.fact(name, Aspect::Values, difference);
                }
            }
        }
    }

    /// Checks that documented examples equal the samples of the page.
    fn documented_examples(&mut self, family: &Family<'a>) {
        for example in parts::all_examples(family.document) {
            for source in sources(example.value) {
                let Source::SampleOf { page, number } = source else {
                    continue;
                };
                let Some(page) = self.pages.iter().find(|known| known.name == page) else {
                    continue;
                };
                let sample = page.samples.get((number as usize).wrapping_sub(1));
                let agrees =
                    sample.is_some_and(|sample| sample.json.as_ref() == example.value.get("value"));
                let difference = (!agrees).then(|| {
                    let message = format!(
                        "the example at {} differs from this sample",
                        example.pointer
                    );
                    (format!("{}/S{number}", page.name), Kind::Sample, message)
                });
                self.report
                    .fact(&family.document.name, Aspect::Samples, difference);
            }
        }
    }
}

/// The values of an enumeration, each with whether it is neither in a table nor in `x-observed`.
fn unnamed<'v>(schema: &'v Value, named: &BTreeSet<&str>) -> impl Iterator<Item = (&'v str, bool)> {
    let observed = list(schema, "x-observed");
    let named: BTreeSet<String> = named.iter().map(|value| (*value).to_owned()).collect();
    let values = [list(schema, "x-extensible-enum"), list(schema, "enum")].concat();
    values.into_iter().map(move |value| {
        let is_unnamed = !named.contains(value) && !observed.contains(&value);
        (value, is_unnamed)
    })
}

fn list<'v>(schema: &'v Value, key: &str) -> Vec<&'v str> {
    let list = schema.get(key).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// Name and values of the enumeration of a schema or of its entries.
fn known_values<'a>(document: &'a Document, schema: &'a Value) -> (Option<&'a str>, Vec<&'a str>) {
    let schema = schema.get("items").unwrap_or(schema);
    let resolved = document.resolve(schema);
    let values = [list(resolved, "x-extensible-enum"), list(resolved, "enum")].concat();
    let name = parts::target(schema).filter(|_| !values.is_empty());
    (name, values)
}

/// Whether a property is marked as missing in all tables.
fn is_marked(document: &Document, property: &Value) -> bool {
    let schema = property.get("items").unwrap_or(property);
    all_marks(property) || all_marks(document.resolve(schema))
}

/// Whether `x-source` has only `sample`, `observed` or `sdk`.
fn all_marks(value: &Value) -> bool {
    let entries = entries(value);
    let is_mark = |entry: &&str| ["sample", "observed", "sdk"].contains(entry);
    !entries.is_empty() && entries.iter().all(is_mark)
}

/// The sentences of the rules beside a description, which are appended to it.
fn rule_texts(described: &Value) -> impl Iterator<Item = &str> {
    let rules = described.get("x-rules").and_then(Value::as_array);
    rules.into_iter().flatten().map(|rule| text(rule, "text"))
}
