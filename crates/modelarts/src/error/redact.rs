//! Keeps secrets and terminal control characters out of error messages.
//!
//! A service may repeat the secrets that it was sent. They must not be shown; but replacing every text that happens
//! to be equal to a password would reveal it: `Th[redacted] us[redacted]r` shows that the password is `e`. So:
//!
//! - A secret that prose does not contain by chance (at least eight characters that are not only letters, or at least
//!   twenty) is replaced everywhere.
//! - A shorter secret of letters and digits is replaced where it is a separate token.
//! - A word or a number is replaced only where a credential is expected: after `password:`, `token=` and the like.
//!   Elsewhere it stays, since it cannot be distinguished from other words.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use modelarts_client::Secret;

pub(crate) const REDACTED: &str = "[redacted]";

/// The length at which [`Display`](std::fmt::Display) cuts messages of the service.
const SHOWN_MESSAGE: usize = 300;

/// Replaces the secrets that an error must not repeat.
pub(crate) struct Redactor {
    /// Each secret in all its possible spellings, the longest first.
    spellings: Vec<(Secret, Strength)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    /// Prose does not contain it by chance.
    Strong,
    /// Prose does not contain it as a separate token.
    Token,
    /// A word or a number.
    Word,
}

impl Redactor {
    pub(crate) fn new(secrets: &[Secret]) -> Self {
        let known = secrets.iter().filter(|secret| !secret.is_empty());
        let spellings = known.flat_map(|secret| {
            let strength = strength(secret.expose());
            spellings(secret)
                .into_iter()
                .map(move |spelling| (spelling, strength))
        });
        Self {
            spellings: spellings.collect(),
        }
    }

    pub(crate) fn text(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for (secret, strength) in &self.spellings {
            if let Some(replaced) = replace(&text, secret.expose(), *strength) {
                text = Cow::Owned(replaced);
            }
        }
        text.into_owned()
    }

    pub(super) fn bytes(&self, body: Bytes) -> Bytes {
        let text = String::from_utf8_lossy(&body);
        let whole = &text[..text.len() - self.cut_off(&text)];
        let redacted = self.text(whole);
        match redacted == text {
            true => body,
            false => Bytes::from(redacted),
        }
    }

    /// Returns a code or an ID, unless it contains a secret.
    pub(super) fn id(&self, id: &str) -> Option<String> {
        let id = id.trim();
        let reveals = |(secret, strength): &(Secret, Strength)| match strength {
            Strength::Strong => id.contains(secret.expose()),
            Strength::Token | Strength::Word => id == secret.expose(),
        };
        (is_id(id) && !self.spellings.iter().any(reveals)).then(|| id.to_owned())
    }

    /// Returns the length of the longest beginning of a secret that the text ends with: a text can be cut off in the
    /// middle of a secret.
    fn cut_off(&self, text: &str) -> usize {
        let strong = self
            .spellings
            .iter()
            .filter(|(_, strength)| *strength == Strength::Strong);
        let beginnings = strong.flat_map(|(secret, _)| {
            let ends = secret.expose().char_indices().map(|(end, _)| end);
            ends.skip(MIN_CUT).map(|end| &secret.expose()[..end])
        });
        let ending = beginnings.filter(|beginning| text.ends_with(beginning));
        ending.map(str::len).max().unwrap_or(0)
    }
}

/// The minimum length of a cut-off secret; shorter ones reveal nothing and occur by chance.
const MIN_CUT: usize = 4;

fn strength(secret: &str) -> Strength {
    let is_prose = |c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '.' | ',');
    let is_word = secret.chars().all(is_prose) || secret.chars().all(|c| c.is_ascii_digit());
    match secret.chars().count() {
        20.. => Strength::Strong,
        _ if is_word => Strength::Word,
        8.. => Strength::Strong,
        4.. => Strength::Token,
        _ => Strength::Word,
    }
}

/// The spellings of a secret to search for: in JSON within JSON, in JSON, and plain.
fn spellings(secret: &Secret) -> Vec<Secret> {
    let quoted = |secret: &Secret| {
        let json = Secret::from(serde_json::to_string(secret.expose()).ok()?);
        let text = json.expose().strip_prefix('"')?.strip_suffix('"')?;
        (text != secret.expose()).then(|| Secret::from(text))
    };
    let once = quoted(secret);
    let twice = once.as_ref().and_then(quoted);
    [twice, once, Some(secret.clone())]
        .into_iter()
        .flatten()
        .collect()
}

/// Replaces the secret in a text; `None` if there is nothing to replace.
fn replace(text: &str, secret: &str, strength: Strength) -> Option<String> {
    let counts = |start: usize| {
        let (before, after) = (&text[..start], &text[start + secret.len()..]);
        match strength {
            Strength::Strong => true,
            Strength::Token => is_alone(before, after),
            Strength::Word => is_alone(before, after) && is_labelled(before),
        }
    };
    let places: Vec<usize> = text
        .match_indices(secret)
        .map(|(start, _)| start)
        .filter(|start| counts(*start))
        .collect();
    if places.is_empty() {
        return None;
    }
    let mut replaced = String::with_capacity(text.len());
    let mut end = 0;
    for start in places {
        replaced.push_str(&text[end..start]);
        replaced.push_str(REDACTED);
        end = start + secret.len();
    }
    replaced.push_str(&text[end..]);
    Some(replaced)
}

fn is_alone(before: &str, after: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    !before.ends_with(joins) && !after.starts_with(joins)
}

/// Whether a text ends with a label for a credential: `password: `, `"token":"`, `secret=`.
fn is_labelled(before: &str) -> bool {
    let is_mark = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\' | '{' | '[');
    let before = before.trim_end_matches(is_mark);
    let Some(before) = before.strip_suffix([':', '=']) else {
        return false;
    };
    let before = before.trim_end_matches(is_mark).to_ascii_lowercase();
    [
        "password",
        "passwd",
        "pwd",
        "secret",
        "token",
        "credential",
        "key",
    ]
    .iter()
    .any(|label| before.ends_with(label))
}

/// Whether a text can be the ID of a request.
pub(super) fn is_id(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (1..=128).contains(&text.len()) && text.chars().all(fits)
}

static REQUEST_IDS: [HeaderName; 3] = [
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-openstack-request-id"),
    HeaderName::from_static("x-iam-trace-id"),
];

/// The ID of the request, by which the operator of the service can find it.
pub(super) fn request_id(headers: &HeaderMap) -> Option<&str> {
    REQUEST_IDS
        .iter()
        .filter_map(|name| headers.get(name)?.to_str().ok())
        .map(str::trim)
        .find(|id| is_id(id))
}

/// Drops request ID headers that repeat a credential.
pub(crate) fn drop_revealing_ids(headers: &mut HeaderMap, credentials: &[http::HeaderValue]) {
    const MIN_LENGTH: usize = 4;
    for name in &REQUEST_IDS {
        let reveals = |id: &http::HeaderValue| {
            credentials
                .iter()
                .map(http::HeaderValue::as_bytes)
                .any(|secret| {
                    secret.len() >= MIN_LENGTH
                        && id
                            .as_bytes()
                            .windows(secret.len())
                            .any(|part| part == secret)
                })
        };
        if headers.get_all(name).iter().any(reveals) {
            headers.remove(name);
        }
    }
}

/// Returns a text of the service on one line: cut if it is long, and without characters that a terminal would
/// interpret.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(SHOWN_MESSAGE).map(|(end, _)| end);
    let shown = &text[..end.unwrap_or(text.len())];
    if end.is_none() && !shown.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = printable(shown).into_owned();
    if end.is_some() {
        line.push('…');
    }
    Cow::Owned(line)
}

/// Replaces line ends with spaces, and escapes control and bidirectional characters.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                line.push(' ');
            }
            c if is_control(c) => line.extend(c.escape_unicode()),
            c => line.push(c),
        }
    }
    Cow::Owned(line)
}

/// Whether a character moves the cursor, colours the text, or changes its direction.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redact(text: &str, secret: &str) -> String {
        Redactor::new(&[Secret::from(secret)]).text(text)
    }

    #[test]
    fn prose_betrays_no_word_of_it() {
        let prose = "The user name or the password is wrong, try 3 times.";
        for secret in [
            "e",
            "is",
            "The",
            "user",
            "password",
            "wrong",
            "3",
            "user name",
            "or the",
        ] {
            assert_eq!(redact(prose, secret), prose, "{secret}");
        }
    }

    #[test]
    fn values_are_redacted_where_they_stand() {
        for (text, secret, shown) in [
            ("bad password: admin.", "admin", "bad password: [redacted]."),
            (
                r#"{"password":"admin","user":"admin"}"#,
                "admin",
                r#"{"password":"[redacted]","user":"admin"}"#,
            ),
            ("token=7", "7", "token=[redacted]"),
            ("you sent hunter2!", "hunter2", "you sent [redacted]!"),
            ("you sent hunter22", "hunter2", "you sent hunter22"),
            ("xt0p-s3cret-tokeny", "t0p-s3cret-token", "x[redacted]y"),
        ] {
            assert_eq!(redact(text, secret), shown);
        }
    }

    #[test]
    fn where_a_secret_is_redacted_depends_on_what_else_it_can_be() {
        let places = |secret: &str| {
            [
                format!("x{secret}y"),
                format!("a {secret} b"),
                format!("token: {secret}"),
                format!("token: {secret}s"),
                format!("token {secret}"),
            ]
            .map(|text| match redact(&text, secret) == text {
                true => '-',
                false => 'r',
            })
            .iter()
            .collect::<String>()
        };
        for (secret, expected) in [
            // Texts that prose does not contain by chance.
            ("abcdefghijklmnopqrst", "rrrrr"),
            ("12345678901234567890", "rrrrr"),
            ("pass-wd8", "rrrrr"),
            ("ab!!cd12", "rrrrr"),
            // Texts that prose does not contain as a token.
            ("hunter2", "-rr-r"),
            ("a1b2", "-rr-r"),
            // Words and numbers.
            ("abcdefghijklmnopqrs", "--r--"),
            ("it's a 'word', so.", "--r--"),
            ("1234567890123456789", "--r--"),
            ("a1b", "--r--"),
        ] {
            assert_eq!(places(secret), expected, "{secret}");
        }
    }

    #[test]
    fn labels_are_recognised_in_every_spelling() {
        for text in [
            "PASSWORD=admin",
            "{\"password\":[\"admin\"]}",
            r#"{\"adminPass_pwd\" : \"admin\"}"#,
            "your passwd: `admin`",
            "client_secret='admin'",
            "access key = admin",
        ] {
            assert!(redact(text, "admin").contains(REDACTED), "{text}");
        }
        for text in [
            "passwords admin",
            "user: admin",
            "password-admin",
            "keys: admin",
        ] {
            assert_eq!(redact(text, "admin"), text);
        }
    }

    #[test]
    fn text_without_secrets_is_unchanged() {
        let redactor = Redactor::new(&[Secret::from("t0p-s3cret")]);
        let binary = Bytes::from_static(b"\xff\x00t0p");
        assert_eq!(redactor.bytes(binary.clone()), binary);
        let revealing = Bytes::from_static(b"\xfft0p-s3cret");
        assert_eq!(redactor.bytes(revealing), "\u{fffd}[redacted]");
        // The beginning of a weak secret may be the beginning of any word.
        let weak = Redactor::new(&[Secret::from("hunter2")]);
        assert_eq!(weak.bytes(Bytes::from_static(b"the hunter")), "the hunter");
    }

    #[test]
    fn the_request_id_is_the_first_header_with_an_id() {
        let headers = |values: [&'static str; 3]| {
            let values = values.map(http::HeaderValue::from_static);
            REQUEST_IDS
                .iter()
                .cloned()
                .zip(values)
                .collect::<HeaderMap>()
        };
        let of = |values| request_id(&headers(values)).map(str::to_owned);
        assert_eq!(of(["a", "b", "c"]).as_deref(), Some("a"));
        assert_eq!(of(["", " b-1.2_3:4 ", "c"]).as_deref(), Some("b-1.2_3:4"));
        assert_eq!(of(["no id", "<b>", "c"]).as_deref(), Some("c"));
        assert_eq!(of(["", "", ""]), None);

        let credential = |text| [http::HeaderValue::from_static(text)];
        for (credentials, kept) in [
            (credential("t0p-s3cret"), vec!["b"]),
            (credential("t0p-"), vec!["b"]),
            (credential("s3cret-not"), vec!["req-t0p-s3cret", "b"]),
            // Too short to reveal anything.
            (credential("t0p"), vec!["req-t0p-s3cret", "b"]),
        ] {
            let mut headers = headers(["req-t0p-s3cret", "b", "c"]);
            headers.remove(&REQUEST_IDS[2]);
            drop_revealing_ids(&mut headers, &credentials);
            let left: Vec<_> = REQUEST_IDS
                .iter()
                .filter_map(|name| headers.get(name))
                .collect();
            assert_eq!(left, kept, "{credentials:?}");
        }
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(printable("a\tb\r\nc\u{2029}d"), "a b  c d");
        assert_eq!(printable("\u{1b}[1m\u{202e}x"), "\\u{1b}[1m\\u{202e}x");
        assert_eq!(printable("grüße"), "grüße");
        assert_eq!(one_line("a\nb"), "a b");
    }

    #[test]
    fn ids_are_ids() {
        let redactor = Redactor::new(&[Secret::from("t0p-s3cret")]);
        assert_eq!(redactor.id("f00d-1"), Some("f00d-1".to_owned()));
        for id in ["", "a b", "a\u{1b}[31m", "req-t0p-s3cret", &"a".repeat(129)] {
            assert_eq!(redactor.id(id), None, "{id}");
        }
        let weak = Redactor::new(&[Secret::from("hunter2")]);
        assert_eq!(weak.id("hunter2"), None);
        assert_eq!(weak.id("hunter22"), Some("hunter22".to_owned()));
    }

    proptest! {
        #[test]
        fn no_word_of_prose_is_taken_out_of_it(
            words in prop::collection::vec("[A-Za-z]{1,9}|[0-9]{1,4}", 1..12),
            pick in any::<prop::sample::Index>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let prose = words.join(" ");
            let word = &words[pick.index(words.len())];
            let part = &word[..=cut.index(word.len())];
            prop_assert_eq!(&redact(&prose, word), &prose);
            prop_assert_eq!(&redact(&prose, part), &prose);
        }

        #[test]
        fn what_is_no_word_is_shown_nowhere(
            secret in "[A-Za-z0-9+/=\"\\\\ü-]{8,40}[0-9][!#%&@]",
            before in "[ -~]{0,20}",
            after in "[ -~]{0,20}",
        ) {
            for text in [
                format!("{before}{secret}{after}"),
                serde_json::json!({"error_msg": format!("{before}{secret}{after}")}).to_string(),
            ] {
                let shown = redact(&text, &secret);
                prop_assert!(!shown.contains(&secret), "{}", shown);
                let bytes = Redactor::new(&[Secret::from(secret.as_str())]).bytes(Bytes::from(text));
                prop_assert!(!String::from_utf8_lossy(&bytes).contains(&secret));
            }
        }

        #[test]
        fn nothing_that_a_terminal_obeys_is_shown(text in "\\PC{0,20}[\\x00-\\x1f\u{7f}-\u{9f}\u{202a}-\u{202e}\u{2066}-\u{2069}]{1,4}\\PC{0,20}") {
            let line = one_line(&text);
            prop_assert!(!line.contains(is_control), "{:?}", line);
        }
    }
}
