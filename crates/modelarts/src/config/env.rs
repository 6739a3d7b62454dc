//! Environment variables.

use std::collections::BTreeMap;
use std::env::VarError;
use std::path::PathBuf;

use super::settings::{Layer, Parts, Setting};
use crate::error::{Error, Result};

/// A source of environment variables: the process, or a given set.
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
    /// The process, with variables that override those of the process.
    Process(BTreeMap<String, String>),
    Given(BTreeMap<String, String>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names only: some of the values are secrets.
        match self {
            Self::Process(_) => f.write_str("Process"),
            Self::Given(variables) => f.debug_set().entries(variables.keys()).finish(),
        }
    }
}

impl Environment {
    /// Uses the variables of the process.
    pub fn process() -> Self {
        Self(Source::Process(BTreeMap::new()))
    }

    /// Uses these variables and no others.
    pub fn of<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = variables.into_iter().map(|(k, v)| (k.into(), v.into()));
        Self(Source::Given(pairs.collect()))
    }

    /// Sets one variable, replacing its value if it is already set.
    ///
    /// ```
    /// let environment = modelarts::Environment::process().with("OS_CLOUD", "otc");
    /// ```
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let (Source::Process(variables) | Source::Given(variables)) = &mut self.0;
        variables.insert(name.into(), value.into());
        self
    }

    /// Returns the trimmed value of a variable. An empty value is treated as not set.
    ///
    /// # Errors
    /// When the value is not valid UTF-8. Ignoring it would use another value instead.
    pub(crate) fn get(&self, name: &str) -> Result<Option<String>> {
        let value = self.raw(name)?;
        let value = value.as_deref().map(str::trim);
        Ok(value.filter(|value| !value.is_empty()).map(str::to_owned))
    }

    /// Returns the folder that a variable names.
    pub(crate) fn folder(&self, name: &str) -> Option<PathBuf> {
        let value = match &self.0 {
            Source::Process(variables) => match variables.get(name) {
                Some(value) => value.into(),
                None => std::env::var_os(name)?,
            },
            Source::Given(variables) => variables.get(name)?.into(),
        };
        (!value.is_empty()).then(|| value.into())
    }

    fn raw(&self, name: &str) -> Result<Option<String>> {
        let variables = match &self.0 {
            Source::Process(variables) => variables,
            Source::Given(variables) => return Ok(variables.get(name).cloned()),
        };
        if let Some(value) = variables.get(name) {
            return Ok(Some(value.clone()));
        }
        match std::env::var(name) {
            Ok(value) => Ok(Some(value)),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(Error::configuration(format!(
                "{name} is not valid UTF-8: correct it, or unset it"
            ))),
        }
    }

    /// Returns the variables whose names begin with `prefix`, each with the rest of its name and its value.
    fn with_prefix(&self, prefix: &str) -> Vec<(String, String)> {
        let of = |name: &str, value: &str| {
            let rest = name.strip_prefix(prefix)?;
            let value = value.trim();
            (!rest.is_empty() && !value.is_empty()).then(|| (rest.to_owned(), value.to_owned()))
        };
        match &self.0 {
            Source::Process(_) => std::env::vars_os()
                .filter_map(|(name, value)| of(name.to_str()?, value.to_str()?))
                .collect(),
            Source::Given(variables) => {
                let pairs = variables.iter();
                pairs.filter_map(|(name, value)| of(name, value)).collect()
            }
        }
    }
}

/// Names after the prefix `OS_` or `OTC_`.
const NAMES: &[(&str, Setting)] = &[
    ("TOKEN", Setting::Token),
    ("AUTH_TOKEN", Setting::Token),
    ("USERNAME", Setting::UserName),
    ("USER_NAME", Setting::UserName),
    ("USER_ID", Setting::UserId),
    ("PASSWORD", Setting::Password),
    ("USER_DOMAIN_NAME", Setting::UserDomainName),
    ("USER_DOMAIN_ID", Setting::UserDomainId),
    ("DOMAIN_NAME", Setting::DomainName),
    ("DOMAIN_ID", Setting::DomainId),
    ("DEFAULT_DOMAIN", Setting::DefaultDomainId),
    ("DEFAULT_DOMAIN_ID", Setting::DefaultDomainId),
    ("DEFAULT_DOMAIN_NAME", Setting::DefaultDomainName),
    ("ACCESS_KEY", Setting::AccessKey),
    ("SECRET_KEY", Setting::SecretKey),
    ("SECURITY_TOKEN", Setting::SecurityToken),
    ("PROJECT_ID", Setting::ProjectId),
    ("TENANT_ID", Setting::ProjectId),
    ("PROJECT_NAME", Setting::ProjectName),
    ("TENANT_NAME", Setting::ProjectName),
    ("PROJECT_DOMAIN_NAME", Setting::ProjectDomainName),
    ("PROJECT_DOMAIN_ID", Setting::ProjectDomainId),
    ("REGION_NAME", Setting::Region),
    ("AUTH_URL", Setting::AuthUrl),
    ("AUTH_TYPE", Setting::AuthType),
    ("AUTH_PLUGIN", Setting::AuthType),
    ("INTERFACE", Setting::Interface),
    ("ENDPOINT_TYPE", Setting::Interface),
    ("IDENTITY_API_VERSION", Setting::IdentityVersion),
    ("MODELARTS_ENDPOINT_OVERRIDE", Setting::Endpoint),
    ("MODELARTSV1_ENDPOINT_OVERRIDE", Setting::Endpoint),
    ("IDENTITY_ENDPOINT_OVERRIDE", Setting::IdentityEndpoint),
    ("CACERT", Setting::CaCert),
    ("CERT", Setting::ClientCert),
    ("KEY", Setting::ClientKey),
    ("INSECURE", Setting::Insecure),
];

/// Names after the prefix `HUAWEICLOUD_SDK_`.
const SDK_NAMES: &[(&str, Setting)] = &[
    ("AK", Setting::AccessKey),
    ("SK", Setting::SecretKey),
    ("SECURITY_TOKEN", Setting::SecurityToken),
    ("PROJECT_ID", Setting::ProjectId),
    ("REGION_ID", Setting::Region),
    ("IAM_ENDPOINT", Setting::AuthUrl),
];

/// Names after `OS_` or `OTC_` that change the identity of the caller. Signing in with a password does not support
/// them.
const UNSUPPORTED: &[&str] = &["PASSCODE", "TRUST_ID", "SYSTEM_SCOPE"];

/// Names after `OS_` or `OTC_` that no credentials support.
const UNSUPPORTED_AGENCY: &[&str] = &["AGENCY_NAME", "AGENCY_DOMAIN_NAME"];

/// Names of credentials of unsupported kinds. Supported credentials next to them can still be used.
const OTHER_CREDENTIALS: &[&str] = &[
    "APPLICATION_CREDENTIAL_ID",
    "APPLICATION_CREDENTIAL_NAME",
    "APPLICATION_CREDENTIAL_SECRET",
    "ACCESS_TOKEN",
    "IDENTITY_PROVIDER",
];

/// The settings of the environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    /// From OpenStack's names, and `MODELARTS_ENDPOINT`.
    pub(super) openstack: Layer,
    /// From the names of the vendor's SDK.
    pub(super) sdk: Layer,
    /// Addresses of the service by region, from the variables of the vendor's SDK.
    pub(super) by_region: Vec<(String, String)>,
}

impl Variables {
    pub(super) fn read(environment: &Environment) -> Result<Self> {
        let layer = |prefix: &str, names: &[(&str, Setting)]| {
            let mut layer = Layer::default();
            for (name, key) in names {
                let name = format!("{prefix}{name}");
                if let Some(value) = environment.raw(&name)? {
                    layer.insert(*key, &name, &value)?;
                }
            }
            Ok::<_, Error>(layer)
        };
        let own = layer("", &[("MODELARTS_ENDPOINT", Setting::Endpoint)])?;
        let os = layer("OS_", NAMES)?;
        let otc = layer("OTC_", NAMES)?;
        Ok(Self {
            openstack: own.over(os, Parts::OfSeveral).over(otc, Parts::OfSeveral),
            sdk: layer("HUAWEICLOUD_SDK_", SDK_NAMES)?,
            by_region: environment.with_prefix("HUAWEICLOUD_SDK_REGION_MODELARTS_"),
        })
    }

    /// Returns a variable that would change the meaning of a sign-in with a password.
    pub(super) fn unsupported(environment: &Environment) -> Option<String> {
        first_set(environment, UNSUPPORTED)
    }

    /// Returns a variable that would change the identity with which every request is sent.
    pub(super) fn agency(environment: &Environment) -> Option<String> {
        first_set(environment, UNSUPPORTED_AGENCY)
    }

    /// Returns a variable with credentials of an unsupported kind.
    pub(super) fn other_credentials(environment: &Environment) -> Option<String> {
        first_set(environment, OTHER_CREDENTIALS)
    }

    /// Merges all settings of the environment. A key pair from the vendor's names overrides one from OpenStack's.
    pub(super) fn merged(self) -> Layer {
        let pair = self.sdk.has(Setting::AccessKey) || self.sdk.has(Setting::SecretKey);
        let mut openstack = self.openstack;
        if pair {
            openstack.remove_pair();
        }
        openstack.over(self.sdk, Parts::OfSeveral)
    }
}

/// Returns the first of these names after `OS_` or `OTC_` that is set, to any value.
fn first_set(environment: &Environment, names: &[&str]) -> Option<String> {
    ["OS_", "OTC_"].into_iter().find_map(|prefix| {
        let mut names = names.iter().map(|name| format!("{prefix}{name}"));
        names.find(|name| !matches!(environment.get(name), Ok(None)))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;
    use crate::credentials::CredentialsKind;

    fn kind(variables: &[(&str, &str)]) -> Option<CredentialsKind> {
        let environment = Environment::of(variables.iter().copied());
        let profile = Profile::from_env(&environment).unwrap();
        let resolved = profile.resolve(None, true).unwrap();
        resolved.credentials.map(|credentials| credentials.0)
    }

    fn error(variables: &[(&str, &str)]) -> String {
        let environment = Environment::of(variables.iter().copied());
        Profile::from_env(&environment).unwrap_err().to_string()
    }

    #[test]
    fn every_kind_of_credentials_is_found() {
        assert!(matches!(
            kind(&[("OTC_TOKEN", "t")]),
            Some(CredentialsKind::Token(_))
        ));
        let user = [
            ("OS_USERNAME", "u"),
            ("OS_PASSWORD", "p"),
            ("OS_USER_DOMAIN_NAME", "d"),
        ];
        assert!(matches!(kind(&user), Some(CredentialsKind::Password(_))));
        let key = [
            ("HUAWEICLOUD_SDK_AK", "a"),
            ("HUAWEICLOUD_SDK_SK", "s"),
            ("OS_TOKEN", "t"),
        ];
        assert!(matches!(kind(&key), Some(CredentialsKind::AccessKey(_))));
        assert!(kind(&[("OS_REGION_NAME", "eu-de"), ("OS_TOKEN", " ")]).is_none());
    }

    #[test]
    fn half_a_pair_says_what_is_missing() {
        assert!(error(&[("OS_USERNAME", "x")]).contains("lacks a password"));
        assert!(error(&[("HUAWEICLOUD_SDK_AK", "x")]).contains("lacks its secret key"));
    }

    #[test]
    fn halves_of_two_pairs_are_not_joined() {
        let halves = [("HUAWEICLOUD_SDK_AK", "a"), ("OS_SECRET_KEY", "s")];
        assert!(error(&halves).contains("lacks its secret key"));
        let halves = [("OS_ACCESS_KEY", "a"), ("OTC_SECRET_KEY", "s")];
        assert!(error(&halves).contains("lacks its secret key"));
    }

    #[test]
    fn names_of_one_thing_must_agree_and_no_value_is_shown() {
        let message = error(&[("OS_PROJECT_ID", "p-one"), ("OS_TENANT_ID", "p-two")]);
        assert!(
            message.contains("OS_PROJECT_ID and OS_TENANT_ID differ"),
            "{message}"
        );
        assert!(
            !message.contains("p-one") && !message.contains("p-two"),
            "{message}"
        );
    }

    #[test]
    fn a_project_of_one_prefix_is_not_joined_with_that_of_another() {
        let environment = Environment::of([
            ("OS_PROJECT_NAME", "eu-de_a"),
            ("OTC_PROJECT_ID", "p2"),
            ("HUAWEICLOUD_SDK_PROJECT_ID", "p3"),
        ]);
        let profile = Profile::from_env(&environment).unwrap();
        let resolved = profile.resolve(None, true).unwrap();
        assert_eq!(resolved.project_name.as_deref(), Some("eu-de_a"));
        assert_eq!(resolved.project_id, None);
    }

    #[test]
    fn a_variable_that_is_not_supported_is_named() {
        let user = |name: &'static str, value: &'static str| {
            [
                ("OS_USERNAME", "u"),
                ("OS_PASSWORD", "p"),
                ("OS_USER_DOMAIN_NAME", "d"),
                (name, value),
            ]
        };
        let message = error(&user("OS_AUTH_TYPE", "v3applicationcredential"));
        assert!(
            message.contains("OS_AUTH_TYPE") && message.contains("`v3applicationcredential`"),
            "{message}"
        );
        assert!(error(&user("OS_IDENTITY_API_VERSION", "2.0")).contains("OS_IDENTITY_API_VERSION"));
        assert!(error(&user("OS_TRUST_ID", "t")).contains("OS_TRUST_ID"));
        assert!(error(&user("OS_AGENCY_NAME", "a")).contains("OS_AGENCY_NAME"));
        let key = [
            ("OS_ACCESS_KEY", "a"),
            ("OS_SECRET_KEY", "s"),
            ("OTC_AGENCY_DOMAIN_NAME", "d"),
        ];
        assert!(error(&key).contains("OTC_AGENCY_DOMAIN_NAME"));
        let application = [
            ("OS_APPLICATION_CREDENTIAL_ID", "i"),
            ("OS_APPLICATION_CREDENTIAL_SECRET", "t0p-s3cret"),
        ];
        let message = Profile::discover(&Environment::of(application)).unwrap_err();
        let message = message.to_string();
        assert!(
            message.contains("OS_APPLICATION_CREDENTIAL_ID is set"),
            "{message}"
        );
        assert!(!message.contains("s3cret"), "{message}");
        assert!(kind(&user("OS_IDENTITY_API_VERSION", "3")).is_some());
        assert!(kind(&user("OS_AUTH_TYPE", "v3password")).is_some());
        assert!(error(&user("OS_AUTH_TYPE", "token")).contains("a token"));
    }

    #[test]
    fn values_come_without_line_ends() {
        let environment = Environment::of([
            ("OS_USERNAME", "u\n"),
            ("OS_PASSWORD", " p \r\n"),
            ("OS_USER_DOMAIN_NAME", " d"),
            ("OS_PROJECT_ID", "p1\n"),
            ("OS_REGION_NAME", "eu-de "),
            ("OS_AUTH_URL", "https://iam.example.com/v3\n"),
        ]);
        let profile = Profile::from_env(&environment).unwrap();
        let resolved = profile.resolve(None, true).unwrap();
        assert_eq!(resolved.project_id.as_deref(), Some("p1"));
        assert_eq!(resolved.region.as_deref(), Some("eu-de"));
        assert_eq!(
            resolved.auth_url.as_deref(),
            Some("https://iam.example.com/v3")
        );
        let Some(CredentialsKind::Password(login)) = resolved.credentials.map(|c| c.0) else {
            panic!("a password");
        };
        assert_eq!(login.password.expose(), " p ");
        assert_eq!(login.user.name().as_deref(), Some("u"));
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
