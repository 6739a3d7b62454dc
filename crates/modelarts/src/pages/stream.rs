//! The streams of a list: all items, or all pages, each page fetched when it is needed.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::cursor::Cursor;
use super::list::List;
use super::page::{Fetched, salvage, whole};
use super::position::Position;
use crate::error::Result;

/// The stream of all items of a list, from `items()`. It needs no pinning.
#[must_use = "a stream does nothing unless polled"]
pub struct Items<T>(BoxStream<'static, Result<T>>);

/// The stream of all pages of a list, from `pages()`. It needs no pinning.
#[must_use = "a stream does nothing unless polled"]
pub struct Pages<P>(BoxStream<'static, Result<P>>);

macro_rules! stream {
    ($name:ident) => {
        impl<T> $name<T> {
            pub(super) fn new(stream: impl Stream<Item = Result<T>> + Send + 'static) -> Self {
                // A stream that has ended may be polled again.
                Self(stream.fuse().boxed())
            }
        }

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

/// A stream of all pages, each fetched on demand, without the items of earlier pages.
fn fetched<L: List>(
    list: L,
    limit: u32,
    start: Option<Position>,
) -> impl Stream<Item = Result<Fetched<L>>> + Send + 'static {
    let state = (Cursor::new(L::STYLE, limit, start), list);
    stream::try_unfold(state, move |(mut cursor, list)| async move {
        while !cursor.ended {
            let first = cursor.offset;
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
    Pages::new(pages)
}

pub(crate) fn items<L: List>(list: L, limit: u32, start: Option<Position>) -> Items<L::Item> {
    let items = fetched(list, limit, start)
        .map_ok(|fetched| stream::iter(fetched.rows.into_iter().map(|row| row.item)))
        .try_flatten();
    Items::new(items)
}
