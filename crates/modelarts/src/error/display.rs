//! `Display` (one line) and `Debug` of an error. Neither shows credentials, headers or bodies.

use std::fmt;

use http::StatusCode;

use super::redact::{one_line, printable};
use super::{Error, ErrorKind};
use crate::retry::RetryLimit;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut separator = "";
        let mut part = |f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>| {
            f.write_str(separator)?;
            separator = ": ";
            f.write_fmt(text)
        };
        if let Some(operation) = inner.operation {
            part(f, format_args!("{operation}"))?;
        }
        if let Some(status) = inner.status {
            let reason = status.canonical_reason().unwrap_or_default();
            match &inner.code {
                Some(code) => part(f, format_args!("HTTP {}, {code}", status.as_u16()))?,
                None if reason.is_empty() => part(f, format_args!("HTTP {}", status.as_u16()))?,
                None => part(f, format_args!("HTTP {} {reason}", status.as_u16()))?,
            }
        }
        match &inner.message {
            Some(message) if inner.kind == ErrorKind::Status => {
                part(f, format_args!("{}", one_line(message)))?
            }
            Some(message) => part(f, format_args!("{}", printable(message)))?,
            None if inner.body.is_empty() => part(f, format_args!("empty response"))?,
            None => part(f, format_args!("the response is not in the API's form"))?,
        }
        if inner.status == Some(StatusCode::NOT_FOUND) && self.is_gateway() {
            f.write_str(
                "; it comes from a gateway or a wrong address, and says nothing about the resource",
            )?;
        }
        if let Some(skew) = inner.clock_skew {
            let (minutes, side) = (
                skew.as_secs().abs() / 60,
                match skew.is_negative() {
                    true => "behind",
                    false => "ahead of",
                },
            );
            write!(
                f,
                "; the clock of this machine is {minutes} minutes {side} the service's"
            )?;
        }
        if let Some(note) = &inner.note {
            write!(f, "; {}", one_line(note))?;
        }
        if let Some(operation) = inner.earlier_unknown {
            write!(
                f,
                "; an earlier attempt of {operation} may have been carried out"
            )?;
        }
        if let Some(target) = &inner.target {
            write!(f, "; while waiting for {}", printable(target))?;
            if let Some(poll) = &inner.poll {
                write!(f, ", last status {}", one_line(&poll.status))?;
            }
        }
        self.write_circumstances(f)
    }
}

impl Error {
    /// Writes the host, the request ID and the number of attempts.
    fn write_circumstances(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let host = inner
            .host
            .as_ref()
            .map(|host| format!("host {}", printable(host)));
        let request = inner.request_id.as_ref().map(|id| format!("request {id}"));
        let is_retried = inner.attempts > 1;
        let attempts = is_retried.then(|| format!("after {} attempts", inner.attempts));
        let limit = inner.retry_limit.map(|limit| {
            match limit {
                RetryLimit::Attempts if is_retried => "the maximum",
                RetryLimit::Attempts => "retries are off",
                RetryLimit::Deadline => "no time left for another attempt",
                RetryLimit::Budget => "the retry budget is used up",
            }
            .to_owned()
        });
        let parts: Vec<_> = [host, request, attempts, limit]
            .into_iter()
            .flatten()
            .collect();
        match parts.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", parts.join(", ")),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers and body are left out: both can hold what must not be logged.
        let inner = &self.0;
        let mut shown = f.debug_struct("Error");
        shown.field("kind", &inner.kind);
        let mut field = |name, value: Option<&dyn fmt::Debug>| {
            if let Some(value) = value {
                shown.field(name, value);
            }
        };
        field(
            "operation",
            inner.operation.as_ref().map(|value| value as _),
        );
        field("host", inner.host.as_ref().map(|value| value as _));
        field("status", inner.status.as_ref().map(|value| value as _));
        field("code", inner.code.as_ref().map(|value| value as _));
        field("message", inner.message.as_ref().map(|value| value as _));
        field(
            "request_id",
            inner.request_id.as_ref().map(|value| value as _),
        );
        field(
            "attempts",
            (inner.attempts > 0).then_some(&inner.attempts as _),
        );
        field(
            "retry_limit",
            inner.retry_limit.as_ref().map(|value| value as _),
        );
        field("last_poll", inner.poll.as_ref().map(|value| value as _));
        field("cause", inner.cause.as_ref().map(|value| value as _));
        shown.finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::testing::{coded, refusal};
    use super::*;

    #[test]
    fn every_form_of_error_body_fits_on_one_line() {
        for (status, body, shown) in [
            (
                400,
                r#"{"error_code": "ModelArts.6309", "error_msg": "Instance missing."}"#,
                "showNotebook: HTTP 400, ModelArts.6309: Instance missing. (request r-1)",
            ),
            (
                400,
                r#"{"error_message": "two\nlines", "error_code": "ModelArts.6318"}"#,
                "showNotebook: HTTP 400, ModelArts.6318: two lines (request r-1)",
            ),
            (
                503,
                r#"{"code": 37, "message": "busy"}"#,
                "showNotebook: HTTP 503, 37: busy (request r-1)",
            ),
            (
                401,
                r#"{"error": {"code": 401, "message": "who are you", "title": "Unauthorized"}}"#,
                "showNotebook: HTTP 401 Unauthorized: who are you (request r-1)",
            ),
            (
                502,
                "<html>Bad Gateway</html>",
                "showNotebook: HTTP 502 Bad Gateway: the response is not in the API's form (request r-1)",
            ),
            (
                500,
                r#"{"error_code": "ModelAr"#,
                "showNotebook: HTTP 500 Internal Server Error: the response is not in the API's form (request r-1)",
            ),
            (
                401,
                "",
                "showNotebook: HTTP 401 Unauthorized: empty response (request r-1)",
            ),
        ] {
            let error = refusal(status, body);
            assert_eq!(error.to_string(), shown);
            assert_eq!(error.body_excerpt(), body.as_bytes());
        }
    }

    #[test]
    fn what_the_service_says_is_brought_to_one_line() {
        let code = refusal(
            400,
            r#"{"error_code": "a\nb", "error_msg": "c\u2028d\u001b[1m"}"#,
        );
        assert_eq!(
            code.to_string(),
            "showNotebook: HTTP 400 Bad Request: c d\\u{1b}[1m (request r-1)"
        );
        assert_eq!(one_line("a\u{85}b"), "a b");
        assert_eq!(one_line(&"ä".repeat(300)), "ä".repeat(300));
        assert_eq!(one_line(&"ä".repeat(301)), "ä".repeat(300) + "…");
    }

    #[test]
    fn only_messages_of_the_service_are_cut() {
        let long = "a".repeat(1000);
        let body = serde_json::json!({"error_code": "ModelArts.6318", "error_msg": long});
        let error = refusal(400, &body.to_string());
        assert_eq!(
            error.to_string(),
            format!(
                "showNotebook: HTTP 400, ModelArts.6318: {}… (request r-1)",
                "a".repeat(300)
            )
        );
        assert_eq!(error.message(), Some(&*long));
        assert_eq!(Error::argument(&*long).to_string(), long);
    }

    #[test]
    fn circumstances_are_reported_where_they_matter() {
        let error = |attempts| refusal(502, "").after_attempts(attempts);
        let shown = "showNotebook: HTTP 502 Bad Gateway: empty response";
        for (error, circumstances) in [
            (error(1), " (request r-1)"),
            (error(2), " (request r-1, after 2 attempts)"),
            (
                error(1).ended_by(Some(RetryLimit::Deadline)),
                " (request r-1, no time left for another attempt)",
            ),
            (
                error(1).ended_by(Some(RetryLimit::Attempts)),
                " (request r-1, retries are off)",
            ),
            (
                error(5).ended_by(Some(RetryLimit::Attempts)),
                " (request r-1, after 5 attempts, the maximum)",
            ),
            (
                error(3).ended_by(Some(RetryLimit::Budget)),
                " (request r-1, after 3 attempts, the retry budget is used up)",
            ),
            (
                error(1).with_note("first\nnote").with_note("second"),
                "; first note; second (request r-1)",
            ),
            (
                error(1).with_clock_skew(SignedDuration::from_secs(-200)),
                "; the clock of this machine is 3 minutes behind the service's (request r-1)",
            ),
            (
                error(1).with_clock_skew(SignedDuration::from_mins(90)),
                "; the clock of this machine is 90 minutes ahead of the service's (request r-1)",
            ),
        ] {
            assert_eq!(error.to_string(), format!("{shown}{circumstances}"));
        }
        assert!(refusal(599, "").to_string().contains(": HTTP 599: "));
        let absent = coded(404, "ModelArts.9999").to_string();
        assert!(!absent.contains("gateway"), "{absent}");
        assert!(
            refusal(404, "")
                .to_string()
                .contains("; it comes from a gateway or a wrong address")
        );
    }
}
