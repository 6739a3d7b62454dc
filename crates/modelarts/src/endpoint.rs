//! Addresses of the service and of the identity service.

use modelarts_client::iam::enums::EndpointInterface;
use modelarts_client::iam::types::CatalogEntry;
use reqwest::Url;

use crate::error::{Error, Result};

/// A public cloud that runs ModelArts.
struct Cloud {
    name: &'static str,
    /// What OpenStack tools call it, where they know it.
    profile: Option<&'static str>,
    domain: &'static str,
    regions: &'static [&'static str],
}

const CLOUDS: &[Cloud] = &[
    Cloud {
        name: "Open Telekom Cloud",
        profile: Some("otc"),
        domain: "otc.t-systems.com",
        regions: &["eu-de", "eu-nl"],
    },
    Cloud {
        name: "Huawei Cloud",
        profile: None,
        domain: "myhuaweicloud.com",
        regions: &[
            "af-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "cn-east-3",
            "cn-east-4",
            "cn-north-1",
            "cn-north-4",
            "cn-north-9",
            "cn-south-1",
            "cn-southwest-2",
            "la-north-2",
            "la-south-2",
            "na-mexico-1",
            "sa-brazil-1",
        ],
    },
];

/// The regions of a cloud that OpenStack tools know by this name.
pub(crate) fn regions_of(profile: &str) -> Option<&'static [&'static str]> {
    let known = CLOUDS.iter().find(|cloud| cloud.profile == Some(profile));
    known.map(|cloud| cloud.regions)
}

/// The service's address in a known region.
pub(crate) fn service(region: &str) -> Result<String> {
    address("modelarts", region)
}

/// The identity service's address in a known region.
pub(crate) fn identity(region: &str) -> Result<String> {
    address("iam", region)
}

fn address(service: &str, region: &str) -> Result<String> {
    let cloud = CLOUDS.iter().find(|cloud| cloud.regions.contains(&region));
    let Some(cloud) = cloud else {
        let known: Vec<_> = CLOUDS
            .iter()
            .map(|cloud| format!("{} ({})", cloud.regions.join(", "), cloud.name))
            .collect();
        return Err(Error::configuration(format!(
            "the region `{region}` is not known; known are {}; for any other set the endpoint, \
             and the auth URL of the identity service",
            known.join(" and ")
        )));
    };
    Ok(format!("https://{service}.{region}.{}", cloud.domain))
}

/// The service's address in a token's catalogue; `None` when it is not there.
pub(crate) fn from_catalog(
    catalog: &[CatalogEntry],
    region: Option<&str>,
) -> Result<Option<String>> {
    let of_type = |wanted: &str| catalog.iter().find(|e| e.type_.as_deref() == Some(wanted));
    let Some(entry) = of_type("modelartsv1").or_else(|| of_type("modelarts")) else {
        return Ok(None);
    };
    let mut found: Vec<(&str, &str)> = entry
        .endpoints
        .iter()
        .flatten()
        .filter(|endpoint| {
            matches!(
                endpoint.interface.as_deref(),
                None | Some(EndpointInterface::Public)
            )
        })
        .filter_map(|endpoint| {
            let place = endpoint.region_id.as_deref().or(endpoint.region.as_deref());
            Some((place.unwrap_or_default(), endpoint.url.as_deref()?))
        })
        .filter(|(place, _)| region.is_none_or(|region| place.is_empty() || *place == region))
        .collect();
    found.dedup_by_key(|(_, url)| *url);
    match found.as_slice() {
        [] => Ok(None),
        // Clients of the catalogue append to `…/v1/{project_id}`; the document's paths begin with `/v1`.
        [(_, url)] => Ok(Some(url.split("/v1").next().unwrap_or(url).to_owned())),
        several => {
            let places: Vec<_> = several.iter().map(|(place, _)| *place).collect();
            Err(Error::configuration(format!(
                "the catalogue has ModelArts in several regions: set one of {}",
                places.join(", ")
            )))
        }
    }
}

/// An address as requests are built from it: no trailing slash, and safe to send credentials to.
pub(crate) fn check(what: &str, text: &str, allow_http: bool) -> Result<String> {
    let refuse = |why: &str| {
        Err(Error::configuration(format!(
            "the {what} `{}` {why}",
            without_userinfo(text)
        )))
    };
    let Ok(url) = Url::parse(text.trim()) else {
        return refuse("is no URL; expected is one like https://modelarts.eu-de.otc.t-systems.com");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() || url.cannot_be_a_base() {
        return refuse("must end with its host or path");
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_http || is_loopback(&url) => {}
        "http" => {
            return refuse(
                "would carry credentials in clear text; use https, or `allow_http(true)` in a trusted network",
            );
        }
        _ => return refuse("must begin with https"),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An auth URL is given with or without the version of the API.
pub(crate) fn without_version(url: &str) -> &str {
    let url = url.trim().trim_end_matches('/');
    url.strip_suffix("/v3").unwrap_or(url)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn without_userinfo(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use modelarts_client::iam::types::CatalogEndpoint;

    use super::*;

    #[test]
    fn regions_of_both_clouds_and_of_neither() {
        assert_eq!(
            service("eu-de").unwrap(),
            "https://modelarts.eu-de.otc.t-systems.com"
        );
        assert_eq!(
            identity("cn-north-4").unwrap(),
            "https://iam.cn-north-4.myhuaweicloud.com"
        );
        let error = service("eu-dee").unwrap_err().to_string();
        assert!(
            error.contains("eu-de, eu-nl (Open Telekom Cloud)"),
            "{error}"
        );
        assert!(error.contains("set the endpoint"), "{error}");
    }

    #[test]
    fn clear_text_only_to_this_machine() {
        let ok = |text: &str| check("endpoint", text, false);
        assert_eq!(
            ok("https://m.example.com/").unwrap(),
            "https://m.example.com"
        );
        assert_eq!(
            ok("http://127.0.0.1:8780").unwrap(),
            "http://127.0.0.1:8780"
        );
        assert_eq!(ok("http://[::1]:1/a/").unwrap(), "http://[::1]:1/a");
        assert!(ok("http://localhost").is_ok());
        assert!(
            ok("http://m.example.com")
                .unwrap_err()
                .to_string()
                .contains("clear text")
        );
        assert!(check("endpoint", "http://m.example.com", true).is_ok());
        for text in [
            "m.example.com",
            "ftp://m.example.com",
            "https://h/?a=b",
            "mailto:a@b",
        ] {
            assert!(ok(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_shown() {
        let error = check("endpoint", "https://me:hunter2@m.example.com", false).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn the_catalogue_is_read_for_the_region() {
        let endpoint = |region: &str, interface: &str| CatalogEndpoint {
            region_id: Some(region.to_owned()),
            interface: Some(interface.into()),
            url: Some(format!("https://{interface}.{region}.example.com/v1/p1")),
            ..Default::default()
        };
        let catalog = [CatalogEntry {
            type_: Some("modelartsv1".to_owned()),
            endpoints: Some(vec![
                endpoint("r1", "admin"),
                endpoint("r1", "public"),
                endpoint("r2", "public"),
            ]),
            ..Default::default()
        }];
        let found = from_catalog(&catalog, Some("r1")).unwrap();
        assert_eq!(found.as_deref(), Some("https://public.r1.example.com"));
        assert_eq!(from_catalog(&catalog, Some("r3")).unwrap(), None);
        assert_eq!(from_catalog(&[], None).unwrap(), None);
        let error = from_catalog(&catalog, None).unwrap_err().to_string();
        assert!(error.contains("r1, r2"), "{error}");
    }

    #[test]
    fn auth_urls_come_with_and_without_version() {
        for text in [
            "https://iam.example.com/v3",
            "https://iam.example.com/v3/",
            "https://iam.example.com",
        ] {
            assert_eq!(without_version(text), "https://iam.example.com");
        }
    }
}
