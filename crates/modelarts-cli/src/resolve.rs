//! Names, ids and `@last`: the ways to refer to a resource.

use std::fs;
use std::path::PathBuf;

use etcetera::AppStrategy as _;
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure};
use crate::files::directories;
use crate::noun::{Noun, status};
use crate::session::{Session, identity};

/// Refers to the resource that was created last.
const LAST: &str = "@last";

impl Session {
    /// Returns the id of the resource that is meant. An id is returned unchanged, without a request.
    pub(crate) async fn resolve(&self, noun: &Noun, meant: &str) -> Result<String, Failure> {
        if meant == LAST {
            return self.last(noun);
        }
        if is_id(meant) {
            return Ok(meant.to_owned());
        }
        let mut request = noun.listing()?;
        if request.operation.has_query_parameter("name") {
            request = request.query("name", meant);
        }
        let items = self.list(request, None).await?.items;
        let text =
            |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        // An id that does not have the usual form.
        if items
            .iter()
            .any(|item| text(item, "id").as_deref() == Some(meant))
        {
            return Ok(meant.to_owned());
        }
        let named: Vec<_> = items
            .iter()
            .filter(|item| text(item, "name").as_deref() == Some(meant))
            .collect();
        match named.as_slice() {
            [one] => Ok(identity(one)),
            [] => Err(Failure::new(
                Exit::NotFound,
                format!("there is no {} named `{meant}`", noun.name),
            )
            .with_remedy(format!(
                "To list all {}: modelarts {}",
                noun.plural, noun.list_command
            ))),
            several => {
                let candidates: Vec<_> = several
                    .iter()
                    .map(|item| format!("{} ({})", identity(item), status(item).unwrap_or("-")))
                    .collect();
                Err(Failure::new(
                    Exit::Usage,
                    format!(
                        "{} {} are named `{meant}`: {}",
                        several.len(),
                        noun.plural,
                        candidates.join(", ")
                    ),
                )
                .with_remedy("Use the ID instead."))
            }
        }
    }

    fn last(&self, noun: &Noun) -> Result<String, Failure> {
        let known = self.last_created();
        let id = known.get(noun.name).and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                format!(
                    "@last: no {} has been created from this machine in this project",
                    noun.name
                ),
            )
        })
    }

    /// Stores the id of a created resource for `@last`; does nothing if there is no place to store it.
    pub(crate) fn remember(&self, noun: &Noun, id: &str) {
        let Some(file) = last_file() else { return };
        let mut all = read(&file);
        let mut known = self.last_created();
        known.insert(noun.name.to_owned(), Value::from(id));
        all.insert(self.scope(), Value::Object(known));
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).ok();
        }
        fs::write(&file, Value::Object(all).to_string()).ok();
    }

    fn last_created(&self) -> Map<String, Value> {
        let all = last_file().map(|file| read(&file)).unwrap_or_default();
        let known = all.get(&self.scope()).and_then(Value::as_object);
        known.cloned().unwrap_or_default()
    }
}

fn last_file() -> Option<PathBuf> {
    Some(directories()?.in_data_dir("last.json"))
}

fn read(file: &PathBuf) -> Map<String, Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Whether a text has the form of an id: a UUID, with or without the prefix of the old generation.
pub(crate) fn is_id(text: &str) -> bool {
    let uuid = text.strip_prefix("DE-").unwrap_or(text);
    let groups: Vec<_> = uuid.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && uuid.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_recognized() {
        assert!(is_id("c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11"));
        assert!(is_id("DE-2f2570bb-58fc-4c28-b670-6b75b891c6a3"));
        for name in [
            "train-bert",
            "",
            "DE-",
            "c2f4d5a61b7e4d2a9c3f2f6f0f5c8e11",
            "zzzzzzzz-1b7e-4d2a-9c3f-2f6f0f5c8e11",
        ] {
            assert!(!is_id(name), "{name}");
        }
    }
}
