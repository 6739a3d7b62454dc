//! What notebooks can run.

use std::sync::Arc;

use modelarts_client::devenviron::builder;
use modelarts_client::devenviron::enums::ImageStatus;
use modelarts_client::devenviron::types::{
    CreateImageRequest, Image, ImageGroup, ImageGroupList, ImageList, RegisterImageRequest,
    UpdateImageGroupRequest,
};

use super::{list_request, page};
use crate::client::ModelArts;
use crate::error::{Result, accepted};
use crate::wait::{Polled, Verdict, Waiter};

/// Operations on images, from [`ModelArts::images`].
#[derive(Clone, Debug)]
pub struct Images {
    client: ModelArts,
}

impl Images {
    pub(crate) fn new(client: &ModelArts) -> Self {
        Self {
            client: client.clone(),
        }
    }

    /// The images that a notebook can be created with.
    pub fn list(&self) -> ListImages {
        ListImages::new(&self.client)
    }

    /// The names under which images are grouped.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts) -> modelarts::Result<()> {
    /// for group in client.images().groups().collect().await? {
    ///     println!("{} {}", group.name.unwrap_or_default(), group.version_count.unwrap_or(0));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn groups(&self) -> ListImageGroups {
        ListImageGroups::new(&self.client)
    }

    /// Changes the overview or the tags of a group, and of all its versions. Huawei Cloud only.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when there is no such group.
    pub async fn update_group(&self, id: &str, request: &UpdateImageGroupRequest) -> Result<()> {
        let request = self
            .client
            .api()
            .update_image_group()
            .project_id(self.client.project_id())
            .id(id)
            .body(request.clone());
        self.client.execute(request.prepare()?).await.map(drop)
    }

    /// Deletes a group with all its versions, but not what stands in the container registry. Huawei Cloud only.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found), [`is_conflict`](crate::Error::is_conflict) when a version is in use.
    pub async fn delete_group(&self, id: &str) -> Result<()> {
        let request = self
            .client
            .api()
            .delete_image_group()
            .project_id(self.client.project_id())
            .id(id);
        self.client.execute(request.prepare()?).await.map(drop)
    }

    /// Brings the entry of an image up to date with the container registry. Huawei Cloud only.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found), [`is_conflict`](crate::Error::is_conflict) while it is being saved.
    pub async fn sync(&self, id: &str) -> Result<Image> {
        let request = self
            .client
            .api()
            .sync_image()
            .project_id(self.client.project_id())
            .image_id(id);
        let response = self.client.execute(request.prepare()?).await;
        accepted(response)
    }

    /// Reads an image.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when it does not exist.
    pub async fn show(&self, id: &str) -> Result<Image> {
        let request = self
            .client
            .api()
            .show_image()
            .project_id(self.client.project_id())
            .id(id);
        self.client.execute(request.prepare()?).await
    }

    /// Registers an image of the container registry SWR.
    ///
    /// # Errors
    /// When the image cannot be read there; after [`is_outcome_unknown`](crate::Error::is_outcome_unknown) list first.
    pub async fn register(&self, request: &RegisterImageRequest) -> Result<Image> {
        let request = self
            .client
            .api()
            .register_image()
            .project_id(self.client.project_id())
            .body(request.clone());
        let request = request.prepare()?;
        self.client
            .create(request, |it: &Image| it.id.as_deref())
            .await
    }

    /// Begins to save a running notebook as an image. Until that is done the notebook is SNAPSHOTTING.
    ///
    /// ```no_run
    /// # async fn run(client: modelarts::ModelArts, notebook_id: &str) -> modelarts::Result<()> {
    /// use modelarts::devenviron::types::CreateImageRequest;
    ///
    /// let request = CreateImageRequest::builder()
    ///     .name("bert")
    ///     .namespace("nlp-team")
    ///     .tag("1.0.0")
    ///     .build()?;
    /// let image = client.images().save(notebook_id, &request).await?;
    /// let image = client.images().wait_until_active(&image.id.unwrap_or_default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`is_conflict`](crate::Error::is_conflict) when the notebook does not run.
    pub async fn save(&self, notebook_id: &str, request: &CreateImageRequest) -> Result<Image> {
        let request = self
            .client
            .api()
            .create_image()
            .project_id(self.client.project_id())
            .id(notebook_id)
            .body(request.clone());
        let request = request.prepare()?;
        self.client
            .create(request, |it: &Image| it.id.as_deref())
            .await
    }

    /// Deletes an image, but not what stands in the container registry. One in use cannot be deleted.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found), [`is_conflict`](crate::Error::is_conflict) when it is in use.
    pub async fn delete(&self, id: &str) -> Result<Image> {
        let request = self
            .client
            .api()
            .delete_image()
            .project_id(self.client.project_id())
            .id(id);
        let response = self.client.execute(request.prepare()?).await;
        accepted(response)
    }

    /// Waits until an image that is being saved or registered can be used.
    ///
    /// It succeeds with ACTIVE and fails at once with CREATE_FAILED, ERROR and DELETED. For 30 seconds "not found" is
    /// waited out. Polls as for notebooks.
    pub fn wait_until_active(&self, id: &str) -> Waiter<Image> {
        let (client, id) = (self.client.clone(), id.to_owned());
        Waiter::new(
            format!("image {id} to be ACTIVE"),
            client.poll_settings(),
            Arc::new(move |left| {
                let (images, id) = (client.for_poll(left).images(), id.clone());
                Box::pin(async move { images.show(&id).await.map(polled) })
            }),
        )
    }
}

list_request! {
    /// Lists images.
    ListImages, list_images() of ListImages -> ImageList [Image], by 200;
}
page!(ImageList [Image] by data, |page| page.total);

list_request! {
    /// Lists the names under which images are grouped.
    ListImageGroups, list_image_groups() of ListImageGroups -> ImageGroupList [ImageGroup], by 200;
}
page!(ImageGroupList [ImageGroup] by data, |page| page.total);

fn polled(image: Image) -> Polled<Image> {
    let verdict = match image.status.as_deref() {
        Some(ImageStatus::Active) => Verdict::Done,
        Some(status) if status.is_failed() || status.is_gone() => Verdict::Fail("ends it"),
        _ => Verdict::Wait,
    };
    Polled {
        status: image
            .status
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        fail_reason: image
            .status_message
            .clone()
            .filter(|message| !message.is_empty()),
        progress: None,
        missing: None,
        resource: Some(image),
        verdict,
        refusal: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn active_is_success_and_failures_are_final() {
        let verdict = |status: &str| {
            polled(serde_json::from_value(json!({"status": status})).unwrap()).verdict
        };
        assert_eq!(verdict("ACTIVE"), Verdict::Done);
        for status in ["INIT", "CREATING", "PUSHING"] {
            assert_eq!(verdict(status), Verdict::Wait, "{status}");
        }
        for status in ["CREATE_FAILED", "ERROR", "DELETED"] {
            assert!(matches!(verdict(status), Verdict::Fail(_)), "{status}");
        }
    }
}
