//! The API of a running emulator, byte by byte: an answer that did not come whole is no answer.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::resource::Kind;

pub(crate) const PROJECT: &str = "7f3c0e6a1b5d4c2f9e8d7a6b5c4d3e2f";
/// Where others work, whose changes only take time.
pub(crate) const OTHERS: &str = "0e5d7c3b9a184f26b7d8c6e4f2a01935";
const PAGE: usize = 50;
/// More than this test ever makes, and no more than a page takes.
const EVERYTHING: usize = 1000;

/// An emulator that answers, for one project.
pub(crate) struct Service {
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Service {
    /// Status and body; an error if the answer did not come whole.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> io::Result<(u16, Value)> {
        let path = format!("/v1/{PROJECT}{path}");
        let answer = exchange(&self.address, &self.token, method, &path, body)?;
        Ok((answer.status, answer.body))
    }

    /// How something is shown; null if it does not exist.
    pub(crate) fn show(&self, path: &str) -> io::Result<Value> {
        let (status, mut body) = self.call("GET", path, None)?;
        without_others(&mut body);
        match status {
            200 => Ok(body),
            400 | 404 => Ok(Value::Null),
            _ => panic!("GET {path}: {status} {body}"),
        }
    }

    /// Everything of this kind that the project has of its own.
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

    /// The same at one moment, on a single page.
    pub(crate) fn everything(&self, kind: Kind) -> io::Result<Vec<Value>> {
        let (path, items) = list_of(kind);
        self.items(&format!("{path}limit={EVERYTHING}"), items)
    }

    /// What is mounted; `path` is that of the list.
    pub(crate) fn mounts(&self, path: &str) -> io::Result<Vec<Value>> {
        let (status, _) = self.call("GET", path, None)?;
        // The notebook itself may be what was lost with the mount.
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

    /// Has something large written: what changes meanwhile waits for the disk. It is gone as soon as time passes.
    pub(crate) fn keep_the_disk_busy(&self) -> io::Result<()> {
        let many = json!({ "project": OTHERS, "status": "DELETING", "count": 2000 });
        let body = json!({ "instances": [many] });
        let answer = exchange(
            &self.address,
            &self.token,
            "POST",
            "/_emulator/fixtures",
            Some(body),
        )?;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Ok(())
    }

    /// Moves the clock; the emulated time afterwards, in milliseconds.
    pub(crate) fn advance(&self, seconds: u64) -> io::Result<i64> {
        let body = json!({ "advance_ms": seconds * 1000 });
        let answer = exchange(
            &self.address,
            &self.token,
            "POST",
            "/_emulator/clock",
            Some(body),
        )?;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Ok(answer.body["now"].as_i64().expect("the time"))
    }
}

/// Where everything of a kind is listed, and under which name.
fn list_of(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Notebook | Kind::Mount => ("/notebooks?", "data"),
        Kind::Instance => ("/demanager/instances?de_type=Notebook&", "instances"),
        Kind::Image => ("/images?type=DEDICATED&", "data"),
    }
}

/// Leaves out what is changed by changes to something else, and nulls, which a list has not.
fn without_others(shown: &mut Value) {
    without_nulls(shown);
    if let Some(shown) = shown.as_object_mut() {
        // The mounts of a notebook are looked at one by one.
        shown.remove("data_volumes");
        // How many instances there are of the flavor.
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

/// An answer that came whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, in lower case.
    head: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// One request on a connection of its own.
pub(crate) fn exchange(
    address: &str,
    token: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> io::Result<Answer> {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nx-auth-token: {token}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len(),
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    whole(&answer).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn whole(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    // The values of tokens must stay as they are.
    let head = head.lines().map(|line| match line.split_once(':') {
        Some((name, value)) => format!("{}:{value}\n", name.to_ascii_lowercase()),
        None => format!("{line}\n"),
    });
    let mut answer = Answer {
        status: 0,
        head: head.collect(),
        body: Value::Null,
    };
    answer.status = answer.head.split(' ').nth(1)?.parse().ok()?;
    if answer.header("content-length")?.parse() != Ok(body.len()) {
        return None;
    }
    if !body.is_empty() {
        answer.body = serde_json::from_str(body).ok()?;
    }
    Some(answer)
}
