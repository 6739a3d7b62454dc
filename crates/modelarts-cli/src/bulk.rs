//! Actions on many resources at once: selection, confirmation, and a result for each.

use std::time::Duration;

use anyhow::{anyhow, bail};
use clap::Args;
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::complete::names_of_either;
use crate::confirm::{BulkOptions, confirm};
use crate::failure::Failure;
use crate::lifecycle::{Action, Generation};
use crate::noun::{Noun, has_no_auto_stop, is_running, running_since};
use crate::output::{self, Format};
use crate::session::{Session, identity};
use crate::text;
use crate::waiting::Wait;

/// Selects some of the existing resources.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Selection")]
pub(crate) struct Filter {
    /// Only those that are running
    #[arg(long)]
    pub(crate) running: bool,
    /// Only those running for longer than this, since the last start, change or lease renewal
    #[arg(long, value_name = "DURATION", value_parser = text::duration)]
    pub(crate) older_than: Option<Duration>,
    /// Only those without an automatic stop
    #[arg(long)]
    pub(crate) no_auto_stop: bool,
    /// Only those whose fields match, as in name=train-*,tags.team=nlp; * matches any text
    #[arg(short = 'l', long, value_name = "FIELD=VALUE,...", value_delimiter = ',', value_parser = pair)]
    pub(crate) selector: Vec<(String, String)>,
}

pub(crate) fn pair(text: &str) -> anyhow::Result<(String, String)> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() => Ok((field.to_owned(), value.to_owned())),
        _ => bail!("write it like name=train-*"),
    }
}

/// Rejects fields that the resources of a noun do not have, since no resource would ever match them.
pub(crate) fn check_selector(selector: &[(String, String)], noun: &Noun) -> Result<(), Failure> {
    for (field, _) in selector {
        if let Err(problem) = noun.check_field(field) {
            return Err(Failure::usage(anyhow!("--selector: {problem}")));
        }
    }
    Ok(())
}

impl Filter {
    pub(crate) fn is_empty(&self) -> bool {
        !self.running && !self.no_auto_stop && self.older_than.is_none() && self.selector.is_empty()
    }

    /// Whether the item matches. If a value is not known, the item does not match.
    pub(crate) fn selects(&self, item: &Value, now: modelarts::Timestamp) -> bool {
        let is_old = |limit: Duration| {
            let age = running_since(item).map(|since| now.duration_since(since));
            age.and_then(|age| Duration::try_from(age).ok())
                .is_some_and(|age| age > limit)
        };
        (!self.running || is_running(item))
            && (!self.no_auto_stop || has_no_auto_stop(item))
            && self.older_than.is_none_or(is_old)
            && self.selector.iter().all(|(field, wanted)| {
                let found = match field.strip_prefix("tags.") {
                    Some(key) => tag(item, key),
                    None => item.pointer(&format!("/{}", field.replace('.', "/"))),
                };
                let found = found.map(|value| match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
                found.is_some_and(|found| matches_pattern(wanted, &found))
            })
    }
}

/// Returns the value of a tag; a notebook has its tags as a list of pairs.
fn tag<'a>(item: &'a Value, key: &str) -> Option<&'a Value> {
    let tags = item.get("tags")?.as_array()?;
    let tag = tags
        .iter()
        .find(|tag| tag.get("key").and_then(Value::as_str) == Some(key))?;
    tag.get("value")
}

/// Whether a text matches a pattern in which `*` matches any text.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(head) else {
        return false;
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter()
        .any(|at| matches_pattern(rest, &text[at..]))
}

/// The resources that a bulk command acts on, and whether it asks first.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Bulk {
    /// Names or IDs, or @last for the one created last
    #[arg(value_name = "NAME|ID", add = names_of_either())]
    names: Vec<String>,
    /// Select all, or all that match the selection
    #[arg(long, conflicts_with = "names")]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    options: BulkOptions,
    #[command(flatten)]
    wait: Wait,
}

struct Selected {
    id: String,
    name: String,
}

impl Bulk {
    /// Runs the action on all of them, and reports each result.
    pub(crate) async fn run(
        &self,
        session: &Session,
        generation: Generation,
        action: Action,
    ) -> Result<(), Failure> {
        let noun = generation.noun();
        check_selector(&self.filter.selector, noun)?;
        let chosen = self.choose(session, generation, action).await?;
        if chosen.is_empty() {
            output::note(&format!("no {} to {}", noun.plural, action.verb()));
            return print_results(session, &[]);
        }
        let many = match chosen.as_slice() {
            [one] => format!("{} {}", noun.name, one.name),
            several => format!("{} {}", several.len(), noun.plural),
        };
        if self.options.dry_run {
            output::note(&format!("would {} {many}:", action.verb()));
            if session.format() != Format::Table {
                let chosen = chosen.iter();
                let rows: Vec<_> = chosen.map(|one| result(&one.id, &one.name, None)).collect();
                return print_results(session, &rows);
            }
            for one in &chosen {
                output::line(&format!("{}  {}", one.id, one.name))?;
            }
            return Ok(());
        }
        self.confirm(&chosen, &many, action)?;
        let outcomes: Vec<_> = futures::stream::iter(&chosen)
            .map(|one| async move { (one, self.execute(session, generation, action, one).await) })
            .buffered(self.options.concurrency())
            .collect()
            .await;
        report(session, &many, past_tense(action, self.wait.wait), outcomes)
    }

    async fn choose(
        &self,
        session: &Session,
        generation: Generation,
        action: Action,
    ) -> Result<Vec<Selected>, Failure> {
        let noun = generation.noun();
        if !self.names.is_empty() {
            let mut chosen = Vec::new();
            for name in &self.names {
                let id = session.resolve(noun, name).await?;
                let name = text::one_line(name);
                chosen.push(Selected { id, name });
            }
            return Ok(chosen);
        }
        if !self.all && self.filter.is_empty() {
            return Err(Failure::usage(anyhow!(
                "no {} given: give names, --all, or a selection such as --older-than 8h",
                noun.plural
            )));
        }
        let items = session.list(noun.listing()?, None).await?.items;
        let now = session.now();
        let taken = items.iter().filter(|item| {
            // Skip resources that have already stopped.
            self.filter.selects(item, now) && (action != Action::Stop || is_running(item))
        });
        Ok(taken
            .map(|item| Selected {
                id: identity(item),
                name: name_of(item),
            })
            .collect())
    }

    fn confirm(&self, chosen: &[Selected], many: &str, action: Action) -> Result<(), Failure> {
        let is_plain = chosen.len() == 1 && action == Action::Stop && !self.names.is_empty();
        if self.options.yes || is_plain {
            return Ok(());
        }
        let details = match chosen {
            [_] => Vec::new(),
            several => several
                .iter()
                .map(|one| format!("  {}  {}", one.id, one.name))
                .collect(),
        };
        confirm(&format!("{} {many}", action.verb()), &details)
    }

    async fn execute(
        &self,
        session: &Session,
        generation: Generation,
        action: Action,
        one: &Selected,
    ) -> Result<(), Failure> {
        session.send(generation.request(action, &one.id)?).await?;
        if self.wait.wait {
            let interval = self.wait.interval.interval;
            let target = action.target();
            generation
                .wait(session, &one.id, &one.name, target, interval)
                .await?;
        }
        Ok(())
    }
}

fn name_of(item: &Value) -> String {
    text::one_line(item.get("name").and_then(Value::as_str).unwrap_or("-"))
}

fn report(
    session: &Session,
    many: &str,
    done: &str,
    outcomes: Vec<(&Selected, Result<(), Failure>)>,
) -> Result<(), Failure> {
    let format = session.format();
    let mut rows = Vec::new();
    for (one, outcome) in &outcomes {
        let error = outcome.as_ref().err().map(Failure::message);
        match (&format, &error) {
            (Format::Table | Format::Name, None) => output::line(&one.id)?,
            // A single failure is reported as the error of the command.
            (Format::Table | Format::Name, Some(_)) if outcomes.len() == 1 => {}
            (Format::Table | Format::Name, Some(error)) => {
                output::note(&format!("{} ({}): {error}", one.name, one.id));
            }
            _ => rows.push(result(&one.id, &one.name, error.as_deref())),
        }
    }
    if format != Format::Name {
        print_results(session, &rows)?;
    }
    let all = outcomes.len();
    let mut failures = outcomes
        .into_iter()
        .filter_map(|(_, outcome)| outcome.err());
    let Some(first) = failures.next() else {
        output::note(&format!("{done}: {many}"));
        return Ok(());
    };
    let failed = 1 + failures.count();
    match all {
        1 => Err(first),
        _ => Err(Failure::new(
            first.exit(),
            format!("{} of {all} failed; {}: {}", failed, done, all - failed),
        )),
    }
}

fn result(id: &str, name: &str, error: Option<&str>) -> Value {
    json!({"id": id, "name": name, "error": error})
}

/// Prints a result for each resource, for programs.
fn print_results(session: &Session, rows: &[Value]) -> Result<(), Failure> {
    match session.format() {
        Format::Table => Ok(()),
        format => Ok(output::rows(&format, &["id", "name", "error"], rows)?),
    }
}

/// Reports an action on a resource for which the service returns no body.
pub(crate) fn report_done(
    session: &Session,
    done: &str,
    noun: &str,
    id: &str,
    name: &str,
) -> Result<(), Failure> {
    // `@last` means nothing to a later reader.
    let name = if name.starts_with('@') { id } else { name };
    output::note(&format!("{done}: {noun} {}", text::one_line(name)));
    print_results(session, &[result(id, name, None)])
}

/// Returns the word for an action that is done, or only started.
fn past_tense(action: Action, waited: bool) -> &'static str {
    match (action, waited) {
        (Action::Stop, true) => "stopped",
        (Action::Stop, false) => "stopping",
        (Action::Delete, true) => "deleted",
        (Action::Delete, false) => "deleting",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelarts::Timestamp;

    #[test]
    fn patterns_match() {
        for (pattern, text, expected) in [
            ("train-*", "train-bert", true),
            ("train-*", "retrain-bert", false),
            ("*bert", "train-bert", true),
            ("*a*b*", "xaybz", true),
            ("a", "ab", false),
            ("*", "", true),
            ("é*", "ééé", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn unknown_values_are_not_selected() {
        let filter = Filter {
            older_than: Some(Duration::from_secs(3600)),
            ..Filter::default()
        };
        let now = Timestamp::from_second(10_000).unwrap();
        let notebook = |status: &str, since: i64| json!({"status": status, "create_at": 0, "lease": {"update_at": since}});
        assert!(filter.selects(&notebook("RUNNING", 0), now));
        assert!(!filter.selects(&notebook("RUNNING", 9_000_000), now));
        assert!(!filter.selects(&notebook("STOPPED", 0), now));
        assert!(!filter.selects(&json!({"status": "RUNNING"}), now));
        let instance = |since: &str| json!({"status": "RUNNING", "creation_timestamp": "0", "latest_update_timestamp": since});
        assert!(filter.selects(&instance("0"), now));
        assert!(!filter.selects(&instance("9000000"), now));
    }

    #[test]
    fn a_selector_reaches_into_objects() {
        let filter = Filter {
            selector: vec![
                pair("lease.enable=false").unwrap(),
                pair("name=a*").unwrap(),
            ],
            ..Filter::default()
        };
        let now = Timestamp::UNIX_EPOCH;
        assert!(filter.selects(&json!({"name": "ab", "lease": {"enable": false}}), now));
        assert!(!filter.selects(&json!({"name": "b", "lease": {"enable": false}}), now));
        assert!(pair("name").is_err());
        let filter = Filter {
            selector: vec![pair("tags.cost.center=47*").unwrap()],
            ..Filter::default()
        };
        let tagged = |value: &str| json!({"tags": [{"key": "a", "value": "4711"}, {"key": "cost.center", "value": value}]});
        assert!(filter.selects(&tagged("4711"), now) && !filter.selects(&tagged("1"), now));
        assert!(!filter.selects(&json!({"name": "b"}), now));
    }
}
