//! Configuration that people have already: environment variables and `clouds.yaml`.

mod clouds;
mod env;

use modelarts_client::Secret;

use crate::credentials::{AccessKey, Credentials, Login};
use crate::error::{Error, Result};

pub use env::Environment;

/// Credentials and addresses that were found somewhere, for [`ModelArtsBuilder::profile`].
///
/// # Where it looks
///
/// [`discover`](Profile::discover) takes the first of these that holds credentials; sources are never mixed:
///
/// 1. the cloud that `OS_CLOUD` names, in `clouds.yaml`;
/// 2. the environment;
/// 3. the only cloud in `clouds.yaml`.
///
/// In the **environment**, each name may begin with `OS_` or `OTC_`:
///
/// | setting | names after the prefix |
/// |---|---|
/// | token | `TOKEN`, `AUTH_TOKEN` |
/// | user | `USERNAME`, `USER_ID`, `PASSWORD`, `USER_DOMAIN_NAME`, `USER_DOMAIN_ID`, `DOMAIN_NAME`, `DOMAIN_ID` |
/// | access key | `ACCESS_KEY`, `SECRET_KEY`, `SECURITY_TOKEN` |
/// | project | `PROJECT_ID`, `TENANT_ID`, `PROJECT_NAME`, `TENANT_NAME`, `PROJECT_DOMAIN_NAME`, `PROJECT_DOMAIN_ID` |
/// | place | `REGION_NAME`, `AUTH_URL`, `MODELARTS_ENDPOINT_OVERRIDE` |
///
/// with the prefix `HUAWEICLOUD_SDK_` there are `AK`, `SK`, `SECURITY_TOKEN`, `PROJECT_ID`, and `MODELARTS_ENDPOINT` is the
/// address of the service. When several kinds of
/// credentials are set, an access key goes before a token, and a token before a password.
///
/// **`clouds.yaml`** is the file that `OS_CLIENT_CONFIG_FILE` names, or the first found in the working directory,
/// the user's configuration folder (`~/.config/openstack`) and `/etc/openstack`. Beside the usual keys of `auth`, a cloud
/// may have `ak`, `sk`, `security_token` and `modelarts_endpoint_override`; of several `regions` the first counts, unless
/// there is a `region_name`. Each setting is taken from the first of these that has it:
///
/// 1. the cloud of the same name in `secure.yaml`, or in the file that `OS_CLIENT_SECURE_FILE` names;
/// 2. the cloud itself;
/// 3. the `profile` that it names, in `clouds-public.yaml` below `public-clouds`; `otc`, the Open Telekom Cloud, is known
///    without a file. In its `auth_url`, `{region_name}` stands for the region.
///
/// Both companions are looked for beside the `clouds.yaml` first, then in the folders above. All three may end with
/// `.yml` or `.json` instead.
///
/// [`ModelArtsBuilder::profile`]: crate::ModelArtsBuilder::profile
#[derive(Clone, Debug, Default)]
pub struct Profile {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) auth_url: Option<String>,
    pub(crate) project_id: Option<String>,
    pub(crate) project_name: Option<String>,
    pub(crate) project_domain_id: Option<String>,
    pub(crate) project_domain_name: Option<String>,
}

impl Profile {
    /// The first source that holds credentials, in the order above.
    ///
    /// # Errors
    /// When there is none, naming where it looked; when a file cannot be read.
    pub fn discover(environment: &Environment) -> Result<Self> {
        if let Some(name) = environment.get("OS_CLOUD") {
            return Self::from_clouds(environment, &name);
        }
        let profile = Self::from_env(environment)?;
        if profile.credentials.is_some() {
            return Ok(profile);
        }
        match clouds::only(environment)? {
            Some(profile) => Ok(profile),
            None => Err(Error::configuration(
                "no credentials found: give them to the builder, or set OS_TOKEN, or OS_USERNAME and OS_PASSWORD, \
                 or HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or OS_CLOUD to a cloud of clouds.yaml",
            )),
        }
    }

    /// What the environment says; without credentials if it has none.
    ///
    /// # Errors
    /// When half of a pair is missing.
    pub fn from_env(environment: &Environment) -> Result<Self> {
        Settings::from_env(environment).into_profile("the environment")
    }

    /// A cloud of `clouds.yaml`.
    ///
    /// # Errors
    /// When the file or the cloud does not exist, naming the clouds that do.
    pub fn from_clouds(environment: &Environment, name: &str) -> Result<Self> {
        clouds::named(environment, name)
    }
}

/// The settings of a source, before they are understood.
#[derive(Debug, Default)]
struct Settings {
    token: Option<String>,
    user_name: Option<String>,
    user_id: Option<String>,
    password: Option<String>,
    user_domain_name: Option<String>,
    user_domain_id: Option<String>,
    access_key: Option<String>,
    secret_key: Option<String>,
    security_token: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
    auth_url: Option<String>,
    project_id: Option<String>,
    project_name: Option<String>,
    project_domain_name: Option<String>,
    project_domain_id: Option<String>,
}

impl Settings {
    fn into_profile(mut self, source: &str) -> Result<Profile> {
        Ok(Profile {
            credentials: self.credentials(source)?,
            region: self.region,
            endpoint: self.endpoint,
            auth_url: self.auth_url,
            project_id: self.project_id,
            project_name: self.project_name,
            project_domain_id: self.project_domain_id,
            project_domain_name: self.project_domain_name,
        })
    }

    fn credentials(&mut self, source: &str) -> Result<Option<Credentials>> {
        let half = |has: &str, lacks: &str| {
            Err(Error::configuration(format!(
                "{source} has {has} but lacks {lacks}"
            )))
        };
        match (self.access_key.take(), self.secret_key.take()) {
            (Some(access_key), Some(secret_key)) => {
                let mut key = AccessKey::new(access_key, secret_key);
                if let Some(token) = self.security_token.take() {
                    key = key.security_token(token);
                }
                return Ok(Some(Credentials::access_key(key)));
            }
            (Some(_), None) => return half("an access key (AK)", "its secret key (SK)"),
            (None, Some(_)) => return half("a secret key (SK)", "its access key (AK)"),
            (None, None) => {}
        }
        if let Some(token) = self.token.take() {
            return Ok(Some(Credentials::token(token)));
        }
        let password = self.password.take().map(Secret::from);
        let mut login = match (self.user_id.take(), self.user_name.take(), password) {
            (Some(id), _, Some(password)) => Login::with_id(id, password),
            (None, Some(name), Some(password)) => Login::new(name, password),
            (None, None, None) => return Ok(None),
            (None, None, Some(_)) => return half("a password", "a user name"),
            (_, _, None) => return half("a user", "a password"),
        };
        if let Some(id) = self.user_domain_id.take() {
            login = login.domain_id(id);
        } else if let Some(name) = self.user_domain_name.take() {
            login = login.domain_name(name);
        }
        Ok(Some(Credentials::password(login)))
    }
}
