//! The `Retry-After` header.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;

/// How long the service asks to wait, from a number of seconds or an HTTP date; a date in the past means no wait.
///
/// A date refers to the service's clock: the wait is counted from the `Date` of the response or, without one, from
/// this machine's `now`.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that does not fit means forever.
        return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let until = http_date(text)?;
    let now = date(headers).unwrap_or(now);
    Some(Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// When the service sent the response, by its own clock.
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    parser.parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_dates_and_nonsense() {
        let now = "2025-11-03T08:15:00Z".parse().unwrap();
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Mon, 03 Nov 2025 08:16:30 GMT", Some(90)),
            ("Mon, 03 Nov 2025 08:00:00 GMT", Some(0)),
            ("18446744073709551616", Some(u64::MAX)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_date_is_one_of_the_services_clock() {
        // This machine is 40 minutes behind.
        let now = "2025-11-03T08:15:00Z".parse().unwrap();
        let headers = HeaderMap::from_iter([
            (
                RETRY_AFTER,
                "Mon, 03 Nov 2025 08:56:30 GMT".parse().unwrap(),
            ),
            (DATE, "Mon, 03 Nov 2025 08:55:00 GMT".parse().unwrap()),
        ]);
        let wait = retry_after(&headers, now).unwrap();
        assert_eq!(wait.as_secs(), 90);
    }
}
