//! Addresses of the service and of the identity service.

use modelarts_client::iam::types::CatalogEntry;
use reqwest::Url;

use crate::authority::authority;
use crate::error::{Error, Result};

/// A public cloud that runs ModelArts.
struct Cloud {
    name: &'static str,
    /// The name of its profile in OpenStack tools, if they have one.
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

/// Returns the regions of the cloud that has this name in OpenStack tools.
pub(crate) fn regions_of(profile: &str) -> Option<&'static [&'static str]> {
    let known = CLOUDS.iter().find(|cloud| cloud.profile == Some(profile));
    known.map(|cloud| cloud.regions)
}

/// Returns all known regions.
pub(crate) fn regions() -> impl Iterator<Item = &'static str> {
    CLOUDS
        .iter()
        .flat_map(|cloud| cloud.regions.iter().copied())
}

/// Returns the service's address in a known region. `other` is the configured address of the identity service.
pub(crate) fn service(region: &str, other: Option<&str>) -> Result<String> {
    address(
        "modelarts",
        region,
        other.map(|url| ("auth URL", url, "the endpoint")),
    )
}

/// Returns the identity service's address in a known region. `other` is the configured address of the service.
pub(crate) fn identity(region: &str, other: Option<&str>) -> Result<String> {
    address(
        "iam",
        region,
        other.map(|url| ("endpoint", url, "the auth URL")),
    )
}

/// Returns a public cloud's address, but only if the other address is not configured or is at a host of that cloud.
fn address(service: &str, region: &str, other: Option<(&str, &str, &str)>) -> Result<String> {
    let cloud = CLOUDS.iter().find(|cloud| cloud.regions.contains(&region));
    let Some(cloud) = cloud else {
        let known: Vec<_> = CLOUDS
            .iter()
            .map(|cloud| format!("{} ({})", cloud.regions.join(", "), cloud.name))
            .collect();
        return Err(Error::configuration(format!(
            "the region `{region}` is unknown; known regions are {}; for any other, set the endpoint and \
             the auth URL of the identity service",
            known.join(" and ")
        )));
    };
    if let Some((what, url, missing)) = other {
        let host = Url::parse(url.trim()).ok();
        let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
        let is_part = host
            .strip_suffix(cloud.domain)
            .is_some_and(|rest| rest.ends_with('.'));
        if !is_part {
            return Err(Error::configuration(format!(
                "the {what} is at {host}, which is not part of the {} (region `{region}`), so {missing} is unknown: set {}",
                cloud.name,
                match missing {
                    "the endpoint" => "it by `endpoint` or MODELARTS_ENDPOINT",
                    _ => "it by `auth_url` or OS_AUTH_URL",
                }
            )));
        }
    }
    Ok(format!("https://{service}.{region}.{}", cloud.domain))
}

/// Returns the service's address in a token's catalogue, or `None` if the catalogue does not contain the service.
///
/// # Errors
/// If it is there for other regions only, or for several regions and `region` is `None`.
pub(crate) fn from_catalog(
    catalog: &[CatalogEntry],
    region: Option<&str>,
    interface: Option<&str>,
) -> Result<Option<String>> {
    let of_type = |wanted: &str| catalog.iter().find(|e| e.type_.as_deref() == Some(wanted));
    let Some(entry) = of_type("modelartsv1").or_else(|| of_type("modelarts")) else {
        return Ok(None);
    };
    let wanted = interface.unwrap_or("public");
    let all: Vec<(&str, &str)> = entry
        .endpoints
        .iter()
        .flatten()
        .filter(|endpoint| {
            let interface = endpoint
                .interface
                .as_ref()
                .map(|interface| interface.as_str());
            interface.is_none_or(|interface| interface == wanted)
        })
        .filter_map(|endpoint| {
            let place = endpoint.region_id.as_deref().or(endpoint.region.as_deref());
            Some((place.unwrap_or_default(), endpoint.url.as_deref()?))
        })
        .collect();
    let is_there = |place: &str| region.is_none_or(|region| place.is_empty() || place == region);
    let mut found: Vec<_> = all.iter().filter(|(place, _)| is_there(place)).collect();
    found.dedup_by_key(|(_, url)| *url);
    match (found.as_slice(), region) {
        ([], None) => Ok(None),
        ([], Some(region)) => Err(Error::configuration(format!(
            "the catalogue has no {wanted} address of ModelArts in the region `{region}`{}",
            match all.is_empty() {
                true => String::new(),
                false => format!("; it has: {}", regions_in(&all)),
            }
        ))),
        ([(_, url)], _) => Ok(Some((*url).to_owned())),
        (_, _) => Err(Error::configuration(format!(
            "the catalogue has ModelArts in several regions: set one of {}",
            regions_in(&all)
        ))),
    }
}

fn regions_in(endpoints: &[(&str, &str)]) -> String {
    let places: Vec<_> = endpoints.iter().map(|(place, _)| *place).collect();
    places.join(", ")
}

/// Splits the service's address into the part before `/v1`, with which the document's paths begin, and the project ID
/// after it, if there is one.
///
/// Addresses in catalogues and for OpenStack tools end with `/v1/<project>`, or with a placeholder for the project.
pub(crate) fn without_project(url: &str) -> (&str, Option<&str>) {
    const PLACEHOLDERS: &[&str] = &[
        "%(project_id)s",
        "$(project_id)s",
        "{project_id}",
        "%(tenant_id)s",
        "$(tenant_id)s",
        "{tenant_id}",
    ];
    let url = url.trim().trim_end_matches('/');
    if let Some(base) = url.strip_suffix("/v1") {
        return (base, None);
    }
    match url.rsplit_once('/') {
        Some((before, last)) => match before.strip_suffix("/v1") {
            Some(base) if PLACEHOLDERS.contains(&last) => (base, None),
            Some(base) => (base, Some(last)),
            None => (url, None),
        },
        None => (url, None),
    }
}

/// Returns the scheme, host and port, which are the parts of an address that an error may show.
pub(crate) fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), authority(url))
}

/// Checks that an address is safe to send credentials to, and returns it without a trailing slash.
pub(crate) fn check(what: &str, text: &str, allow_http: bool) -> Result<String> {
    let example = match what {
        "auth URL" => "https://iam.eu-de.otc.t-systems.com/v3",
        _ => "https://modelarts.eu-de.otc.t-systems.com",
    };
    let Ok(url) = Url::parse(text.trim()) else {
        return Err(Error::configuration(format!(
            "the {what} is not a URL; an example is {example}"
        )));
    };
    let refuse = |why: &str| {
        Err(Error::configuration(format!(
            "the {what} at {} {why}",
            origin(&url)
        )))
    };
    if url.cannot_be_a_base() || url.host_str().is_none_or(str::is_empty) {
        return Err(Error::configuration(format!(
            "the {what} has no host; an example is {example}"
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("must not contain a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("must not have a query or a fragment");
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

/// Removes the API version, or the path of the sign-in itself, from an auth URL that may end with either.
pub(crate) fn without_version(url: &str) -> Result<&str> {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix("/auth/tokens").unwrap_or(url);
    if url.ends_with("/v2.0") {
        return Err(Error::configuration(
            "the auth URL is for version 2.0 of the identity service, but only 3 is supported: end it with /v3",
        ));
    }
    Ok(url.strip_suffix("/v3").unwrap_or(url))
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use modelarts_client::iam::types::CatalogEndpoint;

    use super::*;

    #[test]
    fn regions_of_both_clouds_and_of_neither() {
        assert_eq!(
            service("eu-de", None).unwrap(),
            "https://modelarts.eu-de.otc.t-systems.com"
        );
        assert_eq!(
            identity("cn-north-4", None).unwrap(),
            "https://iam.cn-north-4.myhuaweicloud.com"
        );
        let error = service("eu-dee", None).unwrap_err().to_string();
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
    fn the_example_is_of_the_same_service() {
        for text in ["example.com/v3", "localhost:5000/v3"] {
            let error = check("auth URL", text, false).unwrap_err().to_string();
            assert!(error.contains("https://iam."), "{error}");
            let error = check("endpoint", text, false).unwrap_err().to_string();
            assert!(error.contains("https://modelarts."), "{error}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_shown() {
        let error = check("endpoint", "https://me:hunter2@m.example.com", false).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn the_catalogue_is_read_for_the_region() {
        let endpoint = |region: &str, interface: &str| {
            let mut endpoint = CatalogEndpoint::default();
            endpoint.region_id = Some(region.to_owned());
            endpoint.interface = Some(interface.into());
            endpoint.url = Some(format!("https://{interface}.{region}.example.com/v1/p1"));
            endpoint
        };
        let mut entry = CatalogEntry::default();
        entry.type_ = Some("modelartsv1".to_owned());
        entry.endpoints = Some(vec![
            endpoint("r1", "admin"),
            endpoint("r1", "public"),
            endpoint("r2", "public"),
        ]);
        let catalog = [entry];
        let found = from_catalog(&catalog, Some("r1"), None).unwrap();
        assert_eq!(
            found.as_deref(),
            Some("https://public.r1.example.com/v1/p1")
        );
        let found = from_catalog(&catalog, Some("r1"), Some("admin")).unwrap();
        assert_eq!(found.as_deref(), Some("https://admin.r1.example.com/v1/p1"));
        let error = from_catalog(&catalog, Some("r3"), None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("in the region `r3`; it has: r1, r2"),
            "{error}"
        );
        assert_eq!(from_catalog(&[], None, None).unwrap(), None);
        let error = from_catalog(&catalog, None, None).unwrap_err().to_string();
        assert!(error.contains("r1, r2"), "{error}");
    }

    #[test]
    fn auth_urls_come_with_and_without_version() {
        for text in [
            "https://iam.example.com/v3/auth/tokens",
            "https://iam.example.com/v3/auth/tokens/",
            "https://iam.example.com/v3",
            " https://iam.example.com/v3/\n",
            "https://iam.example.com",
            "https://iam.example.com/",
        ] {
            assert_eq!(without_version(text).unwrap(), "https://iam.example.com");
        }
        let error = without_version("https://iam.example.com/v2.0/").unwrap_err();
        assert!(error.to_string().contains("version 2.0"), "{error}");
    }

    #[test]
    fn an_address_may_contain_the_project_or_a_placeholder() {
        for (text, expected) in [
            ("https://m.example.com", ("https://m.example.com", None)),
            ("https://m.example.com/", ("https://m.example.com", None)),
            ("https://m.example.com/v1/", ("https://m.example.com", None)),
            (
                "https://m.example.com/v1/p1",
                ("https://m.example.com", Some("p1")),
            ),
            (
                "https://m.example.com/v1/%(project_id)s",
                ("https://m.example.com", None),
            ),
            (
                "https://m.example.com/v1/$(project_id)s/",
                ("https://m.example.com", None),
            ),
            (
                "https://m.example.com/v1/{project_id}",
                ("https://m.example.com", None),
            ),
            (
                "https://gw.example.com/a/v1/p1",
                ("https://gw.example.com/a", Some("p1")),
            ),
            (
                "https://gw.example.com/modelarts",
                ("https://gw.example.com/modelarts", None),
            ),
        ] {
            assert_eq!(without_project(text), expected, "{text}");
        }
    }

    #[test]
    fn no_public_cloud_stands_in_for_a_configured_host() {
        let error = service("eu-de", Some("https://iam.example.com/v3")).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("iam.example.com") && error.contains("MODELARTS_ENDPOINT"),
            "{error}"
        );
        let error = identity("eu-de", Some("https://m.otc.t-systems.com.example.com")).unwrap_err();
        assert!(error.to_string().contains("OS_AUTH_URL"), "{error}");
        assert!(service("eu-de", Some("https://iam.eu-de.otc.t-systems.com/v3")).is_ok());
        assert!(service("eu-de", Some("https://xotc.t-systems.com/v3")).is_err());
    }

    #[test]
    fn an_error_shows_scheme_host_and_port_only() {
        let error = check(
            "endpoint",
            "https://h.example.com:8443/p4th?q=t0p-s3cret",
            false,
        );
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("https://h.example.com:8443 must not have a query"),
            "{error}"
        );
        assert!(
            !error.contains("p4th") && !error.contains("s3cret"),
            "{error}"
        );
    }
}
