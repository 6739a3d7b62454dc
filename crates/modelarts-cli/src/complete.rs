//! Shell completion: the names of existing resources, for the words typed so far.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::{Args as _, Command, FromArgMatches as _};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use serde_json::Value;

use crate::connection::Global;
use crate::failure::Failure;
use crate::noun::{INSTANCE, NOTEBOOK, Noun, status};
use crate::output;
use crate::session::{Session, identity};
use crate::text;

/// The variable that a shell's script sets to request completions.
pub(crate) const VARIABLE: &str = "MODELARTS_COMPLETE";

/// The timeout of a completion.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The maximum number of candidates.
const MOST: usize = 500;

/// Returns the candidates for an argument that names a resource of this kind.
pub(crate) fn names_of(noun: &'static Noun) -> ArgValueCandidates {
    ArgValueCandidates::new(move || candidates(noun, &typed()))
}

/// Returns the candidates for an argument of commands that exist for both generations.
pub(crate) fn names_of_either() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let words = typed();
        let noun = match words.iter().any(|word| word == INSTANCE.name) {
            true => &INSTANCE,
            false => &NOTEBOOK,
        };
        candidates(noun, &words)
    })
}

/// The words of the command line: after `--`, which the script of the shell puts before them, and the program.
fn typed() -> Vec<String> {
    let words = std::env::args().skip_while(|word| word != "--").skip(2);
    words.collect()
}

/// Fetches the candidates. Errors are ignored, since a completion cannot report them.
fn candidates(noun: &'static Noun, words: &[String]) -> Vec<CompletionCandidate> {
    output::silence();
    let found = global(words).and_then(|global| fetch(noun, global).ok());
    let items = found.unwrap_or_default();
    // A flavor has a name, too, but is referred to by its ID.
    let has_names = noun
        .columns
        .first()
        .is_some_and(|column| column.title == "NAME");
    let name = |item: &Value| {
        let name = item.get("name").and_then(Value::as_str);
        name.filter(|_| has_names).map(str::to_owned)
    };
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<_> = items
        .iter()
        .filter_map(name)
        .filter(|name| !seen.insert(name.clone()))
        .collect();
    items
        .iter()
        .map(|item| {
            let value = match name(item) {
                Some(name) if !twice.contains(&name) && name == text::one_line(&name) => name,
                _ => identity(item),
            };
            let help = status(item).map(|status| text::one_line(status).into());
            CompletionCandidate::new(value).help(help)
        })
        .collect()
}

fn fetch(noun: &'static Noun, global: Global) -> Result<Vec<Value>, Failure> {
    let global = global.with_profile()?.with_short_timeout(TIMEOUT);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let session = Session::start(&global).await?;
        Ok(session.list(noun.listing()?, Some(MOST)).await?.items)
    })
}

/// Parses the global flags among the words.
fn global(words: &[String]) -> Option<Global> {
    let command = Global::augment_args(Command::new("modelarts").no_binary_name(true));
    let takes_value = |word: &str| {
        let argument = command.get_arguments().find(|argument| {
            let long = word.strip_prefix("--");
            let short = word
                .strip_prefix('-')
                .filter(|short| short.chars().count() == 1);
            (long.is_some() && argument.get_long() == long)
                || (short.is_some()
                    && argument.get_short() == short.and_then(|short| short.chars().next()))
        })?;
        Some(argument.get_action().takes_values())
    };
    let mut flags = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.split('=').next().unwrap_or_default();
        match takes_value(name) {
            None => {}
            Some(true) if name == word => {
                flags.push(word.clone());
                flags.extend(words.next().cloned());
            }
            Some(_) => flags.push(word.clone()),
        }
    }
    let matches = command.try_get_matches_from(flags).ok()?;
    Global::from_arg_matches(&matches).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_parsed_from_the_words() {
        let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
        let of = |line: &str| global(&words(line));
        let found =
            of("notebook stop --emulator --project-id p --older-than 8h --endpoint=http://h tr");
        let connection = found.unwrap().connection;
        assert!(connection.emulator);
        assert_eq!(connection.project_id.as_deref(), Some("p"));
        // An incomplete command line must not print an error on the terminal.
        assert!(of("notebook stop --timeout").is_none());
        assert!(!of("notebook show x").unwrap().connection.emulator);
    }
}
