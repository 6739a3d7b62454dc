//! The images that notebooks run.

use modelarts_client::devenviron::types::{
    CreateImageRequest, Image, RegisterImageRequest, UpdateImageGroupRequest,
};
use modelarts_client::{Action, ErrorCode, Phase};

use crate::client::ModelArts;
use crate::clock::BoxFuture;
use crate::devenviron::lists::{ListImageGroups, ListImages};
use crate::error::{Result, accepted};
use crate::lifecycle::{self, Lifecycle, Plan, TargetState, status_text};
use crate::units::AutoStop;
use crate::wait::Waiter;

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

    /// Lists the images that a notebook can be created with.
    pub fn list(&self) -> ListImages {
        ListImages::new(&self.client)
    }

    /// Lists the groups of images. The images of a group share a name.
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

    /// Changes the overview or the tags of a group and of all its versions. Huawei Cloud only.
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

    /// Deletes a group with all its versions, but nothing in the container registry. Huawei Cloud only.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found), [`is_conflict`](crate::Error::is_conflict) when a version is in
    /// use.
    pub async fn delete_group(&self, id: &str) -> Result<()> {
        let request = self
            .client
            .api()
            .delete_image_group()
            .project_id(self.client.project_id())
            .id(id);
        self.client.execute(request.prepare()?).await.map(drop)
    }

    /// Updates the entry of an image from the container registry. Huawei Cloud only.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found), [`is_conflict`](crate::Error::is_conflict) while it is being
    /// saved.
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

    /// Registers an image from the container registry SWR.
    ///
    /// # Errors
    /// When the service cannot read the image there. After an error with
    /// [`is_outcome_unknown`](crate::Error::is_outcome_unknown), list the images before you try again.
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

    /// Begins to save a running notebook as an image. The notebook is SNAPSHOTTING until that is done.
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
    /// [`is_conflict`](crate::Error::is_conflict) when the notebook is not running.
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

    /// Deletes an image, but nothing in the container registry. An image in use cannot be deleted.
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
        let request = request.prepare()?;
        self.client
            .execute_action(request, id, Action::Delete)
            .await
    }

    /// Waits until an image that is being saved or registered can be used.
    ///
    /// It succeeds with ACTIVE and fails at once with CREATE_FAILED, ERROR and DELETED. For 30 seconds, "not found"
    /// is ignored. It polls like the waiters of notebooks.
    pub fn wait_until_active(&self, id: &str) -> Waiter<Image> {
        lifecycle::waiter(&self.client, id.to_owned(), Plan::wait(TargetState::Active))
    }

    /// Deletes an image if necessary and waits until it is gone. Deletes nothing in the container registry.
    ///
    /// An image in use cannot be deleted: the deletion is retried until the deadline. An image that does not exist is
    /// treated as deleted.
    pub fn ensure_deleted(&self, id: &str) -> Waiter<Image, ()> {
        lifecycle::waiter(
            &self.client,
            id.to_owned(),
            Plan::ensure(TargetState::Deleted),
        )
    }
}

impl Lifecycle for Image {
    type Key = String;

    const NOUN: &'static str = "image";
    const ABSENT: &'static [ErrorCode] = &[ErrorCode::MODELARTS_6404];

    fn show(client: ModelArts, id: String) -> BoxFuture<'static, Result<Self>> {
        Box::pin(async move { client.images().show(&id).await })
    }

    fn execute(
        client: ModelArts,
        id: String,
        _: Action,
        _: Option<AutoStop>,
    ) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move { client.images().delete(&id).await.map(drop) })
    }

    fn phase(&self) -> Phase {
        self.status.as_ref().map_or(Phase::Unknown, |it| it.phase())
    }

    fn status(&self) -> String {
        status_text(self.status.as_ref())
    }

    fn fail_reason(&self) -> Option<String> {
        self.status_message
            .clone()
            .filter(|message| !message.is_empty())
    }
}
