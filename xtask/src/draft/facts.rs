//! A common form for pages and facts of the SDK: operations, and objects with fields.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::sdk::{Facts, SdkType};
use crate::verify::page::{Field as PageField, Page, Role};
use crate::verify::shape::Shape;

/// Identifies the description of an object: a table of a page, or a model of an operation in the SDK.
pub(super) type Key = String;

/// A field of an object, or a parameter.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) shape: Shape,
    /// The object that the field refers to.
    pub(super) target: Option<Key>,
    pub(super) required: bool,
    pub(super) values: Vec<String>,
    /// The description in the source, used to recognize limits; it is never copied.
    pub(super) description: String,
    /// Whether only the SDK has the field.
    pub(super) is_sdk: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    /// The name in the sources.
    pub(super) name: String,
    pub(super) is_request: bool,
    pub(super) source: String,
    pub(super) fields: Vec<Field>,
}

#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) source: String,
    /// Location and parameter, with the table that describes it.
    pub(super) parameters: Vec<(&'static str, Field, String)>,
    pub(super) request: Option<Key>,
    pub(super) response: Option<Key>,
    pub(super) statuses: BTreeSet<u16>,
    /// Number on the page, from 1; whether it is a request; the sample.
    pub(super) samples: Vec<(usize, bool, serde_json::Value)>,
}

/// The facts of all sources.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) operations: Vec<Operation>,
    pub(super) objects: BTreeMap<Key, Object>,
}

/// The name `X` in `Array of X objects`, `X object` or `Array<X>`.
fn type_name(kind: &str) -> Option<String> {
    let inner = kind
        .trim()
        .trim_start_matches("Array of ")
        .trim_start_matches("Array<")
        .trim_end_matches('>')
        .trim_end_matches(" objects")
        .trim_end_matches(" object")
        .trim();
    const NO_NAMES: [&str; 6] = ["Object", "Array", "Dict", "String", "strings", "Integer"];
    let is_name = !inner.is_empty() && !NO_NAMES.contains(&inner) && !inner.contains([' ', '<']);
    is_name.then(|| inner.to_owned())
}

/// The shape of a type, including types that do not occur on the pages of existing documents.
fn shape_of(kind: &str, refers: bool) -> Option<Shape> {
    let kind = kind.trim();
    let list = |items| Some(Shape::List(Box::new(items)));
    match kind {
        "Array of doubles" => list(Shape::Number),
        "Array of Map<String,String> objects" => list(Shape::Map),
        "Array<Array<Integer>>" => list(Shape::List(Box::new(Shape::Integer))),
        "Array<Array<String>>" => list(Shape::List(Box::new(Shape::Text))),
        "Object" if !refers => Some(Shape::Free),
        kind => Shape::of_field(kind, refers),
    }
}

static IN_PROSE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        r"(?i)(?:can be|options are|option is|values? (?:is|are)|only|which is|range is \[|include[sd]?:?)[^.|]*?\*\*[^.|\n]*",
        r"(?i)The value \*\*[^.\n]*",
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

static BULLET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^\s*(?:[-*•]\s+\**([A-Za-z0-9_.]+)\**\s*(?:[:(：]|$)|([A-Z][A-Z_]+):)").ok()
});

static BOLD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\*\*([A-Za-z0-9_]+)\*\*").ok());

/// The values in a description: in bullets, otherwise in a sentence such as "The value can be **a** or **b**".
pub(super) fn values_of(
    options: Option<&Vec<String>>,
    kind: &str,
    description: &str,
) -> Vec<String> {
    // "For reference only" introduces examples.
    if description.contains("for reference only") {
        return Vec::new();
    }
    if let Some(options) = options.filter(|options| !options.is_empty()) {
        return options.clone();
    }
    if kind.contains("Boolean") || kind.contains("Long") || kind.contains("Integer") {
        return Vec::new();
    }
    let captures = |pattern: &Regex, text: &str| -> Vec<String> {
        pattern
            .captures_iter(text)
            .filter_map(|found| found.iter().skip(1).flatten().next())
            .map(|value| value.as_str().to_owned())
            .collect()
    };
    let bullets = BULLET
        .as_ref()
        .map_or(Vec::new(), |it| captures(it, description));
    if !bullets.is_empty() {
        return bullets;
    }
    let sentence = IN_PROSE
        .iter()
        .find_map(|pattern| pattern.find(description));
    // Bold words in a condition are values of another field.
    let is_condition = |sentence: &regex::Match<'_>| {
        ["mandatory", "is set to", " if ", " when "]
            .iter()
            .any(|word| sentence.as_str().contains(word))
    };
    let sentence = sentence.filter(|sentence| !is_condition(sentence));
    let mut values = match (sentence, BOLD.as_ref()) {
        (Some(sentence), Some(bold)) => captures(bold, sentence.as_str()),
        _ => Vec::new(),
    };
    values.dedup();
    // A single bold word is more often an example or a condition than a list.
    let is_only = ["Only **", "only **", "can be **", "which is **"]
        .iter()
        .any(|words| description.contains(words));
    if values.len() < 2 && !is_only {
        values.clear();
    }
    values
}

/// The key of a model in the request or the response of an SDK operation.
fn model_key(facts: &Facts, model: &str, is_request: bool) -> Key {
    let way = if is_request { "request" } else { "response" };
    format!("sdk {} {model} {way}", facts.name)
}

impl Sources {
    /// Adds the facts of pages.
    pub(super) fn add_pages(&mut self, pages: &[Page]) {
        let known: BTreeSet<&str> = pages.iter().map(|page| page.name.as_str()).collect();
        for page in pages {
            self.add_page(page, &known);
        }
    }

    fn field(page: &Page, field: &PageField, known: &BTreeSet<&str>) -> Field {
        let target = field
            .tables(&page.name)
            .find(|(name, _)| known.contains(name));
        let shape = shape_of(&field.kind, target.is_some()).unwrap_or(Shape::Text);
        let target = target.filter(|_| shape.has_fields());
        // A reference to a page that was not given becomes an open map.
        let shape = match (shape, &target) {
            (Shape::Object, None) => Shape::Free,
            (Shape::List(items), None) if *items == Shape::Object => {
                Shape::List(Box::new(Shape::Free))
            }
            (shape, _) => shape,
        };
        Field {
            name: field.name.clone(),
            shape,
            target: target.map(|(name, number)| format!("{name} T{number}")),
            required: field.mandatory.unwrap_or(false),
            values: values_of(field.options.as_ref(), &field.kind, &field.description),
            description: field.description.clone(),
            is_sdk: false,
        }
    }

    fn add_page(&mut self, page: &Page, known: &BTreeSet<&str>) {
        let mut operation = Operation {
            name: page.name.clone(),
            title: page.title.clone(),
            method: page.method.to_lowercase(),
            path: page.path.clone(),
            source: page.name.clone(),
            parameters: Vec::new(),
            request: None,
            response: None,
            statuses: page.status_codes.iter().map(|status| status.code).collect(),
            samples: Vec::new(),
        };
        let mut names: BTreeMap<Key, String> = BTreeMap::new();
        for field in page.tables.iter().flat_map(|table| &table.fields) {
            for (other, number) in field.tables(&page.name) {
                let name = type_name(&field.kind).unwrap_or_else(|| field.name.clone());
                names.entry(format!("{other} T{number}")).or_insert(name);
            }
        }
        for table in &page.tables {
            let key = format!("{} T{}", page.name, table.number);
            let fields: Vec<Field> = table
                .fields
                .iter()
                .map(|field| Self::field(page, field, known))
                .collect();
            let place = match table.role {
                Role::Path => Some("path"),
                Role::Query => Some("query"),
                Role::Header => Some("header"),
                Role::Request
                    if table.root && ["get", "head"].contains(&operation.method.as_str()) =>
                {
                    Some("query")
                }
                _ => None,
            };
            if let Some(place) = place {
                let parameters = fields.into_iter().map(|field| (place, field, key.clone()));
                operation.parameters.extend(parameters);
                continue;
            }
            let is_error = table.status.is_some_and(|status| status >= 400);
            if is_error || table.role == Role::Other {
                continue;
            }
            let is_request = table.role == Role::Request;
            if table.root {
                let body = match is_request {
                    true => &mut operation.request,
                    false => &mut operation.response,
                };
                body.get_or_insert_with(|| key.clone());
            }
            let name = match (table.root, is_request) {
                (true, true) => format!("{}Request", page.name),
                (true, false) => format!("{}Response", page.name),
                _ => names.get(&key).unwrap_or(&table.title).clone(),
            };
            let object = Object {
                name,
                is_request,
                source: key.clone(),
                fields,
            };
            self.objects.insert(key, object);
        }
        for (index, sample) in page.samples.iter().enumerate() {
            use crate::verify::page::SampleRole;
            if let Some(json) = sample
                .json
                .as_ref()
                .filter(|_| sample.role != SampleRole::Error)
            {
                let is_request = sample.role == SampleRole::Request;
                operation
                    .samples
                    .push((index + 1, is_request, json.clone()));
            }
        }
        self.operations.push(operation);
    }

    /// Adds the facts of the SDK that no page has: fields, parameters, operations.
    pub(super) fn add_sdk(&mut self, facts: &[Facts]) {
        let form = |path: &str| -> String {
            path.split('/')
                .map(|segment| {
                    if segment.starts_with('{') {
                        "{}"
                    } else {
                        segment
                    }
                })
                .collect::<Vec<_>>()
                .join("/")
        };
        for facts in facts {
            let mut body = |model: &Option<String>, is_request: bool| {
                let model = model.as_deref()?;
                let fields = facts.models.get(model)?;
                self.add_models(facts, model, is_request);
                (!fields.is_empty()).then(|| model_key(facts, model, is_request))
            };
            let request = body(&facts.request_body, true);
            let response = body(&facts.response_body, false);
            let parameters: Vec<_> = facts
                .parameters
                .iter()
                .filter(|field| !field.name.eq_ignore_ascii_case("X-Auth-Token"))
                .map(|field| {
                    let place = match field.place.as_deref() {
                        Some("path") => "path",
                        Some("header") => "header",
                        _ => "query",
                    };
                    let mut own = Self::sdk_field(facts, field, true);
                    own.required = place == "path";
                    (place, own, "sdk".to_owned())
                })
                .collect();
            let index = self.operations.iter().position(|known| {
                known.method.eq_ignore_ascii_case(&facts.method)
                    && form(&known.path) == form(&facts.path)
            });
            let Some(index) = index else {
                self.operations.push(Operation {
                    name: facts.name.clone(),
                    title: facts.name.clone(),
                    method: facts.method.to_lowercase(),
                    path: facts.path.clone(),
                    source: "sdk".to_owned(),
                    parameters,
                    request,
                    response,
                    statuses: BTreeSet::new(),
                    samples: Vec::new(),
                });
                continue;
            };
            let known = &mut self.operations[index];
            for (place, field, source) in parameters {
                let has = known
                    .parameters
                    .iter()
                    .any(|(at, own, _)| *at == place && own.name == field.name);
                // Path parameters are named as on the page.
                if !has && place != "path" {
                    known.parameters.push((place, field, source));
                }
            }
            let (own_request, own_response) = (known.request.clone(), known.response.clone());
            for (own, other) in [(own_request, request), (own_response, response)] {
                if let (Some(own), Some(other)) = (own, other) {
                    self.join(&own, &other, &mut BTreeSet::new());
                }
            }
        }
    }

    fn sdk_field(facts: &Facts, field: &crate::sdk::Field, is_request: bool) -> Field {
        let kind = SdkType::parse(&field.kind);
        let model = kind
            .model()
            .filter(|model| facts.models.contains_key(*model));
        Field {
            name: field.name.clone(),
            shape: shape_of_sdk(&kind, model.is_some()),
            target: model.map(|model| model_key(facts, model, is_request)),
            required: false,
            values: field.values.clone().unwrap_or_default(),
            description: field.description.clone(),
            is_sdk: true,
        }
    }

    /// Adds a model and the models it refers to; a model used in both directions becomes two objects.
    fn add_models(&mut self, facts: &Facts, model: &str, is_request: bool) {
        let mut open = vec![model.to_owned()];
        while let Some(model) = open.pop() {
            let key = model_key(facts, &model, is_request);
            let Some(fields) = facts.models.get(&model) else {
                continue;
            };
            if self.objects.contains_key(&key) {
                continue;
            }
            let kinds = fields.iter().map(|field| SdkType::parse(&field.kind));
            open.extend(kinds.filter_map(|kind| kind.model().map(str::to_owned)));
            let fields = fields
                .iter()
                .map(|field| Self::sdk_field(facts, field, is_request));
            let object = Object {
                name: model,
                is_request,
                source: "sdk".to_owned(),
                fields: fields.collect(),
            };
            self.objects.insert(key, object);
        }
    }

    /// Adds the fields of a model to the object at the same place on a page.
    fn join(&mut self, own: &str, other: &str, met: &mut BTreeSet<String>) {
        if !met.insert(own.to_owned()) {
            return;
        }
        let (Some(object), Some(model)) = (self.objects.get(own), self.objects.get(other)) else {
            return;
        };
        let mut added = Vec::new();
        let mut deeper = Vec::new();
        for field in &model.fields {
            match object.fields.iter().find(|known| known.name == field.name) {
                None => added.push(field.clone()),
                Some(known) => deeper.extend(known.target.clone().zip(field.target.clone())),
            }
        }
        if let Some(object) = self.objects.get_mut(own) {
            object.fields.extend(added);
        }
        for (own, other) in deeper {
            self.join(&own, &other, met);
        }
    }
}

fn shape_of_sdk(kind: &SdkType, is_known: bool) -> Shape {
    match kind {
        SdkType::Text => Shape::Text,
        SdkType::Integer => Shape::Long,
        SdkType::Number => Shape::Number,
        SdkType::Boolean => Shape::Flag,
        SdkType::Model(_) if is_known => Shape::Object,
        SdkType::Free | SdkType::Model(_) => Shape::Free,
        SdkType::List(items) => Shape::List(Box::new(shape_of_sdk(items, is_known))),
    }
}
