//! The cells of the columns, from the JSON of a resource.

use std::time::Duration;

use modelarts::devenviron::enums::{DevEnvInstanceStatus, ImageStatus, NotebookStatus};
use modelarts::devenviron::types::{DevEnvInstance, Notebook};
use modelarts::{InstanceExt as _, NotebookExt as _, OpenEnum as _, Timestamp};
use serde_json::Value;

use super::state::{is_off, is_running, running_since, status, typed};
use crate::output::cell::{Cell, Tone};
use crate::text;

/// Returns a member, formatted for people.
pub(super) fn at(value: &Value, pointer: &str) -> Cell {
    match value.pointer(pointer) {
        None | Some(Value::Null) => Cell::none(),
        Some(Value::String(text)) if text.is_empty() => Cell::none(),
        Some(Value::String(text)) => Cell::plain(text.clone()),
        Some(Value::Bool(yes)) => Cell::plain(if *yes { "yes" } else { "no" }),
        Some(other) => Cell::plain(other.to_string()),
    }
}

pub(super) fn list(value: &Value, pointer: &str) -> Cell {
    let items = value.pointer(pointer).and_then(Value::as_array);
    let items = items.into_iter().flatten();
    let texts: Vec<_> = items.filter_map(Value::as_str).collect();
    match texts.is_empty() {
        true => Cell::none(),
        false => Cell::plain(texts.join(", ")),
    }
}

/// Returns the tags of a notebook, as `key=value`.
pub(super) fn tags(value: &Value) -> Cell {
    let tags = value.get("tags").and_then(Value::as_array);
    let texts: Vec<_> = tags
        .into_iter()
        .flatten()
        .map(|tag| format!("{}={}", at(tag, "/key").text, at(tag, "/value").data()))
        .collect();
    match texts.is_empty() {
        true => Cell::none(),
        false => Cell::plain(texts.join(", ")),
    }
}

pub(super) fn gpu(value: &Value) -> Cell {
    match (at(value, "/gpu/gpu"), at(value, "/gpu/type")) {
        (count, model) if model == Cell::none() => count,
        (count, model) => Cell::plain(format!("{} x {}", count.text, model.text)),
    }
}

pub(super) fn volume(value: &Value) -> Cell {
    let size = value.pointer("/volume/capacity").and_then(Value::as_i64);
    match (at(value, "/volume/category"), size) {
        (category, Some(size)) => Cell::plain(format!("{} {size} GB", category.text)),
        (category, None) => category,
    }
}

/// Returns the cell of a status, with a tone.
fn status_cell(value: &Value, tone: impl Fn(&str) -> Tone) -> Cell {
    match status(value) {
        Some(text) => Cell::toned(text, tone(text)),
        None => Cell::none(),
    }
}

pub(super) fn notebook_status(value: &Value) -> Cell {
    status_cell(value, |text| {
        let status = NotebookStatus::from_text(text);
        let is_good = status == NotebookStatus::Running;
        tone(is_good, status.is_transient(), status.is_failed())
    })
}

pub(super) fn instance_status(value: &Value) -> Cell {
    status_cell(value, |text| {
        let status = DevEnvInstanceStatus::from_text(text);
        let is_good = status == DevEnvInstanceStatus::Running;
        tone(is_good, status.is_transient(), status.is_failed())
    })
}

pub(super) fn image_status(value: &Value) -> Cell {
    status_cell(value, |text| {
        let status = ImageStatus::from_text(text);
        let is_good = status == ImageStatus::Active;
        tone(is_good, status.is_transient(), status.is_failed())
    })
}

fn tone(good: bool, transient: bool, failed: bool) -> Tone {
    match (good, transient, failed) {
        (true, _, _) => Tone::Good,
        (_, true, _) => Tone::Busy,
        (_, _, true) => Tone::Bad,
        _ => Tone::Plain,
    }
}

pub(super) fn age(since: Option<Timestamp>, now: Timestamp) -> Cell {
    let Some(since) = since else {
        return Cell::none();
    };
    match Duration::try_from(now.duration_since(since)) {
        Ok(age) => Cell::plain(text::brief(age)).time(since),
        // The time is in the future: the clocks differ.
        Err(_) => Cell::none().time(since),
    }
}

/// Returns how long it has been running, at least.
pub(super) fn uptime(value: &Value, now: Timestamp) -> Cell {
    age(running_since(value), now)
}

fn never(running: bool) -> Cell {
    match running {
        // It runs, and incurs costs, until somebody stops it.
        true => Cell::toned("never", Tone::Bad),
        false => Cell::none(),
    }
}

pub(super) fn stops_in(value: &Value, now: Timestamp) -> Cell {
    if is_off(value, "/lease/enable") {
        return never(is_running(value));
    }
    time_left(
        typed::<Notebook>(value).and_then(|notebook| notebook.stops_at()),
        now,
    )
}

pub(super) fn instance_stops_in(value: &Value, now: Timestamp) -> Cell {
    if is_off(value, "/spec/auto_stop/enable") {
        return never(is_running(value));
    }
    let stops_at = typed::<DevEnvInstance>(value).and_then(|instance| instance.stops_at());
    // In a list this may be the only information.
    let from_remaining = || {
        let seconds = value.pointer("/spec/auto_stop/remain_time")?.as_u64()?;
        let stops_at = now.checked_add(Duration::from_secs(seconds)).ok()?;
        is_running(value).then_some(stops_at)
    };
    time_left(stops_at.or_else(from_remaining), now)
}

fn time_left(stops_at: Option<Timestamp>, now: Timestamp) -> Cell {
    let Some(stops_at) = stops_at else {
        return Cell::none();
    };
    let left = match Duration::try_from(stops_at.duration_since(now)) {
        Ok(time) if time > Duration::ZERO => text::brief(time),
        _ => "now".to_owned(),
    };
    Cell::plain(left).time(stops_at)
}
