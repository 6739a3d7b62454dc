//! Requests of the documents' operations, and their responses as JSON.

use modelarts::{ModelArts, RawRequest, RawResponse};
use serde_json::{Map, Value, json};

use crate::document::{self, Operation, Paging};
use crate::failure::{Exit, Failure};
use crate::output;

/// A request of an operation.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) operation: &'static Operation,
    pub(crate) path: Vec<(String, String)>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
}

/// Items of a list, and whether these are all.
#[derive(Debug)]
pub(crate) struct Items {
    pub(crate) items: Vec<Value>,
    pub(crate) complete: bool,
}

/// A request with its query, headers and body.
pub(crate) fn filled(
    mut request: RawRequest,
    query: &[(String, String)],
    headers: &[(String, String)],
    body: Option<&Value>,
) -> RawRequest {
    for (name, value) in query {
        request = request.query(name, value);
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    match body {
        Some(body) => request.json(body),
        None => request,
    }
}

/// A list that is longer than this has no end.
const MAX_ITEMS: usize = 1_000_000;

impl Request {
    pub(crate) fn new(operation: &'static Operation) -> Self {
        Self {
            operation,
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// A request by the id that the operation has in the document.
    pub(crate) fn of(id: &str) -> Result<Self, Failure> {
        document::find(id)
            .map(Self::new)
            .ok_or_else(|| Failure::new(Exit::Failed, format!("there is no operation `{id}`")))
    }

    pub(crate) fn path(mut self, name: &str, value: &str) -> Self {
        self.path.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// A body, without the members that are null.
    pub(crate) fn body(mut self, mut body: Value) -> Self {
        drop_nulls(&mut body);
        self.body = Some(body);
        self
    }

    /// The response without its headers; nothing where it is empty and may be.
    pub(crate) async fn send(&self, client: &ModelArts) -> Result<Option<Value>, Failure> {
        Ok(self.exchange(client).await?.1)
    }

    /// The response with its headers.
    pub(crate) async fn exchange(
        &self,
        client: &ModelArts,
    ) -> Result<(RawResponse, Option<Value>), Failure> {
        let mut request = client.call(&self.operation.id);
        for (name, value) in &self.path {
            request = request.path(name, value);
        }
        let request = filled(request, &self.query, &self.headers, self.body.as_ref());
        let response = request.send().await?;
        let value = Response::from(&response).read(self.operation)?;
        Ok((response, value))
    }

    /// The items of all pages, or the first so many.
    pub(crate) async fn items(
        &self,
        client: &ModelArts,
        paging: &Paging,
        most: Option<usize>,
    ) -> Result<Items, Failure> {
        let number = |name: &str| {
            let mut query = self.query.iter();
            let (_, value) = query.find(|(given, _)| given == name)?;
            value.parse::<i64>().ok()
        };
        let limit = number("limit").unwrap_or(paging.limit).max(1);
        let mut offset = number("offset").unwrap_or(0);
        let mut items: Vec<Value> = Vec::new();
        let mut previous = Vec::new();
        loop {
            let mut request = self.clone();
            request
                .query
                .retain(|(name, _)| name != "limit" && name != "offset");
            let request = request
                .query("limit", limit.to_string())
                .query("offset", offset.to_string());
            let mut page = request.send(client).await?.unwrap_or_default();
            let found = match page.get_mut(&paging.items).map(Value::take) {
                Some(Value::Array(found)) => found,
                _ => Vec::new(),
            };
            // A service that ignores the offset sends the same page for ever.
            if found.is_empty() || found == previous {
                return Ok(Items {
                    items,
                    complete: true,
                });
            }
            let length = i64::try_from(found.len()).unwrap_or(i64::MAX);
            offset = offset.saturating_add(length);
            items.extend(found.iter().cloned());
            previous = found;
            let total = paging.total.as_ref();
            let total = total.and_then(|total| page.get(total)?.as_i64());
            let ended = length < limit && total.is_some_and(|total| offset >= total);
            if let Some(most) = most
                && items.len() >= most
            {
                let complete = items.len() == most && total.is_some_and(|total| offset >= total);
                items.truncate(most);
                return Ok(Items { items, complete });
            }
            if ended {
                return Ok(Items {
                    items,
                    complete: true,
                });
            }
            if items.len() > MAX_ITEMS {
                let id = &self.operation.id;
                let message = format!("{id}: no end after {MAX_ITEMS} items; narrow the list");
                return Err(Failure::new(Exit::Failed, message));
            }
        }
    }

    /// All pages as one.
    pub(crate) async fn merged(
        &self,
        client: &ModelArts,
        paging: &Paging,
    ) -> Result<Value, Failure> {
        let items = self.items(client, paging, None).await?.items;
        let mut merged = Map::new();
        let count = items.len();
        merged.insert(paging.items.clone(), Value::Array(items));
        if let Some(total) = &paging.total {
            merged.insert(total.clone(), json!(count));
        }
        Ok(Value::Object(merged))
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

/// Status and headers, without secrets.
pub(crate) fn heading(response: &RawResponse) -> String {
    let mut text = response.status.to_string();
    for (name, value) in &response.headers {
        let shown = match value.to_str() {
            // The identity service returns the token in a header.
            Ok(_) if name.as_str().ends_with("-token") || name == "set-cookie" => output::HIDDEN,
            Ok(value) => value,
            Err(_) => "(not text)",
        };
        text += &format!("\n{name}: {shown}");
    }
    crate::text::visible(&text)
}

/// A success as it came.
pub(crate) struct Response<'a> {
    status: u16,
    content_type: Option<&'a str>,
    body: &'a [u8],
}

impl<'a> From<&'a RawResponse> for Response<'a> {
    fn from(response: &'a RawResponse) -> Self {
        let content_type = response.headers.get("content-type");
        Self {
            status: response.status.as_u16(),
            content_type: content_type.and_then(|value| value.to_str().ok()),
            body: &response.body,
        }
    }
}

impl Response<'_> {
    /// The JSON of a response that no document describes.
    pub(crate) fn read_unknown(&self, safe_to_repeat: bool) -> Result<Option<Value>, Failure> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        serde_json::from_slice(self.body).map(Some).map_err(|_| {
            let kind = self.content_type.unwrap_or("no type");
            let message = format!(
                "HTTP {}, but the response is not JSON ({kind})",
                self.status
            );
            match safe_to_repeat {
                true => Failure::new(Exit::Failed, message),
                false => Failure::new(Exit::OutcomeUnknown, message).check_before_retry(None),
            }
        })
    }

    /// Its JSON; nothing where the response is empty and may be. Whatever else says 200 is not the service.
    pub(crate) fn read(&self, operation: &Operation) -> Result<Option<Value>, Failure> {
        let problem = if self.body.iter().all(u8::is_ascii_whitespace) {
            let is_due = operation.method == "GET" || !operation.idempotent;
            if operation.response.is_none() || !is_due {
                return Ok(None);
            }
            "is empty".to_owned()
        } else {
            match serde_json::from_slice::<Value>(self.body) {
                Ok(value) if value.is_object() || value.is_array() => return Ok(Some(value)),
                Ok(_) => "is no JSON object".to_owned(),
                Err(_) => format!("is not JSON ({})", self.content_type.unwrap_or("no type")),
            }
        };
        let message = format!(
            "{}: HTTP {}, but the response {problem}",
            operation.id, self.status
        );
        Err(if operation.idempotent {
            Failure::new(Exit::Failed, message).advise(
                "Is this the address of ModelArts? A proxy or a gateway may have responded.",
            )
        } else {
            Failure::new(Exit::OutcomeUnknown, message).check_before_retry(Some(operation))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(operation: &str, body: &str) -> Result<Option<Value>, Exit> {
        let response = Response {
            status: 200,
            content_type: Some("text/html"),
            body: body.as_bytes(),
        };
        let operation = document::find(operation).unwrap();
        response.read(operation).map_err(|failure| failure.exit())
    }

    #[test]
    fn only_what_the_service_says_is_done() {
        let html = "<html>welcome</html>";
        assert_eq!(response("listNotebooks", html), Err(Exit::Failed));
        assert_eq!(response("listNotebooks", "\"ok\""), Err(Exit::Failed));
        assert_eq!(response("listNotebooks", ""), Err(Exit::Failed));
        assert_eq!(response("stopNotebook", html), Err(Exit::Failed));
        assert_eq!(response("createNotebook", html), Err(Exit::OutcomeUnknown));
        assert_eq!(response("createNotebook", ""), Err(Exit::OutcomeUnknown));
        // An empty success of an action is a success.
        assert_eq!(response("stopNotebook", " \n"), Ok(None));
        assert_eq!(response("deleteNotebook", ""), Ok(None));
        assert_eq!(response("listNotebooks", "{}"), Ok(Some(json!({}))));
    }

    #[test]
    fn members_that_are_null_are_not_sent() {
        let request = Request::of("updateNotebook").unwrap();
        let request = request.body(json!({"name": null, "hooks": {"a": null, "b": 1}}));
        assert_eq!(request.body, Some(json!({"hooks": {"b": 1}})));
    }
}
