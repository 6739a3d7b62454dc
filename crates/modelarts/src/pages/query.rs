//! What all list builders have in common: client, page size and start, errors in filters, and the methods that read
//! the list.

use std::fmt::Display;

use modelarts_client::IntoOptional;

use super::position::Position;
use crate::client::ModelArts;
use crate::error::{Error, Result};

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
        let problems = problems.map(|(name, error)| format!("`{name}` is invalid: {error}"));
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
            /// total stays the same, an item can be missed. To be sure, list again until the list is empty. If you
            /// only read the items, `items` needs no more memory than one page.
            ///
            /// # Errors
            /// When a filter is invalid, a call fails, or an item cannot be read; the error names it.
            pub async fn collect(self) -> $crate::Result<Vec<$item>> {
                futures::TryStreamExt::try_collect(self.items()).await
            }

            /// Returns a stream of all pages. Each page is fetched when the stream is polled for it.
            ///
            /// If a call fails, the stream ends with the error. After a page that cannot be read, it continues with
            /// the next page. Items that were on an earlier page are left out.
            pub fn pages(self) -> $crate::Pages<$page> {
                let (size, start) = (self.query.page_size(), self.query.start());
                $crate::pages::pages(self, size, start)
            }

            /// Returns a stream of all items of all pages. Each page is fetched when the stream is polled for it.
            ///
            /// An item that cannot be read gives one error that names its index and ID, and the stream continues; if
            /// a call fails, the stream ends with the error. Each item is returned once. If the list shrinks while it
            /// is read, because listed items are stopped or deleted, the stream goes back as far as necessary, based
            /// on the total that the service reports. To stop or delete what you list, use
            /// [`collect`](Self::collect), which does not depend on this.
            pub fn items(self) -> $crate::Items<$item> {
                let (size, start) = (self.query.page_size(), self.query.start());
                $crate::pages::items(self, size, start)
            }
        }
    };
}
pub(crate) use list_methods;
