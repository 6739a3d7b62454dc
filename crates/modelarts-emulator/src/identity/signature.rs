//! Verification of request signatures, `SDK-HMAC-SHA256`.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest, Sha256};

use crate::clock::Millis;

const ALGORITHM: &str = "SDK-HMAC-SHA256";
const DATE: &str = "x-sdk-date";
const CONTENT_HASH: &str = "x-sdk-content-sha256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The maximum difference between the date of a signature and the present.
const TOLERANCE: Millis = 15 * 60 * 1000;

/// Why a signature is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(
        "the header Authorization does not have the form SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…"
    )]
    Malformed,
    #[error("the algorithm {0} is not supported; sign with SDK-HMAC-SHA256")]
    Algorithm(String),
    #[error("the header X-Sdk-Date is missing or does not have the form YYYYMMDDTHHMMSSZ")]
    Date,
    #[error(
        "X-Sdk-Date differs from the present time by more than 15 minutes; check the clock of the client"
    )]
    Stale,
    #[error("the signed header {0} is not in the request")]
    Header(String),
    #[error("SignedHeaders must contain x-sdk-date")]
    Unsigned,
    #[error("X-Sdk-Content-Sha256 is not the hash of the body")]
    Body,
    #[error("the access key is unknown")]
    AccessKey,
    #[error("the header X-Security-Token does not belong to the access key")]
    SecurityToken,
    #[error("the signature does not match; check the secret key and the canonical request")]
    Mismatch,
}

/// The parsed header `Authorization`.
#[derive(Debug)]
pub(crate) struct Authorization<'a> {
    pub(crate) access_key: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, Refusal> {
        let (algorithm, rest) = text.trim().split_once(' ').ok_or(Refusal::Malformed)?;
        if algorithm != ALGORITHM {
            return Err(Refusal::Algorithm(algorithm.chars().take(32).collect()));
        }
        let mut access_key = None;
        let mut signed_headers = None;
        let mut signature = None;
        for part in rest.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or(Refusal::Malformed)?;
            match name {
                "Access" => access_key = Some(value),
                "SignedHeaders" => signed_headers = Some(value),
                "Signature" => signature = Some(value),
                _ => return Err(Refusal::Malformed),
            }
        }
        let mut signed_headers: Vec<&str> = signed_headers
            .ok_or(Refusal::Malformed)?
            .split(';')
            .collect();
        signed_headers.sort_unstable();
        Ok(Self {
            access_key: access_key.ok_or(Refusal::Malformed)?,
            signed_headers,
            signature: signature.ok_or(Refusal::Malformed)?,
        })
    }

    /// Refuses the request unless it was signed with `secret`, for this body, and with a date at most 15 minutes away.
    ///
    /// `now` returns the present time to which the date of the signature is compared.
    pub(crate) fn verify(
        &self,
        parts: &Parts,
        body: &Bytes,
        secret: &str,
        now: impl Fn(Millis) -> Millis,
    ) -> Result<(), Refusal> {
        let date = header(&parts.headers, DATE).ok_or(Refusal::Date)?;
        let signed_at = parse_date(date).ok_or(Refusal::Date)?;
        if (now(signed_at) - signed_at).abs() > TOLERANCE {
            return Err(Refusal::Stale);
        }
        let canonical = canonical_request(parts, body, &self.signed_headers)?;
        // All known clients sign the date, but not all of them sign the host.
        if !self.signed_headers.contains(&DATE) {
            return Err(Refusal::Unsigned);
        }
        let text = string_to_sign(date, &canonical);
        let mut mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| Refusal::Mismatch)?;
        mac.update(text.as_bytes());
        let signature = hex::decode(self.signature).map_err(|_| Refusal::Mismatch)?;
        mac.verify_slice(&signature).map_err(|_| Refusal::Mismatch)
    }
}

fn string_to_sign(date: &str, canonical: &str) -> String {
    let digest = hex::encode(Sha256::digest(canonical.as_bytes()));
    format!("{ALGORITHM}\n{date}\n{digest}")
}

fn canonical_request(parts: &Parts, body: &Bytes, signed: &[&str]) -> Result<String, Refusal> {
    let mut text = String::with_capacity(512);
    text.push_str(parts.method.as_str());
    text.push('\n');
    text.push_str(&canonical_path(parts.uri.path()));
    text.push('\n');
    text.push_str(&canonical_query(parts.uri.query().unwrap_or_default()));
    text.push('\n');
    for name in signed {
        let value =
            header(&parts.headers, name).ok_or_else(|| Refusal::Header((*name).to_owned()))?;
        text.push_str(name);
        text.push(':');
        text.push_str(value.trim());
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed.join(";"));
    text.push('\n');
    text.push_str(&content_hash(&parts.headers, body)?);
    Ok(text)
}

/// Returns the hash of the body that the client signed. If a header states it, it must be right, or say that the body
/// is not signed, which is allowed for any body.
fn content_hash(headers: &HeaderMap, body: &Bytes) -> Result<String, Refusal> {
    let actual = hex::encode(Sha256::digest(body));
    match header(headers, CONTENT_HASH) {
        None => Ok(actual),
        Some(stated) if stated == UNSIGNED || stated == actual => Ok(stated.to_owned()),
        Some(_) => Err(Refusal::Body),
    }
}

fn canonical_path(path: &str) -> String {
    let decoded = decode(path);
    let mut text = String::with_capacity(path.len() + 1);
    for (index, segment) in decoded.split(|byte| *byte == b'/').enumerate() {
        if index > 0 {
            text.push('/');
        }
        encode(segment, &mut text);
    }
    if !text.ends_with('/') {
        text.push('/');
    }
    text
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect();
    pairs.sort();
    let mut text = String::with_capacity(query.len());
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        encode(key, &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

/// Decodes percent-encoding only: a plus sign is kept, and so is an invalid code.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    percent_decode_str(text).collect()
}

/// The characters that are encoded in a canonical request: all that are not unreserved in RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');

fn encode(bytes: &[u8], text: &mut String) {
    text.extend(percent_encode(bytes, RESERVED));
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

fn parse_date(text: &str) -> Option<Millis> {
    jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text)
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|time| time.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCESS: &str = "DEVAKEXAMPLE00000001";
    const SECRET: &str = "devSecretKeyExample0123456789abcdefGHIJ";
    const DATE_TEXT: &str = "20251103T081500Z";
    const PROJECT: &str = "ffffeeeeddddccccbbbbaaaa99998888";

    struct Vector {
        what: &'static str,
        method: &'static str,
        target: &'static str,
        host: &'static str,
        extra: &'static [(&'static str, &'static str)],
        body: &'static str,
        signature: &'static str,
    }

    const VECTORS: &[Vector] = &[
        Vector {
            what: "a read without query",
            method: "GET",
            target: "/v1/{project}/notebooks/6f1f4a52-6f0c-4b9e-8d0e-0d8d2e7a1c11",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Project-Id", PROJECT)],
            body: "",
            signature: "2b3bbf9b44f07bd0a9380c39cd67c22e7a90852c465ccb20021da1278eddab69",
        },
        Vector {
            what: "a query that has to be sorted",
            method: "GET",
            target: "/v1/{project}/notebooks?limit=20&offset=40&status=RUNNING",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Project-Id", PROJECT)],
            body: "",
            signature: "ce4bef8341ea7b52347b047171a05a4b74201b00740a599745ed1fc4a36f0144",
        },
        Vector {
            what: "marks in a value of the query",
            method: "GET",
            target: "/v1/{project}/notebooks?name=my%20nb%2B1%2F2~x",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Project-Id", PROJECT)],
            body: "",
            signature: "0a94ce4c8ec8a212a3e9fae73073a57a797ff8f1ff39c2d4f03a97ec65b43697",
        },
        Vector {
            what: "one name twice and one without value",
            method: "GET",
            target: "/v1/{project}/images?name=&type=BUILD_IN&type=DEDICATED",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Project-Id", PROJECT)],
            body: "",
            signature: "2b730724cbcc1de49cba58a1b47b258f3721e6e29ed6e04144f41b39d6c335b1",
        },
        Vector {
            what: "letters beyond ASCII in the query",
            method: "GET",
            target: "/v1/{project}/notebooks?description=Pr%C3%BCfung%20%E6%97%A5%E6%9C%AC",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Project-Id", PROJECT)],
            body: "",
            signature: "2621da5e61534afec10d87b3da4015fbf5785af822a601c6f7abb95f7f4a2dc6",
        },
        Vector {
            what: "a body",
            method: "POST",
            target: "/v1/{project}/notebooks",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Project-Id", PROJECT)],
            body: r#"{"name":"dev-nb","flavor":"modelarts.vm.cpu.8u","image_id":"278e88d1-5b71-4766-8502-b3ba72e824d9"}"#,
            signature: "330049be8c309ca62674757c022e662938f28647cc19df87e85fdbbcc65f9236",
        },
        Vector {
            what: "letters beyond ASCII in the body",
            method: "PUT",
            target: "/v1/{project}/notebooks/n1",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Project-Id", PROJECT)],
            body: r#"{"description":"größer"}"#,
            signature: "06b8fedf85d4167df28bfbf2164b3d36949b689ae2569c28fad3e18832fae492",
        },
        Vector {
            what: "a query but no body",
            method: "POST",
            target: "/v1/{project}/notebooks/n1/start?duration=7200000&type=timing",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Project-Id", PROJECT)],
            body: "",
            signature: "733148995830a322cc58fd0b2ffb8fa663b474a7fe19bef01bd1534baadeb745",
        },
        Vector {
            what: "marks in the path and a port",
            method: "DELETE",
            target: "/v1/{project}/notebooks/n%201~",
            host: "127.0.0.1:8080",
            extra: &[("X-Project-Id", PROJECT)],
            body: "",
            signature: "e27051a4cb712cf09513433534fa5edc68ac9eb03fb9451c263f18c4846da624",
        },
        Vector {
            what: "blanks around a header, another one unsigned",
            method: "GET",
            target: "/v1/{project}/quotas",
            host: "modelarts.eu-nl.otc.t-systems.com",
            extra: &[("X-Custom-Header", "  two  words "), ("My_Header", "x")],
            body: "",
            signature: "50d2156c17a852e78df0eceb2bc0c54980671544191bd02ae92f85d874179c45",
        },
    ];

    fn request(vector: &Vector) -> (Parts, Bytes) {
        let mut request = http::Request::builder()
            .method(vector.method)
            .uri(vector.target.replace("{project}", PROJECT))
            .header("Host", vector.host)
            .header("Content-Type", "application/json")
            .header("X-Sdk-Date", DATE_TEXT);
        for (name, value) in vector.extra {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        (parts, Bytes::from_static(vector.body.as_bytes()))
    }

    fn authorization(vector: &Vector) -> String {
        let mut names = vec!["content-type", "host", "x-sdk-date"];
        let lower: Vec<String> = vector
            .extra
            .iter()
            .map(|(name, _)| name.to_lowercase())
            .collect();
        names.extend(
            lower
                .iter()
                .map(String::as_str)
                .filter(|name| !name.contains('_')),
        );
        names.sort_unstable();
        format!(
            "{ALGORITHM} Access={ACCESS}, SignedHeaders={}, Signature={}",
            names.join(";"),
            vector.signature
        )
    }

    fn verify_at(vector: &Vector, now: Millis) -> Result<(), Refusal> {
        let (parts, body) = request(vector);
        let text = authorization(vector);
        Authorization::parse(&text)?.verify(&parts, &body, SECRET, |_| now)
    }

    fn signed_at() -> Millis {
        parse_date(DATE_TEXT).unwrap()
    }

    #[test]
    fn the_published_vectors_verify() {
        for vector in VECTORS {
            assert_eq!(verify_at(vector, signed_at()), Ok(()), "{}", vector.what);
        }
    }

    #[test]
    fn a_date_may_differ_by_15_minutes_either_way() {
        let minutes = |minutes: i64| verify_at(&VECTORS[0], signed_at() + minutes * 60_000);
        assert_eq!(minutes(15), Ok(()));
        assert_eq!(minutes(-15), Ok(()));
        assert_eq!(minutes(16), Err(Refusal::Stale));
        assert_eq!(minutes(-16), Err(Refusal::Stale));
    }

    #[test]
    fn another_body_key_or_path_does_not_match() {
        let vector = VECTORS
            .iter()
            .find(|vector| !vector.body.is_empty())
            .unwrap();
        let (mut parts, body) = request(vector);
        let text = authorization(vector);
        let parsed = Authorization::parse(&text).unwrap();
        let now = |_| signed_at();
        let replayed = Bytes::from_static(b"{}");
        assert_eq!(
            parsed.verify(&parts, &replayed, SECRET, now),
            Err(Refusal::Mismatch)
        );
        assert_eq!(
            parsed.verify(&parts, &body, "other", now),
            Err(Refusal::Mismatch)
        );
        parts.headers.insert(
            CONTENT_HASH,
            hex::encode(Sha256::digest(&body)).parse().unwrap(),
        );
        assert_eq!(parsed.verify(&parts, &body, SECRET, now), Ok(()));
        assert_eq!(
            parsed.verify(&parts, &replayed, SECRET, now),
            Err(Refusal::Body)
        );
    }

    /// Signs a request with these headers, and returns the header `Authorization`.
    fn signed(parts: &Parts, body: &Bytes, names: &[&str]) -> String {
        let canonical = canonical_request(parts, body, names).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(string_to_sign(DATE_TEXT, &canonical).as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let names = names.join(";");
        format!("{ALGORITHM} Access={ACCESS}, SignedHeaders={names}, Signature={signature}")
    }

    fn verify(parts: &Parts, body: &Bytes, text: &str) -> Result<(), Refusal> {
        Authorization::parse(text)?.verify(parts, body, SECRET, |_| signed_at())
    }

    #[test]
    fn any_body_may_be_unsigned() {
        for (kind, sent) in [("application/json", r#"{"name":"x"}"#), ("text/plain", "x")] {
            let (mut parts, _) = request(&VECTORS[5]);
            let body = Bytes::from_static(sent.as_bytes());
            parts.headers.insert("content-type", kind.parse().unwrap());
            parts
                .headers
                .insert(CONTENT_HASH, UNSIGNED.parse().unwrap());
            let text = signed(&parts, &body, &["content-type", "host", DATE]);
            assert_eq!(verify(&parts, &body, &text), Ok(()), "{kind}");
            // Another body is accepted, too: the client did not sign it.
            assert_eq!(verify(&parts, &Bytes::new(), &text), Ok(()), "{kind}");
            // But the header that says so is signed.
            parts.headers.remove(CONTENT_HASH);
            assert_eq!(
                verify(&parts, &body, &text),
                Err(Refusal::Mismatch),
                "{kind}"
            );
        }
    }

    #[test]
    fn the_date_must_be_signed_and_the_host_need_not_be() {
        let (parts, body) = request(&VECTORS[0]);
        let text = signed(&parts, &body, &["content-type", DATE]);
        assert_eq!(verify(&parts, &body, &text), Ok(()));
        for names in [&["content-type", "host"][..], &["host"]] {
            let text = signed(&parts, &body, names);
            assert_eq!(
                verify(&parts, &body, &text),
                Err(Refusal::Unsigned),
                "{names:?}"
            );
        }
    }

    #[test]
    fn malformed_headers_are_distinguished() {
        let refused = |text: &str| Authorization::parse(text).unwrap_err();
        assert_eq!(refused("nonsense"), Refusal::Malformed);
        assert_eq!(refused("SDK-HMAC-SHA256 Access=a"), Refusal::Malformed);
        assert!(matches!(
            refused("SDK-HMAC-SM3 Access=a"),
            Refusal::Algorithm(_)
        ));
        let text = "SDK-HMAC-SHA256 Access=a, SignedHeaders=x-none, Signature=00";
        let (parts, body) = request(&VECTORS[0]);
        let verdict = Authorization::parse(text)
            .unwrap()
            .verify(&parts, &body, SECRET, |_| signed_at());
        assert_eq!(verdict, Err(Refusal::Header("x-none".into())));
    }

    #[test]
    fn an_encoded_slash_is_a_slash_and_dots_stay() {
        assert_eq!(canonical_path("/a%2Fb%20c~d"), "/a/b%20c~d/");
        assert_eq!(canonical_path("/a//../b/"), "/a//../b/");
        assert_eq!(canonical_query("b=1&a&c=%e4"), "a=&b=1&c=%E4");
    }
}
