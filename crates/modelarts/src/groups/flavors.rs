//! Flavors, the machine types of notebooks.

use modelarts_client::devenviron::types::{FlavorList, NotebookFlavor};

use crate::client::ModelArts;
use crate::devenviron::lists::ListFlavors;
use crate::error::Result;

/// Operations on flavors, from [`ModelArts::flavors`].
#[derive(Clone, Debug)]
pub struct Flavors {
    client: ModelArts,
}

impl Flavors {
    pub(crate) fn new(client: &ModelArts) -> Self {
        Self {
            client: client.clone(),
        }
    }

    /// Lists the flavors that a notebook can be created with.
    pub fn list(&self) -> ListFlavors {
        ListFlavors::new(&self.client)
    }

    /// Returns all flavors that a stopped notebook can change to.
    ///
    /// # Errors
    /// [`is_not_found`](crate::Error::is_not_found) when the notebook does not exist.
    pub async fn switchable(&self, notebook_id: &str) -> Result<Vec<NotebookFlavor>> {
        let request = self
            .client
            .api()
            .show_switchable_flavors()
            .project_id(self.client.project_id())
            .id(notebook_id);
        let list: FlavorList = self.client.execute(request.prepare()?).await?;
        // The response contains the same list twice.
        Ok(list.data.or(list.flavors).unwrap_or_default())
    }
}
