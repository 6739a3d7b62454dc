//! Tag `Notebooks`.

use modelarts_client::Open;
use modelarts_client::devenviron::types;
use modelarts_client::devenviron::types::{
    CreateNotebookRequest, NotebookList, StartNotebookRequest, UpdateNotebookRequest,
};

use super::paging::{is_ascending, paging};
use crate::app::App;
use crate::domain::NotebookQuery;
use crate::error::ApiResult;
use crate::generated::devenviron::{
    CreateNotebookResponse, DeleteNotebookResponse, ListAllNotebooksQuery, ListNotebooksQuery,
    Notebooks, StartNotebookQuery, StartNotebookResponse, StopNotebookResponse,
    UpdateNotebookResponse,
};
use crate::http::{Cx, Reply};

impl Notebooks for App {
    async fn list_notebooks(
        &self,
        cx: &Cx,
        query: ListNotebooksQuery,
    ) -> ApiResult<Reply<NotebookList>> {
        self.list(cx, &query, false)
    }

    async fn list_all_notebooks(
        &self,
        cx: &Cx,
        query: ListAllNotebooksQuery,
    ) -> ApiResult<Reply<NotebookList>> {
        self.list(cx, &query, true)
    }

    async fn create_notebook(
        &self,
        cx: &Cx,
        body: CreateNotebookRequest,
    ) -> ApiResult<CreateNotebookResponse> {
        let notebook = self.write_for(cx, |state, at| state.create_notebook(at, body));
        Ok(CreateNotebookResponse::Ok(notebook.await?.into()))
    }

    async fn show_notebook(&self, cx: &Cx, id: &str) -> ApiResult<Reply<types::Notebook>> {
        let json = self.read_for(cx, |state, at| state.show_notebook(at, id))?;
        Ok(Reply::Json(json))
    }

    async fn update_notebook(
        &self,
        cx: &Cx,
        id: &str,
        body: UpdateNotebookRequest,
    ) -> ApiResult<UpdateNotebookResponse> {
        let notebook = self.write_for(cx, |state, at| state.update_notebook(at, id, body));
        Ok(UpdateNotebookResponse::Ok(notebook.await?.into()))
    }

    async fn delete_notebook(&self, cx: &Cx, id: &str) -> ApiResult<DeleteNotebookResponse> {
        let notebook = self.write_for(cx, |state, at| state.delete_notebook(at, id));
        Ok(DeleteNotebookResponse::Ok(notebook.await?.into()))
    }

    async fn start_notebook(
        &self,
        cx: &Cx,
        id: &str,
        query: StartNotebookQuery,
        _: Option<StartNotebookRequest>,
    ) -> ApiResult<StartNotebookResponse> {
        let kind = query.type_.as_ref().map(Open::as_str);
        let notebook = self.write_for(cx, |state, at| {
            state.start_notebook(at, id, query.duration, kind)
        });
        Ok(StartNotebookResponse::Ok(notebook.await?.into()))
    }

    async fn stop_notebook(&self, cx: &Cx, id: &str) -> ApiResult<StopNotebookResponse> {
        let notebook = self.write_for(cx, |state, at| state.stop_notebook(at, id));
        Ok(StopNotebookResponse::Ok(notebook.await?.into()))
    }
}

impl App {
    /// Returns a page of the caller's notebooks, or of all users' notebooks.
    fn list(
        &self,
        cx: &Cx,
        query: &ListNotebooksQuery,
        all: bool,
    ) -> ApiResult<Reply<NotebookList>> {
        let limit = Some(ListNotebooksQuery::DEFAULT_LIMIT);
        let query = NotebookQuery {
            all,
            feature: query.feature.as_ref().map(Open::as_str),
            name: query.name.as_deref(),
            pool: query.pool_id.as_deref(),
            owner: query.owner.as_deref(),
            status: query.status.as_ref().map(Open::as_str),
            workspace: query.workspace_id.as_deref(),
            flavor: query.flavor.as_deref(),
            image: query.image_id.as_deref(),
            id: query.id.as_deref(),
            billing: query.billing.as_ref().map(Open::as_str),
            tags: query.tags.as_deref(),
            swr_path: query.swr_path.as_deref(),
            pool_name: query.pool_name.as_deref(),
            description: query.description.as_deref(),
            ip: query.ip.as_deref(),
            user_name: query.username.as_deref(),
            sort_key: query.sort_key.as_deref(),
            ascending: is_ascending(
                query.sort_dir.as_ref(),
                ListNotebooksQuery::DEFAULT_SORT_DIR,
            )?,
            paging: paging(query.offset, query.limit, limit)?,
        };
        let json = self.read_for(cx, |state, at| state.list_notebooks(at, &query))?;
        Ok(Reply::Json(json))
    }
}
