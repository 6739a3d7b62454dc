//! The current state of a notebook, from the JSON that the service reports.

use std::collections::BTreeMap;

use modelarts::devenviron::enums::{LeaseType, NotebookStatus};
use modelarts::devenviron::types::Notebook;
use modelarts::{AutoStop, NotebookExt as _, OpenEnum as _};
use modelarts_client::Phase;
use serde_json::Value;

use crate::lease::Stop;
use crate::manifest::State;
use crate::noun::status;

fn notebook_status(current: &Value) -> NotebookStatus {
    NotebookStatus::from_text(status(current).unwrap_or_default())
}

/// Whether the notebook is in this state, or in a transition to it.
pub(crate) fn is_or_becomes(current: &Value, state: State) -> bool {
    use modelarts_client::Action::{Start, Stop};
    let phase = notebook_status(current).phase();
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
    notebook_status(current).is_transient()
}

/// Whether the notebook is gone, or being deleted.
pub(crate) fn is_going(current: &Value) -> bool {
    matches!(
        notebook_status(current).phase(),
        Phase::Gone | Phase::Ending(_)
    )
}

/// Returns the tags of the notebook.
pub(crate) fn tags_of(current: &Value) -> BTreeMap<String, String> {
    let tags = current.get("tags").and_then(Value::as_array);
    let text = |tag: &Value, key: &str| tag.get(key).and_then(Value::as_str).map(str::to_owned);
    tags.into_iter()
        .flatten()
        .filter_map(|tag| Some((text(tag, "key")?, text(tag, "value").unwrap_or_default())))
        .collect()
}

/// Returns the automatic stop of the notebook.
pub(super) fn auto_stop(current: &Value) -> Option<Stop> {
    let notebook: Notebook = serde_json::from_value(current.clone()).ok()?;
    let kind = current.pointer("/lease/type").and_then(Value::as_str);
    let is_idle = kind.is_some_and(|kind| LeaseType::from_text(kind) == LeaseType::Idle);
    Some(match notebook.auto_stop()? {
        AutoStop::Off => Stop::Off,
        AutoStop::After(time) if is_idle => Stop::Idle(time),
        AutoStop::After(time) => Stop::After(time),
    })
}
