//! The list of images.

use modelarts_client::devenviron::types::ImageList;

use super::caller::{At, Caller};
use super::model::ImageEntry;
use super::page::Paging;
use super::state::State;
use crate::error::{ApiError, ApiResult, code, shortened};
use crate::fields::with_fields;

/// The filters of the list of images and of the list of image groups.
#[derive(Debug, Default)]
pub(crate) struct ImageQuery<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) exact: bool,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) service_type: Option<&'a str>,
    pub(crate) kind: Option<&'a str>,
    pub(crate) workspace: Option<&'a str>,
    pub(crate) show_name: Option<&'a str>,
    pub(crate) show_tag: Option<&'a str>,
    pub(crate) swr_instance: Option<&'a str>,
    pub(crate) sort_key: Option<&'a str>,
    pub(crate) ascending: bool,
    pub(crate) paging: Paging,
}
impl State {
    /// Returns the images in the caller's lists: the built-in ones and those of the project.
    pub(super) fn listed(&self, caller: &Caller, query: &ImageQuery<'_>) -> Vec<&ImageEntry> {
        let fits = |entry: &&ImageEntry| {
            let image = &entry.image;
            entry
                .project
                .as_ref()
                .is_none_or(|owner| *owner == caller.project)
                && query.name.is_none_or(|wanted| {
                    if query.exact {
                        entry.name() == wanted
                    } else {
                        entry.name().contains(wanted)
                    }
                })
                && query
                    .namespace
                    .is_none_or(|wanted| image.namespace.as_deref() == Some(wanted))
                && query
                    .kind
                    .is_none_or(|wanted| image.type_.as_ref().is_some_and(|known| *known == wanted))
                && query.service_type.is_none_or(|wanted| {
                    image
                        .service_type
                        .as_ref()
                        .is_some_and(|known| *known == wanted)
                })
                && query
                    .show_name
                    .is_none_or(|wanted| image.show_name.as_deref() == Some(wanted))
                && query
                    .show_tag
                    .is_none_or(|wanted| image.show_tag.as_deref() == Some(wanted))
                && query
                    .swr_instance
                    .is_none_or(|wanted| image.swr_instance_id.as_deref() == Some(wanted))
                && query.workspace.is_none_or(|wanted| {
                    entry.project.is_none() || image.workspace_id.as_deref() == Some(wanted)
                })
        };
        self.images.values().filter(fits).collect()
    }

    pub(crate) fn list_images(&self, at: &At<'_>, query: &ImageQuery<'_>) -> ApiResult<ImageList> {
        let mut images = self.listed(at.caller, query);
        sort(&mut images, query)?;
        let (images, numbers) = query.paging.cut(images, 1);
        Ok(with_fields!(ImageList {
            current: Some(numbers.current),
            pages: Some(numbers.pages),
            size: Some(numbers.size),
            total: Some(numbers.total),
            data: Some(images.into_iter().map(Self::image_wire).collect()),
        }))
    }
}

fn sort(images: &mut [&ImageEntry], query: &ImageQuery<'_>) -> ApiResult<()> {
    let keys = query
        .sort_key
        .filter(|keys| !keys.trim().is_empty())
        .unwrap_or("create_at");
    for key in keys.split(',').map(str::trim).rev() {
        let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        match plain.to_ascii_lowercase().as_str() {
            "createat" | "createtime" => {
                images.sort_by_key(|entry| (entry.image.create_at, entry.seq))
            }
            "updateat" | "updatetime" => {
                images.sort_by_key(|entry| (entry.image.update_at, entry.seq))
            }
            "name" => images.sort_by(|a, b| a.name().cmp(b.name())),
            "size" => images.sort_by_key(|entry| entry.image.size),
            _ => {
                return Err(ApiError::new(
                    code::SORT_KEY,
                    format!(
                        "Images cannot be sorted by '{}'; use createTime, updateTime, name or size.",
                        shortened(key)
                    ),
                ));
            }
        }
    }
    if !query.ascending {
        images.reverse();
    }
    Ok(())
}
