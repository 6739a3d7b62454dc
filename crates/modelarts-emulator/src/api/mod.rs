//! What the documents ask of a server, done by the [`App`]: a file for each tag implements the generated trait of that tag.

mod devenv;
mod flavors;
mod images;
mod lease;
mod notebooks;
mod projects;
mod storage;
mod tags;
mod tokens;
pub(crate) mod versions;

use modelarts_client::devenviron::enums::{OpenSortDirection, SortDirection};

use crate::app::App;
use crate::domain::{At, Paging, State};
use crate::error::{ApiError, ApiResult};
use crate::http::Cx;

/// The most records on a page of a list. No document states it; it keeps a single request from rendering a whole state.
const LARGEST_PAGE: usize = 1_000;

impl App {
    /// Reads the state for a caller.
    fn read_for<T>(
        &self,
        cx: &Cx,
        read: impl FnOnce(&State, &At<'_>) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let caller = &cx.caller;
        self.read(|state, now| read(state, &At { now, caller }))
    }

    /// Changes the state for a caller; returns once the change cannot get lost any more.
    async fn write_for<T>(
        &self,
        cx: &Cx,
        change: impl FnOnce(&mut State, &At<'_>) -> ApiResult<T>,
    ) -> ApiResult<T> {
        let caller = &cx.caller;
        let changed = self.write(|state, now| change(state, &At { now, caller }));
        changed.await
    }
}

/// Which part of a list is wanted; a limit of 0 is none.
fn paging(offset: Option<i32>, limit: Option<i32>, default: Option<i32>) -> ApiResult<Paging> {
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

fn count(name: &str, number: Option<i32>) -> ApiResult<Option<usize>> {
    let number = number.map(usize::try_from).transpose();
    number.map_err(|_| ApiError::value(name, "it must not be negative"))
}

/// Whether the first is the least.
fn is_ascending(asked: Option<&OpenSortDirection>, default: SortDirection) -> ApiResult<bool> {
    match asked.map_or(&default, |asked| asked) {
        SortDirection::Asc => Ok(true),
        SortDirection::Desc => Ok(false),
        _ => Err(ApiError::value(
            "sort_dir",
            format_args!("it has to be {}", SortDirection::values().join(" or ")),
        )),
    }
}
