//! Accounts: domains, projects, users and access keys.

use std::collections::{BTreeMap, BTreeSet};

use modelarts_client::Secret;
use serde::{Deserialize, Serialize};

/// An account of the cloud.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Domain {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A project, which owns its resources.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) workspaces: BTreeSet<String>,
    /// Dedicated pools, as a map from id to name.
    pub(crate) pools: BTreeMap<String, String>,
}

/// A user of a domain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) domain: String,
    pub(crate) password: Secret,
    pub(crate) admin: bool,
    /// The ids of the projects that the user may work in.
    pub(crate) projects: BTreeSet<String>,
    /// `None` if any key pair counts as the user's.
    pub(crate) key_pairs: Option<BTreeSet<String>>,
}

/// An access key and its secret key, with a security token if the pair is temporary.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub(crate) access: String,
    pub(crate) secret: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) security_token: Option<Secret>,
    pub(crate) user: String,
}

/// All data of the identity service.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Accounts {
    pub(crate) domains: BTreeMap<String, Domain>,
    pub(crate) projects: BTreeMap<String, Project>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) keys: BTreeMap<String, AccessKey>,
    /// The ids of the first of each kind, the defaults where fixtures name none.
    pub(crate) first: First,
}

/// The ids of the first domain, project and user.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct First {
    pub(crate) domain: String,
    pub(crate) project: String,
    pub(crate) user: String,
}

/// Sets an id unless it is set already.
pub(crate) fn set_first(first: &mut String, id: &str) {
    if first.is_empty() {
        id.clone_into(first);
    }
}

impl Accounts {
    pub(crate) fn domain_named(&self, name: &str) -> Option<&Domain> {
        self.domains.values().find(|domain| domain.name == name)
    }

    /// Finds a project by id or by name. Names are unique within a domain only.
    pub(crate) fn find_project(
        &self,
        id: Option<&str>,
        name: Option<&str>,
        domain: Option<&str>,
    ) -> Option<&Project> {
        if let Some(id) = id {
            return self.projects.get(id);
        }
        let name = name?;
        self.projects.values().find(|project| {
            project.name == name && domain.is_none_or(|domain| project.domain == domain)
        })
    }

    /// Finds a user by id, or by name and domain.
    pub(crate) fn find_user(
        &self,
        id: Option<&str>,
        name: Option<&str>,
        domain: Option<&str>,
    ) -> Option<&User> {
        if let Some(id) = id {
            return self.users.get(id);
        }
        let name = name?;
        self.users
            .values()
            .find(|user| user.name == name && domain.is_none_or(|domain| user.domain == domain))
    }

    pub(crate) fn domain_name(&self, id: &str) -> String {
        self.domains
            .get(id)
            .map(|domain| domain.name.clone())
            .unwrap_or_default()
    }
}
