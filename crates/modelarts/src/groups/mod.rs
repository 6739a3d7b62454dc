//! The operations, grouped by what they are about.

mod flavors;
mod images;
mod instances;
mod leases;
mod notebooks;
mod storage;

use crate::client::ModelArts;

pub use flavors::{Flavors, ListFlavors};
pub use images::{Images, ListImageGroups, ListImages};
pub use instances::{Instances, ListInstances};
pub use leases::Leases;
pub use notebooks::{ListAllNotebooks, ListNotebooks, Notebooks};
pub use storage::Storage;

impl ModelArts {
    /// Notebooks, the generation to use.
    pub fn notebooks(&self) -> Notebooks {
        Notebooks::new(self)
    }

    /// Instances of the old generation.
    pub fn instances(&self) -> Instances {
        Instances::new(self)
    }

    /// The time that notebooks may run before they are stopped.
    pub fn leases(&self) -> Leases {
        Leases::new(self)
    }

    /// What notebooks can run on.
    pub fn flavors(&self) -> Flavors {
        Flavors::new(self)
    }

    /// What notebooks can run, and saving them.
    pub fn images(&self) -> Images {
        Images::new(self)
    }

    /// OBS storage mounted to notebooks.
    pub fn storage(&self) -> Storage {
        Storage::new(self)
    }
}

/// Defines the request of a list: filters by the generated builder, one page, or a stream of all.
macro_rules! list_request {
    (
        $(#[$meta:meta])*
        $name:ident, $method:ident() of $builder:ident -> $page:ty [$item:ty], by $size:literal $(, with $preset:ident($value:expr))?;
    ) => {
        $(#[$meta])*
        #[derive(Clone)]
        #[must_use = "a list does nothing until it is sent or streamed"]
        pub struct $name {
            client: $crate::client::ModelArts,
            filter: Option<std::sync::Arc<dyn for<'a> Fn(builder::$builder<'a, ()>) -> builder::$builder<'a, ()> + Send + Sync>>,
            page_size: u32,
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).field("page_size", &self.page_size).finish_non_exhaustive()
            }
        }

        impl $name {
            pub(super) fn new(client: &$crate::client::ModelArts) -> Self {
                Self { client: client.clone(), filter: None, page_size: $size }
            }

            /// Sets the parameters of the generated request: filters, order. Filters add up.
            ///
            /// Limit and offset count for [`send`](Self::send) only; what goes through all pages sets its own.
            pub fn filter(
                mut self,
                filter: impl for<'a> Fn(builder::$builder<'a, ()>) -> builder::$builder<'a, ()> + Send + Sync + 'static,
            ) -> Self {
                self.filter = Some(match self.filter.take() {
                    None => std::sync::Arc::new(filter),
                    Some(earlier) => std::sync::Arc::new(move |request| filter(earlier(request))),
                });
                self
            }

            /// The number of items to ask for at once.
            pub fn page_size(mut self, size: u32) -> Self {
                self.page_size = size.max(1);
                self
            }

            /// One page: the first, unless the filter sets an offset.
            ///
            /// # Errors
            /// When the call fails.
            pub async fn send(&self) -> $crate::Result<$page> {
                self.page(None).await
            }

            /// All items of all pages, before anything is done about them: for who acts on what is listed.
            ///
            /// A list is paged by offset. Whoever stops or deletes what it lists changes the list, and with a filter by
            /// status the items move up while they are read. [`items`](Self::items) follows that as far as the service
            /// tells; here nothing moves between the first request and the last but what others do. The API has no snapshot
            /// of a list: where others delete and create meanwhile, so that the total stays the same, an item can be
            /// missed. Whoever must be sure lists until a list is empty.
            ///
            /// # Errors
            /// When a call fails, or an item cannot be read; the error names it.
            pub async fn collect(self) -> $crate::Result<Vec<$item>> {
                futures::TryStreamExt::try_collect(self.items()).await
            }

            /// All pages, each fetched when it is asked for.
            ///
            /// An error of a call ends the stream; after a page that cannot be read it goes on with the next one. A page
            /// lacks what was on one before it.
            pub fn pages(self) -> $crate::Pages<$page> {
                let limit = self.page_size.into();
                $crate::pages::pages(limit, move |offset| {
                    let request = self.clone();
                    Box::pin(async move { request.page(Some(offset)).await })
                })
            }

            /// All items, of all pages, each page fetched when it is asked for.
            ///
            /// An item that cannot be read is one error that names its index and ID, and the stream goes on; an error of a
            /// call ends it. Each item comes once. When the list shrinks on the way, since what was listed is stopped or
            /// deleted, the stream goes back as far as needed, by the total that the service tells. Who acts on what is
            /// listed takes [`collect`](Self::collect), which depends on nothing of this.
            pub fn items(self) -> $crate::Items<$item> {
                let limit = self.page_size.into();
                $crate::pages::items(limit, move |offset| {
                    let request = self.clone();
                    Box::pin(async move { request.page(Some(offset)).await })
                })
            }

            async fn page(&self, offset: Option<i64>) -> $crate::Result<$page> {
                let mut request = self
                    .client
                    .api()
                    .$method()
                    .project_id(self.client.project_id())
                    .limit(self.page_size);
                $( request = request.$preset($value); )?
                if let Some(filter) = &self.filter {
                    request = filter(request);
                }
                if let Some(offset) = offset {
                    // A filter must not page: with a limit of 0, the first page would be the end.
                    request = request.limit(self.page_size).offset(offset);
                }
                self.client.execute(request.prepare()?).await
            }
        }
    };
}
use list_request;

/// Tells [`pages`](crate::pages) how a generated page is built.
macro_rules! page {
    ($page:ty [$item:ty] by $items:ident $(or $more:ident)?, $total:expr) => {
        impl $crate::pages::Page for $page {
            type Item = $item;

            const ITEMS: &'static [&'static str] = &[stringify!($items) $(, stringify!($more))?];

            fn items(&self) -> Option<&[$item]> {
                let items = self.$items.as_deref();
                $( let items = items.or(self.$more.as_deref()); )?
                items
            }

            fn take_items(&mut self) -> Vec<$item> {
                let items = self.$items.take();
                $( let items = items.or(self.$more.take()); )?
                items.unwrap_or_default()
            }

            fn set_items(&mut self, items: Vec<$item>) {
                self.$items = Some(items);
            }

            fn total(&self) -> Option<i64> {
                let total: fn(&Self) -> Option<i64> = $total;
                total(self)
            }

            fn id(item: &$item) -> Option<&str> {
                item.id.as_deref()
            }
        }
    };
}
use page;
