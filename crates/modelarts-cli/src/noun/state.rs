//! The state of a notebook or an instance, from its JSON.

use modelarts::devenviron::enums::NotebookStatus;
use modelarts::devenviron::types::{DevEnvInstance, Notebook};
use modelarts::{InstanceExt as _, NotebookExt as _, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(super) fn typed<T: DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}

pub(crate) fn status(value: &Value) -> Option<&str> {
    value.get("status").and_then(Value::as_str)
}

pub(crate) fn is_running(value: &Value) -> bool {
    status(value)
        .is_some_and(|status| status.eq_ignore_ascii_case(NotebookStatus::Running.as_str()))
}

/// Returns a time since which the resource, of either generation, has certainly been running, if the response has
/// one.
pub(crate) fn running_since(value: &Value) -> Option<Timestamp> {
    match value.get("creation_timestamp") {
        Some(_) => typed::<DevEnvInstance>(value)?.running_since(),
        None => typed::<Notebook>(value)?.running_since(),
    }
}

/// Whether its automatic stop is disabled.
pub(crate) fn has_no_auto_stop(value: &Value) -> bool {
    is_off(value, "/lease/enable") || is_off(value, "/spec/auto_stop/enable")
}

pub(super) fn is_off(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer) == Some(&Value::Bool(false))
}
