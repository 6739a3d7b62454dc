//! Lists as streams, one page at a time.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::BoxFuture;
use crate::error::{Error, Result, expectation};

/// A page of a list.
pub(crate) trait Page: DeserializeOwned + Send + 'static {
    type Item: Serialize + DeserializeOwned + Send + 'static;

    /// The members of the page that hold items, the first that is there counts.
    const ITEMS: &'static [&'static str];

    /// `None` if the page holds no list at all.
    fn items(&self) -> Option<&[Self::Item]>;
    fn take_items(&mut self) -> Vec<Self::Item>;
    fn set_items(&mut self, items: Vec<Self::Item>);
    /// The number of items in all pages, as the service says.
    fn total(&self) -> Option<i64>;
    fn id(item: &Self::Item) -> Option<&str>;
}

/// All items of a list, page by page, from `items()`. Unlike a `Stream` made by hand it needs no pinning.
#[must_use = "a stream does nothing unless polled"]
pub struct Items<T>(BoxStream<'static, Result<T>>);

/// All pages of a list, from `pages()`.
#[must_use = "a stream does nothing unless polled"]
pub struct Pages<P>(BoxStream<'static, Result<P>>);

macro_rules! stream {
    ($name:ident) => {
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }

        impl<T> Stream for $name<T> {
            type Item = Result<T>;

            fn poll_next(
                self: Pin<&mut Self>,
                context: &mut Context<'_>,
            ) -> Poll<Option<Self::Item>> {
                self.get_mut().0.poll_next_unpin(context)
            }
        }
    };
}
stream!(Items);
stream!(Pages);

/// A list that has not ended after so many items never will.
const MOST: i64 = 1_000_000;

/// A listing goes back as often as the list shrinks, but not for ever without finding anything.
const MOST_IDLE_REWINDS: u32 = 8;

/// Where a listing stands, and when it ends.
///
/// It ends with an empty page, with a page beyond the ones before that has nothing new, and with a short page once the
/// total is reached. The total alone ends nothing, since it can be wrong; nor does a short page, since a service may cap
/// the page size.
///
/// When the total shrinks, what was removed may have stood before the offset, and everything behind it moved up: the
/// listing goes back by as much. What it has handed out before, it leaves out.
#[derive(Debug, Default)]
struct Cursor {
    offset: i64,
    /// Where the pages ended so far.
    end: i64,
    total: Option<i64>,
    rewinds: u32,
    /// Hashes of the items that were handed out.
    seen: HashSet<u64>,
    ended: bool,
}

impl Cursor {
    /// Whether the list has shrunk since the last page, so that the page at hand begins too late.
    fn must_rewind(&mut self, total: Option<i64>) -> bool {
        let before = self.total;
        self.total = total.or(before);
        let (Some(before), Some(total)) = (before, total) else {
            return false;
        };
        if total >= before || self.offset == 0 || self.rewinds == MOST_IDLE_REWINDS {
            return false;
        }
        self.rewinds += 1;
        self.offset = self.offset.saturating_sub(before - total).max(0);
        true
    }

    /// Moves on behind a page of so many items; `true` for each that was not there before.
    fn take(&mut self, keys: &[u64], total: Option<i64>, limit: i64) -> Result<Vec<bool>> {
        let is_new: Vec<bool> = keys.iter().map(|key| self.seen.insert(*key)).collect();
        let length = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        self.offset = self.offset.saturating_add(length);
        if self.offset > MOST {
            self.ended = true;
            return Err(Error::argument(format!(
                "the list has not ended after {MOST} items; narrow it with a filter"
            )));
        }
        let has_news = is_new.contains(&true);
        if has_news {
            self.rewinds = 0;
        }
        let is_beyond = self.offset > self.end;
        self.end = self.end.max(self.offset);
        self.ended = length == 0
            || is_beyond && !has_news
            || length < limit && total.is_some_and(|total| self.offset >= total);
        Ok(is_new)
    }
}

/// A page as it came: whole, or with what could not be read of it.
struct Fetched<P: Page> {
    page: P,
    rows: Vec<Row<P::Item>>,
    /// Why the page as a whole could not be read.
    error: Option<Error>,
}

/// An item, or why it could not be read.
struct Row<T> {
    /// What it is recognised by.
    key: u64,
    item: Result<T>,
}

type Fetch<P> = Box<dyn Fn(i64) -> BoxFuture<'static, Result<P>> + Send>;

/// All pages, each fetched when it is asked for, without what was on one before.
fn fetched<P: Page>(
    limit: i64,
    fetch: Fetch<P>,
) -> impl Stream<Item = Result<Fetched<P>>> + Send + 'static {
    let state = (Cursor::default(), fetch);
    stream::try_unfold(state, move |(mut cursor, fetch)| async move {
        while !cursor.ended {
            let first = cursor.offset;
            let mut fetched = match fetch(first).await {
                Ok(page) => whole(page, first)?,
                Err(error) => salvage::<P>(error, first)?,
            };
            let total = fetched.page.total();
            if cursor.must_rewind(total) {
                continue;
            }
            let keys: Vec<u64> = fetched.rows.iter().map(|row| row.key).collect();
            let mut is_new = cursor.take(&keys, total, limit)?.into_iter();
            fetched.rows.retain(|_| is_new.next().unwrap_or(true));
            if !fetched.rows.is_empty() {
                return Ok(Some((fetched, (cursor, fetch))));
            }
        }
        Ok(None)
    })
}

pub(crate) fn pages<P: Page>(
    limit: i64,
    fetch: impl Fn(i64) -> BoxFuture<'static, Result<P>> + Send + 'static,
) -> Pages<P> {
    let pages = fetched(limit, Box::new(fetch)).map(|fetched| {
        let mut fetched = fetched?;
        match fetched.error {
            Some(error) => Err(error),
            None => {
                let items = fetched.rows.into_iter().map(|row| row.item);
                fetched.page.set_items(items.collect::<Result<_>>()?);
                Ok(fetched.page)
            }
        }
    });
    Pages(pages.fuse().boxed())
}

pub(crate) fn items<P: Page>(
    limit: i64,
    fetch: impl Fn(i64) -> BoxFuture<'static, Result<P>> + Send + 'static,
) -> Items<P::Item> {
    let items = fetched(limit, Box::new(fetch))
        .map_ok(|fetched| stream::iter(fetched.rows.into_iter().map(|row| row.item)))
        .try_flatten();
    Items(items.boxed())
}

fn whole<P: Page>(mut page: P, first: i64) -> Result<Fetched<P>> {
    // A success that holds no list says nothing about what exists.
    if page.items().is_none() && page.total() != Some(0) {
        let members = P::ITEMS.join("` or `");
        let message = format!("the response holds no list: `{members}` is missing");
        return Err(Error::incomplete(None, message));
    }
    let items = page.take_items().into_iter().zip(first..);
    let rows = items.map(|(item, index)| Row {
        key: key::<P>(&item, index),
        item: Ok(item),
    });
    Ok(Fetched {
        rows: rows.collect(),
        page,
        error: None,
    })
}

/// Reads row by row what could not be read as a whole; the error stands if that does not help.
fn salvage<P: Page>(error: Error, first: i64) -> Result<Fetched<P>> {
    let body = error.undecoded_body().unwrap_or_default();
    let Ok(mut value) = serde_json::from_slice::<Value>(&body) else {
        return Err(error);
    };
    let mut lists = P::ITEMS
        .iter()
        .filter_map(|name| Some(std::mem::take(value.get_mut(*name)?.as_array_mut()?)));
    let Some(list) = lists.next() else {
        return Err(error);
    };
    // The same rows once more.
    lists.for_each(drop);
    let Ok(page) = serde_json::from_value::<P>(value) else {
        return Err(error);
    };
    let rows = list.into_iter().zip(first..);
    let rows = rows.map(|(row, index)| read::<P>(row, index, &error));
    Ok(Fetched {
        page,
        rows: rows.collect(),
        error: Some(error),
    })
}

fn read<P: Page>(row: Value, index: i64, page_error: &Error) -> Row<P::Item> {
    let id = row.get("id").and_then(Value::as_str).map(str::to_owned);
    match serde_path_to_error::deserialize::<_, P::Item>(row) {
        Ok(item) => Row {
            key: key::<P>(&item, index),
            item: Ok(item),
        },
        Err(error) => {
            let named = match &id {
                Some(id) => format!("item {index} of the list, {id},"),
                None => format!("item {index} of the list, which has no ID,"),
            };
            let (path, expected) = (error.path(), expectation(error.inner()));
            let message = format!("{named} is not as documented at `{path}`: {expected}");
            Row {
                key: hash(&(id.is_none().then_some(index), id)),
                item: Err(page_error.part_of(message)),
            }
        }
    }
}

/// The ID of an item tells it apart; without one, its content and its place do.
fn key<P: Page>(item: &P::Item, index: i64) -> u64 {
    match P::id(item) {
        Some(id) => hash(&(None::<i64>, Some(id))),
        None => hash(&(Some(index), serde_json::to_string(item).unwrap_or_default())),
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Numbers {
        data: Option<Vec<String>>,
        total: Option<i64>,
    }

    impl Page for Numbers {
        type Item = String;

        const ITEMS: &'static [&'static str] = &["data"];

        fn items(&self) -> Option<&[String]> {
            self.data.as_deref()
        }

        fn take_items(&mut self) -> Vec<String> {
            self.data.take().unwrap_or_default()
        }

        fn set_items(&mut self, items: Vec<String>) {
            self.data = Some(items);
        }

        fn total(&self) -> Option<i64> {
            self.total
        }

        fn id(item: &String) -> Option<&str> {
            Some(item)
        }
    }

    /// Lists what a server gives; returns the number of items and of requests.
    async fn list(server: impl Fn(i64) -> Numbers + Send + 'static) -> (usize, u32) {
        let requests = Arc::new(AtomicU32::new(0));
        let count = requests.clone();
        let items = items(10, move |offset| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(Ok(server(offset))))
        });
        let items: Vec<String> = items.try_collect().await.unwrap();
        (items.len(), requests.load(Ordering::Relaxed))
    }

    fn slice(all: i64, offset: i64, limit: i64, total: Option<i64>) -> Numbers {
        let numbers = offset..all.min(offset + limit);
        Numbers {
            data: Some(numbers.map(|n| n.to_string()).collect()),
            total,
        }
    }

    #[tokio::test]
    async fn honest_servers_are_listed_to_the_end() {
        assert_eq!(list(|o| slice(25, o, 10, Some(25))).await, (25, 3));
        assert_eq!(list(|o| slice(20, o, 10, Some(20))).await, (20, 3));
        assert_eq!(list(|o| slice(0, o, 10, Some(0))).await, (0, 1));
        assert_eq!(list(|o| slice(25, o, 10, None)).await, (25, 4));
    }

    #[tokio::test]
    async fn a_smaller_page_than_asked_for_is_not_the_end() {
        assert_eq!(list(|o| slice(25, o, 5, Some(25))).await, (25, 5));
    }

    #[tokio::test]
    async fn a_wrong_total_neither_cuts_nor_prolongs() {
        assert_eq!(list(|o| slice(25, o, 10, Some(3))).await, (25, 3));
        assert_eq!(list(|o| slice(25, o, 10, Some(9999))).await, (25, 4));
    }

    #[tokio::test]
    async fn a_server_that_repeats_itself_cannot_loop_it() {
        assert_eq!(list(|_| slice(10, 0, 10, Some(9999))).await, (10, 2));
        assert_eq!(list(|o| slice(30, o % 30, 10, None)).await, (30, 4));
        // A total that jumps sends it back only so often.
        let calls = AtomicU32::new(0);
        let (items, requests) = list(move |o| {
            let total = i64::from(calls.fetch_add(1, Ordering::Relaxed) % 2) * 100_000;
            slice(30, o % 30, 10, Some(100_000 - total))
        })
        .await;
        assert!(items == 30 && requests < 50, "{items} in {requests}");
    }

    #[tokio::test]
    async fn a_list_that_shrinks_while_it_is_read_is_read_whole() {
        for (all, batch) in [(120, 1), (120, 7), (121, 10), (45, 3)] {
            let left: Arc<Mutex<Vec<i64>>> = Arc::new(Mutex::new((0..all).collect()));
            let server = left.clone();
            let mut items = items(10, move |offset| {
                let left = server.lock().unwrap();
                let total = i64::try_from(left.len()).unwrap();
                let (offset, end) = (offset.min(total), total.min(offset + 10));
                let data = (offset..end).map(|n| left[usize::try_from(n).unwrap()].to_string());
                let page = Numbers {
                    data: Some(data.collect()),
                    total: Some(total),
                };
                Box::pin(std::future::ready(Ok(page)))
            });
            // What is handed out is removed, a batch at a time.
            let (mut removed, mut waiting) = (0, Vec::new());
            while let Some(item) = items.try_next().await.unwrap() {
                let item: i64 = item.parse().unwrap();
                removed += 1;
                waiting.push(item);
                if waiting.len() == batch {
                    left.lock().unwrap().retain(|n| !waiting.contains(n));
                    waiting.clear();
                }
            }
            assert_eq!(removed, all, "{batch} at a time");
        }
    }

    #[tokio::test]
    async fn a_list_without_end_is_an_error() {
        let items = items(10_000, |offset| {
            let page = slice(i64::MAX, offset, 10_000, None);
            Box::pin(std::future::ready(Ok(page)))
        });
        let error = items.try_fold(0, |n, _| async move { Ok(n + 1) }).await;
        assert!(error.unwrap_err().to_string().contains("narrow it"));
    }

    #[tokio::test]
    async fn a_response_without_a_list_is_no_empty_list() {
        for (total, is_list) in [(None, false), (Some(3), false), (Some(0), true)] {
            let mut items = items(10, move |_| {
                let page = Numbers { data: None, total };
                Box::pin(std::future::ready(Ok(page)))
            });
            assert_eq!(items.try_next().await.is_ok(), is_list, "{total:?}");
        }
    }

    #[tokio::test]
    async fn a_row_that_cannot_be_read_is_one_error_and_the_others_are_listed() {
        let body = br#"{"data": ["a", {"id": "n-2"}, "c"], "total": 4}"#;
        let page = move |offset| {
            let page = match offset {
                0 => Err(Error::decode::<Numbers>(
                    http::StatusCode::OK,
                    http::HeaderMap::new(),
                    body,
                )),
                _ => Ok(Numbers {
                    data: Some(vec!["d".to_owned()]),
                    total: Some(4),
                }),
            };
            Box::pin(std::future::ready(page)) as BoxFuture<'static, _>
        };
        let rows: Vec<_> = items(3, page).collect().await;
        let told: Vec<_> = rows
            .iter()
            .map(|row| row.as_deref().unwrap_or("error"))
            .collect();
        assert_eq!(told, ["a", "error", "c", "d"]);
        let error = rows[1].as_ref().unwrap_err();
        assert!(error.is_decode(), "{error}");
        assert_eq!(
            error.to_string(),
            "HTTP 200 OK: item 1 of the list, n-2, is not as documented at `.`: expected a string"
        );
        let pages: Vec<_> = pages(3, page).collect().await;
        assert!(pages[0].is_err() && pages[1].is_ok() && pages.len() == 2);
    }
}
