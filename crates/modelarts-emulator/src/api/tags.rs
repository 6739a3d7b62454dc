//! Tag `Tags`.

use modelarts_client::devenviron::types::{
    CreateNotebookTagsRequest, DeleteNotebookTagsRequest, TagValuesList,
};

use crate::app::App;
use crate::error::ApiResult;
use crate::generated::devenviron::{
    CreateNotebookTagsQuery, CreateNotebookTagsResponse, DeleteNotebookTagsQuery,
    DeleteNotebookTagsResponse, ListNotebookTagsQuery, Tags,
};
use crate::http::{Cx, Reply};

impl Tags for App {
    async fn list_notebook_tags(
        &self,
        cx: &Cx,
        query: ListNotebookTagsQuery,
    ) -> ApiResult<Reply<TagValuesList>> {
        let workspace = query.workspace_id.as_deref();
        let list = self.read_for(cx, |state, at| state.list_tags(at, workspace))?;
        Ok(list.into())
    }

    async fn create_notebook_tags(
        &self,
        cx: &Cx,
        resource_id: &str,
        query: CreateNotebookTagsQuery,
        body: CreateNotebookTagsRequest,
    ) -> ApiResult<CreateNotebookTagsResponse> {
        let workspace = query.workspace_id.as_deref();
        let added = self.write_for(cx, |state, at| {
            state.add_tags(at, resource_id, workspace, &body.tags)
        });
        added.await?;
        Ok(CreateNotebookTagsResponse::NoContent)
    }

    async fn delete_notebook_tags(
        &self,
        cx: &Cx,
        resource_id: &str,
        query: DeleteNotebookTagsQuery,
        body: DeleteNotebookTagsRequest,
    ) -> ApiResult<DeleteNotebookTagsResponse> {
        let workspace = query.workspace_id.as_deref();
        let removed = self.write_for(cx, |state, at| {
            state.remove_tags(at, resource_id, workspace, &body.tags)
        });
        removed.await?;
        Ok(DeleteNotebookTagsResponse::NoContent)
    }
}
