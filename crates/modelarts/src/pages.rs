//! Lists as streams that fetch one page at a time.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::fmt::{self, Display};
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http::StatusCode;
use modelarts_client::IntoOptional;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::client::ModelArts;
use crate::error::{Error, Result, expectation, place};

/// How a list numbers its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "a family may have lists of every style")]
pub(crate) enum Style {
    /// By the number of records before the page, from 0.
    Offset,
    /// By page number, starting with this one.
    Page(i64),
    /// Not at all: each page has the token of the next one.
    Token,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "a family may have lists of every style")]
pub(crate) enum Position {
    Number(i64),
    Token(String),
}

#[allow(dead_code, reason = "a family may have lists of every style")]
impl Position {
    /// The position for a numeric parameter.
    pub(crate) fn number(position: Option<Self>) -> Option<i64> {
        match position {
            Some(Self::Number(number)) => Some(number),
            _ => None,
        }
    }

    /// The position for a text parameter.
    pub(crate) fn token(position: Option<Self>) -> Option<String> {
        match position {
            Some(Self::Token(token)) => Some(token),
            _ => None,
        }
    }
}

impl From<i32> for Position {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Position {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Position {
    fn from(token: String) -> Self {
        Self::Token(token)
    }
}

/// How a list is read: the generated builder of an operation with `x-pagination`.
pub(crate) trait List: Send + Sync + 'static {
    /// The response.
    type Page: DeserializeOwned + Send + 'static;
    type Item: Serialize + DeserializeOwned + Send + 'static;

    const STYLE: Style;
    /// The members of a page that can hold the items; the first one present is used.
    const ITEMS: &'static [&'static str];

    /// Reads the page at a position, by default the first page of the service.
    fn fetch(&self, position: Option<Position>) -> impl Future<Output = Result<Self::Page>> + Send;

    /// `None` if the page holds no list at all.
    fn items(page: &Self::Page) -> Option<&[Self::Item]>;
    fn take_items(page: &mut Self::Page) -> Vec<Self::Item>;
    fn set_items(page: &mut Self::Page, items: Vec<Self::Item>);
    /// The total number of items that the service reports.
    fn total(page: &Self::Page) -> Option<i64>;
    /// The token of the next page.
    fn next(page: &Self::Page) -> Option<&str>;
    fn id(item: &Self::Item) -> Option<&str>;
}

/// The parts that all list builders share, besides their filters.
#[derive(Clone, Debug)]
pub(crate) struct ListQuery {
    client: ModelArts,
    page_size: u32,
    start: Option<Position>,
    /// Errors in filter values, by the name of the parameter.
    problems: Vec<(&'static str, String)>,
}

impl ListQuery {
    pub(crate) fn new(client: &ModelArts, page_size: u32) -> Self {
        Self {
            client: client.clone(),
            page_size,
            start: None,
            problems: Vec::new(),
        }
    }

    pub(crate) fn set_page_size(&mut self, size: u32) {
        self.page_size = size.max(1);
    }

    pub(crate) fn set_start(&mut self, position: Option<Position>) {
        self.start = position;
    }

    pub(crate) fn page_size(&self) -> u32 {
        self.page_size
    }

    pub(crate) fn start(&self) -> Option<Position> {
        self.start.clone()
    }

    /// Converts the value of a filter. An invalid value is reported when the list is read; the last call of a setter
    /// wins.
    pub(crate) fn optional<T, V, M>(&mut self, name: &'static str, value: V) -> Option<T>
    where
        V: IntoOptional<T, M>,
    {
        self.take(name, value.into_optional())
    }

    /// Like [`optional`](Self::optional), for a filter that the service requires.
    #[allow(dead_code, reason = "a family may have no such filter")]
    pub(crate) fn required<T, V>(&mut self, name: &'static str, value: V) -> Option<T>
    where
        V: TryInto<T, Error: Display>,
    {
        self.take(name, value.try_into().map(Some))
    }

    fn take<T, E: Display>(
        &mut self,
        name: &'static str,
        value: Result<Option<T>, E>,
    ) -> Option<T> {
        self.problems.retain(|(known, _)| *known != name);
        value.unwrap_or_else(|error| {
            self.problems.push((name, error.to_string()));
            None
        })
    }

    /// Returns the client if all filters are valid.
    pub(crate) fn client(&self, operation: &'static str) -> Result<&ModelArts> {
        let problems = self.problems.iter();
        let problems = problems.map(|(name, error)| format!("`{name}` does not fit: {error}"));
        let problems: Vec<_> = problems.collect();
        match problems.is_empty() {
            true => Ok(&self.client),
            false => Err(Error::argument(problems.join("; ")).in_operation(operation)),
        }
    }
}

/// The methods of a list builder.
macro_rules! list_methods {
    ($list:ident, $page:ty, $item:ty, $size:literal) => {
        impl $list {
            #[doc = concat!("Sets the number of items to request per page; the default is ", $size, ".")]
            pub fn page_size(mut self, size: u32) -> Self {
                self.query.set_page_size(size);
                self
            }

            /// Fetches one page: the first, unless another start was set.
            ///
            /// # Errors
            /// When a filter is invalid, or the call fails.
            pub async fn send(&self) -> $crate::Result<$page> {
                $crate::pages::List::fetch(self, self.query.start()).await
            }

            /// Reads all pages and returns all items. Use it to stop or delete what you list.
            ///
            /// If you stop or delete items while the list is still being read, the list changes: with a filter by
            /// status, the following items move up. [`items`](Self::items) corrects for that as far as the service
            /// reports it. With `collect`, only changes by others can move items between the first request and the
            /// last. The service has no snapshot of a list: if others delete and create items meanwhile so that the
            /// total stays the same, an item can be missed. To be sure, list again until the list is empty. If you only
            /// read the items, `items` needs no more memory than one page.
            ///
            /// # Errors
            /// When a filter is invalid, a call fails, or an item cannot be read; the error names it.
            pub async fn collect(self) -> $crate::Result<Vec<$item>> {
                futures::TryStreamExt::try_collect(self.items()).await
            }

            /// Returns a stream of all pages. Each page is fetched when the stream is polled for it.
            ///
            /// If a call fails, the stream ends with the error. After a page that cannot be read, it continues with the
            /// next page. Items that were on an earlier page are left out.
            pub fn pages(self) -> $crate::Pages<$page> {
                let (size, start) = (self.query.page_size(), self.query.start());
                $crate::pages::pages(self, size, start)
            }

            /// Returns a stream of all items of all pages. Each page is fetched when the stream is polled for it.
            ///
            /// An item that cannot be read gives one error that names its index and ID, and the stream continues; if a
            /// call fails, the stream ends with the error. Each item is returned once. If the list shrinks while it is
            /// read, because listed items are stopped or deleted, the stream goes back as far as necessary, based on
            /// the total that the service reports. To stop or delete what you list, use [`collect`](Self::collect),
            /// which does not depend on this.
            pub fn items(self) -> $crate::Items<$item> {
                let (size, start) = (self.query.page_size(), self.query.start());
                $crate::pages::items(self, size, start)
            }
        }
    };
}
pub(crate) use list_methods;

/// The stream of all items of a list, from `items()`. It needs no pinning.
#[must_use = "a stream does nothing unless polled"]
pub struct Items<T>(BoxStream<'static, Result<T>>);

/// The stream of all pages of a list, from `pages()`. It needs no pinning.
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

/// A list with more items than this is considered endless.
const MOST: i64 = 1_000_000;

/// The limit on pages in a row without new items, so that a list that keeps changing cannot loop forever.
const MOST_IDLE: u32 = 32;

/// The position of a listing, and the rules for when it ends.
///
/// With numbered positions, a listing ends at an empty page, at a short page once the total is reached, and at a page
/// beyond all earlier pages that has nothing new, if it repeats the previous page or the total is reached. The total
/// alone does not end it, since it can be wrong; nor does a short page, since a service may cap the page size. With
/// tokens, it ends when there is no token, or one that was seen before.
///
/// If the total shrinks, the removed items may have been before the position, so that all items after them moved up:
/// the listing goes back by that number. If the total grows, the next items may already have been on the previous page.
/// Items that were returned before are left out. So no item that stays is missed while others are removed, or added in
/// front (the service lists the newest first), unless between two requests as many items are added as removed, and at
/// least a page.
#[derive(Debug)]
struct Cursor {
    style: Style,
    limit: i64,
    start: i64,
    /// The number of the next page; unused with tokens.
    number: i64,
    token: Option<String>,
    /// The number of items before the next page, and before the first page.
    place: i64,
    start_place: i64,
    /// The furthest position that the pages have reached so far.
    end: i64,
    /// The length of the longest page.
    longest: i64,
    total: Option<i64>,
    /// How many items beyond the end may be repeats, because that many were added.
    repeats: i64,
    /// Pages in a row without anything new.
    idle: u32,
    /// Hash of the previous page.
    last_page: Option<u64>,
    /// Hashes of the items returned so far, and of the tokens.
    seen: HashSet<u64>,
    tokens: HashSet<u64>,
    ended: bool,
}

impl Cursor {
    fn new(style: Style, limit: u32, start: Option<Position>) -> Self {
        let limit = i64::from(limit);
        let (number, token) = match (start, style) {
            (Some(Position::Number(number)), _) => (number, None),
            (Some(Position::Token(token)), _) => (0, Some(token)),
            (None, Style::Page(first)) => (first, None),
            (None, _) => (0, None),
        };
        let place = match style {
            Style::Offset => number,
            Style::Page(first) => number.saturating_sub(first).saturating_mul(limit),
            Style::Token => 0,
        };
        Self {
            style,
            limit,
            start: number,
            number,
            token,
            place,
            start_place: place,
            end: place,
            longest: 1,
            total: None,
            repeats: 0,
            idle: 0,
            last_page: None,
            seen: HashSet::new(),
            tokens: HashSet::new(),
            ended: false,
        }
    }

    fn position(&self) -> Option<Position> {
        match self.style {
            Style::Token => self.token.clone().map(Position::Token),
            _ => Some(Position::Number(self.number)),
        }
    }

    /// Goes back and returns `true` if the list has shrunk since the last page, so that the current page begins too
    /// late.
    fn must_rewind(&mut self, total: Option<i64>) -> bool {
        let before = self.total;
        self.total = total.or(before);
        let (Some(before), Some(total)) = (before, total) else {
            return false;
        };
        self.repeats = self
            .repeats
            .saturating_add(total.saturating_sub(before).max(0));
        let is_at_start = self.style == Style::Token || self.number <= self.start;
        if total >= before || is_at_start || self.idle >= MOST_IDLE {
            return false;
        }
        self.idle += 1;
        self.last_page = None;
        let removed = before.saturating_sub(total);
        let (steps, items) = match self.style {
            Style::Page(_) => {
                let pages = removed.saturating_add(self.longest - 1) / self.longest;
                (pages, pages.saturating_mul(self.longest))
            }
            _ => (removed, removed),
        };
        self.number = self.number.saturating_sub(steps).max(self.start);
        self.place = self.place.saturating_sub(items).max(self.start_place);
        true
    }

    /// Advances past a page with these items; returns `true` for each item that is new.
    fn take(&mut self, keys: &[u64], total: Option<i64>, next: Option<&str>) -> Result<Vec<bool>> {
        let is_new: Vec<bool> = keys.iter().map(|key| self.seen.insert(*key)).collect();
        let length = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        self.longest = self.longest.max(length);
        self.place = self.place.saturating_add(length);
        let has_news = is_new.contains(&true);
        self.idle = if has_news { 0 } else { self.idle + 1 };
        if self.place > MOST {
            self.ended = true;
            return Err(Error::argument(format!(
                "the list has not ended after {MOST} items; narrow it with a filter"
            )));
        }
        let step = match self.style {
            Style::Token => {
                self.token = next.filter(|token| !token.is_empty()).map(str::to_owned);
                let is_known = |token| !self.tokens.insert(hash(&token));
                self.ended = self.token.as_ref().is_none_or(is_known) || self.idle > MOST_IDLE;
                return Ok(is_new);
            }
            Style::Offset => length,
            Style::Page(_) => 1,
        };
        self.number = self.number.saturating_add(step);
        let is_beyond = self.place > self.end;
        self.end = self.end.max(self.place);
        // A service that ignores the position sends the same page again, however large its total.
        let page = hash(&keys);
        let is_same = self.last_page.replace(page) == Some(page);
        let is_more = total.is_some_and(|total| self.place < total) && !is_same;
        let may_repeat = (self.repeats > 0 || is_more) && self.idle < MOST_IDLE;
        if is_beyond {
            let repeated = is_new.iter().filter(|is_new| !**is_new).count();
            let repeated = i64::try_from(repeated).unwrap_or(i64::MAX);
            self.repeats = self.repeats.saturating_sub(repeated).max(0);
        }
        self.ended = length == 0
            || is_beyond && !has_news && !may_repeat
            || length < self.limit && total.is_some_and(|total| self.place >= total);
        Ok(is_new)
    }
}

/// A fetched page, decoded as a whole or item by item.
struct Fetched<L: List> {
    page: L::Page,
    rows: Vec<Row<L::Item>>,
    /// Why the page could not be decoded as a whole.
    error: Option<Error>,
}

/// An item, or why it could not be read.
struct Row<T> {
    /// Identifies the item, to recognise repeats.
    key: u64,
    item: Result<T>,
}

/// A stream of all pages, each fetched on demand, without the items of earlier pages.
fn fetched<L: List>(
    list: L,
    limit: u32,
    start: Option<Position>,
) -> impl Stream<Item = Result<Fetched<L>>> + Send + 'static {
    let state = (Cursor::new(L::STYLE, limit, start), list);
    stream::try_unfold(state, move |(mut cursor, list)| async move {
        while !cursor.ended {
            let first = cursor.place;
            let mut fetched = match list.fetch(cursor.position()).await {
                Ok(page) => whole::<L>(page, first)?,
                Err(error) => salvage::<L>(error, first)?,
            };
            let total = L::total(&fetched.page);
            if cursor.must_rewind(total) {
                continue;
            }
            let keys: Vec<u64> = fetched.rows.iter().map(|row| row.key).collect();
            let is_new = cursor.take(&keys, total, L::next(&fetched.page))?;
            let mut is_new = is_new.into_iter();
            fetched.rows.retain(|_| is_new.next().unwrap_or(true));
            if !fetched.rows.is_empty() {
                return Ok(Some((fetched, (cursor, list))));
            }
        }
        Ok(None)
    })
}

pub(crate) fn pages<L: List>(list: L, limit: u32, start: Option<Position>) -> Pages<L::Page> {
    let pages = fetched(list, limit, start).map(|fetched| {
        let mut fetched = fetched?;
        match fetched.error {
            Some(error) => Err(error),
            None => {
                let items = fetched.rows.into_iter().map(|row| row.item);
                L::set_items(&mut fetched.page, items.collect::<Result<_>>()?);
                Ok(fetched.page)
            }
        }
    });
    Pages(pages.fuse().boxed())
}

pub(crate) fn items<L: List>(list: L, limit: u32, start: Option<Position>) -> Items<L::Item> {
    let items = fetched(list, limit, start)
        .map_ok(|fetched| stream::iter(fetched.rows.into_iter().map(|row| row.item)))
        .try_flatten();
    Items(items.boxed())
}

fn whole<L: List>(mut page: L::Page, first: i64) -> Result<Fetched<L>> {
    // A successful response without a list does not mean that the list is empty.
    if L::items(&page).is_none() && L::total(&page) != Some(0) {
        let members = L::ITEMS.join("` or `");
        let message = format!("the response holds no list: `{members}` is missing");
        return Err(Error::incomplete(None, message));
    }
    let items = L::take_items(&mut page).into_iter().zip(first..);
    let rows = items.map(|(item, index)| Row {
        key: key::<L>(&item, index),
        item: Ok(item),
    });
    Ok(Fetched {
        rows: rows.collect(),
        page,
        error: None,
    })
}

/// Decodes a page item by item after it failed to decode as a whole; returns the error if that fails too.
fn salvage<L: List>(error: Error, first: i64) -> Result<Fetched<L>> {
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
    // Any other list holds the same rows.
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

fn read<L: List>(row: Value, index: i64, page_error: &Error) -> Row<L::Item> {
    let id = row.get("id").and_then(Value::as_str).map(str::to_owned);
    let row = row.to_string();
    let item = modelarts_client::decode::<L::Item>(StatusCode::OK, row.as_bytes(), false);
    let error = match item {
        Ok(item) => {
            return Row {
                key: key::<L>(&item, index),
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

/// Identifies an item by its ID or, without one, by its content and index.
fn key<L: List>(item: &L::Item, index: i64) -> u64 {
    match L::id(item) {
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
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use proptest::sample::Index;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Numbers {
        data: Option<Vec<String>>,
        total: Option<i64>,
        next: Option<String>,
    }

    type Server = Arc<dyn Fn(Option<Position>) -> Result<Numbers> + Send + Sync>;

    const STYLES: [Style; 4] = [Style::Offset, Style::Page(0), Style::Page(1), Style::Token];

    /// A list of the style with this number.
    struct NumberList<const STYLE: usize>(Server);

    impl<const STYLE: usize> List for NumberList<STYLE> {
        type Page = Numbers;
        type Item = String;

        const STYLE: Style = STYLES[STYLE];
        const ITEMS: &'static [&'static str] = &["data"];

        async fn fetch(&self, position: Option<Position>) -> Result<Numbers> {
            (self.0)(position)
        }

        fn items(page: &Numbers) -> Option<&[String]> {
            page.data.as_deref()
        }

        fn take_items(page: &mut Numbers) -> Vec<String> {
            page.data.take().unwrap_or_default()
        }

        fn set_items(page: &mut Numbers, items: Vec<String>) {
            page.data = Some(items);
        }

        fn total(page: &Numbers) -> Option<i64> {
            page.total
        }

        fn next(page: &Numbers) -> Option<&str> {
            page.next.as_deref()
        }

        fn id(item: &String) -> Option<&str> {
            Some(item)
        }
    }

    fn by_offset(server: impl Fn(i64) -> Result<Numbers> + Send + Sync + 'static) -> NumberList<0> {
        let server = move |position| server(Position::number(position).unwrap());
        NumberList(Arc::new(server))
    }

    /// Lists the items of a server; returns the number of items and of requests.
    async fn list(server: impl Fn(i64) -> Numbers + Send + Sync + 'static) -> (usize, u32) {
        let requests = Arc::new(AtomicU32::new(0));
        let count = requests.clone();
        let list = by_offset(move |offset| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(server(offset))
        });
        let items: Vec<String> = items(list, 10, None).try_collect().await.unwrap();
        (items.len(), requests.load(Ordering::Relaxed))
    }

    fn slice(all: i64, offset: i64, limit: i64, total: Option<i64>) -> Numbers {
        let numbers = offset..all.min(offset + limit);
        Numbers {
            data: Some(numbers.map(|n| n.to_string()).collect()),
            total,
            next: None,
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
        // A total that jumps sends it back a limited number of times.
        let calls = AtomicU32::new(0);
        let (items, requests) = list(move |o| {
            let total = i64::from(calls.fetch_add(1, Ordering::Relaxed) % 2) * 100_000;
            slice(30, o % 30, 10, Some(100_000 - total))
        })
        .await;
        assert!(items == 30 && requests < 150, "{items} in {requests}");
    }

    /// A service whose list changes between any two requests: it loses items anywhere and gets new ones in front.
    struct Changing {
        /// Newest first.
        ids: Vec<u32>,
        next_id: u32,
        changes: Vec<(Vec<Index>, u32)>,
    }

    impl Changing {
        fn new(length: u32, changes: Vec<(Vec<Index>, u32)>) -> Self {
            Self {
                ids: (0..length).rev().collect(),
                next_id: length,
                changes,
            }
        }

        fn page(&mut self, offset: usize, limit: usize) -> Numbers {
            let page = self.ids.iter().skip(offset).take(limit);
            let page = Numbers {
                data: Some(page.map(u32::to_string).collect()),
                total: Some(self.ids.len().try_into().unwrap()),
                next: None,
            };
            if let Some((removed, mut added)) = self.changes.pop() {
                // Changes that the total does not show must not move a whole page.
                if !removed.is_empty() {
                    added %= u32::try_from(limit).unwrap();
                }
                for index in removed {
                    if !self.ids.is_empty() {
                        self.ids.remove(index.index(self.ids.len()));
                    }
                }
                for _ in 0..added {
                    self.ids.insert(0, self.next_id);
                    self.next_id += 1;
                }
            }
            page
        }
    }

    /// Lists while the list changes; every item that exists throughout must be listed, and none twice.
    fn nothing_that_stays_is_lost<const STYLE: usize>(
        service: Changing,
        limit: u32,
        cap: u32,
    ) -> Result<(), TestCaseError> {
        let before: HashSet<u32> = service.ids.iter().copied().collect();
        let service = Arc::new(Mutex::new(service));
        let server = service.clone();
        let size = usize::try_from(limit.min(cap)).unwrap();
        let list = NumberList::<STYLE>(Arc::new(move |position| {
            let number = Position::number(position).unwrap();
            let offset = match STYLES[STYLE] {
                Style::Page(first) => usize::try_from(number - first).unwrap() * size,
                _ => usize::try_from(number).unwrap(),
            };
            Ok(server.lock().unwrap().page(offset, size))
        }));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let listed = runtime.block_on(items(list, limit, None).try_collect::<Vec<_>>());
        let listed = listed.unwrap();
        let ids: HashSet<u32> = listed.iter().map(|id| id.parse().unwrap()).collect();
        prop_assert_eq!(ids.len(), listed.len(), "nothing comes twice");
        let service = service.lock().unwrap();
        let after: HashSet<u32> = service.ids.iter().copied().collect();
        let lost: Vec<_> = before
            .intersection(&after)
            .filter(|id| !ids.contains(id))
            .collect();
        prop_assert!(lost.is_empty(), "{lost:?} stayed and were not listed");
        Ok(())
    }

    fn changes() -> impl Strategy<Value = Vec<(Vec<Index>, u32)>> {
        let change = (prop::collection::vec(any::<Index>(), 0..12), 0..12_u32);
        prop::collection::vec(change, 0..20)
    }

    proptest! {
        #[test]
        fn a_list_that_changes_while_it_is_read_loses_nothing_that_stays(
            length in 0..130_u32,
            changes in changes(),
            limit in 1..25_u32,
            cap in 1..25_u32,
        ) {
            let service = || Changing::new(length, changes.clone());
            nothing_that_stays_is_lost::<0>(service(), limit, cap)?;
            nothing_that_stays_is_lost::<1>(service(), limit, cap)?;
            nothing_that_stays_is_lost::<2>(service(), limit, cap)?;
        }
    }

    #[tokio::test]
    async fn tokens_lead_from_page_to_page() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let server = |length: i64, asked: Arc<Mutex<Vec<Option<String>>>>| {
            NumberList::<3>(Arc::new(move |position| {
                let token = Position::token(position);
                let offset = token.as_ref().map_or(0, |token| token.parse().unwrap());
                asked.lock().unwrap().push(token);
                // A page may be empty without being the last one.
                let size = if offset == 10 { 0 } else { 10 };
                let next = (offset + 10 < length).then(|| (offset + 10).to_string());
                let page = slice(length, offset, size, None);
                Ok(Numbers { next, ..page })
            }))
        };
        let all: Vec<String> = items(server(35, asked.clone()), 10, None)
            .try_collect()
            .await
            .unwrap();
        assert_eq!((all.len(), all[10].as_str()), (25, "20"));
        let tokens = ["10", "20", "30"].map(|token| Some(token.to_owned()));
        assert_eq!(asked.lock().unwrap()[1..], tokens);
        let start = Some(Position::Token("30".to_owned()));
        let rest: Vec<String> = items(server(35, asked), 10, start)
            .try_collect()
            .await
            .unwrap();
        assert_eq!(rest, ["30", "31", "32", "33", "34"]);
    }

    #[tokio::test]
    async fn a_token_that_was_there_before_ends_the_list() {
        for (token, is_empty, requests) in
            [("same", false, 2), ("", false, 1), ("counted", true, 33)]
        {
            let count = Arc::new(AtomicU32::new(0));
            let counter = count.clone();
            let list = NumberList::<3>(Arc::new(move |_| {
                let n = counter.fetch_add(1, Ordering::Relaxed);
                let next = match token {
                    "counted" => n.to_string(),
                    token => token.to_owned(),
                };
                let page = slice(if is_empty { 0 } else { 10 }, 0, 10, None);
                Ok(Numbers {
                    next: Some(next),
                    ..page
                })
            }));
            let all: Vec<String> = items(list, 10, None).try_collect().await.unwrap();
            assert_eq!(all.is_empty(), is_empty, "{token}");
            assert_eq!(count.load(Ordering::Relaxed), requests, "{token}");
        }
    }

    #[tokio::test]
    async fn a_list_begins_at_the_position_that_is_set() {
        let start = Some(Position::Number(20));
        let list = by_offset(|offset| Ok(slice(25, offset, 10, Some(25))));
        let rest: Vec<String> = items(list, 10, start).try_collect().await.unwrap();
        assert_eq!(rest, ["20", "21", "22", "23", "24"]);
        let list = NumberList::<2>(Arc::new(|position| {
            let page = Position::number(position).unwrap();
            Ok(slice(25, (page - 1) * 10, 10, Some(25)))
        }));
        let start = Some(Position::Number(3));
        let rest: Vec<String> = items(list, 10, start).try_collect().await.unwrap();
        assert_eq!(rest, ["20", "21", "22", "23", "24"]);
    }

    #[tokio::test]
    async fn who_removes_what_is_handed_out_gets_all_of_it() {
        for (all, batch) in [(120, 1), (120, 7), (121, 10), (45, 3)] {
            let left: Arc<Mutex<Vec<i64>>> = Arc::new(Mutex::new((0..all).collect()));
            let server = left.clone();
            let list = by_offset(move |offset| {
                let left = server.lock().unwrap();
                let total = i64::try_from(left.len()).unwrap();
                let (offset, end) = (offset.min(total), total.min(offset + 10));
                let data = (offset..end).map(|n| left[usize::try_from(n).unwrap()].to_string());
                Ok(Numbers {
                    data: Some(data.collect()),
                    total: Some(total),
                    next: None,
                })
            });
            let mut items = items(list, 10, None);
            // Returned items are removed, a batch at a time.
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
        let list = by_offset(|offset| Ok(slice(i64::MAX, offset, 10_000, None)));
        let items = items(list, 10_000, None);
        let error = items.try_fold(0, |n, _| async move { Ok(n + 1) }).await;
        assert!(error.unwrap_err().to_string().contains("narrow it"));
    }

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
