//! The names of components: which objects of the sources share a component.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use heck::ToUpperCamelCase as _;

use super::facts::{Field, Key, Object, Sources};

/// The components of a draft.
pub(super) struct Names<'a> {
    pub(super) sources: &'a Sources,
    /// The component of each object.
    pub(super) of_object: BTreeMap<Key, String>,
    /// The objects of each component.
    pub(super) members: BTreeMap<String, Vec<Key>>,
}

/// Converts a name of a source to PascalCase.
pub(super) fn pascal(name: &str) -> String {
    let name = name.to_upper_camel_case();
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    match name.chars().next() {
        Some(first) if first.is_ascii_uppercase() => name,
        _ => format!("Object{name}"),
    }
}

/// The name, with a number if it is taken.
pub(super) fn unused(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2..).map(|number| format!("{name}{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| !is_taken(name)).unwrap_or_default()
}

impl<'a> Names<'a> {
    /// Names the components for all objects of the sources.
    pub(super) fn new(sources: &'a Sources) -> Self {
        let mut names = Self {
            sources,
            of_object: BTreeMap::new(),
            members: BTreeMap::new(),
        };
        names.name_objects();
        names
    }

    /// The objects that bodies refer to, each with whether it is used in requests.
    fn reached(&self) -> BTreeMap<&'a str, bool> {
        let mut reached = BTreeMap::new();
        for operation in &self.sources.operations {
            for (body, is_request) in [(&operation.request, true), (&operation.response, false)] {
                let mut open: Vec<&str> = body.as_deref().into_iter().collect();
                while let Some(key) = open.pop() {
                    let Some((key, object)) = self.sources.objects.get_key_value(key) else {
                        continue;
                    };
                    if reached.contains_key(key.as_str()) {
                        continue;
                    }
                    reached.insert(key.as_str(), is_request);
                    open.extend(
                        object
                            .fields
                            .iter()
                            .filter_map(|field| field.target.as_deref()),
                    );
                }
            }
        }
        reached
    }

    /// Names the components. Objects share one if they have the same direction and the same fields, which refer to
    /// equal objects.
    fn name_objects(&mut self) {
        let reached = self.reached();
        let mut classes: BTreeMap<&str, String> =
            reached.keys().map(|key| (*key, String::new())).collect();
        // Each round compares one level deeper; 12 is more than the depth of any object.
        for _ in 0..12 {
            classes = reached
                .iter()
                .map(|(key, is_request)| (*key, self.class(key, *is_request, &classes)))
                .collect();
        }
        let mut groups: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (key, class) in &classes {
            groups.entry(class.clone()).or_default().push(key);
        }
        let mut groups: Vec<Vec<&str>> = groups.into_values().collect();
        groups.sort();
        for group in groups {
            let first = &self.sources.objects[group[0]];
            let base = pascal(&first.name);
            let is_request = reached[group[0]];
            let taken = |name: &str| self.members.contains_key(name);
            let name = if taken(&base) {
                let suffix = if is_request { "Req" } else { "Res" };
                unused(&format!("{base}{suffix}"), taken)
            } else {
                base
            };
            for key in &group {
                self.of_object.insert((*key).to_owned(), name.clone());
            }
            self.members
                .insert(name, group.into_iter().map(str::to_owned).collect());
        }
        self.adopt(&reached);
    }

    /// Adds tables to which no field refers, often because the page refers to a table of another page instead. Each
    /// becomes a further source of the component with which it has most fields in common.
    fn adopt(&mut self, reached: &BTreeMap<&'a str, bool>) {
        let names = |key: &str| -> BTreeSet<&'a str> {
            let fields = self.sources.objects[key].fields.iter();
            fields.map(|field| field.name.as_str()).collect()
        };
        let mut adopted = Vec::new();
        for (key, object) in &self.sources.objects {
            if reached.contains_key(key.as_str()) || object.source == "sdk" {
                continue;
            }
            let own = names(key);
            let likeness = |other: &str| {
                let other = names(other);
                own.intersection(&other).count() * 100 / own.union(&other).count().max(1)
            };
            let candidates = reached
                .iter()
                .filter(|(_, is_request)| **is_request == object.is_request);
            let ranked = candidates.map(|(other, _)| {
                let title = |object: &Object| object.name.replace(" parameters", "").to_lowercase();
                let same = title(&self.sources.objects[*other]) == title(object);
                (likeness(other), same, *other)
            });
            if let Some((likeness, _, other)) = ranked.max()
                && likeness >= 50
                && let Some(name) = self.of_object.get(other)
            {
                adopted.push((key.clone(), name.clone()));
            }
        }
        for (key, name) in adopted {
            self.of_object.insert(key.clone(), name.clone());
            self.members.entry(name).or_default().push(key);
        }
    }

    /// A text that is equal for objects that share a component.
    fn class(&self, key: &str, is_request: bool, classes: &BTreeMap<&str, String>) -> String {
        let object = &self.sources.objects[key];
        let mut fields: Vec<String> = object
            .fields
            .iter()
            .map(|field| {
                let target = field
                    .target
                    .as_deref()
                    .and_then(|target| classes.get(target));
                format!(
                    "{} {} {} {:?}",
                    field.name, field.shape, field.required, target
                )
            })
            .collect();
        fields.sort();
        let mut hasher = DefaultHasher::new();
        fields.hash(&mut hasher);
        // Request bodies do not share a schema, since the limits of two operations differ.
        let own = if is_request && object.name.ends_with("Request") {
            key
        } else {
            ""
        };
        format!("{is_request} {own} {:x}", hasher.finish())
    }

    /// The first fixed segment of the path of the page that describes an object.
    pub(super) fn family(&self, key: &str) -> Vec<&'a str> {
        let page = key.split(' ').next().unwrap_or_default();
        let operation = self
            .sources
            .operations
            .iter()
            .find(|known| known.name == page);
        let path = operation.map_or("", |operation| operation.path.as_str());
        let segments = path.split('/').filter(|segment| !segment.starts_with('{'));
        segments.skip(2).take(1).collect()
    }

    /// All fields, each with its object or operation, and its source.
    pub(super) fn fields(&self) -> Vec<(Key, &'a Field, String)> {
        let mut fields = Vec::new();
        for key in self.of_object.keys() {
            let object: &'a Object = &self.sources.objects[key];
            fields.extend(
                object
                    .fields
                    .iter()
                    .map(|field| (key.clone(), field, object.source.clone())),
            );
        }
        for operation in &self.sources.operations {
            let parameters = operation.parameters.iter();
            fields.extend(
                parameters
                    .map(|(_, field, source)| (operation.name.clone(), field, source.clone())),
            );
        }
        fields
    }
}
