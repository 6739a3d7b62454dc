//! A list of numbers for the tests of this folder, in every style of paging.

use std::sync::Arc;

use serde::Deserialize;

use super::list::List;
use super::position::{Position, Style};
use crate::error::Result;

#[derive(Debug, Deserialize)]
pub(super) struct Numbers {
    pub(super) data: Option<Vec<String>>,
    pub(super) total: Option<i64>,
    pub(super) next: Option<String>,
}

pub(super) type Server = Arc<dyn Fn(Option<Position>) -> Result<Numbers> + Send + Sync>;

pub(super) const STYLES: [Style; 4] = [Style::Offset, Style::Page(0), Style::Page(1), Style::Token];

/// A list of the style with this number.
pub(super) struct NumberList<const STYLE: usize>(pub(super) Server);

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

pub(super) fn by_offset(
    server: impl Fn(i64) -> Result<Numbers> + Send + Sync + 'static,
) -> NumberList<0> {
    let server = move |position| server(Position::number(position).unwrap());
    NumberList(Arc::new(server))
}

pub(super) fn slice(all: i64, offset: i64, limit: i64, total: Option<i64>) -> Numbers {
    let numbers = offset..all.min(offset + limit);
    Numbers {
        data: Some(numbers.map(|n| n.to_string()).collect()),
        total,
        next: None,
    }
}
