//! The route of the accounts, which shows their secrets.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use modelarts_client::Secret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// The accounts of the emulator, including their secrets.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct AccountList {
    /// The projects, as a map from id to name.
    projects: BTreeMap<String, String>,
    /// The users that may sign in.
    users: Vec<AccountUser>,
}

/// A user that may sign in.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AccountUser {
    /// ID of the user.
    id: String,
    /// Name of the user.
    name: String,
    /// Name of the account.
    domain: String,
    /// Password of the user.
    password: Secret,
    /// IDs of the projects that the user may work in.
    projects: Vec<String>,
    /// The access keys, as a map from access key to secret key.
    access_keys: BTreeMap<String, Secret>,
}

#[utoipa::path(
    get, path = "/_emulator/accounts", operation_id = "accounts", tag = "State", summary = "List the accounts",
    description = "Passwords and keys are included; they are valid in this emulator only.",
    responses((status = 200, description = "The accounts.", body = AccountList))
)]
pub(super) async fn accounts(State(app): State<Arc<App>>) -> Json<AccountList> {
    app.read(|state, _| {
        let accounts = &state.accounts;
        let keys_of = |user: &str| {
            accounts
                .keys
                .values()
                .filter(|key| key.user == user)
                .map(|key| (key.access.clone(), key.secret.clone()))
                .collect()
        };
        Json(AccountList {
            projects: accounts
                .projects
                .values()
                .map(|project| (project.id.clone(), project.name.clone()))
                .collect(),
            users: accounts
                .users
                .values()
                .map(|user| AccountUser {
                    id: user.id.clone(),
                    name: user.name.clone(),
                    domain: accounts.domain_name(&user.domain),
                    password: user.password.clone(),
                    projects: user.projects.iter().cloned().collect(),
                    access_keys: keys_of(&user.id),
                })
                .collect(),
        })
    })
}
