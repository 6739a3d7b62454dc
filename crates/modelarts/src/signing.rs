//! Request signing with an access key, algorithm `SDK-HMAC-SHA256`.
//!
//! The functions are pure: they take the parts of a request and the time, and return header values. The canonical form
//! decodes path and query and encodes them again as in RFC 3986, so that it does not depend on which characters a URL
//! library escapes.

use std::borrow::Cow;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use modelarts_client::Secret;
use percent_encoding::{
    AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_decode_str, percent_encode,
};
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// An access key (AK) and its secret key (SK), prepared for signing.
#[derive(Clone)]
pub struct SigningKey {
    access_key: Box<str>,
    /// The HMAC state after hashing the secret key; the key itself is not kept.
    keyed: Hmac<Sha256>,
}

impl SigningKey {
    /// Creates a signing key from the pair, without any key derivation.
    pub fn new(access_key: &str, secret_key: &Secret) -> Self {
        let keyed = match Hmac::new_from_slice(secret_key.expose().as_bytes()) {
            Ok(keyed) => keyed,
            // HMAC takes keys of any length; the constructor returns a `Result` only because its trait does.
            Err(_) => Hmac::new(&Default::default()),
        };
        Self {
            access_key: access_key.into(),
            keyed,
        }
    }

    /// Returns the access key, which is not secret.
    pub fn access_key(&self) -> &str {
        &self.access_key
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// The parts of a request that a signature covers.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'a> {
    /// The HTTP method, in upper case.
    pub method: &'a str,
    /// The path of the URL, percent-encoded; it does not matter which characters are escaped.
    pub path: &'a str,
    /// The query of the URL without `?`, percent-encoded like the path; `+` stands for a space.
    pub query: &'a str,
    /// The headers to sign, in any order, including `host`. Headers with `_` in their name are left out.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

/// A signature and the steps that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The value of the `Authorization` header.
    pub authorization: String,
    /// The canonical request, for comparison with the one that a server computed.
    pub canonical_request: String,
    /// The text that was signed.
    pub string_to_sign: String,
}

/// Signs a request. `date` must be the value of its `X-Sdk-Date` header, see [`format_date`].
///
/// ```
/// use modelarts::signing::{Signable, SigningKey, format_date, sign};
///
/// let key = SigningKey::new("AK", &"SK".into());
/// let date = format_date("2025-11-03T08:15:00Z".parse()?);
/// let signature = sign(
///     &key,
///     &date,
///     &Signable {
///         method: "GET",
///         path: "/v1/p/notebooks",
///         query: "limit=10",
///         headers: &[("host", "modelarts.eu-de.otc.t-systems.com"), ("x-sdk-date", &date)],
///         body: b"",
///     },
/// );
/// assert!(signature.authorization.starts_with("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, "));
/// # Ok::<(), jiff::Error>(())
/// ```
pub fn sign(key: &SigningKey, date: &str, request: &Signable<'_>) -> Signature {
    let headers = signed_headers(request.headers);
    let canonical_request = canonical_request(request, &headers);

    let mut string_to_sign = String::with_capacity(128);
    push_all(&mut string_to_sign, &[ALGORITHM, "\n", date, "\n"]);
    push_hash(&mut string_to_sign, canonical_request.as_bytes());

    let mut mac = key.keyed.clone();
    mac.update(string_to_sign.as_bytes());
    let mut authorization = String::with_capacity(256);
    let access = [ALGORITHM, " Access=", key.access_key(), ", SignedHeaders="];
    push_all(&mut authorization, &access);
    push_names(&mut authorization, &headers);
    authorization.push_str(", Signature=");
    push_hex(&mut authorization, &mac.finalize().into_bytes().into());

    Signature {
        authorization,
        canonical_request,
        string_to_sign,
    }
}

/// Formats a time for the `X-Sdk-Date` header, such as `20251103T081500Z`.
pub fn format_date(now: Timestamp) -> String {
    let date = TimeZone::UTC.to_datetime(now);
    let mut text = String::with_capacity(16);
    let (century, year) = (date.year().div_euclid(100), date.year().rem_euclid(100));
    for pair in [century as i8, year as i8, date.month(), date.day()] {
        push_pair(&mut text, pair);
    }
    text.push('T');
    for pair in [date.hour(), date.minute(), date.second()] {
        push_pair(&mut text, pair);
    }
    text.push('Z');
    text
}

/// Appends two decimal digits.
///
/// Hand-written, like the hexadecimal digits below, because it runs for every attempt: formatting the date with the
/// library adds a fifth to the cost of a signature, not counting the hashes.
fn push_pair(text: &mut String, pair: i8) {
    let digit = |value: u8| char::from(b'0' + value % 10);
    text.push(digit(pair.unsigned_abs() / 10));
    text.push(digit(pair.unsigned_abs()));
}

fn signed_headers<'a>(headers: &[(&'a str, &'a str)]) -> Vec<(Cow<'a, str>, &'a str)> {
    let mut signed = Vec::with_capacity(headers.len());
    signed.extend(
        headers
            .iter()
            .filter(|(name, _)| !name.as_bytes().contains(&b'_'))
            .map(|(name, value)| (lower_case(name), value.trim())),
    );
    signed.sort_unstable();
    signed
}

fn lower_case(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    }
}

fn push_names(text: &mut String, headers: &[(Cow<'_, str>, &str)]) {
    for (index, (name, _)) in headers.iter().enumerate() {
        if index > 0 {
            text.push(';');
        }
        text.push_str(name);
    }
}

fn canonical_request(request: &Signable<'_>, headers: &[(Cow<'_, str>, &str)]) -> String {
    let mut text = String::with_capacity(512);
    push_all(&mut text, &[request.method, "\n"]);
    push_path(&mut text, request.path);
    text.push('\n');
    push_query(&mut text, request.query);
    text.push('\n');
    for (name, value) in headers {
        push_all(&mut text, &[name, ":", value, "\n"]);
    }
    text.push('\n');
    push_names(&mut text, headers);
    text.push('\n');
    match headers
        .iter()
        .find(|(name, _)| name == "x-sdk-content-sha256")
    {
        Some((_, hash)) => text.push_str(hash),
        None => push_hash(&mut text, request.body),
    }
    text
}

/// Appends the canonical path. The whole path is decoded before it is split, so an escaped slash separates segments.
fn push_path(text: &mut String, path: &str) {
    push_escaped(text, &decoded(path), IN_PATH);
    if !text.ends_with('/') {
        text.push('/');
    }
}

fn push_query(text: &mut String, query: &str) {
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded_form(key), decoded_form(value))
        })
        .collect();
    // Bytes of UTF-8 sort like the code points they stand for.
    pairs.sort_unstable();
    for (index, (key, value)) in pairs.iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        push_escaped(text, key, IN_QUERY);
        text.push('=');
        push_escaped(text, value, IN_QUERY);
    }
}

/// Percent-decodes a text. A `%` that does not begin an escape stands for itself.
fn decoded(text: &str) -> Cow<'_, [u8]> {
    match text.as_bytes().contains(&b'%') {
        true => percent_decode_str(text).into(),
        // The case of nearly all texts.
        false => Cow::Borrowed(text.as_bytes()),
    }
}

/// Decodes a part of a query, in which `+` stands for a space.
fn decoded_form(text: &str) -> Cow<'_, [u8]> {
    match text.as_bytes().contains(&b'+') {
        true => percent_decode(text.replace('+', " ").as_bytes())
            .collect::<Vec<_>>()
            .into(),
        false => decoded(text),
    }
}

/// The characters to escape in a query: all except the unreserved ones of RFC 3986.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The characters to escape in a path.
const IN_PATH: &AsciiSet = &IN_QUERY.remove(b'/');

fn push_escaped(text: &mut String, bytes: &[u8], escaped: &'static AsciiSet) {
    text.push_str(&Cow::from(percent_encode(bytes, escaped)));
}

fn push_all(text: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| text.push_str(part));
}

fn push_hash(text: &mut String, bytes: &[u8]) {
    push_hex(text, &Sha256::digest(bytes).into());
}

fn push_hex(text: &mut String, bytes: &[u8; 32]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 64];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text.push_str(str::from_utf8(&digits).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const VECTORS: &str = include_str!("../tests/signature_vectors.json");
    const UNRESERVED_TEXT: &str =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~";

    /// An owned `Signable`.
    struct Vector {
        key: SigningKey,
        date: String,
        method: String,
        path: String,
        query: String,
        headers: Vec<(String, String)>,
        body: String,
    }

    impl Vector {
        fn read(defaults: &Value, vector: &Value) -> Self {
            let text = |name: &str| {
                let own = vector.get(name).or_else(|| defaults.get(name));
                own.and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let mut headers = vec![("Host".to_owned(), text("host"))];
            for name in ["headers", "more_headers"] {
                let map = vector.get(name).or_else(|| defaults.get(name));
                for (name, value) in map.and_then(Value::as_object).into_iter().flatten() {
                    headers.push((name.clone(), value.as_str().unwrap().to_owned()));
                }
            }
            let date = headers.iter().find(|h| h.0 == "X-Sdk-Date").unwrap();
            // Escaped as in the generated client: like a form, with `+` for a space.
            let mut url = reqwest::Url::parse("http://h/").unwrap();
            for pair in vector["query"].as_array().into_iter().flatten() {
                url.query_pairs_mut()
                    .append_pair(pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            }
            Self {
                key: SigningKey::new(&text("access_key"), &text("secret_key").into()),
                date: date.1.clone(),
                method: text("method"),
                path: text("path"),
                query: url.query().unwrap_or_default().to_owned(),
                headers,
                body: text("body"),
            }
        }

        fn sign(&self) -> Signature {
            let headers: Vec<_> = self
                .headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let request = Signable {
                method: &self.method,
                path: &self.path,
                query: &self.query,
                headers: &headers,
                body: self.body.as_bytes(),
            };
            sign(&self.key, &self.date, &request)
        }
    }

    #[test]
    fn every_vector_of_the_algorithm_gives_its_signature() {
        let file: Value = serde_json::from_str(VECTORS).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 12);
        for vector in vectors {
            let id = vector["id"].as_str().unwrap();
            let signature = Vector::read(&file["defaults"], vector).sign();
            if let Some(canonical) = vector.get("canonical_request") {
                assert_eq!(
                    signature.canonical_request,
                    canonical.as_str().unwrap(),
                    "{id}"
                );
            }
            // Two vectors are for related algorithms, which this crate does not use.
            let Some(string_to_sign) = vector.get("string_to_sign") else {
                assert!(vector["other_algorithm"].is_string(), "{id}");
                continue;
            };
            assert_eq!(
                signature.string_to_sign,
                string_to_sign.as_str().unwrap(),
                "{id}"
            );
            let authorization = vector["authorization"].as_str().unwrap();
            assert_eq!(signature.authorization, authorization, "{id}");
        }
    }

    fn canonical_path(path: &str) -> String {
        let mut text = String::new();
        push_path(&mut text, path);
        text
    }

    fn canonical_query(query: &str) -> String {
        let mut text = String::new();
        push_query(&mut text, query);
        text
    }

    fn escape(text: &str, all: bool) -> String {
        let mut escaped = String::new();
        match all {
            true => text
                .bytes()
                .for_each(|byte| escaped.push_str(&format!("%{byte:02x}"))),
            false => push_escaped(&mut escaped, text.as_bytes(), IN_QUERY),
        }
        escaped
    }

    #[test]
    fn dots_double_slashes_and_stray_percents_stay() {
        assert_eq!(canonical_path("/a/../b//c"), "/a/../b//c/");
        assert_eq!(canonical_path("/a%2Fb"), "/a/b/");
        assert_eq!(canonical_path("/100%"), "/100%25/");
        assert_eq!(canonical_path(""), "/");
        assert_eq!(canonical_query("b&a=1&&a=0&c="), "a=0&a=1&b=&c=");
    }

    #[test]
    fn every_digit_of_a_date_is_written() {
        for (moment, written) in [
            ("2025-11-03T08:15:00Z", "20251103T081500Z"),
            ("1999-12-31T23:59:58.9Z", "19991231T235958Z"),
            ("0476-09-04T00:07:00Z", "04760904T000700Z"),
        ] {
            assert_eq!(format_date(moment.parse().unwrap()), written);
        }
    }

    #[test]
    fn headers_are_signed_by_their_names_in_lower_case_and_in_order() {
        let headers = [
            ("X-B", " 2 "),
            ("x_left_out", "3"),
            ("Host", "h"),
            ("x-a", "1"),
        ];
        let request = Signable {
            method: "GET",
            path: "/",
            query: "",
            headers: &headers,
            body: b"",
        };
        let signature = sign(&SigningKey::new("a", &"b".into()), "d", &request);
        let canonical = "GET\n/\n\nhost:h\nx-a:1\nx-b:2\n\nhost;x-a;x-b\n";
        assert!(signature.canonical_request.starts_with(canonical));
        assert!(
            signature
                .authorization
                .contains(" SignedHeaders=host;x-a;x-b, ")
        );
    }

    #[test]
    fn a_given_payload_hash_is_taken() {
        let headers = [("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD")];
        let request = Signable {
            method: "PUT",
            path: "/",
            query: "",
            headers: &headers,
            body: b"whatever",
        };
        let signature = sign(&SigningKey::new("a", &"b".into()), "d", &request);
        assert!(signature.canonical_request.ends_with("\nUNSIGNED-PAYLOAD"));
    }

    #[test]
    fn debug_shows_no_secret_key() {
        let shown = format!("{:?}", SigningKey::new("AK1", &"hunter2".into()));
        assert!(
            shown.contains("AK1") && !shown.contains("hunter2"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn how_a_path_was_escaped_does_not_matter(segment in "\\PC{0,12}") {
            let every = canonical_path(&format!("/v1/{}", escape(&segment, true)));
            let some = canonical_path(&format!("/v1/{}", escape(&segment, false)));
            prop_assert_eq!(&every, &some);
            prop_assert!(every.chars().all(|c| c == '/' || c == '%' || UNRESERVED_TEXT.contains(c)));
        }

        #[test]
        fn the_order_of_a_query_does_not_matter(pairs in prop::collection::vec(("\\PC{0,6}", "\\PC{0,6}"), 0..5)) {
            let query = |pairs: &[(String, String)]| {
                let pairs = pairs.iter().map(|(k, v)| format!("{}={}", escape(k, true), escape(v, false)));
                pairs.collect::<Vec<_>>().join("&")
            };
            let forward = canonical_query(&query(&pairs));
            let mut reversed = pairs.clone();
            reversed.reverse();
            prop_assert_eq!(forward, canonical_query(&query(&reversed)));
        }

        #[test]
        fn the_canonical_query_is_its_own_canonical_form(query in "[a-c%+&=0-9 ]{0,20}") {
            let once = canonical_query(&query);
            prop_assert_eq!(canonical_query(&once), once);
        }
    }
}
