//! Untyped lists: the pages of an untyped request, as JSON.

use std::str::FromStr;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};

use super::cursor::Cursor;
use super::key::key;
use super::pagination::Pagination;
use super::position::{Position, Style};
use super::stream::{Items, Pages};
use crate::error::{Error, Result};
use crate::raw_request::RawRequest;

/// A page of an untyped list, from [`RawRequest::pages`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawPage {
    /// The items of the page that were on no earlier page.
    pub items: Vec<Value>,
    /// The response without its items: each list of items is empty.
    pub body: Map<String, Value>,
    /// Whether all items have been read, as far as the service reports it.
    pub is_last: bool,
}

impl RawRequest {
    /// Reads a list page by page: returns a stream of all pages. Each page is fetched when the stream is polled for it.
    ///
    /// A page size or a position in the [query](RawRequest::query) takes precedence over the pagination. The first page
    /// is returned even if it is empty; a later page only if it has items that were on no earlier page. If a call
    /// fails, the stream ends with the error. If the list changes while it is read, the stream behaves like the pages
    /// of a typed list.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// use futures::TryStreamExt;
    /// use modelarts::{Method, Pagination};
    ///
    /// let pagination = Pagination::by_offset("limit", "offset").items(["data"]).total("total");
    /// let list = client.request(Method::GET, "/v1/{project_id}/notebooks").query("status", "RUNNING");
    /// let mut pages = list.pages(pagination);
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("{} notebooks", page.items.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pages(self, pagination: Pagination) -> Pages<RawPage> {
        let cursor = match self.cursor(&pagination) {
            Ok(cursor) => cursor,
            Err(error) => return Pages::new(stream::iter([Err(error)])),
        };
        let reader = Reader {
            cursor,
            request: self,
            pagination,
            is_first: true,
        };
        Pages::new(stream::try_unfold(reader, |mut reader| async move {
            let page = reader.next().await?;
            Ok(page.map(|page| (page, reader)))
        }))
    }

    /// Reads a list item by item: returns a stream of the items of all [`pages`](RawRequest::pages).
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// use futures::TryStreamExt;
    /// use modelarts::Pagination;
    ///
    /// let pagination = Pagination::by_offset("limit", "offset").items(["data"]).total("total");
    /// let notebooks: Vec<_> = client.call("listNotebooks").items(pagination).try_collect().await?;
    /// println!("{} notebooks", notebooks.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn items(self, pagination: Pagination) -> Items<Value> {
        let pages = self.pages(pagination);
        let items = pages.map_ok(|page| stream::iter(page.items).map(Ok));
        Items::new(items.try_flatten())
    }

    /// Returns a cursor before the first page, whose position and size the query may set.
    fn cursor(&self, pagination: &Pagination) -> Result<Cursor> {
        let Some(style) = pagination.style else {
            return Ok(Cursor::new(Style::Offset, pagination.page_size, None));
        };
        let size = self.query_number(&pagination.limit)?;
        let start = match style {
            Style::Token => {
                let token = self.query_value(&pagination.position);
                token.map(|token| Position::Token(token.to_owned()))
            }
            _ => {
                let number = self.query_number(&pagination.position)?;
                number.map(Position::Number)
            }
        };
        Ok(Cursor::new(
            style,
            size.unwrap_or(pagination.page_size).max(1),
            start,
        ))
    }

    fn query_number<N: FromStr>(&self, name: &str) -> Result<Option<N>> {
        let number = self.query_value(name).map(str::parse).transpose();
        number.map_err(|_| {
            let message =
                format!("the query parameter `{name}` must be a whole number within its range");
            self.with_operation(Error::argument(message))
        })
    }

    /// Returns the request for the next page.
    fn page(&self, pagination: &Pagination, cursor: &Cursor) -> Self {
        let request = self.clone();
        if pagination.style.is_none() {
            return request;
        }
        let request = request.with_query(&pagination.limit, &cursor.limit.to_string());
        match cursor.position() {
            Some(Position::Number(number)) => {
                request.with_query(&pagination.position, &number.to_string())
            }
            Some(Position::Token(token)) => request.with_query(&pagination.position, &token),
            None => request,
        }
    }
}

/// The state of a list that is being read.
struct Reader {
    request: RawRequest,
    pagination: Pagination,
    cursor: Cursor,
    /// Whether no page has been returned so far.
    is_first: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<RawPage>> {
        while !self.cursor.ended {
            let request = self.request.page(&self.pagination, &self.cursor);
            let body = request.send_as().await?;
            let page = self.pagination.take(body, &mut self.cursor);
            let page = page.map_err(|error| self.request.with_operation(error))?;
            if let Some(page) = page
                && (self.is_first || !page.items.is_empty())
            {
                self.is_first = false;
                return Ok(Some(page));
            }
        }
        Ok(None)
    }
}

impl Pagination {
    /// Takes the items out of a page and advances the cursor; `None` if the page must be fetched again, from an earlier
    /// position.
    fn take(&self, mut body: Map<String, Value>, cursor: &mut Cursor) -> Result<Option<RawPage>> {
        let total = self.total.as_ref().and_then(|name| number(body.get(name)?));
        let mut lists = self.items.iter().filter_map(|name| {
            let list = body.get_mut(name)?.as_array_mut()?;
            Some(std::mem::take(list))
        });
        let found = lists.next();
        // Any other list has the same items.
        lists.for_each(drop);
        let items = match found {
            Some(items) => items,
            None if total == Some(0) => Vec::new(),
            None => {
                let names = self.items.join("` or `");
                let message = format!("the response contains no list: `{names}` is missing");
                return Err(Error::incomplete(None, message));
            }
        };
        if self.style.is_none() {
            cursor.ended = true;
            return Ok(Some(RawPage {
                items,
                body,
                is_last: true,
            }));
        }
        if cursor.must_rewind(total) {
            return Ok(None);
        }
        let indices = (0..).map(|index: i64| cursor.offset.saturating_add(index));
        let keys: Vec<u64> = items
            .iter()
            .zip(indices)
            .map(|(item, index)| key(item.get("id").and_then(text).as_deref(), item, index))
            .collect();
        let next = self.next.as_ref().and_then(|name| text(body.get(name)?));
        let is_new = cursor.take(&keys, total, next.as_deref())?;
        let new = items.into_iter().zip(is_new).filter(|(_, is_new)| *is_new);
        Ok(Some(RawPage {
            items: new.map(|(item, _)| item).collect(),
            is_last: cursor.ended || total.is_some_and(|total| cursor.offset >= total),
            body,
        }))
    }
}

/// Returns an ID or a token, which some services send as a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns a whole number, which some services send as text.
fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn offset() -> Pagination {
        Pagination::by_offset("limit", "offset")
            .items(["data", "list"])
            .total("total")
    }

    /// Takes a page of a list that was not read before.
    fn first_page(pagination: &Pagination, body: Value) -> Result<Option<RawPage>> {
        let Value::Object(body) = body else {
            panic!("an object")
        };
        let style = pagination.style.unwrap_or(Style::Offset);
        pagination.take(body, &mut Cursor::new(style, 10, None))
    }

    #[test]
    fn the_first_list_present_has_the_items_and_the_body_keeps_the_rest() {
        for body in [
            json!({"data": [{"id": "a"}], "list": [{"id": "a"}], "total": 1}),
            json!({"list": [{"id": "a"}], "total": "1"}),
        ] {
            let page = first_page(&offset(), body.clone()).unwrap().unwrap();
            assert_eq!(page.items, [json!({"id": "a"})]);
            assert!(page.is_last, "{body}");
            assert_eq!(page.body["list"], json!([]));
            assert_eq!(page.body["total"], body["total"]);
        }
    }

    #[test]
    fn a_response_without_a_list_is_an_error_unless_the_total_is_zero() {
        let error = first_page(&offset(), json!({"total": 3})).unwrap_err();
        assert!(error.is_decode());
        let message = "the response contains no list: `data` or `list` is missing";
        assert_eq!(error.message(), Some(message));
        let empty = first_page(&offset(), json!({"total": 0})).unwrap().unwrap();
        assert!(empty.items.is_empty() && empty.is_last);
    }

    #[test]
    fn a_single_page_is_returned_as_it_is() {
        let pagination = Pagination::single().items(["tags"]);
        let body = json!({"tags": [{"id": "a"}, {"id": "a"}, 1, 1]});
        let page = first_page(&pagination, body).unwrap().unwrap();
        assert_eq!((page.items.len(), page.is_last), (4, true));
    }

    /// Takes two pages of a list that is paged by tokens: the number of new items of each, and whether it is the last.
    fn pages_by_token(bodies: [Value; 2]) -> [(usize, bool); 2] {
        let pagination = Pagination::by_token("limit", "marker", "next");
        let mut cursor = Cursor::new(Style::Token, 2, None);
        bodies.map(|body| {
            let body = body.as_object().unwrap().clone();
            let page = pagination.take(body, &mut cursor).unwrap().unwrap();
            (page.items.len(), page.is_last)
        })
    }

    #[test]
    fn ids_and_tokens_may_be_numbers() {
        let pages = pages_by_token([
            json!({"data": [{"id": 1, "age": 5}, {"id": 2}], "next": 17}),
            json!({"data": [{"id": 1, "age": 6}, {"id": 3}]}),
        ]);
        assert_eq!(pages, [(2, false), (1, true)]);
    }

    #[test]
    fn a_position_may_be_the_largest_number() {
        let start = Some(Position::Number(i64::MAX));
        let mut cursor = Cursor::new(Style::Offset, 2, start);
        let body = json!({"data": [1, 2]}).as_object().unwrap().clone();
        let page = offset().take(body, &mut cursor).unwrap().unwrap();
        assert_eq!(page.items.len(), 2);
    }

    #[test]
    fn an_item_is_returned_once_and_a_token_means_more() {
        let pages = pages_by_token([
            json!({"data": [{"id": "a"}, {"id": "b"}], "next": "t1"}),
            json!({"data": [{"id": "b"}, {"id": "c"}]}),
        ]);
        assert_eq!(pages, [(2, false), (1, true)]);
    }
}
