//! The plan that brings notebooks to the state described by a file.

use serde_json::Value;

use self::change::{Change, tag_list};
use self::differences::Differences;
use crate::lease::Stop;
use crate::manifest::{Desired, State};

pub(crate) use current::{is_going, is_or_becomes, is_transient, tags_of};

mod change;
mod current;
mod differences;
mod display;

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
        add("tags", desired.tags.as_ref().map(tag_list));
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

    /// Plans to update an existing notebook. The error lists the differences that cannot be changed.
    pub(crate) fn update(
        desired: Desired,
        current: Value,
        image: Option<String>,
    ) -> Result<Self, Vec<String>> {
        let found = Differences::find(&desired, &current, image.as_deref());
        let (changes, unchangeable) = (found.changes, found.unchangeable);
        if !unchangeable.is_empty() {
            let problem = |problem| {
                format!(
                    "{}: `{}`: {problem}; create a new notebook instead",
                    desired.place, desired.name
                )
            };
            return Err(unchangeable.into_iter().map(problem).collect());
        }
        let id = current.get("id").and_then(Value::as_str);
        Ok(Self {
            action: match changes.is_empty() {
                true => Action::Nothing,
                false => Action::Update,
            },
            name: desired.name.clone(),
            id: id.map(str::to_owned),
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
        desired.or_else(|| current::auto_stop(self.current.as_ref()?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
