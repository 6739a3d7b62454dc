//! Settings by name, in layers: their sources and their precedence.

use std::collections::BTreeMap;
use std::fmt;

use modelarts_client::Secret;

use crate::credentials::{AccessKey, Credentials, Login};
use crate::error::{Error, Result};
use crate::line_end::without_line_end;

/// A setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Setting {
    AuthType,
    Token,
    UserName,
    UserId,
    Password,
    UserDomainName,
    UserDomainId,
    DomainName,
    DomainId,
    DefaultDomainName,
    DefaultDomainId,
    AccessKey,
    SecretKey,
    SecurityToken,
    Region,
    Endpoint,
    AuthUrl,
    IdentityEndpoint,
    Interface,
    IdentityVersion,
    ProjectId,
    ProjectName,
    ProjectDomainName,
    ProjectDomainId,
    CaCert,
    ClientCert,
    ClientKey,
    Verify,
    Insecure,
}

/// Settings that describe the same thing, so that all of them must come from the same source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Project,
    ProjectDomain,
    User,
    UserDomain,
    Domain,
    DefaultDomain,
    Pair,
    Certificate,
    Verification,
}

impl Setting {
    fn group(self) -> Option<Group> {
        Some(match self {
            Self::ProjectId | Self::ProjectName => Group::Project,
            Self::ProjectDomainId | Self::ProjectDomainName => Group::ProjectDomain,
            Self::UserId | Self::UserName => Group::User,
            Self::UserDomainId | Self::UserDomainName => Group::UserDomain,
            Self::DomainId | Self::DomainName => Group::Domain,
            Self::DefaultDomainId | Self::DefaultDomainName => Group::DefaultDomain,
            Self::AccessKey | Self::SecretKey | Self::SecurityToken => Group::Pair,
            Self::ClientCert | Self::ClientKey => Group::Certificate,
            Self::Verify | Self::Insecure => Group::Verification,
            _ => return None,
        })
    }
}

/// A value and the name under which it was given.
#[derive(Clone)]
pub(super) struct Entry {
    /// Any value may be a secret that was put in the wrong place.
    value: Secret,
    pub(super) name: String,
}

/// The settings of one source, or of several merged ones.
#[derive(Clone, Default)]
pub(super) struct Layer(BTreeMap<Setting, Entry>);

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.values().map(|entry| &entry.name);
        f.debug_set().entries(names).finish()
    }
}

/// Whether two layers are parts of one source, such as `clouds.yaml` and `secure.yaml`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Parts {
    /// The halves of a key pair may come from both layers.
    OfOneSource,
    /// The halves of a key pair must come from one layer, since halves of different pairs do not match.
    OfSeveral,
}

impl Layer {
    /// Inserts a value after trimming it (a password loses only its line end). An empty value is not inserted.
    pub(super) fn insert(&mut self, key: Setting, name: &str, value: &str) -> Result<()> {
        let value = match key {
            Setting::Password => without_line_end(value),
            _ => value.trim(),
        };
        if value.trim().is_empty() {
            return Ok(());
        }
        let entry = Entry {
            value: Secret::from(value),
            name: name.to_owned(),
        };
        match self.0.get(&key) {
            Some(other) if other.value != entry.value => Err(Error::configuration(format!(
                "{} and {name} differ, but are two names of the same setting: remove one",
                other.name
            ))),
            Some(_) => Ok(()),
            None => {
                self.0.insert(key, entry);
                Ok(())
            }
        }
    }

    /// Returns the settings of this layer, completed by those of `lower`.
    pub(super) fn over(mut self, mut lower: Self, parts: Parts) -> Self {
        let groups: Vec<_> = self.0.keys().filter_map(|key| key.group()).collect();
        lower.0.retain(|key, _| match key.group() {
            Some(Group::Pair) if parts == Parts::OfOneSource => true,
            Some(group) => !groups.contains(&group),
            None => true,
        });
        for (key, entry) in lower.0 {
            self.0.entry(key).or_insert(entry);
        }
        self
    }

    /// Like [`over`](Self::over), but ignores the credentials of `lower` if this layer has complete ones.
    pub(super) fn over_source(self, mut lower: Self) -> Self {
        let pair = self.has(Setting::AccessKey) && self.has(Setting::SecretKey);
        let token = self.has(Setting::Token);
        let user = self.has(Setting::UserId) || self.has(Setting::UserName);
        let password = user && self.has(Setting::Password);
        if pair || token || password {
            lower.0.remove(&Setting::AuthType);
            lower.0.remove(&Setting::Token);
            lower.0.remove(&Setting::Password);
            lower.0.retain(|key, _| match key.group() {
                Some(Group::Pair | Group::User) => false,
                Some(Group::UserDomain) => password,
                _ => true,
            });
        }
        self.over(lower, Parts::OfSeveral)
    }

    /// Removes key pair, token, user and password. Returns the names under which they were given.
    pub(super) fn remove_credentials(&mut self) -> Vec<String> {
        let mut names = Vec::new();
        self.0.retain(|key, entry| {
            let is_removed = matches!(key, Setting::Token | Setting::Password)
                || matches!(key.group(), Some(Group::Pair | Group::User));
            if is_removed {
                names.push(entry.name.clone());
            }
            !is_removed
        });
        names
    }

    pub(super) fn remove_pair(&mut self) {
        self.0.retain(|key, _| key.group() != Some(Group::Pair));
    }

    pub(super) fn remove(&mut self, key: Setting) {
        self.0.remove(&key);
    }

    pub(super) fn has(&self, key: Setting) -> bool {
        self.0.contains_key(&key)
    }

    pub(super) fn has_credentials(&self) -> bool {
        self.has(Setting::Token) || self.has(Setting::Password) || self.has(Setting::AccessKey)
    }

    /// Returns the value of a setting that is not a secret.
    pub(super) fn get(&self, key: Setting) -> Option<String> {
        Some(self.0.get(&key)?.value.expose().to_owned())
    }

    pub(super) fn name(&self, key: Setting) -> &str {
        self.0.get(&key).map_or("", |entry| &entry.name)
    }

    fn first(&self, keys: &[Setting]) -> Option<String> {
        keys.iter().find_map(|key| self.get(*key))
    }

    fn secret(&self, key: Setting) -> Option<Secret> {
        Some(self.0.get(&key)?.value.clone())
    }

    /// Returns the value of a setting that is either on or off.
    pub(super) fn switch(&self, key: Setting) -> Result<Option<bool>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        match value.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(Some(true)),
            "0" | "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(Error::configuration(format!(
                "{} must be true or false; set a bundle of certificates with `cacert` or OS_CACERT",
                self.name(key)
            ))),
        }
    }

    /// Returns the credentials from the settings, if any.
    pub(super) fn credentials(&self, source: &str) -> Result<Option<Credentials>> {
        if let Some(version) = self.get(Setting::IdentityVersion)
            && !matches!(version.trim_start_matches('v'), "3" | "3.0")
        {
            return Err(Error::configuration(format!(
                "{} asks for a version of the identity service other than 3, but only 3 is supported",
                self.name(Setting::IdentityVersion)
            )));
        }
        let kind = self.get(Setting::AuthType);
        match kind.as_deref() {
            None => {}
            Some("password" | "v3password") => return self.required(self.login(source)?, "a user"),
            Some("token" | "v3token") => return self.required(self.token(), "a token"),
            Some(other) => {
                return Err(Error::configuration(format!(
                    "{}: the auth_type `{}` is not supported; use password (v3password), token (v3token), or an \
                     access key without an auth_type",
                    self.name(Setting::AuthType),
                    shown_name(other)
                )));
            }
        }
        Ok(match self.pair(source)? {
            Some(pair) => Some(pair),
            None => match self.token() {
                Some(token) => Some(token),
                None => self.login(source)?,
            },
        })
    }

    fn required(&self, found: Option<Credentials>, what: &str) -> Result<Option<Credentials>> {
        match found {
            Some(found) => Ok(Some(found)),
            None => Err(Error::configuration(format!(
                "{} asks for {what}, but there is none",
                self.name(Setting::AuthType)
            ))),
        }
    }

    fn token(&self) -> Option<Credentials> {
        self.secret(Setting::Token).map(Credentials::token)
    }

    fn pair(&self, source: &str) -> Result<Option<Credentials>> {
        match (
            self.get(Setting::AccessKey),
            self.secret(Setting::SecretKey),
        ) {
            (Some(access_key), Some(secret_key)) => {
                let mut key = AccessKey::new(access_key, secret_key);
                if let Some(token) = self.secret(Setting::SecurityToken) {
                    key = key.security_token(token);
                }
                Ok(Some(Credentials::access_key(key)))
            }
            (Some(_), None) => Err(half(source, "an access key (AK)", "its secret key (SK)")),
            (None, Some(_)) => Err(half(source, "a secret key (SK)", "its access key (AK)")),
            (None, None) => Ok(None),
        }
    }

    fn login(&self, source: &str) -> Result<Option<Credentials>> {
        let password = self.secret(Setting::Password);
        let mut login = match (
            self.get(Setting::UserId),
            self.get(Setting::UserName),
            password,
        ) {
            (Some(id), _, Some(password)) => Login::with_id(id, password),
            (None, Some(name), Some(password)) => Login::new(name, password),
            (None, None, None) => return Ok(None),
            (None, None, Some(_)) => return Err(half(source, "a password", "a user name")),
            (_, _, None) => return Err(half(source, "a user", "a password")),
        };
        // Look at one pair at a time: the ID of one pair and the name of another mean two different domains.
        for (id, name) in [
            (Setting::UserDomainId, Setting::UserDomainName),
            (Setting::DomainId, Setting::DomainName),
            (Setting::DefaultDomainId, Setting::DefaultDomainName),
        ] {
            if let Some(id) = self.get(id) {
                login = login.domain_id(id);
                break;
            }
            if let Some(name) = self.get(name) {
                login = login.domain_name(name);
                break;
            }
        }
        Ok(Some(Credentials::password(login)))
    }

    pub(super) fn project_domain_id(&self) -> Option<String> {
        match self.has(Setting::ProjectDomainName) {
            true => self.get(Setting::ProjectDomainId),
            false => self.first(&[
                Setting::ProjectDomainId,
                Setting::DomainId,
                Setting::DefaultDomainId,
            ]),
        }
    }

    pub(super) fn project_domain_name(&self) -> Option<String> {
        self.first(&[
            Setting::ProjectDomainName,
            Setting::DomainName,
            Setting::DefaultDomainName,
        ])
    }
}

fn half(source: &str, has: &str, lacks: &str) -> Error {
    Error::configuration(format!("{source} has {has} but lacks {lacks}"))
}

/// Returns a name from a file, or `…` if it does not look like a name: it may be a misplaced value.
pub(super) fn shown_name(name: &str) -> &str {
    let is_word = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '-' | '0'..='9');
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    match starts && name.len() <= 40 && name.chars().all(is_word) {
        true => name,
        false => "…",
    }
}

#[cfg(test)]
mod tests {
    use super::super::clouds::testing::*;
    use crate::credentials::CredentialsKind;

    #[test]
    fn other_kinds_of_signing_in_are_named() {
        let text = format!(
            "clouds:
  oidc: {{auth_type: v3oidcpassword, auth: {{{USER}}}}}
  none: {{auth_type: token, auth: {{{USER}}}}}
  token: {{auth_type: v3token, auth: {{{USER}, token: t}}}}
  old: {{identity_api_version: 2.0, auth: {{{USER}}}}}
"
        );
        let folder = folder("auth-type", &[("clouds.yaml", &text)]);
        assert!(refused(&folder, "oidc").contains("`v3oidcpassword` is not supported"));
        assert!(refused(&folder, "none").contains("asks for a token"));
        assert!(refused(&folder, "old").contains("identity_api_version"));
        assert!(matches!(
            cloud(&folder, "token").credentials.unwrap().0,
            CredentialsKind::Token(_)
        ));
    }
}
