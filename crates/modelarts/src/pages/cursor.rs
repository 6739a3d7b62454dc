//! The position of a listing: which page comes next, when the list ends, and what to do when it changes meanwhile.

use std::collections::HashSet;

use super::key::hash;
use super::position::{Position, Style};
use crate::error::{Error, Result};

/// A list with more items than this is considered endless.
const MAX_ITEMS: i64 = 1_000_000;

/// The limit on pages in a row without new items, so that a list that keeps changing cannot loop forever.
const MAX_IDLE: u32 = 32;

/// The position of a listing, and the rules for when it ends.
///
/// With numbered positions, a listing ends at an empty page, at a short page once the total is reached, and at a page
/// beyond all earlier pages that has nothing new, if it repeats the previous page or the total is reached. The total
/// alone does not end it, since it can be wrong; nor does a short page, since a service may cap the page size. With
/// tokens, it ends when there is no token, or one that was seen before.
///
/// If the total shrinks, the removed items may have been before the position, so that all items after them moved up:
/// the listing goes back by that number. If the total grows, the next items may already have been on the previous
/// page. Items that were returned before are left out. So no item that stays is missed while others are removed, or
/// added in front (the service lists the newest first), unless between two requests as many items are added as
/// removed, and at least a page.
#[derive(Debug)]
pub(super) struct Cursor {
    style: Style,
    pub(super) limit: i64,
    start: i64,
    /// The number of the next page; unused with tokens.
    number: i64,
    token: Option<String>,
    /// The number of items before the next page, and before the first page. If the listing starts at a later page, it is an
    /// estimate.
    pub(super) offset: i64,
    start_offset: i64,
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
    pub(super) ended: bool,
}

impl Cursor {
    pub(super) fn new(style: Style, limit: u32, start: Option<Position>) -> Self {
        let limit = i64::from(limit);
        let (number, token) = match (start, style) {
            (Some(Position::Number(number)), _) => (number, None),
            (Some(Position::Token(token)), _) => (0, Some(token)),
            (None, Style::Page(first)) => (first, None),
            (None, _) => (0, None),
        };
        let offset = match style {
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
            offset,
            start_offset: offset,
            end: offset,
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

    /// Returns the position of the next page.
    pub(super) fn position(&self) -> Option<Position> {
        match self.style {
            Style::Token => self.token.clone().map(Position::Token),
            _ => Some(Position::Number(self.number)),
        }
    }

    /// Goes back and returns `true` if the list has shrunk since the last page, so that the current page begins too
    /// late.
    pub(super) fn must_rewind(&mut self, total: Option<i64>) -> bool {
        let before = self.total;
        self.total = total.or(before);
        let (Some(before), Some(total)) = (before, total) else {
            return false;
        };
        self.repeats = self
            .repeats
            .saturating_add(total.saturating_sub(before).max(0));
        let is_at_start = self.style == Style::Token || self.number <= self.start;
        if total >= before || is_at_start || self.idle >= MAX_IDLE {
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
        self.offset = self.offset.saturating_sub(items).max(self.start_offset);
        true
    }

    /// Advances past a page with these items; returns `true` for each item that is new.
    pub(super) fn take(
        &mut self,
        keys: &[u64],
        total: Option<i64>,
        next: Option<&str>,
    ) -> Result<Vec<bool>> {
        let is_first = self.seen.is_empty() && self.last_page.is_none();
        let is_new: Vec<bool> = keys.iter().map(|key| self.seen.insert(*key)).collect();
        let length = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        if let Style::Page(first) = self.style
            && is_first
            && length < self.limit
        {
            // The service may cap the page size, and the pages before this one too.
            self.offset = self.start.saturating_sub(first).saturating_mul(length);
            self.start_offset = self.offset;
            self.end = self.offset;
        }
        self.longest = self.longest.max(length);
        self.offset = self.offset.saturating_add(length);
        let has_news = is_new.contains(&true);
        self.idle = if has_news { 0 } else { self.idle + 1 };
        if self.offset.saturating_sub(self.start_offset) > MAX_ITEMS {
            self.ended = true;
            return Err(Error::argument(format!(
                "the list has not ended after {MAX_ITEMS} items; narrow it with a filter"
            )));
        }
        let step = match self.style {
            Style::Token => {
                self.token = next.filter(|token| !token.is_empty()).map(str::to_owned);
                let is_known = |token| !self.tokens.insert(hash(&token));
                self.ended = self.token.as_ref().is_none_or(is_known) || self.idle > MAX_IDLE;
                return Ok(is_new);
            }
            Style::Offset => length,
            Style::Page(_) => 1,
        };
        self.number = self.number.saturating_add(step);
        let is_beyond = self.offset > self.end;
        self.end = self.end.max(self.offset);
        // A service that ignores the position sends the same page again, however large its total.
        let page = hash(&keys);
        let is_same = self.last_page.replace(page) == Some(page);
        let is_more = total.is_some_and(|total| self.offset < total) && !is_same;
        let may_repeat = (self.repeats > 0 || is_more) && self.idle < MAX_IDLE;
        if is_beyond {
            let repeated = is_new.iter().filter(|is_new| !**is_new).count();
            let repeated = i64::try_from(repeated).unwrap_or(i64::MAX);
            self.repeats = self.repeats.saturating_sub(repeated).max(0);
        }
        self.ended = length == 0
            || is_beyond && !has_news && !may_repeat
            || length < self.limit && total.is_some_and(|total| self.offset >= total);
        Ok(is_new)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use futures::TryStreamExt;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::super::stream::items;
    use super::super::testing::*;
    use super::*;

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

    #[tokio::test]
    async fn each_list_is_read_to_the_end() {
        assert_eq!(list(|o| slice(25, o, 10, Some(25))).await, (25, 3));
        assert_eq!(list(|o| slice(20, o, 10, Some(20))).await, (20, 3));
        assert_eq!(list(|o| slice(0, o, 10, Some(0))).await, (0, 1));
        assert_eq!(list(|o| slice(25, o, 10, None)).await, (25, 4));
    }

    #[tokio::test]
    async fn a_short_page_is_not_the_end() {
        assert_eq!(list(|o| slice(25, o, 5, Some(25))).await, (25, 5));
    }

    #[tokio::test]
    async fn a_wrong_total_neither_cuts_nor_prolongs() {
        assert_eq!(list(|o| slice(25, o, 10, Some(3))).await, (25, 3));
        assert_eq!(list(|o| slice(25, o, 10, Some(9999))).await, (25, 4));
    }

    #[tokio::test]
    async fn a_server_that_repeats_itself_does_not_cause_an_endless_loop() {
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

    /// The number of items listed from a position, in a list of `length` whose pages have at most `cap` items.
    async fn listed_from<const STYLE: usize>(
        start: i64,
        length: i64,
        limit: u32,
        cap: i64,
    ) -> usize {
        let server = move |position: Option<Position>| {
            let number = Position::number(position).unwrap();
            let offset = match STYLES[STYLE] {
                Style::Page(first) => (number - first) * cap,
                _ => number,
            };
            Ok(slice(length, offset, cap, Some(length)))
        };
        let list = NumberList::<STYLE>(Arc::new(server));
        let start = Some(Position::Number(start));
        let listed: Vec<String> = items(list, limit, start).try_collect().await.unwrap();
        listed.len()
    }

    #[tokio::test]
    async fn a_listing_may_start_anywhere() {
        // Page 3 begins at item 100 if the service caps pages at 50 items.
        assert_eq!(listed_from::<2>(3, 250, 100, 50).await, 150);
        assert_eq!(listed_from::<1>(3, 250, 100, 50).await, 100);
        assert_eq!(listed_from::<2>(3, 250, 50, 50).await, 150);
        assert_eq!(listed_from::<2>(3, 120, 50, 50).await, 20);
        // Items before the start are not read, so they do not count towards the limit of a listing.
        assert_eq!(listed_from::<0>(2_000_000, 2_000_025, 10, 10).await, 25);
        assert_eq!(listed_from::<0>(2_000_000, 5, 10, 10).await, 0);
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
    async fn a_repeated_token_ends_the_list() {
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
    async fn items_that_are_removed_during_the_listing_hide_no_others() {
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
}
