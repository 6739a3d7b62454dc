//! `Profile`: where settings come from, and which source takes precedence.

use std::path::PathBuf;

use super::clouds::{self, Cloud};
use super::env::{Environment, Variables};
use super::settings::Layer;
use crate::error::{Error, Result};

/// Credentials, addresses and TLS settings from a configuration source, for [`ModelArtsBuilder::profile`].
///
/// This page documents where settings come from and which of them take precedence.
///
/// # Precedence
///
/// A setting is taken from the first of these sources that has it:
///
/// 1. explicit settings of the [builder](crate::ModelArtsBuilder);
/// 2. the environment: `MODELARTS_ENDPOINT`, then `OS_*`, then `OTC_*`;
/// 3. a cloud of `clouds.yaml`: the one that `OS_CLOUD` names, or the only one if the environment has no credentials;
/// 4. the environment's `HUAWEICLOUD_SDK_*` (its access key overrides the credentials of 2 unless `OS_CLOUD` is set).
///
/// Settings that belong together come from one source: the id and the name of the project, the user, the user's
/// domain, an access key and its secret key. Complete credentials of one source replace those of the sources below
/// it. If one source has several kinds, an access key takes precedence over a token, and a token over a password; an
/// `auth_type` overrides this. If the builder is given credentials, project and addresses explicitly, no other source
/// is read; if it is given credentials only, all other settings still come from 2, 4 and the cloud that `OS_CLOUD`
/// names.
///
/// Values are trimmed of blanks and line ends (passwords of line ends only); an empty value is treated as not set. A
/// setting that this crate knows but cannot honour is an error that names it.
///
/// # Environment
///
/// Each name begins with `OS_` or `OTC_`:
///
/// | setting | names after the prefix |
/// |---|---|
/// | token | `TOKEN`, `AUTH_TOKEN` |
/// | user | `USERNAME`, `USER_ID`, `PASSWORD`, `USER_DOMAIN_NAME`, `USER_DOMAIN_ID`, `DOMAIN_NAME`, `DOMAIN_ID` |
/// | access key | `ACCESS_KEY`, `SECRET_KEY`, `SECURITY_TOKEN` |
/// | project | `PROJECT_ID`, `TENANT_ID`, `PROJECT_NAME`, `TENANT_NAME`, `PROJECT_DOMAIN_NAME`, `PROJECT_DOMAIN_ID` |
/// | addresses | `REGION_NAME`, `AUTH_URL`, `IDENTITY_ENDPOINT_OVERRIDE` (if there is no auth URL), `MODELARTS_ENDPOINT_OVERRIDE`, `MODELARTSV1_ENDPOINT_OVERRIDE`, `INTERFACE`, `ENDPOINT_TYPE` |
/// | TLS | `CACERT`, `CERT`, `KEY`, `INSECURE` |
/// | kind | `AUTH_TYPE` (`password`, `token`), `IDENTITY_API_VERSION` (3) |
///
/// After the prefix `HUAWEICLOUD_SDK_` there are `AK`, `SK`, `SECURITY_TOKEN`, `PROJECT_ID`, `REGION_ID`,
/// `IAM_ENDPOINT` and `REGION_MODELARTS_<REGION>` (the service's address in this region). `MODELARTS_ENDPOINT` is the
/// service's address. `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` apply as usual.
///
/// # `clouds.yaml`
///
/// It is the file that `OS_CLIENT_CONFIG_FILE` names, or the first found in the working directory, the user's
/// configuration folder (`~/.config/openstack`) and `/etc/openstack`. A cloud has the settings above in lower case.
/// User, token, access key, project and `auth_url` are set below `auth`; next to `auth` are `region_name`, `regions`,
/// `modelarts_endpoint_override`, `interface`, `auth_type`, `cacert`, `cert`, `key`, `verify` and `profile`. Within a
/// cloud, the first of these takes precedence:
///
/// 1. the `values` of the region in use, in the cloud's list of `regions`; the first region is used unless one is
///    named;
/// 2. the cloud of the same name in `secure.yaml`, or in the file that `OS_CLIENT_SECURE_FILE` names;
/// 3. the cloud itself;
/// 4. the `profile` that it names, in `clouds-public.yaml` below `public-clouds`; `otc`, the Open Telekom Cloud, is
///    known without a file. In an `auth_url`, `{region_name}` stands for the region.
///
/// `secure.yaml` and `clouds-public.yaml` are looked for next to the `clouds.yaml` first, then in the folders above.
/// All three names may end with `.yml` or `.json` instead. An unknown key below `auth`, or next to the `name` and
/// `values` of a region, is an error; elsewhere it is one of the [`warnings`](Profile::warnings), since other tools
/// share the files.
///
/// # Addresses
///
/// The service's address may contain the project, as in OpenStack tools (`…/v1/<project id>`, `…/v1/%(project_id)s`,
/// `…/v1/$(project_id)s`, `…/v1/{project_id}`), or omit it. The auth URL may end with `/v3` or `/v3/auth/tokens`. If
/// one of the two is configured, the other is never taken from a public cloud that the first is not part of: a
/// password or token is never sent to a host that was not configured. Likewise, a region does not select a public
/// cloud if the configured cloud names a `profile` that is not found.
///
/// # TLS
///
/// `cacert` is a file of certificates (PEM), or the certificates themselves. They are trusted instead of the
/// platform's, as in OpenStack tools. `cert` and `key` name the client certificate and its key; `verify: false` or
/// `insecure: true` turns verification off.
///
/// [`ModelArtsBuilder::profile`]: crate::ModelArtsBuilder::profile
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Takes precedence over the cloud.
    pub(super) above: Layer,
    pub(super) cloud: Option<Cloud>,
    /// Used where the cloud has no setting.
    pub(super) below: Layer,
    /// Addresses of the service by region, with the lowest precedence.
    pub(super) by_region: Vec<(String, String)>,
    /// A variable that cannot be honoured together with a password.
    pub(super) unsupported: Option<String>,
    /// A variable that cannot be honoured together with any credentials.
    pub(super) agency: Option<String>,
    pub(super) home: Option<PathBuf>,
    pub(super) warnings: Vec<String>,
}

impl Profile {
    /// Returns the first source that has credentials, completed by the others, in the order above.
    ///
    /// # Errors
    /// When no source has credentials (the error names the places searched), or when a file cannot be read or has a
    /// setting that cannot be honoured.
    pub fn discover(environment: &Environment) -> Result<Self> {
        Self::find(environment)?.checked()
    }

    /// Returns the settings of the environment, without credentials if it has none.
    ///
    /// # Errors
    /// When one half of a pair is missing, or two variables contradict each other.
    pub fn from_env(environment: &Environment) -> Result<Self> {
        let profile = Self::of_variables(environment)?;
        profile.resolve(None, true)?;
        Ok(profile)
    }

    /// Returns a cloud of `clouds.yaml`, without other settings from the environment.
    ///
    /// # Errors
    /// When the file or the cloud does not exist (the error names the clouds that do), or when the cloud has no
    /// credentials or has a setting that cannot be honoured.
    pub fn from_clouds(environment: &Environment, name: &str) -> Result<Self> {
        let mut profile = Self {
            home: environment.folder("HOME"),
            ..Self::default()
        };
        profile.set_cloud(clouds::named(environment, name)?);
        profile.checked()
    }

    /// Returns one sentence for each setting that was not understood. None of them contains a value.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// As [`discover`](Profile::discover), for a region that is not known yet.
    pub(crate) fn find(environment: &Environment) -> Result<Self> {
        if let Some(profile) = Self::of_named_cloud(environment)? {
            return Ok(profile);
        }
        let mut profile = Self::of_variables(environment)?;
        if profile.above.has_credentials() || profile.resolve(None, true)?.credentials.is_some() {
            return Ok(profile);
        }
        match clouds::only(environment)? {
            Some(cloud) => {
                let variables = Variables::read(environment)?;
                profile.above = variables.openstack;
                profile.below = variables.sdk;
                profile.set_cloud(cloud);
                Ok(profile)
            }
            None => Err(Error::configuration(format!(
                "no credentials found: give them to the builder, or set OS_TOKEN, or OS_USERNAME and OS_PASSWORD, \
                 or HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or OS_CLOUD to a cloud of clouds.yaml (looked for {}){}",
                clouds::looked_for(environment)?,
                Variables::other_credentials(environment)
                    .map(|name| format!("; {name} is set, but signing in with it is not supported"))
                    .unwrap_or_default()
            ))),
        }
    }

    /// Returns all settings except credentials, for a caller that has its own: the environment, and the cloud that
    /// `OS_CLOUD` names.
    pub(crate) fn without_credentials(environment: &Environment) -> Result<Self> {
        match Self::of_named_cloud(environment)? {
            Some(profile) => Ok(profile),
            None => Self::of_variables(environment),
        }
    }

    fn of_named_cloud(environment: &Environment) -> Result<Option<Self>> {
        let Some(name) = environment.get("OS_CLOUD")? else {
            return Ok(None);
        };
        let mut profile = Self::of_variables(environment)?;
        let variables = Variables::read(environment)?;
        profile.above = variables.openstack;
        profile.below = variables.sdk;
        let unused = profile.below.remove_credentials();
        if !unused.is_empty() {
            profile.warnings.push(format!(
                "{} {} not used, since OS_CLOUD is set",
                unused.join(", "),
                if unused.len() == 1 { "is" } else { "are" }
            ));
        }
        profile.set_cloud(clouds::named(environment, &name)?);
        Ok(Some(profile))
    }

    fn of_variables(environment: &Environment) -> Result<Self> {
        let variables = Variables::read(environment)?;
        Ok(Self {
            by_region: variables.by_region.clone(),
            above: variables.merged(),
            unsupported: Variables::unsupported(environment),
            agency: Variables::agency(environment),
            home: environment.folder("HOME"),
            ..Self::default()
        })
    }

    fn set_cloud(&mut self, cloud: Cloud) {
        self.warnings.extend(cloud.warnings.iter().cloned());
        self.cloud = Some(cloud);
    }

    pub(super) fn source(&self) -> String {
        match &self.cloud {
            Some(cloud) => cloud.source.clone(),
            None => "the environment".to_owned(),
        }
    }

    fn checked(self) -> Result<Self> {
        match self.resolve(None, true)?.credentials {
            Some(_) => Ok(self),
            None => Err(self.no_credentials()),
        }
    }

    pub(crate) fn no_credentials(&self) -> Error {
        Error::configuration(format!("{} has no credentials", self.source()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::clouds::testing::*;
    use super::*;
    use crate::credentials::{CredentialsKind, Named};

    #[test]
    fn the_environment_goes_before_a_cloud_that_nobody_named() {
        let folder = folder(
            "order",
            &[("clouds.yaml", "clouds: {a: {auth: {token: t1}}}")],
        );
        let from_file = resolved(&environment(&folder, &[]));
        assert!(
            matches!(from_file.credentials.unwrap().0, CredentialsKind::Token(t) if t.expose() == "t1")
        );
        let from_env = resolved(&environment(&folder, &[("OS_TOKEN", "t2")]));
        assert!(
            matches!(from_env.credentials.unwrap().0, CredentialsKind::Token(t) if t.expose() == "t2")
        );
    }

    #[test]
    fn without_a_file_the_error_tells_the_ways() {
        let error = Profile::discover(&Environment::of([("HOME", "/nonexistent")])).unwrap_err();
        assert!(error.to_string().contains("OS_TOKEN"), "{error}");
    }

    #[test]
    fn the_environment_goes_before_the_cloud_that_it_names() {
        let text = format!(
            "clouds:
  a:
    region_name: r1
    modelarts_endpoint_override: https://m.example.com
    auth: {{{USER}, auth_url: 'https://iam.example.com', project_id: p1, project_domain_name: pd}}
"
        );
        let folder = folder("override", &[("clouds.yaml", &text)]);
        let with = |variables: &[(&str, &str)]| {
            let mut all = vec![("OS_CLOUD", "a")];
            all.extend(variables);
            resolved(&environment(&folder, &all))
        };
        let project = with(&[("OS_PROJECT_NAME", "eu-de_b"), ("OS_REGION_NAME", "r2")]);
        assert_eq!(
            (project.project_id, project.project_name.as_deref()),
            (None, Some("eu-de_b"))
        );
        assert_eq!(project.project_domain, Some(Named::Name("pd".to_owned())));
        assert_eq!(project.region.as_deref(), Some("r2"));
        assert_eq!(project.endpoint.as_deref(), Some("https://m.example.com"));
        // Of several kinds of credentials, those of the source with the higher precedence.
        let token = with(&[("OS_TOKEN", "t")]);
        assert!(matches!(
            token.credentials.unwrap().0,
            CredentialsKind::Token(_)
        ));
        let Some(CredentialsKind::Password(login)) =
            with(&[("OS_PASSWORD", "p2")]).credentials.map(|c| c.0)
        else {
            panic!("a password");
        };
        assert_eq!(login.password.expose(), "p2");
        assert_eq!(login.user.name().as_deref(), Some("u"));
        // An empty variable is treated as not set.
        assert_eq!(
            with(&[("OS_PROJECT_ID", ""), ("OS_REGION_NAME", " ")])
                .project_id
                .as_deref(),
            Some("p1")
        );
        // If a cloud is named, keys of the vendor's SDK are assumed to be for another tool.
        let keys = [
            ("HUAWEICLOUD_SDK_AK", "a"),
            ("HUAWEICLOUD_SDK_SK", "t0p-s3cret"),
            ("OS_CLOUD", "a"),
        ];
        let profile = Profile::discover(&environment(&folder, &keys)).unwrap();
        assert!(matches!(
            profile.resolve(None, true).unwrap().credentials.unwrap().0,
            CredentialsKind::Password(_)
        ));
        let warning = &profile.warnings()[0];
        assert!(
            warning.contains("HUAWEICLOUD_SDK_AK") && !warning.contains("s3cret"),
            "{warning}"
        );
    }
}
