//! A page of a list, decoded as a whole or, if that fails, item by item, so that one unreadable item hides no other.

use http::StatusCode;
use serde_json::Value;

use super::key::{hash, key};
use super::list::List;
use crate::error::{Error, Result, expectation, place};

/// A fetched page, decoded as a whole or item by item.
pub(super) struct Fetched<L: List> {
    pub(super) page: L::Page,
    pub(super) rows: Vec<Row<L::Item>>,
    /// Why the page could not be decoded as a whole.
    pub(super) error: Option<Error>,
}

/// An item, or why it could not be read.
pub(super) struct Row<T> {
    /// Identifies the item, to recognise repeats.
    pub(super) key: u64,
    pub(super) item: Result<T>,
}

/// Takes the items out of a page that was decoded as a whole. `first` is the index of its first item.
pub(super) fn whole<L: List>(mut page: L::Page, first: i64) -> Result<Fetched<L>> {
    // A successful response without a list does not mean that the list is empty.
    if L::items(&page).is_none() && L::total(&page) != Some(0) {
        let members = L::ITEMS.join("` or `");
        let message = format!("the response contains no list: `{members}` is missing");
        return Err(Error::incomplete(None, message));
    }
    let items = L::take_items(&mut page).into_iter().zip(first..);
    let rows = items.map(|(item, index)| Row {
        key: key(L::id(&item), &item, index),
        item: Ok(item),
    });
    Ok(Fetched {
        rows: rows.collect(),
        page,
        error: None,
    })
}

/// Decodes a page item by item after it failed to decode as a whole; returns the error if that fails too.
pub(super) fn salvage<L: List>(error: Error, first: i64) -> Result<Fetched<L>> {
    let body = error.undecoded_body().unwrap_or_default();
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
        return Err(error);
    };
    let mut lists = L::ITEMS
        .iter()
        .filter_map(|name| Some(std::mem::take(value.get_mut(*name)?.as_array_mut()?)));
    let Some(list) = lists.next() else {
        return Err(error);
    };
    // Any other list has the same rows.
    lists.for_each(drop);
    let page = value.to_string();
    let Ok(page) = modelarts_client::decode::<L::Page>(StatusCode::OK, page.as_bytes(), false)
    else {
        return Err(error);
    };
    let rows = list.into_iter().zip(first..);
    let rows = rows.map(|(row, index)| read::<L>(row, index, &error));
    Ok(Fetched {
        page,
        rows: rows.collect(),
        error: Some(error),
    })
}

/// Decodes one item.
fn read<L: List>(row: Value, index: i64, page_error: &Error) -> Row<L::Item> {
    let id = row.get("id").and_then(Value::as_str).map(str::to_owned);
    let row = row.to_string();
    let item = modelarts_client::decode::<L::Item>(StatusCode::OK, row.as_bytes(), false);
    let error = match item {
        Ok(item) => {
            return Row {
                key: key(L::id(&item), &item, index),
                item: Ok(item),
            };
        }
        Err(error) => error,
    };
    let (at, expected) = (place(row.as_bytes(), &error), expectation(&error));
    let named = match &id {
        Some(id) => format!("item {index} of the list, {id},"),
        None => format!("item {index} of the list, which has no ID,"),
    };
    let message = format!("{named} is not as documented{at}: {expected}");
    Row {
        key: hash(&(id.is_none().then_some(index), id)),
        item: Err(page_error.part_of(message)),
    }
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, TryStreamExt};

    use super::super::stream::{items, pages};
    use super::super::testing::*;
    use super::*;

    #[tokio::test]
    async fn a_response_without_a_list_is_no_empty_list() {
        for (total, is_list) in [(None, false), (Some(3), false), (Some(0), true)] {
            let list = by_offset(move |_| {
                Ok(Numbers {
                    data: None,
                    total,
                    next: None,
                })
            });
            let mut items = items(list, 10, None);
            assert_eq!(items.try_next().await.is_ok(), is_list, "{total:?}");
        }
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_is_one_error_and_the_others_are_listed() {
        let body = br#"{"data": ["a", {"id": "n-2"}, "c"], "total": 4}"#;
        let list = || {
            by_offset(move |offset| match offset {
                0 => Err(Error::decode::<Numbers>(
                    StatusCode::OK,
                    http::HeaderMap::new(),
                    body,
                )),
                _ => Ok(Numbers {
                    data: Some(vec!["d".to_owned()]),
                    total: Some(4),
                    next: None,
                }),
            })
        };
        let rows: Vec<_> = items(list(), 3, None).collect().await;
        let texts: Vec<_> = rows
            .iter()
            .map(|row| row.as_deref().unwrap_or("error"))
            .collect();
        assert_eq!(texts, ["a", "error", "c", "d"]);
        let error = rows[1].as_ref().unwrap_err();
        assert!(error.is_decode(), "{error}");
        assert_eq!(
            error.to_string(),
            "HTTP 200 OK: item 1 of the list, n-2, is not as documented: expected a string"
        );
        let pages: Vec<_> = pages(list(), 3, None).collect().await;
        assert!(pages[0].is_err() && pages[1].is_ok() && pages.len() == 2);
    }
}
