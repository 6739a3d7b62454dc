//! A plain client: what it sends is what a test says.

use std::time::Duration;

use modelarts_emulator::{Emulator, EmulatorBuilder};
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) const IMAGE: &str = "c2f4d5a6-1b7e-4d2a-9c3f-2f6f0f5c8e11";

pub(crate) struct Client {
    pub(crate) emulator: Emulator,
    http: reqwest::Client,
}

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Response {
    /// The body of a success.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body
    }

    /// The code of a refusal.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        assert!(self.status >= 400, "{self:?}");
        self.body["error_code"].as_str().unwrap_or_default()
    }
}

impl Client {
    pub(crate) async fn start() -> Self {
        Self::with(Emulator::builder().manual()).await
    }

    pub(crate) async fn with(builder: EmulatorBuilder) -> Self {
        let emulator = builder.start().await.unwrap();
        Self {
            emulator,
            http: plain_http(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.emulator.base_url()))
    }

    pub(crate) async fn finish(&self, request: reqwest::RequestBuilder) -> Response {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Response {
            status,
            headers,
            body,
        }
    }

    /// A request to the project with a token.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let path = format!("/v1/{}{path}", self.emulator.project_id());
        let mut request = self
            .request(method.parse().unwrap(), &path)
            .header("X-Auth-Token", self.emulator.token().expose());
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.finish(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Response {
        self.send("POST", path, Some(body)).await
    }

    /// A request to the control plane.
    pub(crate) async fn control(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let mut request = self.request(method.parse().unwrap(), &format!("/_emulator{path}"));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.finish(request).await
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.emulator.clock().advance(Duration::from_secs(seconds));
    }

    /// A new notebook; its id.
    pub(crate) async fn create(&self, changes: Value) -> String {
        let created = self.post("/notebooks", notebook(changes)).await.ok();
        created["id"].as_str().unwrap().to_owned()
    }

    /// A notebook that is RUNNING with its disk ready.
    pub(crate) async fn running(&self) -> String {
        let id = self.create(json!({})).await;
        self.pass(200);
        assert_eq!(self.status(&id).await, "RUNNING");
        id
    }

    pub(crate) async fn show(&self, id: &str) -> Value {
        self.get(&format!("/notebooks/{id}")).await.ok()
    }

    pub(crate) async fn status(&self, id: &str) -> String {
        self.show(id).await["status"].as_str().unwrap().to_owned()
    }
}

/// A client without TLS in the way.
pub(crate) fn plain_http() -> reqwest::Client {
    modelarts::http_client_builder().unwrap().build().unwrap()
}

/// The body that creates a notebook, with changes.
pub(crate) fn notebook(changes: Value) -> Value {
    let mut body = json!({
        "name": "train-bert",
        "flavor": "modelarts.vm.cpu.2u",
        "image_id": IMAGE,
        "volume": {"category": "EVS", "ownership": "MANAGED", "capacity": 20},
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Says which rules of the document a test holds; `cargo xtask check` wants a test for each of them.
#[track_caller]
pub(crate) fn rules(ids: &[&str]) {
    let documents = modelarts_client::FAMILIES.iter();
    let documents: Vec<Value> = documents
        .map(|family| serde_json::from_str(family.document).unwrap())
        .collect();
    let mut known = Vec::new();
    documents
        .iter()
        .for_each(|document| collect_rules(document, &mut known));
    for id in ids {
        assert!(known.contains(id), "the document has no rule `{id}`");
    }
}

fn collect_rules<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            let rules = members.get("x-rules").and_then(Value::as_array);
            let ids = rules.into_iter().flatten();
            found.extend(ids.filter_map(|rule| rule["id"].as_str()));
            members
                .values()
                .for_each(|member| collect_rules(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_rules(item, found)),
        _ => {}
    }
}
