//! Tag `Flavors`.

use modelarts_client::Open;
use modelarts_client::devenviron::types::FlavorList;

use super::paging::{is_ascending, paging};
use crate::app::App;
use crate::domain::{FlavorQuery, plain_flavors};
use crate::error::ApiResult;
use crate::generated::devenviron::{Flavors, ListFlavorsQuery, ShowSwitchableFlavorsQuery};
use crate::http::{Cx, Reply};

impl Flavors for App {
    async fn list_flavors(&self, cx: &Cx, query: ListFlavorsQuery) -> ApiResult<Reply<FlavorList>> {
        let ascending = is_ascending(query.sort_dir.as_ref(), ListFlavorsQuery::DEFAULT_SORT_DIR)?;
        let query = FlavorQuery {
            category: query.category.as_ref().map(Open::as_str),
            cluster: query.type_.as_ref().map(Open::as_str),
            ascend: query.flavor_type.as_ref().map(Open::as_str),
            feature: query.feature.as_ref().map(Open::as_str),
            sort_key: query.sort_key.as_deref(),
            descending: !ascending,
            paging: paging(query.offset, query.limit, None)?,
        };
        let list = self.read_for(cx, |state, _| state.list_flavors(&query))?;
        Ok(Reply::of_json(&plain_flavors(list)?))
    }

    async fn show_switchable_flavors(
        &self,
        cx: &Cx,
        id: &str,
        query: ShowSwitchableFlavorsQuery,
    ) -> ApiResult<Reply<FlavorList>> {
        let ascending = is_ascending(
            query.sort_dir.as_ref(),
            ShowSwitchableFlavorsQuery::DEFAULT_SORT_DIR,
        )?;
        let query = FlavorQuery {
            sort_key: query.sort_key.as_deref(),
            descending: !ascending,
            paging: paging(query.offset, query.limit, None)?,
            ..FlavorQuery::default()
        };
        let list = self.read_for(cx, |state, at| state.switchable_flavors(at, id, &query))?;
        Ok(Reply::of_json(&plain_flavors(list)?))
    }
}
