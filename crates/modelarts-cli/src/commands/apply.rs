//! `modelarts apply` and `modelarts diff`: notebooks as files describe them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, ValueHint};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::{auto_stop_notice, ssh_body, volume_body};
use crate::bulk::Filter;
use crate::confirm::{Care, confirm};
use crate::exchange::Request;
use crate::failure::{Exit, Failure};
use crate::lease::{self, Stop};
use crate::lifecycle::{Generation, Target};
use crate::manifest::{self, Desired, State};
use crate::noun::{IMAGE, NOTEBOOK};
use crate::output::{self, Format};
use crate::plan::{self, Action, Step};
use crate::session::{Session, identity};
use crate::waiting::Wait;

const FORMAT_HELP: &str = "\
A file has a YAML document for each notebook, which goes by its name. What a document leaves out stays as it is:

  name: train-bert
  flavor: modelarts.vm.cpu.2u
  image: pytorch-nlp               # name or ID
  volume: 50GB                     # or {category: EFS, uri: ...}
  auto_stop: 8h                    # or off, or {idle: 2h}
  description: Fine-tuning
  tags: {team: nlp, stage: dev}    # all that it shall have
  state: running                   # or stopped
  key_pairs: [bert]                # also allowed_ips, workspace, pool

A notebook that has to stop for a change of flavor, image or allowed_ips is started again afterwards.";

/// Which files, and what else they are responsible for.
#[derive(Args)]
struct Source {
    /// File with the notebooks, or - for standard input; may be repeated
    #[arg(short, long = "file", value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    file: Vec<PathBuf>,
    /// Delete the notebooks of the selection that no file describes
    #[arg(long, requires = "selector")]
    prune: bool,
    /// The selection for --prune: name=team-a-*,tags.managed-by=ci
    #[arg(short = 'l', long, value_name = "FIELD=VALUE,...", value_delimiter = ',', value_parser = crate::bulk::pair, requires = "prune")]
    selector: Vec<(String, String)>,
}

/// Create and change notebooks so that they match files
#[derive(Args)]
#[command(
    after_help = "Example: modelarts apply -f notebooks.yaml --dry-run",
    after_long_help = FORMAT_HELP.to_owned() + "\n\nExample: modelarts apply -f notebooks.yaml --prune -l tags.managed-by=ci --yes"
)]
pub(crate) struct Apply {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    care: Care,
    #[command(flatten)]
    wait: Wait,
}

/// Show what apply would change
#[derive(Args)]
#[command(
    after_help = "Example: modelarts diff -f notebooks.yaml --exit-code",
    after_long_help = FORMAT_HELP.to_owned() + "\n\nExample: modelarts diff -f notebooks.yaml --exit-code"
)]
pub(crate) struct Diff {
    #[command(flatten)]
    source: Source,
    /// End with 11 when there are differences
    #[arg(long)]
    exit_code: bool,
}

impl Source {
    fn read(&self) -> Result<Vec<Desired>, Failure> {
        let mut desired: Vec<Desired> = Vec::new();
        let mut problems = Vec::new();
        for file in &self.file {
            let (name, yaml) = load(file).map_err(Failure::usage)?;
            match manifest::read(&name, &yaml) {
                Ok(found) => {
                    for one in found {
                        match desired.iter().find(|other| other.name == one.name) {
                            Some(other) => problems.push(format!(
                                "{}: `{}` is described already, at {}",
                                one.place, one.name, other.place
                            )),
                            None => desired.push(one),
                        }
                    }
                }
                Err(found) => problems.extend(found),
            }
        }
        refuse(problems)?;
        if desired.is_empty() && !self.prune {
            return Err(Failure::new(Exit::Usage, "the files describe no notebook"));
        }
        if self.prune
            && self
                .selector
                .iter()
                .all(|(_, pattern)| pattern.trim_matches('*').is_empty())
        {
            return Err(Failure::new(
                Exit::Usage,
                "--prune: the selection takes every notebook; narrow it, as by -l tags.managed-by=ci",
            ));
        }
        Ok(desired)
    }

    /// What has to be done.
    async fn plan(&self, session: &Session) -> Result<Vec<Step>, Failure> {
        let desired = self.read()?;
        let mut images: BTreeMap<String, String> = BTreeMap::new();
        for one in &desired {
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
        refuse(problems)?;
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

/// The name of a file in messages, and what is in it.
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

/// Everything that is wrong, before anything is done.
fn refuse(problems: Vec<String>) -> Result<(), Failure> {
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

/// `1 to create, 2 to update`.
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
        same if parts.is_empty() => format!("nothing to do: {same} as described"),
        same => format!("{}, {same} as described", parts.join(", ")),
    }
}

impl Diff {
    pub(crate) async fn run(&self, session: &Session) -> Result<(), Failure> {
        let steps = self.source.plan(session).await?;
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

/// A plan on standard output.
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
        // One line for each change.
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
    pub(crate) async fn run(&self, session: &Session) -> Result<(), Failure> {
        let steps = self.source.plan(session).await?;
        if self.care.dry_run {
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
        match self.care.yes {
            true => lines.iter().for_each(|line| output::note(line)),
            false => confirm(&format!("apply: {}", summary(&steps)), &lines)?,
        }
        // What is not wanted any more goes last, and only if all else has succeeded.
        let (last, first): (Vec<_>, Vec<_>) = steps
            .into_iter()
            .partition(|step| step.action == Action::Delete);
        let mut outcomes = self.execute(session, first).await;
        if outcomes.iter().all(|(_, outcome)| outcome.is_ok()) {
            outcomes.extend(self.execute(session, last).await);
        } else if !last.is_empty() {
            output::note("nothing is deleted, since not all else has succeeded");
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
            .buffered(self.care.concurrency())
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
            (Format::Table, None) => output::line(&format!("{name}  {}", done(step.action)))?,
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

fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Delete => "deleted",
        Action::Nothing => "unchanged",
    }
}

/// The way from one state to the other.
struct Execution<'a> {
    session: &'a Session,
    wait: &'a Wait,
}

impl Execution<'_> {
    async fn create(&self, step: &mut Step) -> Result<(), Failure> {
        let Some(desired) = step.desired.clone() else {
            return Ok(());
        };
        let endpoints = desired
            .key_pairs
            .as_deref()
            .map(|pairs| ssh_body(Some(pairs), desired.allowed_ips.as_deref()));
        let volume = desired.volume.clone().unwrap_or_default();
        let request = Request::of("createNotebook")?.body(json!({
            "name": desired.name,
            "flavor": desired.flavor,
            "image_id": step.image,
            "description": desired.description,
            "endpoints": endpoints,
            "pool_id": desired.pool,
            "workspace_id": desired.workspace,
            "lease": desired.auto_stop.map(Stop::body).transpose()?,
            "volume": volume_body(volume.category.as_deref(), volume.size, volume.uri.as_deref()),
        }));
        let created = self.session.send(request).await?.unwrap_or_default();
        let id = identity(&created);
        step.id = Some(id.clone());
        if desired.auto_stop.is_none() {
            output::note(&format!(
                "{}: {}",
                crate::text::one_line(&desired.name),
                auto_stop_notice(&created, "`auto_stop`")
            ));
        }
        if let Some(tags) = desired.tags.as_ref().filter(|tags| !tags.is_empty()) {
            self.session
                .client
                .notebooks()
                .add_tags(&id, tags.clone())
                .await?;
        }
        match desired.state {
            // It can only be stopped once it runs.
            Some(State::Stopped) => {
                self.reach(step, &id, Target::Running).await?;
                self.stop(step, &id).await
            }
            _ if self.wait.wait => self.reach(step, &id, Target::Running).await,
            _ => Ok(()),
        }
    }

    async fn update(&self, step: &Step) -> Result<(), Failure> {
        let (Some(desired), Some(current), Some(id)) = (&step.desired, &step.current, &step.id)
        else {
            return Ok(());
        };
        let needs_stop = step.needs_stop();
        let was_up = needs_stop && desired.state != Some(State::Stopped);
        if needs_stop {
            self.ensure(step, id, Target::Stopped).await?;
        } else if plan::is_transient(current) {
            // What is under way has to end first.
            let target = match plan::is_or_becomes(current, State::Stopped) {
                true => Target::Stopped,
                false => Target::Running,
            };
            self.reach(step, id, target).await?;
        }
        self.change(step, desired, id).await?;
        if step.changes("tags") {
            self.tag(desired, current, id).await?;
        }
        if was_up || (step.changes("state") && desired.state == Some(State::Running)) {
            self.start(step, id).await?;
        } else if step.changes("state") && !needs_stop {
            self.stop(step, id).await?;
        } else if step.changes("auto_stop")
            && let Some(stop) = desired.auto_stop
        {
            lease::renew(self.session, id, stop).await?;
        }
        Ok(())
    }

    /// What one request changes.
    async fn change(&self, step: &Step, desired: &Desired, id: &str) -> Result<(), Failure> {
        let when = |field: &str, value: Value| match step.changes(field) {
            true => value,
            false => Value::Null,
        };
        let endpoints = ssh_body(None, desired.allowed_ips.as_deref());
        let request = Request::of("updateNotebook")?.path("id", id).body(json!({
            "description": when("description", json!(desired.description)),
            "flavor": when("flavor", json!(desired.flavor)),
            "image_id": when("image", json!(step.image)),
            "storage_new_size": when("volume", json!(desired.volume.as_ref().and_then(|v| v.size))),
            "endpoints": when("allowed_ips", endpoints),
        }));
        if request.body != Some(json!({})) {
            self.session.send(request).await?;
        }
        Ok(())
    }

    async fn tag(&self, desired: &Desired, current: &Value, id: &str) -> Result<(), Failure> {
        let wanted = desired.tags.clone().unwrap_or_default();
        let present = plan::tags_of(current);
        let notebooks = self.session.client.notebooks();
        let gone: Vec<_> = present
            .keys()
            .filter(|key| !wanted.contains_key(*key))
            .collect();
        if !gone.is_empty() {
            notebooks.remove_tags(id, gone).await?;
        }
        let new: Vec<_> = wanted
            .into_iter()
            .filter(|(key, value)| present.get(key) != Some(value))
            .collect();
        if !new.is_empty() {
            notebooks.add_tags(id, new).await?;
        }
        Ok(())
    }

    async fn start(&self, step: &Step, id: &str) -> Result<(), Failure> {
        lease::start(self.session, id, &step.name, step.stop(), self.wait).await?;
        Ok(())
    }

    async fn stop(&self, step: &Step, id: &str) -> Result<(), Failure> {
        let request = Request::of("stopNotebook")?.path("id", id);
        self.session.send(request).await?;
        match self.wait.wait {
            true => self.reach(step, id, Target::Stopped).await,
            false => Ok(()),
        }
    }

    async fn delete(&self, step: &Step) -> Result<(), Failure> {
        let Some(id) = &step.id else { return Ok(()) };
        let request = Request::of("deleteNotebook")?.path("id", id);
        self.session.send(request).await?;
        match self.wait.wait {
            true => self.reach(step, id, Target::Deleted).await,
            false => Ok(()),
        }
    }

    /// Waits for what is under way.
    async fn reach(&self, step: &Step, id: &str, target: Target) -> Result<(), Failure> {
        let what = format!("notebook {}", step.name);
        let interval = self.wait.interval.interval;
        Generation::Notebook
            .wait(self.session, id, &what, target, interval)
            .await?;
        Ok(())
    }

    /// Does whatever leads to a state.
    async fn ensure(&self, step: &Step, id: &str, target: Target) -> Result<(), Failure> {
        let what = format!("notebook {}", step.name);
        let policy = self.session.policy(self.wait.interval.interval);
        Generation::Notebook
            .ensure(self.session, id, &what, target, policy)
            .await?;
        Ok(())
    }
}
