//! Lists as streams, one page at a time.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use futures::{Stream, TryStreamExt, stream};
use serde::Serialize;

use crate::clock::BoxFuture;
use crate::error::{Error, Result};

/// A page of a list.
pub(crate) trait Page: Send + 'static {
    type Item: Serialize + Send + 'static;

    fn items(&self) -> &[Self::Item];
    fn into_items(self) -> Vec<Self::Item>;
    /// The number of items in all pages, as the service says.
    fn total(&self) -> Option<i64>;
    fn id(item: &Self::Item) -> Option<&str>;
}

/// A list that has not ended after so many items never will.
const MOST: i64 = 1_000_000;

/// Where a listing stands, and when it ends. It holds nothing that grows with the list.
///
/// It ends with an empty page, with a page that came before, and with a short page once the total is reached. The
/// total alone ends nothing, since it can be wrong; nor does a short page, since a service may cap the page size.
#[derive(Debug, Default)]
struct Cursor {
    offset: i64,
    pages: u64,
    previous: Option<u64>,
    /// A mark of an earlier page. It moves on after 1, 2, 4, 8 … pages, so that a cycle of any length meets it.
    mark: Option<u64>,
    ended: bool,
}

impl Cursor {
    /// Takes note of a page; `false` if it is not to be handed out, since there is nothing new in it.
    fn take(&mut self, length: usize, print: u64, total: Option<i64>, limit: i64) -> Result<bool> {
        let seen = [self.previous, self.mark].contains(&Some(print));
        if length == 0 || seen {
            self.ended = true;
            return Ok(false);
        }
        self.previous = Some(print);
        self.pages += 1;
        if self.pages.is_power_of_two() {
            self.mark = Some(print);
        }
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        self.offset = self.offset.saturating_add(length);
        if self.offset > MOST {
            self.ended = true;
            return Err(Error::argument(format!(
                "the list has not ended after {MOST} items; narrow it with a filter"
            )));
        }
        self.ended = length < limit && total.is_some_and(|total| self.offset >= total);
        Ok(true)
    }
}

/// All pages, each fetched when it is asked for.
pub(crate) fn pages<P: Page>(
    limit: i64,
    fetch: impl Fn(i64) -> BoxFuture<'static, Result<P>> + Send + 'static,
) -> impl Stream<Item = Result<P>> + Send {
    stream::try_unfold(
        (Cursor::default(), fetch),
        move |(mut cursor, fetch)| async move {
            if cursor.ended {
                return Ok(None);
            }
            let page = fetch(cursor.offset).await?;
            let items = page.items();
            let is_new = cursor.take(items.len(), print::<P>(items), page.total(), limit)?;
            Ok(is_new.then_some((page, (cursor, fetch))))
        },
    )
}

/// The items of all pages.
pub(crate) fn items<P: Page>(
    pages: impl Stream<Item = Result<P>> + Send,
) -> impl Stream<Item = Result<P::Item>> + Send {
    pages
        .map_ok(|page| stream::iter(page.into_items().into_iter().map(Ok)))
        .try_flatten()
}

/// Tells pages apart by the ids of their items.
fn print<P: Page>(items: &[P::Item]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for item in items {
        match P::id(item) {
            Some(id) => id.hash(&mut hasher),
            None => serde_json::to_string(item)
                .unwrap_or_default()
                .hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Numbers(Vec<String>, Option<i64>);

    impl Page for Numbers {
        type Item = String;

        fn items(&self) -> &[String] {
            &self.0
        }

        fn into_items(self) -> Vec<String> {
            self.0
        }

        fn total(&self) -> Option<i64> {
            self.1
        }

        fn id(item: &String) -> Option<&str> {
            Some(item)
        }
    }

    /// Lists what a server gives; returns the number of items and of requests.
    async fn list(server: impl Fn(i64) -> Numbers + Send + 'static) -> (usize, u32) {
        let requests = Arc::new(AtomicU32::new(0));
        let count = requests.clone();
        let pages = pages(10, move |offset| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(Ok(server(offset))))
        });
        let items: Vec<String> = items(pages).try_collect().await.unwrap();
        (items.len(), requests.load(Ordering::Relaxed))
    }

    fn slice(all: i64, offset: i64, limit: i64, total: Option<i64>) -> Numbers {
        let numbers = offset..all.min(offset + limit);
        Numbers(numbers.map(|n| n.to_string()).collect(), total)
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
        // Pages 0, 1, 2, 0, 1, 2, …: the mark is set at the fourth and met at the seventh.
        assert_eq!(list(|o| slice(30, o % 30, 10, None)).await, (60, 7));
    }

    #[tokio::test]
    async fn a_list_without_end_is_an_error() {
        let pages = pages(10_000, |offset| {
            Box::pin(std::future::ready(Ok(slice(
                i64::MAX,
                offset,
                10_000,
                None,
            ))))
        });
        let error = items(pages)
            .try_fold(0, |n, _| async move { Ok(n + 1) })
            .await;
        assert!(error.unwrap_err().to_string().contains("narrow it"));
    }
}
