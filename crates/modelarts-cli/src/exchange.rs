//! Requests to the documents' operations, and their responses as JSON.

use futures::TryStreamExt;
use modelarts::{ModelArts, Pagination, RawRequest, RawResponse};
use modelarts_document::PaginationStyle;
use serde_json::{Map, Value, json};

use crate::document::{self, Operation};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::schema::{self, Unlisted};
use crate::text;

/// A request to an operation.
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

/// Adds the query, the headers and the body to a request.
pub(crate) fn add_inputs(
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

    /// Returns a request to the operation that has this id in the document.
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

    /// Sets the body, without the members that are null.
    pub(crate) fn body(mut self, mut body: Value) -> Self {
        drop_nulls(&mut body);
        self.body = Some(body);
        self
    }

    /// Warns about values that the document does not list: they may be new in the service, or mistyped.
    pub(crate) fn warn_of_unknown_values(&self) {
        let query = self.query.iter().filter_map(|(name, value)| {
            let parameters = &self.operation.parameters;
            let parameter = parameters.iter().find(|it| it.name == *name)?;
            Unlisted::of(name, value, &parameter.known)
        });
        let described = self.operation.body.as_ref().zip(self.body.as_ref());
        let body = described.map(|(described, body)| schema::unlisted(described.schema, body));
        for unlisted in query.chain(body.unwrap_or_default()) {
            output::note(&text::visible(&format!("warning: {unlisted}")));
        }
    }

    /// Sends the request and returns the JSON of the response; `None` if it is empty and may be.
    pub(crate) async fn send(&self, client: &ModelArts) -> Result<Option<Value>, Failure> {
        Ok(self.exchange(client).await?.1)
    }

    /// Sends the request and returns the response with its headers, and its JSON.
    pub(crate) async fn exchange(
        &self,
        client: &ModelArts,
    ) -> Result<(RawResponse, Option<Value>), Failure> {
        let response = self.raw(client).send().await?;
        let value = Response::from(&response).read(self.operation)?;
        Ok((response, value))
    }

    /// Returns the items of all pages, or the first `most` of them.
    pub(crate) async fn items(
        &self,
        client: &ModelArts,
        most: Option<usize>,
    ) -> Result<Items, Failure> {
        Ok(self.read_pages(client, most).await?.0)
    }

    /// Merges all pages into one: the first page, with the items of all.
    pub(crate) async fn merged(&self, client: &ModelArts) -> Result<Value, Failure> {
        let (Items { items, .. }, mut merged) = self.read_pages(client, None).await?;
        let total = self.operation.paging.as_ref().and_then(|it| it.total);
        if let Some(count) = total.and_then(|total| merged.get_mut(total)) {
            *count = json!(items.len());
        }
        // A list that the service sends under two names is the same under both.
        let names = self.operation.items().into_iter();
        let names: Vec<_> = names.filter(|name| merged.contains_key(*name)).collect();
        for name in names {
            merged.insert(name.to_owned(), Value::from(items.clone()));
        }
        Ok(Value::Object(merged))
    }

    /// Returns the items of all pages, and the other members of the first page.
    async fn read_pages(
        &self,
        client: &ModelArts,
        most: Option<usize>,
    ) -> Result<(Items, Map<String, Value>), Failure> {
        let total = self.operation.paging.as_ref().and_then(|it| it.total);
        let most_items = most.unwrap_or(usize::MAX);
        let mut pages = self.raw(client).pages(self.pagination(most));
        let (mut items, mut first) = (Vec::new(), None);
        let complete = loop {
            let page = pages.try_next().await;
            let page = page.map_err(|error| list_failure(error, first.is_none()))?;
            let Some(page) = page else {
                break true;
            };
            items.extend(page.items);
            let has_total =
                total.is_some_and(|name| page.body.get(name).is_some_and(|total| !total.is_null()));
            first.get_or_insert(page.body);
            if items.len() > most_items {
                break false;
            }
            if items.len() == most_items && (page.is_last || has_total) {
                break page.is_last;
            }
        };
        items.truncate(most_items);
        Ok((Items { items, complete }, first.unwrap_or_default()))
    }

    /// Returns the untyped request of the library.
    fn raw(&self, client: &ModelArts) -> RawRequest {
        let mut request = client.call(&self.operation.id);
        for (name, value) in &self.path {
            request = request.path(name, value);
        }
        add_inputs(request, &self.query, &self.headers, self.body.as_ref())
    }

    /// Returns the pagination of the document, with pages no larger than the number of items wanted.
    fn pagination(&self, most: Option<usize>) -> Pagination {
        let Some(paging) = &self.operation.paging else {
            return Pagination::single().items(self.operation.items());
        };
        let (limit, position) = (paging.limit, paging.position);
        let pagination = match paging.style {
            PaginationStyle::Offset => Pagination::by_offset(limit, position),
            PaginationStyle::Page(first) => Pagination::by_page(limit, position, first),
            PaginationStyle::Token => {
                Pagination::by_token(limit, position, paging.next.unwrap_or_default())
            }
        };
        let most = most.and_then(|most| u32::try_from(most).ok());
        let size = most.map_or(paging.size, |most| most.min(paging.size));
        let pagination = pagination.items(paging.items.clone()).page_size(size);
        match paging.total {
            Some(total) => pagination.total(total),
            None => pagination,
        }
    }
}

/// What a response that cannot be read may mean.
const OTHER_SERVER: &str = "Check the endpoint: the response may come from a proxy or a gateway.";

/// `is_first` is whether no page was read before.
fn list_failure(error: modelarts::Error, is_first: bool) -> Failure {
    if error.is_decode() {
        return Failure::from(error).with_remedy(OTHER_SERVER);
    }
    // The exit code for usage promises that nothing was sent.
    match error.is_usage() && !is_first {
        true => Failure::new(Exit::Failed, error.to_string()),
        false => error.into(),
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

/// Formats status and headers, without secrets.
pub(crate) fn status_and_headers(response: &RawResponse) -> String {
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

/// A success as it was received, not yet parsed.
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
    /// Parses the JSON of a response that no document describes.
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

    /// Parses its JSON; `None` if the response is empty and may be. Any other success cannot come from the service.
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
                Ok(_) => "is not a JSON object".to_owned(),
                Err(_) => format!("is not JSON ({})", self.content_type.unwrap_or("no type")),
            }
        };
        let message = format!(
            "{}: HTTP {}, but the response {problem}",
            operation.id, self.status
        );
        Err(if operation.idempotent {
            Failure::new(Exit::Failed, message).with_remedy(OTHER_SERVER)
        } else {
            Failure::new(Exit::OutcomeUnknown, message).check_before_retry(Some(&operation.id))
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
    fn a_response_that_is_not_from_the_service_is_an_error() {
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
    fn null_members_are_not_sent() {
        let request = Request::of("updateNotebook").unwrap();
        let request = request.body(json!({"name": null, "hooks": {"a": null, "b": 1}}));
        assert_eq!(request.body, Some(json!({"hooks": {"b": 1}})));
    }
}
