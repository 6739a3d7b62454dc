//! Makes text from the service safe to print, and parses and formats values for people.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Result, anyhow};
use jiff::{Span, SpanRelativeTo};

/// Makes a text safe to print: nothing in the result moves the cursor, sets colours or changes the reading direction.
pub(crate) fn visible(text: &str) -> String {
    escaped(text, |c| c != '\n' && c != '\t')
}

/// Does the same for a table's cell, in which a line break would break the row.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |_| true)
}

fn escaped(text: &str, applies: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match is_unsafe_on_terminals(c) && applies(c) {
            true => safe.extend(c.escape_default()),
            false => safe.push(c),
        }
    }
    safe
}

/// Escapes the characters that are valid in JSON but must not reach a terminal. The result is equivalent JSON.
pub(crate) fn safe_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        // Outside of strings JSON is ASCII, and the only control characters here are line breaks.
        if is_unsafe_on_terminals(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Whether the user's locale has characters other than ASCII.
pub(crate) fn is_unicode() -> bool {
    static UNICODE: LazyLock<bool> = LazyLock::new(|| {
        cfg!(windows)
            || has_unicode(["LC_ALL", "LC_CTYPE", "LANG"].map(|name| std::env::var(name).ok()))
    });
    *UNICODE
}

/// Checks the first variable that is set; without any, the locale is C.
fn has_unicode(variables: [Option<String>; 3]) -> bool {
    let locale = variables
        .into_iter()
        .flatten()
        .find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

/// Returns the mark for omitted text.
pub(crate) fn ellipsis() -> &'static str {
    match is_unicode() {
        true => "…",
        false => "...",
    }
}

/// Returns a text with a capital first letter.
pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Wraps a text at spaces to lines of at most this width.
pub(crate) fn folded(text: &str, width: usize) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut length = 0;
    for word in text.split(' ') {
        let added = word.chars().count();
        if length > 0 && length + 1 + added > width {
            folded.push('\n');
            length = 0;
        } else if length > 0 {
            folded.push(' ');
            length += 1;
        }
        folded.push_str(word);
        length += added;
    }
    folded
}

fn is_unsafe_on_terminals(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// Parses a duration as people write it: `8h`, `1h30m`, `90s`, `2d`.
pub(crate) fn duration(text: &str) -> Result<Duration> {
    let wrong = || anyhow!("`{text}` is not a duration; write it like 8h, 90m, 1h30m or 2d");
    let span: Span = text.trim().parse().map_err(|_| wrong())?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| wrong())?;
    Duration::try_from(duration).map_err(|_| wrong())
}

/// Formats a duration in its two largest units.
pub(crate) fn brief(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let first = units.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    units
        .iter()
        .skip(first)
        .take(2)
        .filter(|(count, unit)| *count > 0 || *unit == units[first].1)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect()
}

/// Parses a positive number.
pub(crate) fn count(text: &str) -> Result<usize> {
    let count = text.trim().parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| anyhow!("must be a whole number, at least 1"))
}

/// Parses a size in GB as people write it: `50`, `50GB`, `1TB`.
pub(crate) fn gigabytes(text: &str) -> Result<i64> {
    let wrong = || anyhow!("`{text}` is not a size; write it like 50GB or 1TB");
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| !c.is_ascii_digit());
    let number: i64 = digits.parse().map_err(|_| wrong())?;
    let factor = match lower[digits.len()..].trim() {
        "" | "g" | "gb" | "gib" => 1,
        "t" | "tb" | "tib" => 1024,
        _ => return Err(wrong()),
    };
    let size = number.checked_mul(factor).filter(|size| *size > 0);
    size.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_a_terminal() {
        let hostile = "a\u{1b}[31mred\u{7}\u{9b}2J\u{202e}txt\r\n";
        assert_eq!(
            visible(hostile),
            "a\\u{1b}[31mred\\u{7}\\u{9b}2J\\u{202e}txt\\r\n"
        );
        assert_eq!(one_line("a\nb"), "a\\nb");
        let json = serde_json::json!({ "name": hostile });
        let safe = safe_json(&format!("{json:#}"));
        assert!(!safe.chars().any(|c| is_unsafe_on_terminals(c) && c != '\n'));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            json
        );
    }

    #[test]
    fn lines_are_broken_at_spaces() {
        assert_eq!(folded("a bc def", 4), "a bc\ndef");
        assert_eq!(folded("abcdef g", 3), "abcdef\ng");
        assert_eq!(folded("a b", 80), "a b");
    }

    #[test]
    fn the_first_variable_that_is_set_is_the_locale() {
        let of = |values: [&str; 3]| has_unicode(values.map(|value| Some(value.to_owned())));
        assert!(of(["", "", "en_US.UTF-8"]) && of(["C.utf8", "C", "C"]));
        assert!(!of(["C", "", "en_US.UTF-8"]) && !of(["", "POSIX", "de_DE.UTF-8"]));
        assert!(!of(["", "", "de_DE.ISO-8859-1"]) && !has_unicode([None, None, None]));
    }

    #[test]
    fn the_first_letter_is_capitalized() {
        assert_eq!(capitalized("stop 2 notebooks"), "Stop 2 notebooks");
        assert_eq!(capitalized("élan"), "Élan");
        assert_eq!(capitalized(""), "");
    }

    #[test]
    fn durations_are_parsed_and_formatted() {
        for (text, seconds, written) in [
            ("8h", 28_800, "8h"),
            ("1h30m", 5400, "1h30m"),
            ("90m", 5400, "1h30m"),
            ("2d", 172_800, "2d"),
            ("45s", 45, "45s"),
            ("0s", 0, "0s"),
        ] {
            let read = duration(text).unwrap();
            assert_eq!(
                (read.as_secs(), brief(read).as_str()),
                (seconds, written),
                "{text}"
            );
        }
        for text in ["", "8", "-8h", "1mo", "h", "eight hours"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_parsed() {
        for (text, size) in [("50", 50), ("50GB", 50), ("5 gib", 5), ("1TB", 1024)] {
            assert_eq!(gigabytes(text).unwrap(), size, "{text}");
        }
        for text in ["", "GB", "50MB", "-5", "9223372036854775807TB"] {
            assert!(gigabytes(text).is_err(), "{text}");
        }
    }
}
