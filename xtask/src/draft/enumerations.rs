//! The enumerations of a draft: which fields share a list of values.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Field, Key};
use super::names::{Names, pascal, unused};
use crate::prose;
use crate::verify::shape::Shape;

/// The enumerations by name, and the fields that use them.
#[derive(Default)]
pub(super) struct Enumerations {
    pub(super) by_name: BTreeMap<String, Enumeration>,
    /// The enumeration of each field, by object or operation, and field name.
    pub(super) of_field: BTreeMap<(Key, String), String>,
}

#[derive(Debug, Default)]
pub(super) struct Enumeration {
    pub(super) values: Vec<String>,
    pub(super) sources: BTreeSet<String>,
    /// The first sentences of the fields that list values, to recognize fields that do not.
    sentences: BTreeSet<String>,
}

impl Enumeration {
    /// Whether it has a value, in any letter case.
    fn has(&self, value: &str) -> bool {
        has(&self.values, value)
    }
}

fn has(values: &[String], value: &str) -> bool {
    values.iter().any(|known| known.eq_ignore_ascii_case(value))
}

/// Fields that share an enumeration.
struct Group {
    /// The name of the fields that list the values.
    name: String,
    enumeration: Enumeration,
    /// Object or operation, and name of each field.
    members: Vec<(Key, String)>,
}

/// Whether a field is a status at some time, as `current_status` and `previous_state` are.
fn is_state_of(field: &str, name: &str) -> bool {
    name == "status" && ["_status", "_state"].iter().any(|end| field.ends_with(end))
}

fn first_sentence(description: &str) -> String {
    let sentence = description
        .split(['.', '\n', ','])
        .next()
        .unwrap_or_default();
    sentence.trim().to_lowercase()
}

fn is_text(field: &Field) -> bool {
    match &field.shape {
        Shape::Text => true,
        Shape::List(items) => **items == Shape::Text,
        _ => false,
    }
}

impl Enumerations {
    /// Groups the fields of all objects and operations, and names the enumerations.
    pub(super) fn new(names: &Names<'_>) -> Self {
        let mut groups = Vec::new();
        let fields = names.fields();
        let texts = || fields.iter().filter(|(_, field, _)| is_text(field));
        for (key, field, source) in texts().filter(|(_, field, _)| !field.values.is_empty()) {
            add_listing(names, &mut groups, key, field, source);
        }
        for (key, field, source) in texts().filter(|(_, field, _)| field.values.is_empty()) {
            if let Some(index) = group_of(names, &groups, key, field) {
                let group = &mut groups[index];
                group.enumeration.sources.insert(source.clone());
                group.members.push((key.clone(), field.name.clone()));
            }
        }
        let mut enumerations = Self::default();
        for group in groups {
            enumerations.add(names, group);
        }
        enumerations
    }

    fn add(&mut self, names: &Names<'_>, group: Group) {
        let is_taken =
            |name: &str| names.members.contains_key(name) || self.by_name.contains_key(name);
        let mut name = pascal(&group.name);
        if !name.bytes().any(|b| b.is_ascii_lowercase()) || is_taken(&name) {
            let key = group.members.first().map_or("", |(key, _)| key);
            let owner = names.of_object.get(key);
            let owner = owner.cloned().unwrap_or_else(|| pascal(key));
            name = format!("{owner}{name}");
        }
        let name = unused(&name, is_taken);
        for member in group.members {
            self.of_field.insert(member, name.clone());
        }
        self.by_name.insert(name, group.enumeration);
    }
}

/// Whether a field of the group is in the component of an object.
fn is_in_component(names: &Names<'_>, group: &Group, key: &str) -> bool {
    let owner = names.of_object.get(key);
    let mut members = group.members.iter();
    owner.is_some() && members.any(|(key, _)| names.of_object.get(key) == owner)
}

/// Adds a field that lists values to the group of its name whose values it shares or in whose component it is; adds a
/// group if there is none.
fn add_listing(names: &Names<'_>, groups: &mut Vec<Group>, key: &str, field: &Field, source: &str) {
    let index = groups.iter().position(|group| {
        let values = &group.enumeration.values;
        let is_subset = field.values.iter().all(|it| group.enumeration.has(it))
            || values.iter().all(|it| has(&field.values, it));
        // A single value is a subset of too many lists.
        let is_subset =
            is_subset && (field.values.len().min(values.len()) > 1 || field.values == *values);
        group.name == field.name && (is_subset || is_in_component(names, group, key))
    });
    let index = index.unwrap_or_else(|| {
        groups.push(Group {
            name: field.name.clone(),
            enumeration: Enumeration::default(),
            members: Vec::new(),
        });
        groups.len() - 1
    });
    let group = &mut groups[index];
    let enumeration = &mut group.enumeration;
    for value in &field.values {
        if !enumeration.has(value) {
            enumeration.values.push(value.clone());
        }
    }
    enumeration.sources.insert(source.to_owned());
    let sentence = first_sentence(&field.description);
    enumeration.sentences.insert(sentence);
    group.members.push((key.to_owned(), field.name.clone()));
}

/// The best group for a field that lists no values: one in its component, with its default, or with the same first
/// sentence.
fn group_of(names: &Names<'_>, groups: &[Group], key: &str, field: &Field) -> Option<usize> {
    let default = prose::stated(&field.description, false).default;
    let sentence = first_sentence(&field.description);
    let ranked = groups.iter().enumerate().filter_map(|(index, group)| {
        if group.name != field.name && !is_state_of(&field.name, &group.name) {
            return None;
        }
        let Enumeration {
            values, sentences, ..
        } = &group.enumeration;
        let family = names.family(key);
        let mut members = group.members.iter();
        let same_family = members.any(|(other, _)| names.family(other) == family);
        let rank = (
            is_in_component(names, group, key),
            default.as_ref().is_some_and(|it| has(values, it)),
            sentences.contains(&sentence) || field.name != group.name && same_family,
        );
        (rank != (false, false, false)).then_some((rank, same_family, values.len(), index))
    });
    ranked.max().map(|(_, _, _, index)| index)
}
