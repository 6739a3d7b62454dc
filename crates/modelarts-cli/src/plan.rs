//! The plan that brings notebooks to the state described by a file.

use std::collections::BTreeMap;

use modelarts::devenviron::enums::{EndpointService, LeaseType, NotebookStatus};
use modelarts::devenviron::types::Notebook;
use modelarts::{AutoStop, NotebookExt as _, OpenEnum as _};
use modelarts_client::Phase;
use serde_json::{Value, json};

use crate::lease::Stop;
use crate::manifest::{Desired, State};
use crate::noun::status;
use crate::text;

/// The step for one notebook: its current state, its desired state, and the changes between them.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) name: String,
    /// The ID, if the notebook exists.
    pub(crate) id: Option<String>,
    pub(crate) changes: Vec<Change>,
    pub(crate) desired: Option<Desired>,
    /// The notebook as reported by the service.
    pub(crate) current: Option<Value>,
    /// ID of the desired image.
    pub(crate) image: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Update,
    Delete,
    Nothing,
}

impl Action {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Nothing => "nothing",
        }
    }
}

/// A field whose value changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) field: &'static str,
    /// The previous value, if there is one.
    pub(crate) from: Option<String>,
    pub(crate) to: String,
}

impl Change {
    fn new(field: &'static str, from: Option<String>, to: impl Into<String>) -> Self {
        Self {
            field,
            from,
            to: to.into(),
        }
    }
}

impl Step {
    /// Plans to create a notebook. The error lists what is required but missing in the file.
    pub(crate) fn create(desired: Desired, image: Option<String>) -> Result<Self, String> {
        let missing: Vec<_> = [
            ("flavor", desired.flavor.is_none()),
            ("image", desired.image.is_none()),
        ]
        .iter()
        .filter(|(_, is_missing)| *is_missing)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
        if !missing.is_empty() {
            return Err(format!(
                "{}: `{}` does not exist, and creating it requires {}",
                desired.place,
                desired.name,
                missing.join(" and ")
            ));
        }
        let mut changes = Vec::new();
        let mut add = |field, to: Option<String>| {
            changes.extend(to.map(|to| Change::new(field, None, to)));
        };
        add("flavor", desired.flavor.clone());
        add("image", desired.image.clone());
        let volume = desired.volume.as_ref();
        add(
            "volume",
            volume.and_then(|v| v.size).map(|size| format!("{size} GB")),
        );
        add("auto_stop", desired.auto_stop.map(|stop| stop.to_string()));
        add("description", desired.description.clone());
        add("tags", desired.tags.as_ref().map(listed));
        add(
            "key_pairs",
            desired.key_pairs.as_ref().map(|pairs| pairs.join(", ")),
        );
        add(
            "allowed_ips",
            desired.allowed_ips.as_ref().map(|ips| ips.join(", ")),
        );
        add("workspace", desired.workspace.clone());
        add("pool", desired.pool.clone());
        add("state", desired.state.map(|state| state.word().to_owned()));
        Ok(Self {
            action: Action::Create,
            name: desired.name.clone(),
            id: None,
            changes,
            desired: Some(desired),
            current: None,
            image,
        })
    }

    /// Plans to update an existing notebook. The error lists the differences that can never be changed.
    pub(crate) fn update(
        desired: Desired,
        current: Value,
        image: Option<String>,
    ) -> Result<Self, Vec<String>> {
        let text = |pointer: &str| current.pointer(pointer).and_then(Value::as_str);
        let mut changes = Vec::new();
        let mut fixed = Vec::new();
        if let Some(flavor) = &desired.flavor
            && text("/flavor") != Some(flavor)
        {
            changes.push(Change::new(
                "flavor",
                text("/flavor").map(str::to_owned),
                flavor,
            ));
        }
        if let Some(id) = &image
            && text("/image/id") != Some(id)
        {
            let from = text("/image/name").or(text("/image/id")).map(str::to_owned);
            changes.push(Change::new(
                "image",
                from,
                desired.image.clone().unwrap_or_default(),
            ));
        }
        if let Some(description) = &desired.description
            && text("/description").unwrap_or_default() != description
        {
            let from = text("/description").filter(|text| !text.is_empty());
            changes.push(Change::new(
                "description",
                from.map(str::to_owned),
                description,
            ));
        }
        volume(&desired, &current, &mut changes, &mut fixed);
        for (field, pointer, wanted) in [
            ("workspace", "/workspace_id", &desired.workspace),
            ("pool", "/pool/id", &desired.pool),
        ] {
            if let Some(wanted) = wanted
                && text(pointer) != Some(wanted)
            {
                fixed.push(unchangeable(field, text(pointer).unwrap_or("none")));
            }
        }
        access(&desired, &current, &mut changes, &mut fixed);
        if let Some(wanted) = &desired.tags {
            let present = tags_of(&current);
            if present != *wanted {
                let from = (!present.is_empty()).then(|| listed(&present));
                changes.push(Change::new("tags", from, listed(wanted)));
            }
        }
        stop(&desired, &current, &mut changes);
        if let Some(state) = desired.state
            && !is_or_becomes(&current, state)
        {
            let from = status(&current).map(str::to_owned);
            changes.push(Change::new("state", from, state.word()));
        }
        if !fixed.is_empty() {
            let problem = |problem| {
                format!(
                    "{}: `{}`: {problem}; create a new notebook instead",
                    desired.place, desired.name
                )
            };
            return Err(fixed.into_iter().map(problem).collect());
        }
        Ok(Self {
            action: match changes.is_empty() {
                true => Action::Nothing,
                false => Action::Update,
            },
            name: desired.name.clone(),
            id: text("/id").map(str::to_owned),
            changes,
            image,
            desired: Some(desired),
            current: Some(current),
        })
    }

    /// Plans to delete a notebook that no file describes any more.
    pub(crate) fn delete(current: Value) -> Self {
        let text = |key: &str| current.get(key).and_then(Value::as_str).map(str::to_owned);
        Self {
            action: Action::Delete,
            name: text("name").unwrap_or_default(),
            id: text("id"),
            changes: Vec::new(),
            desired: None,
            image: None,
            current: Some(current),
        }
    }

    pub(crate) fn changes(&self, field: &str) -> bool {
        self.changes.iter().any(|change| change.field == field)
    }

    /// Whether the notebook has to be stopped first.
    pub(crate) fn needs_stop(&self) -> bool {
        let needs = ["flavor", "image", "allowed_ips"];
        let is_up = self
            .current
            .as_ref()
            .is_some_and(|current| !is_or_becomes(current, State::Stopped));
        is_up && needs.iter().any(|field| self.changes(field))
    }

    /// Returns the automatic stop from its next start on: that of the file, or else the current one.
    pub(crate) fn stop(&self) -> Option<Stop> {
        let desired = self.desired.as_ref().and_then(|desired| desired.auto_stop);
        desired.or_else(|| current_stop(self.current.as_ref()?))
    }

    /// Formats the step for programs.
    pub(crate) fn json(&self) -> Value {
        let changes: Vec<_> = self
            .changes
            .iter()
            .map(|change| json!({"field": change.field, "from": change.from, "to": change.to}))
            .collect();
        json!({
            "name": self.name,
            "id": self.id,
            "action": self.action.word(),
            "changes": changes,
        })
    }

    /// Formats the step as rows of a table for programs: one for each change, and at least one.
    pub(crate) fn rows(&self) -> Vec<Value> {
        let Value::Object(step) = self.json() else {
            return Vec::new();
        };
        let changes = step.get("changes").and_then(Value::as_array).cloned();
        let changes = changes.filter(|changes| !changes.is_empty());
        let row = |change: Value| {
            let mut row = step.clone();
            row.extend(change.as_object().cloned().unwrap_or_default());
            Value::Object(row)
        };
        let changes = changes.unwrap_or_else(|| vec![Value::Null]);
        changes.into_iter().map(row).collect()
    }

    /// Formats the step for people: a line, and one more for each change.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mark = match self.action {
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
            Action::Nothing => return Vec::new(),
        };
        let id = self
            .id
            .as_ref()
            .map_or_else(String::new, |id| format!(" ({id})"));
        let mut lines = vec![format!(
            "{mark} {} {}{id}",
            self.action.word(),
            text::one_line(&self.name)
        )];
        let width = self.changes.iter().map(|change| change.field.len()).max();
        for change in &self.changes {
            let values = match &change.from {
                Some(from) => format!("{from} -> {}", change.to),
                None => change.to.clone(),
            };
            lines.push(format!(
                "    {:width$}  {}",
                change.field,
                text::one_line(&values),
                width = width.unwrap_or_default()
            ));
        }
        if self.needs_stop() {
            lines.push("    (the notebook is stopped for this change)".to_owned());
        }
        lines
    }
}

fn unchangeable(field: &str, present: &str) -> String {
    format!("`{field}` is {present} and cannot be changed")
}

fn volume(desired: &Desired, current: &Value, changes: &mut Vec<Change>, fixed: &mut Vec<String>) {
    let Some(wanted) = &desired.volume else {
        return;
    };
    let text = |pointer: &str| current.pointer(pointer).and_then(Value::as_str);
    for (field, pointer, wanted) in [
        ("volume.category", "/volume/category", &wanted.category),
        ("volume.uri", "/volume/uri", &wanted.uri),
    ] {
        if let Some(wanted) = wanted
            && text(pointer) != Some(wanted)
        {
            fixed.push(unchangeable(field, text(pointer).unwrap_or("none")));
        }
    }
    let size = current.pointer("/volume/capacity").and_then(Value::as_i64);
    match (wanted.size, size) {
        (Some(wanted), Some(size)) if wanted < size => {
            fixed.push(format!("`volume` is {size} GB and can only grow"));
        }
        (Some(wanted), size) if size != Some(wanted) => {
            let from = size.map(|size| format!("{size} GB"));
            changes.push(Change::new("volume", from, format!("{wanted} GB")));
        }
        _ => {}
    }
}

/// Compares the access by SSH.
fn access(desired: &Desired, current: &Value, changes: &mut Vec<Change>, fixed: &mut Vec<String>) {
    let endpoints = current.get("endpoints").and_then(Value::as_array);
    let endpoint = endpoints.into_iter().flatten().find(|endpoint| {
        let service = endpoint.get("service").or(endpoint.get("dev_service"));
        service.and_then(Value::as_str) == Some(EndpointService::Ssh.as_str())
    });
    let texts = |name: &str| -> Vec<String> {
        let list = endpoint.and_then(|endpoint| endpoint.get(name)?.as_array());
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let same = |a: &[String], b: &[String]| a.len() == b.len() && a.iter().all(|x| b.contains(x));
    if let Some(wanted) = &desired.key_pairs {
        let mut present = texts("ssh_keys");
        if present.is_empty() {
            present = texts("key_pair_names");
        }
        if !same(wanted, &present) {
            let present = match present.is_empty() {
                true => "empty".to_owned(),
                false => present.join(", "),
            };
            fixed.push(unchangeable("key_pairs", &present));
        }
    }
    if let Some(wanted) = &desired.allowed_ips {
        let present = texts("allowed_access_ips");
        if !same(wanted, &present) {
            let from = (!present.is_empty()).then(|| present.join(", "));
            changes.push(Change::new("allowed_ips", from, wanted.join(", ")));
        }
    }
}

/// Compares the automatic stop. Only a running notebook has a lease that can be renewed.
fn stop(desired: &Desired, current: &Value, changes: &mut Vec<Change>) {
    let Some(wanted) = desired.auto_stop else {
        return;
    };
    if !is_or_becomes(current, State::Running) || desired.state == Some(State::Stopped) {
        return;
    }
    let present = current_stop(current);
    if !present.is_some_and(|present| is_same(present, wanted)) {
        let from = present.map(|stop| stop.to_string());
        changes.push(Change::new("auto_stop", from, wanted.to_string()));
    }
}

/// Whether two automatic stops are the same; the duration that the service reports can differ slightly from the one
/// sent.
fn is_same(a: Stop, b: Stop) -> bool {
    const TOLERANCE: u64 = 60;
    match (a, b) {
        (Stop::Off, Stop::Off) => true,
        (Stop::After(a), Stop::After(b)) | (Stop::Idle(a), Stop::Idle(b)) => {
            a.as_secs().abs_diff(b.as_secs()) <= TOLERANCE
        }
        _ => false,
    }
}

fn current_stop(current: &Value) -> Option<Stop> {
    let notebook: Notebook = serde_json::from_value(current.clone()).ok()?;
    let kind = current.pointer("/lease/type").and_then(Value::as_str);
    let is_idle = kind.is_some_and(|kind| LeaseType::from_text(kind) == LeaseType::Idle);
    Some(match notebook.auto_stop()? {
        AutoStop::Off => Stop::Off,
        AutoStop::After(time) if is_idle => Stop::Idle(time),
        AutoStop::After(time) => Stop::After(time),
    })
}

fn of_status(current: &Value) -> NotebookStatus {
    NotebookStatus::from_text(status(current).unwrap_or_default())
}

/// Whether the notebook is in this state, or in a transition to it.
pub(crate) fn is_or_becomes(current: &Value, state: State) -> bool {
    use modelarts_client::Action::{Start, Stop};
    let phase = of_status(current).phase();
    match state {
        // Any transition with the same end as a start leads there as well.
        State::Running => match phase {
            Phase::Transient(actions) => actions
                .iter()
                .any(|action| NotebookStatus::Running.phase().is_end_of(*action)),
            settled => settled.is_end_of(Start),
        },
        State::Stopped => phase.is_end_of(Stop) || phase.is_under_way(Stop),
    }
}

/// Whether a transition is in progress, which has to end before anything else can start.
pub(crate) fn is_transient(current: &Value) -> bool {
    of_status(current).is_transient()
}

/// Whether the notebook is gone, or being deleted.
pub(crate) fn is_going(current: &Value) -> bool {
    matches!(of_status(current).phase(), Phase::Gone | Phase::Ending(_))
}

pub(crate) fn tags_of(current: &Value) -> BTreeMap<String, String> {
    let tags = current.get("tags").and_then(Value::as_array);
    let text = |tag: &Value, key: &str| tag.get(key).and_then(Value::as_str).map(str::to_owned);
    tags.into_iter()
        .flatten()
        .filter_map(|tag| Some((text(tag, "key")?, text(tag, "value").unwrap_or_default())))
        .collect()
}

fn listed(tags: &BTreeMap<String, String>) -> String {
    let pairs: Vec<_> = tags
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    match pairs.is_empty() {
        true => "none".to_owned(),
        false => pairs.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;

    fn desired(yaml: &str) -> Desired {
        manifest::read("n.yaml", yaml).unwrap().remove(0)
    }

    fn running() -> Value {
        json!({
            "id": "1", "name": "a", "status": "RUNNING", "flavor": "f", "workspace_id": "0",
            "image": {"id": "i", "name": "pytorch"}, "volume": {"category": "EVS", "capacity": 50},
            "lease": {"create_at": 1000, "update_at": 11_000, "duration": 28_810_000, "enable": true, "type": "TIMING"},
            "tags": [{"key": "team", "value": "nlp"}],
        })
    }

    fn fields(yaml: &str, current: Value) -> Vec<&'static str> {
        let step = Step::update(desired(yaml), current, None).unwrap();
        step.changes.iter().map(|change| change.field).collect()
    }

    #[test]
    fn a_notebook_that_matches_is_not_changed() {
        let whole = "name: a\nflavor: f\nvolume: 50GB\nauto_stop: 8h\ntags: {team: nlp}\nstate: running\ndescription: ''\n";
        assert_eq!(fields(whole, running()), [""; 0]);
        assert_eq!(fields("name: a\n", running()), [""; 0]);
        // A transition to the desired state is in progress.
        let mut starting = running();
        starting["status"] = json!("STARTING");
        assert_eq!(fields("name: a\nstate: running\n", starting), [""; 0]);
        // A stopped notebook gets its lease at its next start.
        let mut stopped = running();
        stopped["status"] = json!("STOPPED");
        assert_eq!(fields("name: a\nauto_stop: 2h\n", stopped), [""; 0]);
    }

    #[test]
    fn differences_are_changed() {
        assert_eq!(
            fields(
                "name: a\nflavor: g\nvolume: 100\nauto_stop: {idle: 8h}\ntags: {}\nstate: stopped\ndescription: d\n",
                running()
            ),
            ["flavor", "description", "volume", "tags", "state"]
        );
        assert_eq!(
            fields("name: a\nauto_stop: {idle: 8h}\n", running()),
            ["auto_stop"]
        );
        assert_eq!(
            fields("name: a\nauto_stop: off\n", running()),
            ["auto_stop"]
        );
        let step = Step::update(desired("name: a\nflavor: g\n"), running(), None).unwrap();
        assert!(step.needs_stop());
        assert_eq!(
            step.stop(),
            Some(Stop::After(std::time::Duration::from_secs(28_800)))
        );
    }

    #[test]
    fn unchangeable_differences_are_errors_with_their_place() {
        let wrong = |yaml: &str| Step::update(desired(yaml), running(), None).unwrap_err();
        let refused = wrong("name: a\nvolume: 5GB\nworkspace: '7'\nkey_pairs: [k]\n");
        assert_eq!(refused.len(), 3, "{refused:?}");
        for problem in &refused {
            assert!(problem.starts_with("n.yaml:1: "), "{problem}");
        }
        let create = |yaml: &str| Step::create(desired(yaml), None).unwrap_err();
        assert!(create("name: b\n").contains("requires `flavor` and `image`"));
    }
}
