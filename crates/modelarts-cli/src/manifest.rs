//! Desired notebooks, as described by YAML documents.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::lease::Stop;
use crate::schema::nearest;
use crate::text;

/// A notebook as described by a file. Fields that the file leaves out are not changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Desired {
    /// File and line of its document.
    pub(crate) place: String,
    pub(crate) name: String,
    pub(crate) flavor: Option<String>,
    /// Name or ID.
    pub(crate) image: Option<String>,
    pub(crate) volume: Option<Volume>,
    pub(crate) auto_stop: Option<Stop>,
    pub(crate) description: Option<String>,
    /// The complete list of tags that it should have.
    pub(crate) tags: Option<BTreeMap<String, String>>,
    pub(crate) state: Option<State>,
    pub(crate) key_pairs: Option<Vec<String>>,
    pub(crate) allowed_ips: Option<Vec<String>>,
    pub(crate) workspace: Option<String>,
    pub(crate) pool: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Volume {
    pub(crate) category: Option<String>,
    /// In GB.
    pub(crate) size: Option<i64>,
    pub(crate) uri: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Stopped,
}

impl State {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
        }
    }
}

/// The fields of a document.
const FIELDS: [&str; 12] = [
    "name",
    "flavor",
    "image",
    "volume",
    "auto_stop",
    "description",
    "tags",
    "state",
    "key_pairs",
    "allowed_ips",
    "workspace",
    "pool",
];

/// A YAML mapping in which each value has its position in the file.
struct Entries(Vec<(String, Spanned<Value>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Mapping;

        impl<'de> Visitor<'de> for Mapping {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a notebook: a mapping with a `name`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Mapping)
    }
}

/// Reads the notebooks that a file describes; on failure, returns all problems with their lines.
pub(crate) fn read(file: &str, yaml: &str) -> Result<Vec<Desired>, Vec<String>> {
    // `off` and `on` are strings here, not booleans.
    let options = serde_saphyr::options! { strict_booleans: true };
    let documents: Vec<Spanned<Entries>> = serde_saphyr::from_multiple_with_options(yaml, options)
        .map_err(|error| vec![syntax_error(file, &error)])?;
    let mut problems = Vec::new();
    let mut found: Vec<Desired> = Vec::new();
    for document in documents {
        let place = format!("{file}:{}", document.referenced.line());
        let desired = parse_document(file, place, document.value, &mut problems);
        if let Some(other) = found.iter().find(|other| other.name == desired.name)
            && !desired.name.is_empty()
        {
            problems.push(format!(
                "{}: `{}` is already described at {}",
                desired.place, desired.name, other.place
            ));
        }
        found.push(desired);
    }
    match problems.is_empty() {
        true => Ok(found),
        false => Err(problems),
    }
}

fn syntax_error(file: &str, error: &serde_saphyr::Error) -> String {
    let line = error.location().map(|location| location.line());
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or_default();
    match line {
        Some(line) => format!("{file}:{line}: {message}"),
        None => format!("{file}: {message}"),
    }
}

fn parse_document(
    file: &str,
    place: String,
    entries: Entries,
    problems: &mut Vec<String>,
) -> Desired {
    let mut desired = Desired {
        place,
        ..Desired::default()
    };
    for (field, value) in entries.0 {
        let read = match field.as_str() {
            "name" => string(&value.value).map(|name| desired.name = name),
            "flavor" => string(&value.value).map(|text| desired.flavor = Some(text)),
            "image" => string(&value.value).map(|text| desired.image = Some(text)),
            "volume" => volume(&value.value).map(|volume| desired.volume = Some(volume)),
            "auto_stop" => stop(&value.value).map(|stop| desired.auto_stop = Some(stop)),
            "description" => string(&value.value).map(|text| desired.description = Some(text)),
            "tags" => tags(&value.value).map(|tags| desired.tags = Some(tags)),
            "state" => state(&value.value).map(|state| desired.state = Some(state)),
            "key_pairs" => strings(&value.value).map(|texts| desired.key_pairs = Some(texts)),
            "allowed_ips" => strings(&value.value).map(|texts| desired.allowed_ips = Some(texts)),
            "workspace" => string(&value.value).map(|text| desired.workspace = Some(text)),
            "pool" => string(&value.value).map(|text| desired.pool = Some(text)),
            _ => Err(match nearest(&field, FIELDS.into_iter()) {
                Some(nearest) => format!("is not a known field; did you mean `{nearest}`?"),
                None => format!("is not a known field; the fields are {}", FIELDS.join(", ")),
            }),
        };
        if let Err(problem) = read {
            let line = value.referenced.line();
            problems.push(format!("{file}:{line}: `{field}` {problem}"));
        }
    }
    if desired.name.is_empty() {
        problems.push(format!("{}: `name` is missing", desired.place));
    }
    desired
}

fn string(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("must be a string, not {other}; put it in quotes")),
    }
}

fn strings(value: &Value) -> Result<Vec<String>, String> {
    let wrong = || format!("must be a list of strings, not {value}");
    value
        .as_array()
        .ok_or_else(wrong)?
        .iter()
        .map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong))
        .collect()
}

/// Parses `50GB`, `50`, or `{category: EFS, uri: ...}`.
fn volume(value: &Value) -> Result<Volume, String> {
    let size = |value: &Value| match value {
        Value::String(text) => {
            text::gigabytes(text).map_err(|error| format!("is invalid: {error}"))
        }
        Value::Number(number) => {
            text::gigabytes(&number.to_string()).map_err(|error| format!("is invalid: {error}"))
        }
        other => Err(format!("must be a size like 50GB, not {other}")),
    };
    let Value::Object(members) = value else {
        return Ok(Volume {
            size: Some(size(value)?),
            ..Volume::default()
        });
    };
    let mut volume = Volume::default();
    for (name, member) in members {
        match name.as_str() {
            "category" => volume.category = Some(string(member)?),
            "size" => volume.size = Some(size(member)?),
            "uri" => volume.uri = Some(string(member)?),
            other => {
                return Err(format!(
                    "has no field `{other}`; its fields are category, size and uri"
                ));
            }
        }
    }
    Ok(volume)
}

/// Parses `8h`, `off`, or `{idle: 2h}`.
fn stop(value: &Value) -> Result<Stop, String> {
    let wrong = || format!("must be like 8h, off or {{idle: 2h}}, not {value}");
    let time = |value: &Value| match value {
        Value::String(text) => text::duration(text).map_err(|error| format!("is invalid: {error}")),
        _ => Err(wrong()),
    };
    match value {
        Value::String(text) if text == "off" => Ok(Stop::Off),
        Value::String(_) => Ok(Stop::After(time(value)?)),
        Value::Object(members) => match (members.get("idle"), members.len()) {
            (Some(idle), 1) => Ok(Stop::Idle(time(idle)?)),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn tags(value: &Value) -> Result<BTreeMap<String, String>, String> {
    let Value::Object(members) = value else {
        return Err(format!("must be a mapping like {{team: nlp}}, not {value}"));
    };
    let tag = |(key, value): (&String, &Value)| match value {
        Value::String(text) => Ok((key.clone(), text.clone())),
        Value::Number(number) => Ok((key.clone(), number.to_string())),
        other => Err(format!(
            "must have string values, but `{key}` is {other}; put it in quotes"
        )),
    };
    members.iter().map(tag).collect()
}

fn state(value: &Value) -> Result<State, String> {
    match value.as_str() {
        Some("running") => Ok(State::Running),
        Some("stopped") => Ok(State::Stopped),
        _ => Err(format!("must be running or stopped, not {value}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn wrong(yaml: &str) -> Vec<String> {
        read("n.yaml", yaml).unwrap_err()
    }

    #[test]
    fn documents_are_parsed() {
        let yaml = "\
name: train-bert
flavor: modelarts.vm.cpu.2u
image: pytorch-nlp
volume: 50GB
auto_stop: {idle: 30m}
tags: {team: nlp, cost-center: 4711}
state: stopped
---
# Only what shall change.
name: other
auto_stop: off
volume: {category: EFS, uri: 'sfs-nas1:/share'}
";
        let found = read("n.yaml", yaml).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].volume.as_ref().unwrap().size, Some(50));
        assert_eq!(
            found[0].auto_stop,
            Some(Stop::Idle(Duration::from_secs(1800)))
        );
        assert_eq!(found[0].tags.as_ref().unwrap()["cost-center"], "4711");
        assert_eq!(found[0].state, Some(State::Stopped));
        assert_eq!(found[1].auto_stop, Some(Stop::Off));
        assert_eq!(found[1].flavor, None);
        assert_eq!(found[1].place, "n.yaml:10");
    }

    #[test]
    fn all_problems_are_reported_with_their_lines() {
        let yaml = "name: a\nflavour: f\nvolume: 50MB\nstate: on\nauto_stop: 8\n---\nname: a\ntags: [x]\n---\nimage: i\n";
        assert_eq!(
            wrong(yaml),
            [
                "n.yaml:2: `flavour` is not a known field; did you mean `flavor`?",
                "n.yaml:3: `volume` is invalid: `50MB` is not a size; write it like 50GB or 1TB",
                "n.yaml:4: `state` must be running or stopped, not \"on\"",
                "n.yaml:5: `auto_stop` must be like 8h, off or {idle: 2h}, not 8",
                "n.yaml:8: `tags` must be a mapping like {team: nlp}, not [\"x\"]",
                "n.yaml:7: `a` is already described at n.yaml:1",
                "n.yaml:10: `name` is missing",
            ]
        );
    }

    #[test]
    fn invalid_yaml_is_reported_with_its_line() {
        for yaml in [
            "name: a\n  b: c: d\n",
            "name: a\nname: b\n",
            "- a\n- b\n",
            "just a text\n",
        ] {
            let wrong = wrong(yaml);
            assert_eq!(wrong.len(), 1, "{yaml}: {wrong:?}");
            assert!(wrong[0].starts_with("n.yaml:"), "{yaml}: {wrong:?}");
        }
        assert_eq!(read("n.yaml", "").unwrap(), []);
        assert_eq!(read("n.yaml", "# nothing\n---\n").unwrap(), []);
    }
}
