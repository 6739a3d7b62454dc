//! Tag `Images`.

use modelarts_client::Open;
use modelarts_client::devenviron::types::{
    CreateImageRequest, DeleteImageGroupRequest, DeleteImageRequest, Image, ImageGroupList,
    ImageList, RegisterImageRequest, UpdateImageGroupRequest,
};

use super::paging::{is_ascending, paging};
use crate::app::App;
use crate::domain::ImageQuery;
use crate::error::ApiResult;
use crate::generated::devenviron::{
    CreateImageResponse, DeleteImageGroupResponse, DeleteImageQuery, DeleteImageResponse, Images,
    ListImageGroupsQuery, ListImagesQuery, RegisterImageResponse, UpdateImageGroupResponse,
};
use crate::http::{Cx, Reply};

impl Images for App {
    async fn list_images(&self, cx: &Cx, query: ListImagesQuery) -> ApiResult<Reply<ImageList>> {
        let limit = Some(ListImagesQuery::DEFAULT_LIMIT);
        let fuzzy = query.name_fuzzy_match;
        let query = ImageQuery {
            name: query.name.as_deref(),
            exact: !fuzzy.unwrap_or(ListImagesQuery::DEFAULT_NAME_FUZZY_MATCH),
            namespace: query.namespace.as_deref(),
            kind: query.type_.as_ref().map(Open::as_str),
            workspace: query.workspace_id.as_deref(),
            sort_key: query.sort_key.as_deref(),
            service_type: query.service_type.as_ref().map(Open::as_str),
            show_name: query.show_name.as_deref(),
            show_tag: query.show_tag.as_deref(),
            ascending: is_ascending(query.sort_dir.as_ref(), ListImagesQuery::DEFAULT_SORT_DIR)?,
            paging: paging(query.offset, query.limit, limit)?,
            ..ImageQuery::default()
        };
        let list = self.read_for(cx, |state, at| state.list_images(at, &query))?;
        Ok(list.into())
    }

    async fn list_image_groups(
        &self,
        cx: &Cx,
        query: ListImageGroupsQuery,
    ) -> ApiResult<Reply<ImageGroupList>> {
        let limit = Some(ListImageGroupsQuery::DEFAULT_LIMIT);
        let fuzzy = query.name_fuzzy_match;
        let query = ImageQuery {
            name: query.name.as_deref(),
            exact: !fuzzy.unwrap_or(ListImageGroupsQuery::DEFAULT_NAME_FUZZY_MATCH),
            namespace: query.namespace.as_deref(),
            kind: query.type_.as_ref().map(Open::as_str),
            workspace: query.workspace_id.as_deref(),
            swr_instance: query.swr_instance_id.as_deref(),
            paging: paging(query.offset, query.limit, limit)?,
            ..ImageQuery::default()
        };
        let list = self.read_for(cx, |state, at| Ok(state.list_image_groups(at, &query)))?;
        Ok(list.into())
    }

    async fn register_image(
        &self,
        cx: &Cx,
        body: RegisterImageRequest,
    ) -> ApiResult<RegisterImageResponse> {
        let image = self.write_for(cx, |state, at| state.register_image(at, body));
        Ok(RegisterImageResponse::Ok(image.await?.into()))
    }

    async fn show_image(&self, cx: &Cx, id: &str) -> ApiResult<Reply<Image>> {
        let image = self.read_for(cx, |state, at| state.show_image(at, id))?;
        Ok(image.into())
    }

    async fn delete_image(
        &self,
        cx: &Cx,
        id: &str,
        _: DeleteImageQuery,
        _: Option<DeleteImageRequest>,
    ) -> ApiResult<DeleteImageResponse> {
        let image = self.write_for(cx, |state, at| state.delete_image(at, id));
        Ok(DeleteImageResponse::Ok(image.await?.into()))
    }

    async fn create_image(
        &self,
        cx: &Cx,
        id: &str,
        body: CreateImageRequest,
    ) -> ApiResult<CreateImageResponse> {
        let image = self.write_for(cx, |state, at| state.create_image(at, id, body));
        Ok(CreateImageResponse::Ok(image.await?.into()))
    }

    async fn sync_image(&self, cx: &Cx, image_id: &str) -> ApiResult<Reply<Image>> {
        let image = self.write_for(cx, |state, at| state.sync_image(at, image_id));
        Ok(image.await?.into())
    }

    async fn update_image_group(
        &self,
        cx: &Cx,
        id: &str,
        body: UpdateImageGroupRequest,
    ) -> ApiResult<UpdateImageGroupResponse> {
        let changed = self.write_for(cx, |state, at| state.update_image_group(at, id, body));
        changed.await?;
        Ok(UpdateImageGroupResponse::Ok)
    }

    async fn delete_image_group(
        &self,
        cx: &Cx,
        id: &str,
        _: Option<DeleteImageGroupRequest>,
    ) -> ApiResult<DeleteImageGroupResponse> {
        let deleted = self.write_for(cx, |state, at| state.delete_image_group(at, id));
        deleted.await?;
        Ok(DeleteImageGroupResponse::Ok)
    }
}
