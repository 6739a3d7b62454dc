//! `modelarts apply` and `modelarts diff`: make notebooks match the files that describe them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueHint};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::execution::Execution;
use crate::bulk::{Filter, check_selector};
use crate::confirm::{BulkOptions, confirm};
use crate::failure::{Exit, Failure};
use crate::manifest::{self, Desired};
use crate::noun::{IMAGE, NOTEBOOK};
use crate::output::{self, Format};
use crate::plan::{self, Action, Step};
use crate::session::{Session, identity};
use crate::waiting::Wait;

const FORMAT_HELP: &str = "\
A file contains one YAML document per notebook. Notebooks are identified by name, and fields that a document omits are \
left unchanged:

  name: train-bert
  flavor: modelarts.vm.cpu.2u
  image: pytorch-nlp               # name or ID
  volume: 50GB                     # or {category: EFS, uri: ...}
  auto_stop: 8h                    # or off, or {idle: 2h}
  description: Fine-tuning
  tags: {team: nlp, stage: dev}    # the complete list of tags
  state: running                   # or stopped
  key_pairs: [bert]                # other fields: allowed_ips, workspace, pool

A running notebook is stopped to change its flavor, image or allowed_ips, and started again afterwards.";

/// The files, and the notebooks that `--prune` may delete.
#[derive(Args)]
struct Source {
    /// YAML file that describes notebooks, or - for standard input (repeatable)
    #[arg(short, long = "file", value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    file: Vec<PathBuf>,
    /// Delete notebooks that match --selector and are not described in any file
    #[arg(long, requires = "selector")]
    prune: bool,
    /// Selection for --prune, as in name=team-a-*,tags.managed-by=ci
    #[arg(short = 'l', long, value_name = "FIELD=VALUE,...", value_delimiter = ',', value_parser = crate::bulk::pair, requires = "prune")]
    selector: Vec<(String, String)>,
}

/// Create and update notebooks to match files
#[derive(Args)]
#[command(
    after_help = "Example: modelarts apply -f notebooks.yaml --dry-run",
    after_long_help = FORMAT_HELP.to_owned() + "\n\nExample: modelarts apply -f notebooks.yaml --prune -l tags.managed-by=ci --yes"
)]
pub(crate) struct Apply {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    options: BulkOptions,
    #[command(flatten)]
    wait: Wait,
}

/// Show what `modelarts apply` would change
#[derive(Args)]
#[command(
    after_help = "Example: modelarts diff -f notebooks.yaml --exit-code",
    after_long_help = FORMAT_HELP.to_owned() + "\n\nExample: modelarts diff -f notebooks.yaml --exit-code"
)]
pub(crate) struct Diff {
    #[command(flatten)]
    source: Source,
    /// Exit with code 11 if there are differences
    #[arg(long)]
    exit_code: bool,
}

impl Source {
    fn read(&self) -> Result<Vec<Desired>, Failure> {
        check_selector(&self.selector, &NOTEBOOK)?;
        let mut desired: Vec<Desired> = Vec::new();
        let mut problems = Vec::new();
        for file in &self.file {
            let (name, yaml) = load(file).map_err(Failure::usage)?;
            match manifest::read(&name, &yaml) {
                Ok(found) => {
                    for one in found {
                        match desired.iter().find(|other| other.name == one.name) {
                            Some(other) => problems.push(format!(
                                "{}: `{}` is already described at {}",
                                one.place, one.name, other.place
                            )),
                            None => desired.push(one),
                        }
                    }
                }
                Err(found) => problems.extend(found),
            }
        }
        fail_on(problems)?;
        if desired.is_empty() && !self.prune {
            return Err(Failure::new(Exit::Usage, "the files describe no notebooks"));
        }
        if self.prune
            && self
                .selector
                .iter()
                .all(|(_, pattern)| pattern.trim_matches('*').is_empty())
        {
            return Err(Failure::new(
                Exit::Usage,
                "--prune: the selection matches every notebook; narrow it, for example with -l tags.managed-by=ci",
            ));
        }
        Ok(desired)
    }

    /// Compares the files with the existing notebooks.
    async fn plan(&self, session: &Session, desired: Vec<Desired>) -> Result<Vec<Step>, Failure> {
        let images = resolve_images(session, &desired).await?;
        let mut present = session.list(NOTEBOOK.listing()?, None).await?.items;
        present.retain(|notebook| !plan::is_going(notebook));
        let mut steps = Vec::new();
        let mut problems = Vec::new();
        let named = |notebook: &Value, name: &str| {
            notebook.get("name").and_then(Value::as_str) == Some(name)
        };
        let names: Vec<_> = desired.iter().map(|one| one.name.clone()).collect();
        for one in desired {
            let image = one
                .image
                .as_ref()
                .and_then(|image| images.get(image).cloned());
            let found: Vec<_> = present
                .iter()
                .filter(|notebook| named(notebook, &one.name))
                .collect();
            match found.as_slice() {
                [] => match Step::create(one, image) {
                    Ok(step) => steps.push(step),
                    Err(problem) => problems.push(problem),
                },
                [notebook] => match Step::update(one, (*notebook).clone(), image) {
                    Ok(step) => steps.push(step),
                    Err(found) => problems.extend(found),
                },
                several => {
                    let ids: Vec<_> = several.iter().map(|notebook| identity(notebook)).collect();
                    problems.push(format!(
                        "{}: {} notebooks are named `{}`: {}",
                        one.place,
                        several.len(),
                        one.name,
                        ids.join(", ")
                    ));
                }
            }
        }
        fail_on(problems)?;
        if self.prune {
            let filter = Filter {
                selector: self.selector.clone(),
                ..Filter::default()
            };
            let foreign = present.into_iter().filter(|notebook| {
                filter.selects(notebook, session.now())
                    && !names.iter().any(|name| named(notebook, name))
            });
            steps.extend(foreign.map(Step::delete));
        }
        Ok(steps)
    }
}

/// Returns the IDs of all images that the files name.
async fn resolve_images(
    session: &Session,
    desired: &[Desired],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut images = BTreeMap::new();
    for one in desired {
        if let Some(image) = &one.image
            && !images.contains_key(image)
        {
            let id = session.resolve(&IMAGE, image).await.map_err(|failure| {
                let message = format!("{}: `image`: {}", one.place, failure.message());
                Failure::new(failure.exit(), message)
            })?;
            images.insert(image.clone(), id);
        }
    }
    Ok(images)
}

/// Returns the name of a file for messages, and its content.
fn load(file: &Path) -> anyhow::Result<(String, String)> {
    if file.as_os_str() == "-" {
        let mut yaml = String::new();
        std::io::stdin()
            .read_to_string(&mut yaml)
            .context("--file: reading standard input")?;
        return Ok(("standard input".to_owned(), yaml));
    }
    let name = file.display().to_string();
    let yaml = fs::read_to_string(file).with_context(|| format!("--file: reading {name}"))?;
    Ok((name, yaml))
}

/// Returns an error that lists all problems, if there are any.
fn fail_on(problems: Vec<String>) -> Result<(), Failure> {
    match problems.as_slice() {
        [] => Ok(()),
        [one] => Err(Failure::new(Exit::Usage, one)),
        several => Err(Failure::new(
            Exit::Usage,
            format!("{} problems:\n  {}", several.len(), several.join("\n  ")),
        )),
    }
}

fn is_change(step: &&Step) -> bool {
    step.action != Action::Nothing
}

/// Summarizes a plan: `1 to create, 2 to update`.
fn summary(steps: &[Step]) -> String {
    let count = |action| steps.iter().filter(|step| step.action == action).count();
    let parts: Vec<_> = [Action::Create, Action::Update, Action::Delete]
        .into_iter()
        .map(|action| (count(action), action.word()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} to {word}"))
        .collect();
    match count(Action::Nothing) {
        0 => parts.join(", "),
        same if parts.is_empty() => format!("nothing to do: {same} unchanged"),
        same => format!("{}, {same} unchanged", parts.join(", ")),
    }
}

impl Diff {
    /// Reads the files, before any request is sent.
    pub(crate) fn read(&self) -> Result<Vec<Desired>, Failure> {
        self.source.read()
    }

    pub(crate) async fn run(
        &self,
        session: &Session,
        desired: Vec<Desired>,
    ) -> Result<(), Failure> {
        let steps = self.source.plan(session, desired).await?;
        print(session, &steps)?;
        match self.exit_code && steps.iter().any(|step| is_change(&step)) {
            true => Err(Failure::new(Exit::Different, summary(&steps))),
            false => {
                output::note(&summary(&steps));
                Ok(())
            }
        }
    }
}

/// Prints a plan on standard output.
fn print(session: &Session, steps: &[Step]) -> Result<(), Failure> {
    match session.format() {
        Format::Table => steps
            .iter()
            .flat_map(Step::lines)
            .try_for_each(|line| output::line(&line))?,
        Format::Name => steps
            .iter()
            .filter(is_change)
            .try_for_each(|step| output::line(&crate::text::one_line(&step.name)))?,
        // One row per change.
        Format::Csv => {
            let titles = ["name", "id", "action", "field", "from", "to"];
            let rows: Vec<_> = steps.iter().flat_map(Step::rows).collect();
            output::rows(&Format::Csv, &titles, &rows)?;
        }
        other => output::data(&other, &steps.iter().map(Step::json).collect())?,
    }
    Ok(())
}

impl Apply {
    /// Reads the files, before any request is sent.
    pub(crate) fn read(&self) -> Result<Vec<Desired>, Failure> {
        self.source.read()
    }

    pub(crate) async fn run(
        &self,
        session: &Session,
        desired: Vec<Desired>,
    ) -> Result<(), Failure> {
        let steps = self.source.plan(session, desired).await?;
        if self.options.dry_run {
            print(session, &steps)?;
            output::note(&summary(&steps));
            return Ok(());
        }
        let is_table = session.format() == Format::Table;
        if !steps.iter().any(|step| is_change(&step)) {
            if !is_table {
                print(session, &steps)?;
            }
            output::note(&summary(&steps));
            return Ok(());
        }
        let lines: Vec<_> = steps.iter().flat_map(Step::lines).collect();
        match self.options.yes {
            true => lines.iter().for_each(|line| output::note(line)),
            false => confirm(&format!("apply the plan ({})", summary(&steps)), &lines)?,
        }
        // Deletions are last, and only happen if everything else succeeded.
        let (last, first): (Vec<_>, Vec<_>) = steps
            .into_iter()
            .partition(|step| step.action == Action::Delete);
        let mut outcomes = self.execute(session, first).await;
        if outcomes.iter().all(|(_, outcome)| outcome.is_ok()) {
            outcomes.extend(self.execute(session, last).await);
        } else if !last.is_empty() {
            output::note("nothing was deleted, because not all other changes succeeded");
        }
        report(session, outcomes)
    }

    async fn execute(
        &self,
        session: &Session,
        steps: Vec<Step>,
    ) -> Vec<(Step, Result<(), Failure>)> {
        let execution = Execution {
            session,
            wait: &self.wait,
        };
        let execution = &execution;
        futures::stream::iter(steps)
            .map(|mut step| async move {
                let outcome = match step.action {
                    Action::Create => execution.create(&mut step).await,
                    Action::Update => execution.update(&step).await,
                    Action::Delete => execution.delete(&step).await,
                    Action::Nothing => Ok(()),
                };
                (step, outcome)
            })
            .buffered(self.options.concurrency())
            .collect()
            .await
    }
}

fn report(session: &Session, outcomes: Vec<(Step, Result<(), Failure>)>) -> Result<(), Failure> {
    let format = session.format();
    let mut rows = Vec::new();
    for (step, outcome) in &outcomes {
        let error = outcome.as_ref().err().map(Failure::message);
        let name = crate::text::one_line(&step.name);
        match (&format, &error) {
            (Format::Table | Format::Name, Some(_)) if outcomes.len() == 1 => {}
            (Format::Table | Format::Name, Some(error)) => {
                output::note(&format!("{name}: {error}"));
            }
            (Format::Name, None) => output::line(step.id.as_deref().unwrap_or(&name))?,
            (Format::Table, None) => output::line(&format!("{name}  {}", past_tense(step.action)))?,
            _ => {
                let mut row = step.json();
                row["error"] = json!(error);
                rows.push(row);
            }
        }
    }
    if !matches!(format, Format::Table | Format::Name) {
        output::rows(&format, &["name", "id", "action", "error"], &rows)?;
    }
    let all = outcomes.len();
    let mut failures = outcomes
        .into_iter()
        .filter_map(|(_, outcome)| outcome.err());
    let Some(first) = failures.next() else {
        return Ok(());
    };
    match all {
        1 => Err(first),
        _ => Err(Failure::new(
            first.exit(),
            format!("{} of {all} failed", 1 + failures.count()),
        )),
    }
}

fn past_tense(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Delete => "deleted",
        Action::Nothing => "unchanged",
    }
}
