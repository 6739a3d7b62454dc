//! The address that a client used for the emulator, and whether the control plane trusts it.

use std::net::IpAddr;

use http::uri::{Authority, Uri};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The addresses of the emulator, in addition to those of this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    /// Whether other machines may use the control plane.
    pub(crate) remote: bool,
    /// Further names of this machine.
    pub(crate) host_names: Vec<String>,
    /// The prefix of URLs in responses, whatever host the client requested; without a trailing slash.
    pub(crate) external_url: Option<String>,
}

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

impl Addresses {
    /// Whether a request may use the control plane: it names this machine, and no web page of another host sent it.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        let host = match text(headers, &header::HOST) {
            None | Some("") => None,
            Some(host) => match authority(host) {
                Some(host) => Some(host),
                None => return false,
            },
        };
        let named = match &host {
            None => true,
            Some(host) => self.is_ours(host.host()),
        };
        let known = named || (self.remote && self.host_names.is_empty());
        known && self.is_own_page(headers, host.as_ref())
    }

    fn is_ours(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.');
        let external = self.external_url.as_deref().and_then(url_authority);
        is_loopback(host)
            || self
                .host_names
                .iter()
                .any(|name| name.eq_ignore_ascii_case(host))
            || external.is_some_and(|external| external.host().eq_ignore_ascii_case(host))
    }

    /// Whether the web page that sent the request, if any, is from the address that the request was sent to.
    fn is_own_page(&self, headers: &HeaderMap, host: Option<&Authority>) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        let Some((scheme, page)) = origin.to_str().ok().and_then(origin_of) else {
            return false;
        };
        let same = |own: &Authority| {
            own.host().eq_ignore_ascii_case(page.host())
                && port(own, &scheme) == port(&page, &scheme)
        };
        let forwarded = first(headers, &FORWARDED_HOST).and_then(authority);
        let external = self.external_url.as_deref().and_then(url_authority);
        host.is_some_and(same)
            || external.as_ref().is_some_and(same)
            || forwarded.as_ref().is_some_and(same)
    }

    /// Returns the prefix of URLs in the response to a request: the external URL, the address that a proxy forwarded,
    /// or the host that the client requested. `None` if the request contains none of them.
    pub(crate) fn base_url(&self, headers: &HeaderMap) -> Option<String> {
        if let Some(url) = &self.external_url {
            return Some(url.clone());
        }
        let scheme = match first(headers, &FORWARDED_PROTO) {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
            _ => "http",
        };
        let host = first(headers, &FORWARDED_HOST)
            .or_else(|| text(headers, &header::HOST))
            .and_then(authority)?;
        Some(format!("{scheme}://{host}{}", forwarded_prefix(headers)))
    }

    /// Returns the path that a proxy or the external URL puts before all paths of the emulator.
    #[cfg(feature = "docs")]
    pub(crate) fn prefix(&self, headers: &HeaderMap) -> String {
        match &self.external_url {
            Some(url) => url
                .parse::<Uri>()
                .map(|url| url.path().trim_end_matches('/').to_owned())
                .unwrap_or_default(),
            None => forwarded_prefix(headers).to_owned(),
        }
    }
}

/// Returns an external URL without its trailing slash. The error says why it is invalid.
pub(crate) fn external_url(url: &str) -> Result<String, String> {
    let wrong = |why: &str| format!("the external URL `{url}` {why}");
    let parsed: Uri = url.parse().map_err(|_| wrong("is not a URL"))?;
    if !matches!(parsed.scheme_str(), Some("http" | "https")) {
        return Err(wrong("must begin with http:// or https://"));
    }
    if parsed.query().is_some() || url.contains('#') {
        return Err(wrong("must not have a query or a fragment"));
    }
    match url_authority(url) {
        Some(_) => Ok(url.trim_end_matches('/').to_owned()),
        None => Err(wrong("must have a host, and no user before it")),
    }
}

/// Checks a name that clients may use for the emulator. The error says why it is invalid.
pub(crate) fn host_name(name: &str) -> Result<String, String> {
    match authority(name) {
        Some(parsed) if parsed.port().is_none() && parsed.host() == name => Ok(name.to_owned()),
        _ => Err(format!(
            "`{name}` is not a host name; leave out scheme and port"
        )),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(HeaderValue::to_str)?.ok()
}

/// Returns the first value of a header, which is from the proxy closest to the client.
fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let value = text(headers, name)?.split(',').next()?.trim();
    (!value.is_empty()).then_some(value)
}

/// Parses a host with an optional port, and nothing else.
fn authority(text: &str) -> Option<Authority> {
    let parsed: Authority = text.parse().ok()?;
    let host = parsed.host();
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_valid = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    // The host is followed by nothing, or by a colon and a port.
    let rest = text.strip_prefix(host)?;
    let port = rest.is_empty() || (rest.starts_with(':') && parsed.port_u16().is_some());
    (is_valid && port && !host.is_empty()).then_some(parsed)
}

fn url_authority(url: &str) -> Option<Authority> {
    let url: Uri = url.parse().ok()?;
    authority(url.authority()?.as_str())
}

/// Returns the scheme and the authority of a header `Origin`.
fn origin_of(origin: &str) -> Option<(String, Authority)> {
    let (scheme, rest) = origin.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    matches!(scheme.as_str(), "http" | "https").then_some(())?;
    Some((scheme, authority(rest)?))
}

fn port(authority: &Authority, scheme: &str) -> u16 {
    let default = if scheme == "https" { 443 } else { 80 };
    authority.port_u16().unwrap_or(default)
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Returns the path prefix that a proxy forwarded, without a trailing slash; empty if the header is not a plain path.
fn forwarded_prefix(headers: &HeaderMap) -> &str {
    let prefix = first(headers, &FORWARDED_PREFIX).unwrap_or_default();
    let prefix = prefix.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte);
    let is_path = prefix.starts_with('/') && !prefix.starts_with("//") && prefix.bytes().all(plain);
    if is_path { prefix } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn admits(addresses: &Addresses, host: &str, origin: Option<&str>) -> bool {
        let mut headers = headers(&[("host", host)]);
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        addresses.admit(&headers)
    }

    #[test]
    fn only_this_machine_is_local() {
        let addresses = Addresses::default();
        for local in [
            "127.0.0.1:8780",
            "127.5.5.5",
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "[::1]:80",
            "[::1]",
            "[::ffff:127.0.0.1]:80",
            "",
        ] {
            assert!(admits(&addresses, local, None), "{local}");
        }
        for other in [
            "localhost.evil.com",
            "127.0.0.1.evil.com",
            "127.0.0.1.evil.com:8780",
            "evil.com:8780",
            "localhost:80@evil.com",
            "localhost:evil.com",
            "localhost:99999",
            "localhost/..",
            "[::1]evil.com",
            "[::1].evil.com:80",
            "[2001:db8::1]:80",
            "::1",
            "10.0.0.1",
            "evil-localhost",
            "emulator",
        ] {
            assert!(!admits(&addresses, other, None), "{other}");
        }
    }

    #[test]
    fn a_page_may_control_the_emulator_that_served_it() {
        let addresses = Addresses::default();
        let host = "127.0.0.1:8780";
        assert!(admits(&addresses, host, Some("http://127.0.0.1:8780")));
        assert!(admits(&addresses, "localhost", Some("http://localhost:80")));
        assert!(admits(&addresses, "localhost", Some("http://LocalHost")));
        for foreign in [
            "null",
            "",
            "https://evil.example",
            "http://127.0.0.1:8780.evil.com",
            "http://127.0.0.1:87801",
            "http://127.0.0.1",
            "http://127.0.0.1:8780@evil.com",
            "http://evil.com@127.0.0.1:8780",
            "http://127.0.0.1:8780/",
            "file://127.0.0.1:8780",
            "127.0.0.1:8780",
        ] {
            assert!(!admits(&addresses, host, Some(foreign)), "{foreign}");
        }
    }

    #[test]
    fn named_hosts_are_admitted_and_exclude_all_others() {
        let named = |remote| Addresses {
            remote,
            host_names: vec!["emulator".into()],
            external_url: Some("https://dev.example/emulator".into()),
        };
        for addresses in [named(false), named(true)] {
            assert!(admits(&addresses, "emulator:8780", None));
            assert!(admits(
                &addresses,
                "dev.example",
                Some("https://dev.example")
            ));
            assert!(!admits(&addresses, "evil.com", None));
            assert!(!admits(&addresses, "emulator.evil.com", None));
        }
        let anybody = Addresses {
            remote: true,
            ..Addresses::default()
        };
        assert!(admits(&anybody, "10.0.0.7:8780", None));
        assert!(!admits(&anybody, "10.0.0.7:8780", Some("http://evil.com")));
    }

    #[test]
    fn urls_follow_what_a_proxy_forwards() {
        let plain = Addresses::default();
        let base = |pairs: &[(&'static str, &str)]| plain.base_url(&headers(pairs));
        assert_eq!(
            base(&[("host", "localhost:1")]).as_deref(),
            Some("http://localhost:1")
        );
        assert_eq!(base(&[]), None);
        let forwarded = [
            ("host", "10.0.0.2:8780"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-host", "dev.example:8443, inner"),
            ("x-forwarded-prefix", "/emulator/"),
        ];
        assert_eq!(
            base(&forwarded).as_deref(),
            Some("https://dev.example:8443/emulator")
        );
        for hostile in ["//evil.com", "evil", "/a?b", "/a\"b", "/a b"] {
            let pairs = [("host", "h"), ("x-forwarded-prefix", hostile)];
            assert_eq!(base(&pairs).as_deref(), Some("http://h"), "{hostile}");
        }
        let fixed = Addresses {
            external_url: Some("https://e.example".into()),
            ..Addresses::default()
        };
        let url = fixed.base_url(&headers(&forwarded));
        assert_eq!(url.as_deref(), Some("https://e.example"));
    }

    #[test]
    fn an_external_url_is_checked_when_it_is_set() {
        assert_eq!(
            external_url("https://e.example/x/").unwrap(),
            "https://e.example/x"
        );
        for wrong in [
            "e.example",
            "ftp://e.example",
            "http://",
            "http://u@e.example",
            "http://e/?q",
        ] {
            assert!(external_url(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
        assert_eq!(host_name("emulator").unwrap(), "emulator");
        for wrong in ["", "a b", "emulator:80", "http://emulator", "u@emulator"] {
            assert!(host_name(wrong).is_err(), "{wrong}");
        }
    }
}
