//! Environment variables.

use std::collections::BTreeMap;

use super::Settings;

/// Where variables come from: the process, or a given set.
///
/// ```
/// use modelarts::{Environment, Profile};
///
/// let environment = Environment::of([("OS_TOKEN", "MIIF…"), ("OS_REGION_NAME", "eu-de")]);
/// let profile = Profile::discover(&environment)?;
/// # Ok::<(), modelarts::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Environment(Source);

#[derive(Clone)]
enum Source {
    Process,
    Given(BTreeMap<String, String>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names only: some of the values are secrets.
        match self {
            Self::Process => f.write_str("Process"),
            Self::Given(variables) => f.debug_set().entries(variables.keys()).finish(),
        }
    }
}

impl Environment {
    /// The variables of the process.
    pub fn process() -> Self {
        Self(Source::Process)
    }

    /// These variables and no others.
    pub fn of<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = variables.into_iter().map(|(k, v)| (k.into(), v.into()));
        Self(Source::Given(pairs.collect()))
    }

    /// The value of a variable; one that is empty counts as not set.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        let value = match &self.0 {
            Source::Process => std::env::var(name).ok(),
            Source::Given(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.trim().is_empty())
    }
}

impl Settings {
    pub(super) fn from_env(environment: &Environment) -> Self {
        let prefixed = |prefix: &str, names: &[&str]| {
            names
                .iter()
                .find_map(|name| environment.get(&format!("{prefix}{name}")))
        };
        let get = |names: &[&str]| prefixed("OS_", names).or_else(|| prefixed("OTC_", names));
        let sdk = |name: &str| prefixed("HUAWEICLOUD_SDK_", &[name]);
        // A pair must come from one place: halves of two pairs would be a wrong one.
        let (access_key, secret_key, security_token) = match (sdk("AK"), sdk("SK")) {
            (None, None) => (
                get(&["ACCESS_KEY"]),
                get(&["SECRET_KEY"]),
                get(&["SECURITY_TOKEN"]),
            ),
            (access_key, secret_key) => (access_key, secret_key, sdk("SECURITY_TOKEN")),
        };
        Self {
            token: get(&["TOKEN", "AUTH_TOKEN"]),
            user_name: get(&["USERNAME"]),
            user_id: get(&["USER_ID"]),
            password: get(&["PASSWORD"]),
            user_domain_name: get(&["USER_DOMAIN_NAME", "DOMAIN_NAME"]),
            user_domain_id: get(&["USER_DOMAIN_ID", "DOMAIN_ID"]),
            access_key,
            secret_key,
            security_token,
            region: get(&["REGION_NAME"]),
            endpoint: environment
                .get("MODELARTS_ENDPOINT")
                .or_else(|| get(&["MODELARTS_ENDPOINT_OVERRIDE"])),
            auth_url: get(&["AUTH_URL"]),
            project_id: get(&["PROJECT_ID", "TENANT_ID"]).or_else(|| sdk("PROJECT_ID")),
            project_name: get(&["PROJECT_NAME", "TENANT_NAME"]),
            project_domain_name: get(&["PROJECT_DOMAIN_NAME"]),
            project_domain_id: get(&["PROJECT_DOMAIN_ID"]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;
    use crate::credentials::Kind;

    fn kind(variables: &[(&str, &str)]) -> Option<Kind> {
        let environment = Environment::of(variables.iter().copied());
        let profile = Profile::from_env(&environment).unwrap();
        profile.credentials.map(|credentials| credentials.0)
    }

    #[test]
    fn every_kind_of_credentials_is_found() {
        assert!(matches!(kind(&[("OTC_TOKEN", "t")]), Some(Kind::Token(_))));
        let user = [
            ("OS_USERNAME", "u"),
            ("OS_PASSWORD", "p"),
            ("OS_USER_DOMAIN_NAME", "d"),
        ];
        assert!(matches!(kind(&user), Some(Kind::Password(_))));
        let key = [
            ("HUAWEICLOUD_SDK_AK", "a"),
            ("HUAWEICLOUD_SDK_SK", "s"),
            ("OS_TOKEN", "t"),
        ];
        assert!(matches!(kind(&key), Some(Kind::AccessKey(_))));
        assert!(kind(&[("OS_REGION_NAME", "eu-de"), ("OS_TOKEN", " ")]).is_none());
    }

    #[test]
    fn half_a_pair_says_what_is_missing() {
        let error = |name: &str| {
            let environment = Environment::of([(name, "x")]);
            Profile::from_env(&environment).unwrap_err().to_string()
        };
        assert!(error("OS_USERNAME").contains("lacks a password"));
        assert!(error("HUAWEICLOUD_SDK_AK").contains("lacks its secret key"));
    }

    #[test]
    fn debug_shows_names_only() {
        let environment = Environment::of([("OS_TOKEN", "t0p-s3cret")]);
        let profile = Profile::from_env(&environment).unwrap();
        let shown = format!("{environment:?} {profile:?}");
        assert!(
            shown.contains("OS_TOKEN") && !shown.contains("t0p-s3cret"),
            "{shown}"
        );
    }
}
