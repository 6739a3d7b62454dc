//! The API of a running emulator. An incomplete response is an error.

use std::io;

use modelarts_test_support::connection::{Response, exchange};
use serde_json::{Value, json};

use crate::resource::Kind;

pub(crate) const PROJECT: &str = "7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f";
/// The project of other users, whose changes only keep the disk busy.
pub(crate) const OTHERS: &str = "0e5d7c3b9a184f26b7d8c6e4f2a01935";
const PAGE: usize = 50;
/// More items than this test ever creates, and at most the maximum size of a page.
const EVERYTHING: usize = 1000;

/// The service of a running emulator, for one project.
pub(crate) struct Service {
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Service {
    /// Sends a request; returns the status and the body, or an error if the response is incomplete.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> io::Result<(u16, Value)> {
        let path = format!("/v1/{PROJECT}{path}");
        let response = self.send(method, &path, body)?;
        Ok((response.status, response.body))
    }

    fn send(&self, method: &str, path: &str, body: Option<Value>) -> io::Result<Response> {
        let token = [("x-auth-token", self.token.as_str())];
        exchange(&self.address, method, path, &token, body.as_ref())
    }

    /// Returns a resource; null if it does not exist.
    pub(crate) fn show(&self, path: &str) -> io::Result<Value> {
        let (status, mut body) = self.call("GET", path, None)?;
        without_others(&mut body);
        match status {
            200 => Ok(body),
            400 | 404 => Ok(Value::Null),
            _ => panic!("GET {path}: {status} {body}"),
        }
    }

    /// Lists all resources of this kind in the project, page by page.
    pub(crate) fn list(&self, kind: Kind) -> io::Result<Vec<Value>> {
        let (path, items) = list_of(kind);
        let mut all = Vec::new();
        loop {
            let page = self.items(&format!("{path}limit={PAGE}&offset={}", all.len()), items)?;
            let last = page.len() < PAGE;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// Lists all resources of this kind at one moment, on a single page.
    pub(crate) fn everything(&self, kind: Kind) -> io::Result<Vec<Value>> {
        let (path, items) = list_of(kind);
        self.items(&format!("{path}limit={EVERYTHING}"), items)
    }

    /// Lists the mounts of a notebook; `path` is the path of the list.
    pub(crate) fn mounts(&self, path: &str) -> io::Result<Vec<Value>> {
        let (status, _) = self.call("GET", path, None)?;
        // The notebook may be lost together with the mount.
        if status == 400 {
            Ok(Vec::new())
        } else {
            self.items(path, "data")
        }
    }

    fn items(&self, path: &str, items: &str) -> io::Result<Vec<Value>> {
        let (status, mut body) = self.call("GET", path, None)?;
        assert_eq!(status, 200, "GET {path}: {body}");
        match body[items].take() {
            Value::Array(mut items) => {
                items.iter_mut().for_each(without_others);
                Ok(items)
            }
            other => panic!("GET {path}: {other}"),
        }
    }

    /// Writes many resources, so that concurrent changes wait for the disk. They are gone as soon as the clock advances.
    pub(crate) fn keep_the_disk_busy(&self) -> io::Result<()> {
        let many = json!({ "project": OTHERS, "status": "DELETING", "count": 2000 });
        let body = json!({ "instances": [many] });
        let response = self.send("POST", "/_emulator/fixtures", Some(body))?;
        assert_eq!(response.status, 200, "{}", response.body);
        Ok(())
    }

    /// Advances the clock; returns the new emulated time in milliseconds.
    pub(crate) fn advance(&self, seconds: u64) -> io::Result<i64> {
        let body = json!({ "advance_ms": seconds * 1000 });
        let response = self.send("POST", "/_emulator/clock", Some(body))?;
        assert_eq!(response.status, 200, "{}", response.body);
        Ok(response.body["now"].as_i64().expect("the time"))
    }
}

/// Returns the path of the list of a kind, and the property that holds its items.
fn list_of(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Notebook | Kind::Mount => ("/notebooks?", "data"),
        Kind::Instance => ("/demanager/instances?de_type=Notebook&", "instances"),
        Kind::Image => ("/images?type=DEDICATED&", "data"),
    }
}

/// Removes properties that changes to other resources affect, and nulls, which lists do not contain.
fn without_others(shown: &mut Value) {
    without_nulls(shown);
    if let Some(shown) = shown.as_object_mut() {
        // The mounts of a notebook are checked one by one.
        shown.remove("data_volumes");
        // The number of instances of the flavor.
        if let Some(flavor) = shown
            .get_mut("flavor_details")
            .and_then(Value::as_object_mut)
        {
            flavor.remove("instance_num");
        }
    }
}

fn without_nulls(shown: &mut Value) {
    match shown {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
