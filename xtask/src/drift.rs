//! `cargo xtask drift`: compares the documents with facts of the vendor's SDK, in both directions.
//!
//! Bodies are compared from their root: each model of the SDK with the schema at the same place, once per pair. Spans
//! in the errata begin with `sdk/` and name the schema, so one row covers all operations that share it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use modelarts_document::{Location, Operation, Schema};
use serde_json::Value;

use crate::check::parts;
use crate::document::Document;
use crate::errata::Errata;
use crate::sdk::{self, Facts, Field, SdkType};
use crate::source::entries;
use crate::verify::report::{Aspect, Kind, Report};
use crate::verify::shape::Shape;
use crate::{check, workspace};

/// Options of `cargo xtask drift`.
#[derive(Debug, Args)]
pub struct Options {
    /// Folder with the facts of the SDK as JSON, one file per operation.
    dir: PathBuf,
    /// Print the changes from the facts in this folder to those in DIR instead.
    #[arg(long, value_name = "OLDER DIR")]
    since: Option<PathBuf>,
    /// Fail if less than this percentage of the facts agrees.
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    min: f64,
}

/// Prints every difference and the figures. Returns false below the required percentage or if an erratum is stale.
///
/// # Errors
///
/// When documents, facts or errata cannot be read.
pub fn run(options: &Options) -> Result<bool> {
    let facts = sdk::read(&options.dir)?;
    if let Some(older) = &options.since {
        let changes = sdk::changes(&sdk::read(older)?, &facts);
        changes.iter().for_each(|change| println!("{change}"));
        println!("{} facts changed", changes.len());
        return Ok(true);
    }
    let root = workspace::root();
    let documents = match check::documents(&root)? {
        Ok(documents) => documents,
        Err(problems) => {
            problems.iter().for_each(|problem| eprintln!("{problem}"));
            bail!("the documents break rules; fix the problems above first");
        }
    };
    let mut report = Report::of_sdk(&Errata::read(&root)?);
    compare(&documents, &facts, &mut report);
    Ok(report.conclude(options.min))
}

/// Compares documents and facts in both directions.
pub(crate) fn compare(documents: &[Document], facts: &[Facts], report: &mut Report) {
    for document in documents {
        let matched: Vec<(&Facts, Operation<'_>)> = facts
            .iter()
            .filter_map(|facts| Some((facts, find(document, facts)?)))
            .collect();
        if matched.is_empty() {
            // The facts cover other documents only.
            continue;
        }
        let mut drift = Drift {
            document,
            report,
            fields: BTreeMap::new(),
            listed: BTreeMap::new(),
            met: BTreeSet::new(),
        };
        for (facts, operation) in &matched {
            drift.operation(facts, operation);
        }
        drift.left_over(&matched);
    }
    for facts in facts {
        let known = documents
            .iter()
            .any(|document| find(document, facts).is_some());
        let difference = (!known).then(|| {
            let message = format!("no document has {} {}", facts.method, facts.path);
            (
                format!("sdk/{}/operation", facts.name),
                Kind::Missing,
                message,
            )
        });
        report.fact(&facts.name, Aspect::Operations, difference);
    }
}

/// Finds the operation with the same method and path, ignoring the names of placeholders.
fn find<'a>(document: &'a Document, facts: &Facts) -> Option<Operation<'a>> {
    let form = |path: &str| -> Vec<String> {
        path.split('/')
            .map(|segment| {
                if segment.starts_with('{') {
                    "{}".to_owned()
                } else {
                    segment.to_owned()
                }
            })
            .collect()
    };
    document.operations().find(|operation| {
        operation.method.eq_ignore_ascii_case(&facts.method)
            && form(operation.path) == form(&facts.path)
    })
}

struct Drift<'a, 'r> {
    document: &'a Document,
    report: &'r mut Report,
    /// For each schema, the fields that the SDK has in any operation, and the first operation that uses the schema.
    fields: BTreeMap<&'a str, (String, BTreeSet<String>)>,
    /// The values that the SDK lists for each enumeration.
    listed: BTreeMap<&'a str, BTreeSet<String>>,
    /// The pairs of model and schema that have been compared.
    met: BTreeSet<(String, &'a str)>,
}

impl<'a> Drift<'a, '_> {
    fn operation(&mut self, facts: &Facts, operation: &Operation<'a>) {
        for location in [Location::Path, Location::Query, Location::Header] {
            self.parameters(facts, operation, location);
        }
        let request = operation
            .request_body()
            .and_then(|body| body.json()?.schema());
        for (what, model, schema) in [
            ("request", &facts.request_body, request),
            ("response", &facts.response_body, operation.success_schema()),
        ] {
            let fields = model.as_ref().and_then(|model| facts.models.get(model));
            let has_fields = fields.is_some_and(|fields| !fields.is_empty());
            match (model, schema) {
                (Some(model), Some(schema)) => self.body(facts, model, schema),
                (Some(model), None) if has_fields => {
                    let at = format!("sdk/{}/{what}", operation.id());
                    let message = format!("the SDK has the body {model}, the document has none");
                    self.fact(facts, Aspect::Fields, Some((at, Kind::Missing, message)));
                }
                (None, Some(_)) => {
                    let at = format!("sdk/{}/{what}", operation.id());
                    let message = "the document has a body, the SDK has none".to_owned();
                    self.fact(facts, Aspect::Fields, Some((at, Kind::Extra, message)));
                }
                _ => {}
            }
        }
    }

    fn fact(&mut self, facts: &Facts, aspect: Aspect, difference: Option<(String, Kind, String)>) {
        self.report.fact(&facts.name, aspect, difference);
    }

    fn parameters(&mut self, facts: &Facts, operation: &Operation<'a>, location: Location) {
        let place = location.as_str();
        let listed: Vec<&Field> = facts
            .parameters
            .iter()
            .filter(|field| field.place.as_deref() == Some(place))
            .filter(|field| !field.name.eq_ignore_ascii_case("X-Auth-Token"))
            .collect();
        let mut documented: Vec<_> = operation.parameters_in(location).collect();
        for field in listed {
            let at = format!("sdk/{}/{place}/{}", operation.id(), field.name);
            let index = documented.iter().position(|known| {
                known.name() == field.name || is_also(known.value(), &field.name)
            });
            let Some(index) = index else {
                let message = format!("the operation has no such {place} parameter");
                self.fact(
                    facts,
                    Aspect::Parameters,
                    Some((at, Kind::Missing, message)),
                );
                continue;
            };
            let parameter = documented.swap_remove(index);
            self.fact(facts, Aspect::Parameters, None);
            self.kind(facts, &at, field, parameter.schema());
            self.values(facts, &at, field, parameter.schema());
        }
        // The SDK sets the project itself.
        for parameter in documented
            .iter()
            .filter(|known| known.name() != "project_id")
        {
            let at = format!("sdk/{}/{place}/{}", operation.id(), parameter.name());
            let message = format!("the SDK has no such {place} parameter");
            self.fact(facts, Aspect::Parameters, Some((at, Kind::Extra, message)));
        }
    }

    fn body(&mut self, facts: &Facts, model: &str, schema: Schema<'a>) {
        let (Some(name), Some(fields)) = (schema.name(), facts.models.get(model)) else {
            return;
        };
        // A shared schema is compared once per model and operation.
        if !self.met.insert((format!("{}.{model}", facts.name), name)) {
            return;
        }
        let known = self
            .fields
            .entry(name)
            .or_insert_with(|| (facts.name.clone(), BTreeSet::new()));
        known
            .1
            .extend(fields.iter().map(|field| field.name.clone()));
        for field in fields {
            let at = format!("sdk/{name}/{}", field.name);
            let Some(property) = schema.property(&field.name) else {
                let message = format!(
                    "the schema {name} has no such property; the model {model} has it, with type {}",
                    field.kind
                );
                self.fact(facts, Aspect::Fields, Some((at, Kind::Missing, message)));
                continue;
            };
            self.fact(facts, Aspect::Fields, None);
            self.kind(facts, &at, field, property);
            self.values(facts, &at, field, property);
            let inner = property.items().unwrap_or(property);
            if let Some(model) = SdkType::parse(&field.kind).model() {
                self.body(facts, model, inner);
            }
        }
    }

    fn kind(&mut self, facts: &Facts, at: &str, field: &Field, schema: Schema<'a>) {
        let documented = Shape::of_schema(self.document, schema.value());
        let listed = SdkType::parse(&field.kind);
        let agrees = documented
            .as_ref()
            .is_some_and(|shape| fits(&listed, shape));
        let difference = (!agrees).then(|| {
            let own = documented.map_or("without a type".to_owned(), |shape| shape.to_string());
            let message = format!("is {} in the SDK and {own} in the document", field.kind);
            (at.to_owned(), Kind::Type, message)
        });
        self.fact(facts, Aspect::Types, difference);
    }

    fn values(&mut self, facts: &Facts, at: &str, field: &Field, schema: Schema<'a>) {
        let Some(values) = field.values.as_ref().filter(|values| !values.is_empty()) else {
            return;
        };
        let schema = schema.items().unwrap_or(schema);
        let known: Vec<String> = [schema.known_values(), schema.enum_values()]
            .concat()
            .iter()
            .map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
            .collect();
        let is_flag = schema.schema_type() == modelarts_document::SchemaType::Boolean;
        if known.is_empty() && !is_flag {
            let message = format!(
                "the SDK lists {}, the document lists no values",
                values.join(", ")
            );
            self.fact(
                facts,
                Aspect::Values,
                Some((at.to_owned(), Kind::Values, message)),
            );
            return;
        }
        if let Some(name) = schema.name() {
            let listed = self.listed.entry(name).or_default();
            listed.extend(values.iter().map(|value| value.to_lowercase()));
        }
        for value in values {
            let is_known = is_flag || known.iter().any(|known| known.eq_ignore_ascii_case(value));
            let difference = (!is_known).then(|| {
                let message = format!("the document does not list the value {value}");
                (format!("{at}/{value}"), Kind::Values, message)
            });
            self.fact(facts, Aspect::Values, difference);
        }
    }

    /// Reports what only the document has: operations, properties, values.
    fn left_over(&mut self, matched: &[(&Facts, Operation<'a>)]) {
        let name = self.document.name.clone();
        for operation in self.document.operations() {
            let is_met = matched.iter().any(|(_, met)| met.id() == operation.id());
            if !is_met {
                let message = "the SDK has no such operation".to_owned();
                let difference = (
                    format!("sdk/{}/operation", operation.id()),
                    Kind::Extra,
                    message,
                );
                self.report
                    .fact(&name, Aspect::Operations, Some(difference));
            }
        }
        for (schema, (operation, fields)) in std::mem::take(&mut self.fields) {
            let Some(component) = self.document.schema(schema) else {
                continue;
            };
            for (property, _) in component.properties() {
                if fields.contains(property) {
                    continue;
                }
                let message =
                    format!("the schema {schema} has this property, no model of the SDK does");
                let difference = (format!("sdk/{schema}/{property}"), Kind::Extra, message);
                self.report
                    .fact(&operation, Aspect::Fields, Some(difference));
            }
        }
        for (schema, listed) in std::mem::take(&mut self.listed) {
            let Some(component) = self.document.schema(schema) else {
                continue;
            };
            let observed: Vec<&str> = component
                .value()
                .get("x-observed")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            for value in component.known_values().iter().filter_map(Value::as_str) {
                let is_known = listed.contains(&value.to_lowercase()) || observed.contains(&value);
                let difference = (!is_known).then(|| {
                    let message = "the document lists the value, the SDK does not".to_owned();
                    (format!("sdk/{schema}/{value}"), Kind::Values, message)
                });
                self.report.fact(&name, Aspect::Values, difference);
            }
        }
        self.provenance();
    }

    /// Reports parts marked `x-source: sdk` that no facts reach and that are therefore not compared above.
    fn provenance(&mut self) {
        let name = self.document.name.clone();
        for property in parts::properties(self.document) {
            if !entries(property.value).contains(&"sdk") {
                continue;
            }
            let owner = property
                .pointer
                .split('/')
                .nth(3)
                .unwrap_or_default()
                .to_owned();
            let is_met = self.met.iter().any(|(_, schema)| *schema == owner);
            let difference = (!is_met).then(|| {
                let message = "has `x-source: sdk`, but no facts reach its schema".to_owned();
                (
                    format!("sdk/{owner}/{}", property.name),
                    Kind::Reference,
                    message,
                )
            });
            self.report.fact(&name, Aspect::References, difference);
        }
    }
}

/// Whether the name is another name of the parameter (`x-also`).
fn is_also(parameter: &Value, name: &str) -> bool {
    let names = parameter.get("x-also").and_then(Value::as_array);
    names.is_some_and(|names| names.iter().any(|other| other == name))
}

/// Whether a type of the SDK matches a type of the document; Python integers have no width.
fn fits(listed: &SdkType, documented: &Shape) -> bool {
    match (listed, documented) {
        (SdkType::Text, Shape::Text)
        | (SdkType::Integer, Shape::Integer | Shape::Long)
        | (SdkType::Number, Shape::Number)
        | (SdkType::Boolean, Shape::Flag)
        | (SdkType::Free, Shape::Map | Shape::Free | Shape::Object)
        | (SdkType::Model(_), Shape::Object) => true,
        (SdkType::List(listed), Shape::List(documented)) => fits(listed, documented),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DOCUMENT: &str = "
openapi: 3.0.3
info: {title: T, version: '1'}
paths:
  /v1/{project_id}/things/{id}:
    put:
      operationId: updateThing
      parameters:
        - {name: project_id, in: path, required: true, schema: {type: string}}
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: kind, in: query, schema: {$ref: '#/components/schemas/Kind'}}
      requestBody:
        content: {application/merge-patch+json: {schema: {$ref: '#/components/schemas/ThingReq'}}}
      responses:
        '200':
          description: d
          content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}
components:
  schemas:
    Kind: {type: string, x-extensible-enum: [BIG, SMALL]}
    ThingReq: {type: object, properties: {name: {type: string}, size: {type: number, format: double}}}
    Thing:
      type: object
      properties:
        count: {type: integer, format: int64}
        parts: {type: array, items: {$ref: '#/components/schemas/Thing'}}
";

    fn facts() -> Value {
        json!({
            "operation": "UpdateThing", "method": "PUT", "path": "/v1/{project_id}/things/{thing_id}",
            "parameters": [
                {"name": "id", "in": "path", "type": "str"},
                {"name": "kind", "in": "query", "type": "str", "values": ["BIG", "small"]},
                {"name": "X-Auth-Token", "in": "header", "type": "str"},
            ],
            "request_body": "Req", "response_body": "Thing",
            "models": {
                "Req": [{"name": "name", "type": "str"}, {"name": "size", "type": "float"}],
                "Thing": [{"name": "count", "type": "int"}, {"name": "parts", "type": "list[Thing]"}],
            },
        })
    }

    fn report(document: &str, facts: Value, errata: &str) -> Report {
        let document = Document::parse("tiny", "openapi/tiny.yaml", document).unwrap();
        let row = format!("| A1 | p | says | does | why | {errata} |\n");
        let mut report = Report::of_sdk(&Errata::parse(&row));
        compare(
            &[document],
            &[serde_json::from_value(facts).unwrap()],
            &mut report,
        );
        report
    }

    fn spans(report: &Report) -> Vec<String> {
        let span = |finding: String| finding.split(": ").next().unwrap_or_default().to_owned();
        report.findings().into_iter().map(span).collect()
    }

    #[test]
    fn what_agrees_scores_all_even_when_it_contains_itself() {
        let report = report(DOCUMENT, facts(), "");
        assert_eq!(report.findings(), [""; 0]);
        assert!(report.suffices(100.0), "{report}");
    }

    #[test]
    fn each_difference_is_named_in_both_directions() {
        for (from, to, expected) in [
            (
                "name: kind, in",
                "name: sort, in",
                "sdk/updateThing/query/kind:missing sdk/updateThing/query/sort:extra",
            ),
            (
                "{name: {type: string}, size",
                "{title: {type: string}, size",
                "sdk/ThingReq/name:missing sdk/ThingReq/title:extra",
            ),
            (
                "type: number, format: double",
                "type: integer, format: int32",
                "sdk/ThingReq/size:type",
            ),
            (
                "items: {$ref: '#/components/schemas/Thing'}",
                "items: {type: string}",
                "sdk/Thing/parts:type",
            ),
            ("[BIG, SMALL]", "[BIG, SMALL, ODD]", "sdk/Kind/ODD:values"),
            (
                "[BIG, SMALL]",
                "[BIG]",
                "sdk/updateThing/query/kind/small:values",
            ),
            (
                "schema: {$ref: '#/components/schemas/Kind'}",
                "schema: {type: string}",
                "sdk/updateThing/query/kind:values",
            ),
            ("put:", "patch:", "sdk/UpdateThing/operation:missing"),
        ] {
            assert!(DOCUMENT.contains(from), "`{from}` is not there");
            let found = spans(&report(&DOCUMENT.replace(from, to), facts(), ""));
            let expected: Vec<&str> = expected.split_whitespace().collect();
            assert_eq!(found, expected, "for `{to}`");
        }
    }

    #[test]
    fn a_parameter_is_known_by_its_other_names_too() {
        let renamed = DOCUMENT.replace("name: kind, in", "name: sort, x-also: [kind], in");
        assert_eq!(spans(&report(&renamed, facts(), "")), [""; 0]);
    }

    #[test]
    fn an_erratum_excuses_its_difference_and_a_stale_one_fails() {
        let document = DOCUMENT.replace(
            "type: number, format: double",
            "type: integer, format: int32",
        );
        let excused = report(&document, facts(), "`sdk/ThingReq/size:type`");
        assert!(excused.suffices(100.0), "{:?}", excused.findings());
        let stale = report(DOCUMENT, facts(), "`sdk/ThingReq/size:type`");
        assert!(!stale.suffices(0.0));
        // Spans of pages are not checked here.
        assert!(report(DOCUMENT, facts(), "`UpdateThing/T1/a:type`").suffices(100.0));
    }
}
