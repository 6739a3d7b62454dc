//! Tags of notebooks.

use std::collections::{BTreeMap, BTreeSet};

use modelarts_client::devenviron::types::{Tag, TagReq, TagValues, TagValuesList};

use super::caller::At;
use super::model::{Generation, Instance, Notebook};
use super::project_checks::DEFAULT_WORKSPACE;
use super::state::State;
use crate::error::{ApiError, ApiResult};
use crate::fields::with_fields;

impl State {
    /// Lists the tags of the caller's notebooks in a workspace, by key.
    pub(crate) fn list_tags(
        &self,
        at: &At<'_>,
        workspace: Option<&str>,
    ) -> ApiResult<TagValuesList> {
        let workspace = workspace.unwrap_or(DEFAULT_WORKSPACE);
        self.check_workspace(at.caller, workspace)?;
        let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let own = self.instances.values().filter(|instance| {
            instance.project == at.caller.project
                && instance.owner == at.caller.user
                && instance.workspace == workspace
        });
        for (key, value) in own.filter_map(Instance::notebook).flat_map(|it| &it.tags) {
            all.entry(key).or_default().insert(value);
        }
        let tags = all.into_iter().map(|(key, values)| {
            with_fields!(TagValues {
                key: Some(key.to_owned()),
                values: Some(values.into_iter().map(str::to_owned).collect()),
            })
        });
        Ok(with_fields!(TagValuesList {
            tags: Some(tags.collect()),
        }))
    }

    pub(crate) fn add_tags(
        &mut self,
        at: &At<'_>,
        id: &str,
        workspace: Option<&str>,
        tags: &[TagReq],
    ) -> ApiResult<()> {
        check(tags)?;
        self.change_tags(at, id, workspace, |notebook| {
            let tags = tags
                .iter()
                .map(|tag| (tag.key.clone(), tag.value.clone().unwrap_or_default()));
            notebook.tags.extend(tags);
        })
    }

    /// Removes tags. A tag without a value is removed whatever its value; one that does not exist is ignored.
    pub(crate) fn remove_tags(
        &mut self,
        at: &At<'_>,
        id: &str,
        workspace: Option<&str>,
        tags: &[TagReq],
    ) -> ApiResult<()> {
        check(tags)?;
        self.change_tags(at, id, workspace, |notebook| {
            for tag in tags {
                let found = notebook.tags.get(&tag.key);
                if found.is_some() && tag.value.as_ref().is_none_or(|value| found == Some(value)) {
                    notebook.tags.remove(&tag.key);
                }
            }
        })
    }

    fn change_tags(
        &mut self,
        at: &At<'_>,
        id: &str,
        workspace: Option<&str>,
        change: impl FnOnce(&mut Notebook),
    ) -> ApiResult<()> {
        if let Some(workspace) = workspace {
            self.check_workspace(at.caller, workspace)?;
        }
        let seq = self.find(at.caller, Generation::Notebook, id)?.seq;
        self.change(seq, at.now, |instance, _| {
            instance.updated = at.now;
            instance.notebook_mut().map(change);
        });
        Ok(())
    }
}

/// Returns the tags as in responses, by key.
pub(super) fn wire(tags: &BTreeMap<String, String>) -> Option<Vec<Tag>> {
    let tags: Vec<Tag> = tags
        .iter()
        .map(|(key, value)| {
            with_fields!(Tag {
                key: Some(key.clone()),
                value: Some(value.clone()),
            })
        })
        .collect();
    (!tags.is_empty()).then_some(tags)
}

/// Checks the characters of tags, beyond the patterns of the document. Lengths were checked before.
pub(super) fn check(tags: &[TagReq]) -> ApiResult<()> {
    for (index, tag) in tags.iter().enumerate() {
        let key = format!("tags[{index}].key");
        if tag.key.starts_with("_sys_") {
            return Err(ApiError::value(&key, "it must not begin with _sys_"));
        }
        if tag.key.trim() != tag.key {
            return Err(ApiError::value(
                &key,
                "it must neither begin nor end with a space",
            ));
        }
        check_letters(&key, &tag.key, " _.:=+-@")?;
        let value = tag.value.as_deref().unwrap_or_default();
        check_letters(&format!("tags[{index}].value"), value, " _.:/=+-@")?;
    }
    Ok(())
}

fn check_letters(field: &str, text: &str, others: &str) -> ApiResult<()> {
    match text
        .chars()
        .find(|letter| !(letter.is_alphanumeric() || others.contains(*letter)))
    {
        None => Ok(()),
        Some(letter) => Err(ApiError::value(
            field,
            format_args!("{letter:?} is not allowed; use letters, digits and `{others}`"),
        )),
    }
}

/// Parses the filter of lists, `key|value,key|value`. A key alone matches any value.
pub(super) fn parse_filter(text: &str) -> ApiResult<Vec<(&str, Option<&str>)>> {
    let wrong = || ApiError::value("tags", "it must be key|value; separate several with commas");
    text.split(',')
        .map(|tag| {
            let (key, value) = match tag.split_once('|') {
                None => (tag, None),
                Some((key, value)) => (key, Some(value)),
            };
            if key.is_empty() || value.is_some_and(|value| value.contains('|')) {
                return Err(wrong());
            }
            Ok((key, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_pairs() {
        assert_eq!(
            parse_filter("a|b,c|,d"),
            Ok(vec![("a", Some("b")), ("c", Some("")), ("d", None)])
        );
        for bad in ["", ",a|b", "a|b,", "|a", "a||b", "a,,b"] {
            assert!(parse_filter(bad).is_err(), "{bad}");
        }
    }
}
