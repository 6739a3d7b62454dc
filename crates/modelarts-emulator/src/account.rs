//! The account that `Emulator` and the documentation page use.

use modelarts_client::Secret;

use crate::app::App;

/// A user with credentials, and the project that the user works in.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) project: String,
    pub(crate) project_name: String,
    pub(crate) user: String,
    pub(crate) user_name: String,
    pub(crate) domain: String,
    pub(crate) password: Secret,
    pub(crate) access_key: String,
    pub(crate) secret_key: Secret,
}

impl Account {
    /// Issues a new token for the project.
    pub(crate) fn token(&self, app: &App) -> String {
        let now = app.clock.now_millis();
        app.issue(&self.user, Some(&self.project), now).0
    }

    /// Returns the account of the first user.
    pub(crate) fn first(app: &App) -> Self {
        app.read(|state, _| {
            let accounts = &state.accounts;
            let first = &accounts.first;
            let user = accounts.users.get(&first.user);
            let key = accounts
                .keys
                .values()
                .find(|key| key.user == first.user && key.security_token.is_none());
            // The first project of the emulator if the user may work in it, otherwise the user's first one.
            let project = user.and_then(|user| {
                user.projects
                    .get(&first.project)
                    .or_else(|| user.projects.first())
                    .and_then(|id| accounts.projects.get(id))
            });
            Self {
                project: project
                    .map(|project| project.id.clone())
                    .unwrap_or_default(),
                project_name: project
                    .map(|project| project.name.clone())
                    .unwrap_or_default(),
                user: first.user.clone(),
                user_name: user.map(|user| user.name.clone()).unwrap_or_default(),
                domain: user
                    .map(|user| accounts.domain_name(&user.domain))
                    .unwrap_or_default(),
                password: user.map(|user| user.password.clone()).unwrap_or_default(),
                access_key: key.map(|key| key.access.clone()).unwrap_or_default(),
                secret_key: key.map(|key| key.secret.clone()).unwrap_or_default(),
            }
        })
    }
}
