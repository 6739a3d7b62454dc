//! The parameters of lists that select a page and a sort direction.

use modelarts_client::devenviron::enums::{OpenSortDirection, SortDirection};

use crate::domain::Paging;
use crate::error::{ApiError, ApiResult};

/// The maximum number of records on a page. No document states it; it keeps one request from rendering the whole
/// state.
const LARGEST_PAGE: usize = 1_000;

/// Returns the requested part of a list; a limit of 0 counts as absent.
pub(super) fn paging(
    offset: Option<i32>,
    limit: Option<i32>,
    default: Option<i32>,
) -> ApiResult<Paging> {
    let limit = count("limit", limit)?;
    if let Some(limit) = limit.filter(|limit| *limit > LARGEST_PAGE) {
        return Err(ApiError::value(
            "limit",
            format_args!("a page has at most {LARGEST_PAGE} records, not {limit}"),
        ));
    }
    let limit = limit.filter(|limit| *limit > 0);
    Ok(Paging {
        offset: count("offset", offset)?.unwrap_or(0),
        limit: match limit {
            Some(limit) => Some(limit),
            None => count("limit", default)?,
        },
    })
}

pub(super) fn count(name: &str, number: Option<i32>) -> ApiResult<Option<usize>> {
    let number = number.map(usize::try_from).transpose();
    number.map_err(|_| ApiError::value(name, "it must not be negative"))
}

/// Whether the list is requested in ascending order.
pub(super) fn is_ascending(
    requested: Option<&OpenSortDirection>,
    default: SortDirection,
) -> ApiResult<bool> {
    match requested.map_or(&default, |requested| requested) {
        SortDirection::Asc => Ok(true),
        SortDirection::Desc => Ok(false),
        _ => Err(ApiError::value(
            "sort_dir",
            format_args!("it must be {}", SortDirection::values().join(" or ")),
        )),
    }
}
