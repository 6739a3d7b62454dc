//! `Pagination`: how an untyped list is divided into pages.

use super::position::Style;

/// How the service divides a list into pages, for [`RawRequest::pages`](crate::RawRequest::pages).
///
/// The names are those of query parameters and of properties of the response.
///
/// ```
/// use modelarts::Pagination;
///
/// let pagination = Pagination::by_offset("limit", "offset").items(["data"]).total("total");
/// # let _ = pagination;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Pagination {
    /// `None` if the list has a single page.
    pub(super) style: Option<Style>,
    pub(super) limit: String,
    pub(super) position: String,
    pub(super) next: Option<String>,
    pub(super) items: Vec<String>,
    pub(super) total: Option<String>,
    pub(super) page_size: u32,
}

impl Pagination {
    /// Creates a pagination by offset: the parameter `limit` is the number of items per page, and `offset` the number
    /// of items before the page.
    pub fn by_offset(limit: impl Into<String>, offset: impl Into<String>) -> Self {
        Self::new(Some(Style::Offset), limit.into(), offset.into())
    }

    /// Creates a pagination by page number: the parameter `limit` is the number of items per page, and `page` the
    /// number of the page, beginning with `first`.
    pub fn by_page(limit: impl Into<String>, page: impl Into<String>, first: i64) -> Self {
        Self::new(Some(Style::Page(first)), limit.into(), page.into())
    }

    /// Creates a pagination by token: the parameter `limit` is the number of items per page, and `token` has the value
    /// of the property `next` of the previous page.
    pub fn by_token(
        limit: impl Into<String>,
        token: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            next: Some(next.into()),
            ..Self::new(Some(Style::Token), limit.into(), token.into())
        }
    }

    /// Creates a pagination with a single page, for a list that the service returns as a whole.
    pub fn single() -> Self {
        Self::new(None, String::new(), String::new())
    }

    fn new(style: Option<Style>, limit: String, position: String) -> Self {
        Self {
            style,
            limit,
            position,
            next: None,
            items: vec!["data".to_owned()],
            total: None,
            page_size: 100,
        }
    }

    /// Sets the properties that can contain the items; the first one present is used. The default
    /// is `data`, also if there are no names.
    pub fn items<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if !names.is_empty() {
            self.items = names;
        }
        self
    }

    /// Sets the property with the number of items on all pages. By default there is none.
    pub fn total(mut self, name: impl Into<String>) -> Self {
        self.total = Some(name.into());
        self
    }

    /// Sets the number of items to request per page, at least 1. The default is 100.
    pub fn page_size(mut self, size: u32) -> Self {
        self.page_size = size.max(1);
        self
    }
}
