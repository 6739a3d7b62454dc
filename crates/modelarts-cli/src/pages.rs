//! Pagination: how the pages of a list follow each other, as described by the document.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher as _};

use modelarts_document::PaginationStyle;
use serde_json::{Map, Value};

use crate::document::Paging;

/// The maximum number of pages in a row without new items. Until then a listing continues, however often the list
/// changes.
const MOST_IDLE: u32 = 32;

/// The position of a listing, and whether it has ended.
///
/// With numeric positions a listing ends with an empty page, with a short page once the total is reached, and with a
/// page without new items if it is the same page again or the total is reached. The total alone does not end a
/// listing, since it can be wrong. With tokens it ends when a page has no token, or one that was seen before. When
/// the total shrinks, the removed items may have been before the position: the listing goes back by as many, and
/// skips items that it has seen.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    /// The pagination; without it there is a single page.
    paging: Option<&'a Paging>,
    /// How many items to ask for.
    limit: i64,
    /// The number of the next page, and of the first.
    number: i64,
    start: i64,
    token: Option<String>,
    /// How many items come before the next page, and before the first.
    place: i64,
    start_place: i64,
    /// The length of the longest page.
    longest: i64,
    total: Option<i64>,
    /// Pages in a row without anything new.
    idle: u32,
    last_page: Option<u64>,
    /// Hashes of the items so far.
    seen: HashSet<u64>,
    tokens: HashSet<String>,
    ended: bool,
}

impl<'a> Cursor<'a> {
    /// Returns a cursor before the first page, whose position is taken from the query; `most` is the number of items
    /// wanted.
    pub(crate) fn new(
        paging: Option<&'a Paging>,
        query: &[(String, String)],
        most: Option<usize>,
    ) -> Self {
        let given = |name: &str| {
            let mut query = query.iter().rev();
            query
                .find(|(given, _)| given == name)
                .map(|(_, value)| value.as_str())
        };
        let number = |name: &str| given(name)?.parse::<i64>().ok();
        let (limit, position) = match paging {
            Some(paging) => (paging.limit, paging.position),
            None => ("", ""),
        };
        let size = paging.map_or(1, |paging| i64::from(paging.size));
        let most = most.map_or(size, |most| i64::try_from(most).unwrap_or(i64::MAX));
        let limit = number(limit).unwrap_or_else(|| size.min(most)).max(1);
        let style = paging.map(|paging| paging.style);
        let start = number(position).unwrap_or(match style {
            Some(PaginationStyle::Page(first)) => first,
            _ => 0,
        });
        let place = match style {
            Some(PaginationStyle::Offset) => start,
            Some(PaginationStyle::Page(first)) => start.saturating_sub(first).saturating_mul(limit),
            _ => 0,
        };
        Self {
            paging,
            limit,
            number: start,
            start,
            token: given(position).map(str::to_owned),
            place,
            start_place: place,
            longest: 1,
            total: None,
            idle: 0,
            last_page: None,
            seen: HashSet::new(),
            tokens: HashSet::new(),
            ended: false,
        }
    }

    /// Returns the parameters that the next request adds to its query; `None` once the list has ended.
    pub(crate) fn query(&self) -> Option<Vec<(&'a str, String)>> {
        if self.ended {
            return None;
        }
        let Some(paging) = self.paging else {
            return Some(Vec::new());
        };
        let mut query = vec![(paging.limit, self.limit.to_string())];
        match paging.style {
            PaginationStyle::Token => {
                query.extend(self.token.clone().map(|token| (paging.position, token)));
            }
            _ => query.push((paging.position, self.number.to_string())),
        }
        Some(query)
    }

    /// Whether all pages have been read, according to the service.
    pub(crate) fn has_all(&self) -> bool {
        self.ended || self.total.is_some_and(|total| self.place >= total)
    }

    /// Returns the total number of items that a page reports.
    pub(crate) fn total(&self, page: &Map<String, Value>) -> Option<i64> {
        page.get(self.paging?.total?)?.as_i64()
    }

    /// Advances past a page; returns those of its items that were not seen before.
    pub(crate) fn take(&mut self, items: Vec<Value>, page: &Map<String, Value>) -> Vec<Value> {
        let Some(paging) = self.paging else {
            self.ended = true;
            return items;
        };
        let total = self.total(page);
        if self.must_rewind(paging.style, total) {
            return Vec::new();
        }
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let keys: Vec<u64> = items.iter().zip(self.place..).map(key).collect();
        let pairs = items.into_iter().zip(&keys);
        let new: Vec<Value> = pairs
            .filter(|(_, key)| self.seen.insert(**key))
            .map(|(item, _)| item)
            .collect();
        self.idle = if new.is_empty() { self.idle + 1 } else { 0 };
        self.longest = self.longest.max(length);
        self.place = self.place.saturating_add(length);
        let step = match paging.style {
            PaginationStyle::Token => {
                let next = paging.next.and_then(|name| page.get(name)?.as_str());
                self.token = next.filter(|token| !token.is_empty()).map(str::to_owned);
                let is_known = |token: &String| !self.tokens.insert(token.clone());
                self.ended = self.token.as_ref().is_none_or(is_known) || self.idle > MOST_IDLE;
                return new;
            }
            PaginationStyle::Offset => length,
            PaginationStyle::Page(_) => 1,
        };
        self.number = self.number.saturating_add(step);
        let this_page = hash(&keys);
        let is_same = self.last_page.replace(this_page) == Some(this_page);
        let is_more = total.is_some_and(|total| self.place < total);
        self.ended = length == 0
            || (new.is_empty() && (is_same || !is_more || self.idle > MOST_IDLE))
            || (length < self.limit && total.is_some() && !is_more);
        new
    }

    /// Whether the list has shrunk since the previous page, so that the current page starts too late. If so, goes
    /// back.
    fn must_rewind(&mut self, style: PaginationStyle, total: Option<i64>) -> bool {
        let before = self.total;
        self.total = total.or(before);
        let removed = match (before, total) {
            (Some(before), Some(total)) => before.saturating_sub(total),
            _ => 0,
        };
        let can_go_back = style != PaginationStyle::Token && self.number > self.start;
        if removed <= 0 || !can_go_back || self.idle >= MOST_IDLE {
            return false;
        }
        self.idle += 1;
        self.last_page = None;
        let (steps, items) = match style {
            PaginationStyle::Page(_) => {
                let pages = removed.saturating_add(self.longest - 1) / self.longest;
                (pages, pages.saturating_mul(self.longest))
            }
            _ => (removed, removed),
        };
        self.number = self.number.saturating_sub(steps).max(self.start);
        self.place = self.place.saturating_sub(items).max(self.start_place);
        true
    }
}

/// Returns a hash that identifies an item: of its ID or, without one, of its content and position.
fn key((item, place): (&Value, i64)) -> u64 {
    match item.get("id").and_then(Value::as_str) {
        Some(id) => hash(&(None::<i64>, id)),
        None => hash(&(Some(place), item.to_string().as_str())),
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use modelarts_document::Document;
    use serde_json::json;

    use super::*;

    /// Returns the pagination of an operation with this style.
    fn paging(style: &str) -> Paging {
        let parameter =
            |name: &str, kind: &str| json!({"name": name, "in": "query", "schema": {"type": kind}});
        let document = json!({"paths": {"/things": {"get": {
            "operationId": "listThings",
            "x-pagination": serde_json::from_str::<Value>(style).unwrap(),
            "parameters": [
                parameter("size", "integer"), parameter("at", "integer"), parameter("after", "string"),
            ],
            "responses": {"200": {"content": {"application/json": {"schema": {"type": "object", "properties": {
                "things": {"type": "array", "items": {"type": "object"}},
                "count": {"type": "integer"}, "next": {"type": "string"},
            }}}}}},
        }}}});
        let document = Box::leak(Box::new(Document::new(document).unwrap()));
        let operation = document.operation("listThings").unwrap();
        Paging::read(&operation).unwrap().unwrap()
    }

    const OFFSET: &str = r#"{"style": "offset", "limit": "size", "offset": "at", "items": "things", "total": "count", "size": 3}"#;
    const PAGE: &str = r#"{"style": "page", "first": 1, "limit": "size", "offset": "at", "items": "things", "total": "count", "size": 3}"#;
    const TOKEN: &str = r#"{"style": "token", "limit": "size", "token": "after", "next": "next", "items": "things", "size": 3}"#;

    /// Reads a list from a service; returns the ids, and the positions that were requested.
    fn read(
        style: &str,
        query: &[(String, String)],
        mut service: impl FnMut(&str, usize) -> (Vec<u32>, Value),
    ) -> (Vec<u32>, Vec<String>) {
        let paging = paging(style);
        let mut cursor = Cursor::new(Some(&paging), query, None);
        let (mut found, mut positions) = (Vec::new(), Vec::new());
        while let Some(query) = cursor.query() {
            assert!(positions.len() < 50, "{positions:?}");
            let of = |name: &str| query.iter().find(|(known, _)| *known == name);
            let position = of(paging.position).map_or("", |(_, value)| value.as_str());
            let limit: usize = of("size").unwrap().1.parse().unwrap();
            let (ids, rest) = service(position, limit);
            positions.push(position.to_owned());
            let items = ids
                .iter()
                .map(|id| json!({ "id": id.to_string() }))
                .collect();
            let new = cursor.take(items, rest.as_object().unwrap());
            found.extend(
                new.iter()
                    .map(|item| item["id"].as_str().unwrap().parse::<u32>().unwrap()),
            );
        }
        (found, positions)
    }

    fn slice(all: &[u32], from: usize, limit: usize) -> Vec<u32> {
        all.iter().copied().skip(from).take(limit).collect()
    }

    #[test]
    fn each_style_is_read_to_the_end() {
        let all: Vec<u32> = (0..8).collect();
        let count = json!({"count": 8});
        let by_offset = |at: &str, limit| (slice(&all, at.parse().unwrap(), limit), count.clone());
        let (found, positions) = read(OFFSET, &[], by_offset);
        assert_eq!(
            (found, positions.join(" ")),
            (all.clone(), "0 3 6".to_owned())
        );
        let by_page = |at: &str, limit| {
            let page: usize = at.parse().unwrap();
            (slice(&all, (page - 1) * limit, limit), count.clone())
        };
        let (found, positions) = read(PAGE, &[], by_page);
        assert_eq!(
            (found, positions.join(" ")),
            (all.clone(), "1 2 3".to_owned())
        );
        let by_token = |after: &str, limit| {
            let from = after
                .strip_prefix('t')
                .map_or(0, |from| from.parse().unwrap());
            let next = from + limit;
            let rest = if next < all.len() {
                json!({"next": format!("t{next}")})
            } else {
                json!({})
            };
            (slice(&all, from, limit), rest)
        };
        let (found, positions) = read(TOKEN, &[], by_token);
        assert_eq!(
            (found, positions.join(" ")),
            (all.clone(), " t3 t6".to_owned())
        );
        // Position and page size are taken from the query.
        let query =
            [("at", "5"), ("size", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let (found, positions) = read(OFFSET, &query, by_offset);
        assert_eq!(
            (found, positions.join(" ")),
            (vec![5, 6, 7], "5 7".to_owned())
        );
    }

    #[test]
    fn what_is_removed_on_the_way_hides_nothing() {
        for style in [OFFSET, PAGE] {
            let mut all: Vec<u32> = (0..9).collect();
            let mut requests = 0;
            let (found, _) = read(style, &[], |at, limit| {
                requests += 1;
                // Two items of the first page are removed after it was read.
                if requests == 2 {
                    all.drain(0..2);
                }
                let at: usize = at.parse().unwrap();
                let from = if style == PAGE { (at - 1) * limit } else { at };
                (slice(&all, from, limit), json!({"count": all.len()}))
            });
            assert_eq!(found, (0..9).collect::<Vec<_>>(), "{style}");
        }
    }

    #[test]
    fn a_service_that_repeats_itself_cannot_loop_it() {
        for style in [OFFSET, PAGE] {
            let (found, positions) =
                read(style, &[], |_, _| (vec![1, 2, 3], json!({"count": 999})));
            assert_eq!((found.len(), positions.len()), (3, 2), "{style}");
        }
        let (found, positions) = read(TOKEN, &[], |_, _| (vec![1], json!({"next": "same"})));
        assert_eq!((found.len(), positions.len()), (1, 2));
        // A total that goes up and down sends it back only a limited number of times.
        let mut total = 0;
        read(OFFSET, &[], |at, _| {
            total = 100 - total;
            (vec![1, 2, 3], json!({"count": total, "at": at}))
        });
    }

    #[test]
    fn without_pagination_there_is_one_page() {
        let mut cursor = Cursor::new(None, &[], None);
        assert_eq!(cursor.query(), Some(Vec::new()));
        assert_eq!(cursor.take(vec![json!(1), json!(1)], &Map::new()).len(), 2);
        assert_eq!(cursor.query(), None);
        assert!(cursor.has_all());
    }
}
