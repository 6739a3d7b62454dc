//! The differences between the description of a notebook and the existing one.

use modelarts::devenviron::enums::EndpointService;
use serde_json::Value;

use super::change::{Change, tag_list};
use super::current::{auto_stop, is_or_becomes, tags_of};
use crate::lease::Stop;
use crate::manifest::{Desired, State};
use crate::noun::status;

/// The differences between a description and an existing notebook.
pub(super) struct Differences<'a> {
    desired: &'a Desired,
    current: &'a Value,
    pub(super) changes: Vec<Change>,
    /// Differences in fields that cannot be changed, as messages.
    pub(super) unchangeable: Vec<String>,
}

impl<'a> Differences<'a> {
    /// Compares all fields of the description; `image` is the ID of its image.
    pub(super) fn find(desired: &'a Desired, current: &'a Value, image: Option<&str>) -> Self {
        let mut differences = Self {
            desired,
            current,
            changes: Vec::new(),
            unchangeable: Vec::new(),
        };
        differences.flavor_and_image(image);
        differences.description();
        differences.volume();
        differences.placement();
        differences.ssh_access();
        differences.tags();
        differences.auto_stop();
        differences.state();
        differences
    }

    fn text(&self, pointer: &str) -> Option<&'a str> {
        self.current.pointer(pointer).and_then(Value::as_str)
    }

    fn change(&mut self, field: &'static str, from: Option<&str>, to: &str) {
        let from = from.map(str::to_owned);
        self.changes.push(Change::new(field, from, to));
    }

    fn refuse(&mut self, field: &str, present: &str) {
        let message = format!("`{field}` is {present} and cannot be changed");
        self.unchangeable.push(message);
    }

    fn flavor_and_image(&mut self, image: Option<&str>) {
        let present = self.text("/flavor");
        if let Some(flavor) = &self.desired.flavor
            && present != Some(flavor)
        {
            self.change("flavor", present, flavor);
        }
        let present = self.text("/image/id");
        if image.is_some() && image != present {
            let name = self.text("/image/name").or(present);
            let image = self.desired.image.as_deref();
            self.change("image", name, image.unwrap_or_default());
        }
    }

    fn description(&mut self) {
        let present = self.text("/description").unwrap_or_default();
        if let Some(description) = &self.desired.description
            && present != description
        {
            let present = Some(present).filter(|text| !text.is_empty());
            self.change("description", present, description);
        }
    }

    fn volume(&mut self) {
        let Some(wanted) = &self.desired.volume else {
            return;
        };
        for (field, pointer, wanted) in [
            ("volume.category", "/volume/category", &wanted.category),
            ("volume.uri", "/volume/uri", &wanted.uri),
        ] {
            self.fixed(field, pointer, wanted.as_deref());
        }
        let size = self.current.pointer("/volume/capacity");
        match (wanted.size, size.and_then(Value::as_i64)) {
            (Some(wanted), Some(size)) if wanted < size => {
                let message = format!("`volume` is {size} GB and can only grow");
                self.unchangeable.push(message);
            }
            (Some(wanted), size) if size != Some(wanted) => {
                let size = size.map(|size| format!("{size} GB"));
                self.change("volume", size.as_deref(), &format!("{wanted} GB"));
            }
            _ => {}
        }
    }

    fn placement(&mut self) {
        self.fixed(
            "workspace",
            "/workspace_id",
            self.desired.workspace.as_deref(),
        );
        self.fixed("pool", "/pool/id", self.desired.pool.as_deref());
    }

    /// Compares a field that cannot be changed.
    fn fixed(&mut self, field: &str, pointer: &str, wanted: Option<&str>) {
        let present = self.text(pointer);
        if wanted.is_some() && wanted != present {
            self.refuse(field, present.unwrap_or("none"));
        }
    }

    fn ssh_access(&mut self) {
        if let Some(wanted) = &self.desired.key_pairs {
            let mut present = self.endpoint_texts("ssh_keys");
            if present.is_empty() {
                present = self.endpoint_texts("key_pair_names");
            }
            if !is_same_set(wanted, &present) {
                let present = match present.is_empty() {
                    true => "empty".to_owned(),
                    false => present.join(", "),
                };
                self.refuse("key_pairs", &present);
            }
        }
        if let Some(wanted) = &self.desired.allowed_ips {
            let present = self.endpoint_texts("allowed_access_ips");
            if !is_same_set(wanted, &present) {
                let present = (!present.is_empty()).then(|| present.join(", "));
                self.change("allowed_ips", present.as_deref(), &wanted.join(", "));
            }
        }
    }

    /// Returns a list of strings of the endpoint for SSH.
    fn endpoint_texts(&self, name: &str) -> Vec<String> {
        let endpoints = self.current.get("endpoints").and_then(Value::as_array);
        let endpoint = endpoints.into_iter().flatten().find(|endpoint| {
            let service = endpoint.get("service").or(endpoint.get("dev_service"));
            service.and_then(Value::as_str) == Some(EndpointService::Ssh.as_str())
        });
        let list = endpoint.and_then(|endpoint| endpoint.get(name)?.as_array());
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    fn tags(&mut self) {
        if let Some(wanted) = &self.desired.tags {
            let present = tags_of(self.current);
            if present != *wanted {
                let present = (!present.is_empty()).then(|| tag_list(&present));
                self.change("tags", present.as_deref(), &tag_list(wanted));
            }
        }
    }

    /// Compares the automatic stop. Only a running notebook has a lease that can be renewed.
    fn auto_stop(&mut self) {
        let Some(wanted) = self.desired.auto_stop else {
            return;
        };
        let stops = self.desired.state == Some(State::Stopped);
        if !is_or_becomes(self.current, State::Running) || stops {
            return;
        }
        let present = auto_stop(self.current);
        if !present.is_some_and(|present| is_same_stop(present, wanted)) {
            let present = present.map(|stop| stop.to_string());
            self.change("auto_stop", present.as_deref(), &wanted.to_string());
        }
    }

    fn state(&mut self) {
        if let Some(state) = self.desired.state
            && !is_or_becomes(self.current, state)
        {
            self.change("state", status(self.current), state.word());
        }
    }
}

fn is_same_set(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().all(|item| b.contains(item))
}

/// Whether two automatic stops are the same; the duration that the service reports can differ slightly from the one
/// sent.
fn is_same_stop(a: Stop, b: Stop) -> bool {
    const TOLERANCE: u64 = 60;
    match (a, b) {
        (Stop::Off, Stop::Off) => true,
        (Stop::After(a), Stop::After(b)) | (Stop::Idle(a), Stop::Idle(b)) => {
            a.as_secs().abs_diff(b.as_secs()) <= TOLERANCE
        }
        _ => false,
    }
}
