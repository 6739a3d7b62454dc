//! `List`: what paging needs to know about an operation. The generated list builders implement it.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::position::{Position, Style};
use crate::error::Result;

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
