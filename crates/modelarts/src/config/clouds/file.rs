//! The content of a `clouds.yaml`, `secure.yaml` or `clouds-public.yaml`, and errors that say where a file is wrong
//! without quoting it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::{Deserialize, Deserializer, IgnoredAny};

use super::keys::is_for_others;
use super::mapping::by_key;
use super::section::Section;
use crate::config::settings::shown_name;
use crate::error::{Error, Result};

/// The content of one file.
#[derive(Default)]
pub(super) struct File {
    pub(super) clouds: BTreeMap<String, Section>,
    pub(super) profiles: BTreeMap<String, Section>,
    unknown: Vec<String>,
}

/// A mapping from names to sections.
#[derive(Default)]
struct Named(BTreeMap<String, Section>);

by_key!(File, "the mapping of a clouds.yaml", |this, key, map| {
    match key.as_str() {
        "clouds" => this.clouds = map.next_value::<Named>()?.0,
        "public_clouds" => this.profiles = map.next_value::<Named>()?.0,
        _ => {
            map.next_value::<IgnoredAny>()?;
            this.unknown.push(key);
        }
    }
});

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let clouds = Option::<BTreeMap<String, Section>>::deserialize(deserializer)?;
        Ok(Self(clouds.unwrap_or_default()))
    }
}

impl File {
    /// Adds a warning for each key beside `clouds` that has no effect.
    pub(super) fn warnings(&self, path: &Path, warnings: &mut Vec<String>) {
        // Keys like `x-defaults` contain anchors that other keys refer to.
        let is_odd = |name: &&String| !is_for_others(name) && !name.starts_with("x_");
        let odd = self.unknown.iter().filter(is_odd);
        warnings.extend(odd.map(|name| {
            format!(
                "{} has the key `{}` beside `clouds`, which is not used",
                path.display(),
                shown_name(name)
            )
        }));
    }
}

/// Reads a file, which must exist.
pub(super) fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::configuration(format!("{} cannot be read: {error}", path.display()))
    })?;
    parse(&text).map_err(|place| {
        Error::configuration(format!("{} is not understood{place}", path.display()))
    })
}

/// Parses a file. The error text has only the place and the cause, since the parser's messages quote the file, which
/// contains passwords.
fn parse(text: &str) -> Result<File, String> {
    if text.trim().is_empty() {
        return Ok(File::default());
    }
    serde_saphyr::from_str(text).map_err(|error| {
        use serde_saphyr::Error as Yaml;
        let place = match error.location() {
            Some(place) => format!(" at line {}, column {}", place.line(), place.column()),
            None => String::new(),
        };
        let why = match error.without_snippet() {
            Yaml::DuplicateMappingKey { .. } => ": the key is already there",
            Yaml::MultipleDocuments { .. } => ": a second document begins here",
            Yaml::Unexpected { .. } | Yaml::SerdeInvalidType { .. } => {
                ": the value has the wrong type; text, a list or a mapping is expected here"
            }
            _ => "",
        };
        place + why
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use crate::config::Profile;
    use crate::credentials::{CredentialsKind, Named};

    #[test]
    fn a_broken_file_is_located_and_not_quoted() {
        let folder = folder(
            "broken",
            &[("clouds.yaml", "clouds:\n  a:\n    auth: hunter2\n")],
        );
        let error = Profile::from_clouds(&environment(&folder, &[]), "a").unwrap_err();
        assert!(
            error
                .to_string()
                .contains("clouds.yaml is not understood at line 3"),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_reported() {
        for (text, expected) in [
            (
                "clouds:\n  a: {auth: {token: t0p-s3cret}}\n  a: {}\n",
                "at line 3, column 3: the key is already there",
            ),
            (
                "clouds:\n  a:\n    auth:\n      token: t0p-s3cret\n      token: t0p-s3cret\n",
                "at line 5, column 7: the key is already there",
            ),
            (
                "clouds: {}\n---\nclouds: {a: {auth: {token: t0p-s3cret}}}\n",
                "a second document",
            ),
            (
                "clouds: {a: {region_name: [t0p-s3cret]}}",
                "text, a list or a mapping",
            ),
            (
                "clouds: [{name: a, auth: {token: t0p-s3cret}}]",
                "text, a list or a mapping",
            ),
            (
                "clouds: {a: {regions: {eu-de: t0p-s3cret}}}",
                "text, a list or a mapping",
            ),
        ] {
            let folder = folder("wrong", &[("clouds.yaml", text)]);
            let message = refused(&folder, "a");
            assert!(message.contains(expected), "{message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn defaults_may_stand_beside_the_clouds_and_be_merged() {
        let text = "
x-defaults: &defaults
  username: u
  user_domain_name: d
  auth_url: https://iam.example.com/v3
clouds:
  a: {auth: {<<: *defaults, password: p, auth_url: https://iam2.example.com/v3}}
";
        let folder = folder("merged", &[("clouds.yaml", text)]);
        let profile = Profile::from_clouds(&environment(&folder, &[]), "a").unwrap();
        assert_eq!(profile.warnings(), [""; 0]);
        let a = profile.resolve(None, true).unwrap();
        assert_eq!(a.auth_url.as_deref(), Some("https://iam2.example.com/v3"));
    }

    #[test]
    fn scalars_are_texts_and_nothing_is_nothing() {
        let text = "
clouds:
  a:
    auth: {username: 007, password: 1e5, user_domain_id: true, project_id: , project_name: ''}
    regions:
    region_name: 0x10
  b:
";
        let folder = folder("scalars", &[("clouds.yaml", text)]);
        let a = cloud(&folder, "a");
        assert_eq!((a.project_id, a.project_name), (None, None));
        assert_eq!(a.region.as_deref(), Some("0x10"));
        let Some(CredentialsKind::Password(login)) = a.credentials.map(|c| c.0) else {
            panic!("a password");
        };
        assert_eq!(login.password.expose(), "1e5");
        assert_eq!(login.user.name().as_deref(), Some("007"));
        assert_eq!(login.domain, Some(Named::Id("true".to_owned())));
        assert!(refused(&folder, "b").contains("has no credentials"));
    }
}
