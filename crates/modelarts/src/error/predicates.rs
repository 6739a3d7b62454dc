//! The predicates of an error: what to do about it.

use http::StatusCode;
use modelarts_client::{ErrorClass, ErrorCode};

use super::body::Origin;
use super::{Error, ErrorKind};
use crate::retry::FailureKind;

impl Error {
    /// Returns `true` if the resource does not exist, or not in this project.
    ///
    /// The service reports this with status 400 and a code, rarely with 404. A 404 of a gateway or a proxy, or from a
    /// wrong address, is [`is_gateway`](Error::is_gateway) instead and says nothing about the resource.
    ///
    /// *What to do*: after a deletion, nothing. Otherwise check the ID, the project and the region.
    pub fn is_not_found(&self) -> bool {
        self.class() == Some(ErrorClass::NotFound)
    }

    /// Whether the service reports that the requested resource itself does not exist: with one of these codes, or
    /// with 404.
    pub(crate) fn is_absence(&self, codes: &[ErrorCode]) -> bool {
        let is_known = |code: &ErrorCode| code.describe().is_some();
        self.is_not_found()
            && self
                .code()
                .is_some_and(|code| codes.contains(code) || !is_known(code))
    }

    /// Returns `true` if a gateway, a proxy or another server responded, not the service.
    ///
    /// *What to do*: check the endpoint (with [`host`](Error::host)), the region and the proxy; with a status of 502
    /// to 504, try again later.
    pub fn is_gateway(&self) -> bool {
        let inner = self.root();
        inner.kind == ErrorKind::Status
            && !matches!(inner.origin, Origin::Service | Origin::Identity)
    }

    /// Returns `true` if the state of the resource does not allow the operation, or is the desired state already.
    ///
    /// *What to do*: read the resource again, then decide, as `ensure_running` and similar methods do.
    pub fn is_conflict(&self) -> bool {
        self.class() == Some(ErrorClass::Conflict)
    }

    /// Returns `true` if the refused change may already be in effect, or under way.
    ///
    /// *What to do*: read the resource; if it is in the desired state, ignore the error.
    pub fn is_already_in_state(&self) -> bool {
        let entry = self.code().and_then(ErrorCode::describe);
        entry.is_some_and(|entry| entry.already_in_state())
    }

    /// Returns `true` if there were too many requests, and the retries were not enough.
    ///
    /// *What to do*: wait for [`retry_after`](Error::retry_after) or a minute, and send fewer requests (a client-side
    /// [rate limit](crate::ModelArtsBuilder::rate_limit) helps).
    pub fn is_throttled(&self) -> bool {
        self.class() == Some(ErrorClass::Throttled)
            || self.status() == Some(StatusCode::TOO_MANY_REQUESTS)
    }

    /// Returns `true` if a limit of the account is reached.
    ///
    /// *What to do*: delete resources that are not needed, or have the limit raised.
    pub fn is_quota(&self) -> bool {
        self.class() == Some(ErrorClass::Quota)
    }

    /// Returns `true` if the region has no resources of this kind left.
    ///
    /// *What to do*: try again later, or use another flavor.
    pub fn is_capacity(&self) -> bool {
        self.class() == Some(ErrorClass::Capacity)
    }

    /// Returns `true` if the credentials were refused, or lack a permission.
    ///
    /// *What to do*: with status 401, check the credentials and the machine's clock (see
    /// [`clock_skew`](Error::clock_skew)); with 403, have the permission granted. The client has already tried to
    /// re-authenticate once.
    pub fn is_auth(&self) -> bool {
        matches!(
            self.class(),
            Some(ErrorClass::Authentication | ErrorClass::Permission)
        )
    }

    /// Returns `true` if the account is frozen or in arrears.
    ///
    /// *What to do*: settle it with the cloud operator; until then, no request will succeed.
    pub fn is_frozen(&self) -> bool {
        self.class() == Some(ErrorClass::Frozen)
    }

    /// Returns `true` if the same call may succeed later.
    ///
    /// *What to do*: wait and call again, unless [`is_outcome_unknown`](Error::is_outcome_unknown) and the
    /// operation must not happen twice.
    pub fn is_retryable(&self) -> bool {
        self.failure_kind() != FailureKind::Final
            || matches!(self.class(), Some(ErrorClass::Busy | ErrorClass::Throttled))
                && self.root().kind == ErrorKind::Status
    }

    /// Returns `true` if the request may have been carried out, but no response says whether it was.
    ///
    /// This is the case when the connection broke off, when a gateway failed, and when an operation that must not
    /// happen twice, such as a creation, returned a success that cannot be decoded. It is also the case when this
    /// happened to an earlier attempt of the call, or to the last action of a waiter, and what followed was refused or
    /// could not be sent.
    ///
    /// *What to do*: before you create something again, list what exists.
    pub fn is_outcome_unknown(&self) -> bool {
        let inner = self.root();
        if inner.earlier_unknown.is_some() {
            return true;
        }
        if inner.not_done {
            return false;
        }
        match inner.kind {
            ErrorKind::Protocol | ErrorKind::Decode => !self.is_idempotent(),
            ErrorKind::Status => {
                let status = inner.status.map_or(0, |status| status.as_u16());
                let is_gateway_failure =
                    self.is_gateway() && matches!(status, 100..=199 | 505..=599);
                self.failure_kind().may_have_been_carried_out() || is_gateway_failure
            }
            _ => self.failure_kind().may_have_been_carried_out(),
        }
    }

    /// Whether the operation is idempotent; `false` if it is not known.
    fn is_idempotent(&self) -> bool {
        let inner = self.root();
        inner.idempotent.unwrap_or_else(|| {
            modelarts_client::operations()
                .any(|known| Some(known.id) == inner.operation && known.idempotent)
        })
    }

    /// Returns `true` if there was no complete response in time, or a waiter ran out of time.
    ///
    /// *What to do*: raise the limit that the message names: the [attempt
    /// timeout](crate::CallOptions::attempt_timeout) or the [deadline](crate::CallOptions::deadline).
    pub fn is_timeout(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::AttemptTimeout | ErrorKind::DeadlineExceeded | ErrorKind::WaitTimeout
        )
    }

    /// Returns `true` if the deadline of the call passed, as opposed to the time limit of one attempt.
    ///
    /// *What to do*: raise the [deadline](crate::CallOptions::deadline), or lower a
    /// [rate limit](crate::ModelArtsBuilder::rate_limit) that leaves no room.
    pub fn is_deadline_exceeded(&self) -> bool {
        self.0.kind == ErrorKind::DeadlineExceeded
    }

    /// Returns `true` if there was no connection: the host name does not resolve, the connection was refused, or the
    /// certificate is not trusted.
    ///
    /// *What to do*: check endpoint, network and proxy; see [`transport_error`](Error::transport_error) for details.
    pub fn is_connect(&self) -> bool {
        matches!(
            self.root().kind,
            ErrorKind::Connect | ErrorKind::Certificate
        )
    }

    /// Returns `true` if the service reported success but the response cannot be decoded, or contains an error. Unless
    /// there is a [`code`](Error::code), the request was carried out.
    ///
    /// *What to do*: read the resource to see the outcome, and report the message, which names the JSON path.
    pub fn is_decode(&self) -> bool {
        self.root().kind == ErrorKind::Decode
    }

    /// Returns `true` if an argument or the configuration is invalid, so that the request was not sent, or not sent
    /// again (see [`attempts`](Error::attempts)).
    ///
    /// *What to do*: follow the message.
    pub fn is_usage(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::InvalidArgument | ErrorKind::Configuration
        )
    }

    /// Returns `true` if a waiter saw a state from which its target cannot be reached.
    ///
    /// *What to do*: see [`last_poll`](Error::last_poll) for status and reason.
    pub fn is_wait_failed(&self) -> bool {
        self.0.kind == ErrorKind::WaitFailed
    }

    /// Returns `true` if a waiter ran out of time; the operation that it waited for continues.
    ///
    /// *What to do*: wait again, or check [`last_poll`](Error::last_poll) and [`cause`](Error::cause).
    pub fn is_wait_timeout(&self) -> bool {
        self.0.kind == ErrorKind::WaitTimeout
    }

    pub(crate) fn failure_kind(&self) -> FailureKind {
        let inner = self.root();
        match inner.kind {
            ErrorKind::Connect => FailureKind::NoConnection,
            ErrorKind::Interrupted | ErrorKind::AttemptTimeout | ErrorKind::DeadlineExceeded => {
                FailureKind::Broken
            }
            ErrorKind::Status => match (self.class(), inner.status.map(|status| status.as_u16())) {
                (Some(ErrorClass::Throttled), _) | (_, Some(429)) => FailureKind::Throttled,
                // With a code that says what is wrong, a retry would not help, whatever the status.
                (
                    None | Some(ErrorClass::Busy | ErrorClass::Internal),
                    Some(408 | 500 | 502 | 503 | 504),
                ) => FailureKind::Unavailable,
                _ => FailureKind::Final,
            },
            _ => FailureKind::Final,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::HeaderMap;
    use modelarts_client::devenviron::types::Notebook;

    use super::super::testing::{coded, predicates, refusal};
    use super::*;
    use crate::poll_status::PollStatus;

    #[test]
    fn kinds_say_what_happened_and_predicates_what_to_do() {
        let status = refusal(
            400,
            r#"{"error_code": "ModelArts.6309", "error_msg": "gone"}"#,
        );
        assert_eq!(status.kind(), ErrorKind::Status);
        let timed_out = Error::wait_timed_out("late".to_owned(), None, Some(status));
        assert_eq!(timed_out.kind(), ErrorKind::WaitTimeout);
        assert!(timed_out.is_not_found(), "of its cause");
        for (error, kind) in [
            (Error::argument("a"), ErrorKind::InvalidArgument),
            (Error::configuration("b"), ErrorKind::Configuration),
        ] {
            assert_eq!(error.kind(), kind);
            assert!(error.is_usage() && !error.is_outcome_unknown());
        }
        let late = Error::attempt_timed_out(Duration::from_secs(1));
        assert_eq!(late.kind(), ErrorKind::AttemptTimeout);
        assert!(late.is_timeout() && late.is_outcome_unknown());
    }

    #[test]
    fn a_missing_instance_or_image_is_not_found_though_it_says_400() {
        assert!(refusal(400, r#"{"error_code": "ModelArts.6309"}"#).is_not_found());
        assert!(refusal(400, r#"{"error_code": "ModelArts.6404"}"#).is_not_found());
        assert!(refusal(404, r#"{"error_code": "ModelArts.9999"}"#).is_not_found());
        assert!(!refusal(404, "").is_not_found());
        assert!(!refusal(404, r#"{"error_code": "IAM.0004"}"#).is_not_found());
        for no_code in [
            "ModelArts.6309x",
            "ModelArts.",
            "ModelArts.63.09",
            "ModelArts",
        ] {
            let error = refusal(404, &format!(r#"{{"error_code": "{no_code}"}}"#));
            assert!(!error.is_not_found() && error.is_gateway(), "{no_code}");
        }
        assert!(!refusal(400, r#"{"error_code": "ModelArts.6318"}"#).is_not_found());
    }

    #[test]
    fn predicates_follow_code_and_status() {
        let conflict = refusal(400, r#"{"error_code": "ModelArts.6357"}"#);
        assert!(conflict.is_conflict() && conflict.is_already_in_state());
        assert!(conflict.remedy().is_some() && !conflict.is_retryable());
        assert!(refusal(429, "").is_throttled() && refusal(429, "").is_retryable());
        assert!(refusal(403, "").is_auth() && !refusal(403, "").is_retryable());
        assert!(refusal(502, "").is_outcome_unknown() && !refusal(429, "").is_outcome_unknown());
    }

    #[test]
    fn a_refusal_is_what_its_code_status_and_author_say() {
        for (status, code, expected) in [
            (400, "ModelArts.6309", "not-found"),
            // With a 5xx status, such a code comes from somewhere else.
            (500, "ModelArts.6309", "retryable unknown"),
            (400, "ModelArts.6343", "conflict"),
            (400, "ModelArts.6357", "conflict already"),
            (429, "ModelArts.6101", "throttled retryable"),
            (400, "ModelArts.6302", "quota"),
            (400, "ModelArts.6329", "capacity"),
            (401, "ModelArts.0201", "auth"),
            (403, "ModelArts.0108", "auth"),
            (401, "ModelArts.6201", "frozen"),
            (400, "ModelArts.6306", "retryable"),
            (500, "ModelArts.0010", "retryable unknown"),
            (500, "ModelArts.7001", "retryable unknown"),
            // A retry does not help, whatever the status.
            (500, "ModelArts.0109", "auth"),
            (505, "ModelArts.7001", ""),
            (404, "ModelArts.9999", "not-found"),
            (404, "APIG.0101", "gateway"),
            // The code is about another resource than the requested one.
            (404, "IAM.0004", ""),
            (401, "", "gateway auth"),
            (403, "", "gateway auth"),
            (404, "", "gateway"),
            (408, "", "gateway retryable unknown"),
            (409, "", "gateway conflict"),
            (418, "", "gateway"),
            (429, "", "gateway throttled retryable"),
            (502, "", "gateway retryable unknown"),
            (505, "", "gateway unknown"),
        ] {
            assert_eq!(
                predicates(&coded(status, code)),
                expected,
                "{status} {code}"
            );
        }
    }

    #[test]
    fn an_earlier_attempt_can_leave_the_outcome_unknown() {
        let refused = coded(403, "ModelArts.7003").after_unknown_outcome("stopNotebook");
        assert!(refused.is_auth() && refused.is_outcome_unknown());
        assert!(
            refused.to_string().ends_with(
                "; an earlier attempt of stopNotebook may have been carried out (request r-1)"
            ),
            "{refused}"
        );
        // This error says so itself.
        let late = || Error::attempt_timed_out(Duration::from_secs(1));
        let broken = late().after_unknown_outcome("stopNotebook");
        assert!(broken.is_outcome_unknown());
        assert_eq!(broken.to_string(), late().to_string());
        // Whether a failed sign-in was carried out does not matter to the request that needed it.
        let sign_in = coded(401, "").after_attempts(3);
        let sign_in = sign_in.after_unknown_outcome("createToken");
        let sign_in = sign_in.before_sending(1);
        assert!(!sign_in.is_outcome_unknown());
        assert_eq!(sign_in.attempts(), 3);
        assert!(
            sign_in
                .after_unknown_outcome("stopNotebook")
                .is_outcome_unknown()
        );
        assert_eq!(late().before_sending(2).attempts(), 2);
    }

    #[test]
    fn a_response_to_the_last_attempt_can_determine_the_outcome() {
        use http::Method;

        let read = || Error::decode::<Notebook>(StatusCode::OK, HeaderMap::new(), b"{");
        for (error, method, expected) in [
            (read(), Method::POST, true),
            (coded(403, ""), Method::GET, true),
            (coded(403, ""), Method::POST, false),
            (coded(403, "").before_sending(1), Method::GET, false),
            (Error::argument("a"), Method::GET, false),
        ] {
            assert_eq!(
                error.determines_outcome(&method),
                expected,
                "{method} {error}"
            );
        }
    }

    #[test]
    fn either_status_429_or_a_code_for_throttling_is_throttling() {
        for (status, code) in [
            (429, ""),
            (429, "ModelArts.9999"),
            // The code counts, whatever the status.
            (400, "ModelArts.6101"),
            (500, "ModelArts.6101"),
        ] {
            let error = coded(status, code);
            assert_eq!(
                error.class(),
                Some(ErrorClass::Throttled),
                "{status} {code}"
            );
            assert_eq!(
                error.failure_kind(),
                FailureKind::Throttled,
                "{status} {code}"
            );
            assert!(error.is_throttled() && error.is_retryable());
            assert!(!error.is_outcome_unknown());
        }
        // The status counts even if the code is about something else.
        let conflict = coded(429, "ModelArts.6357");
        assert_eq!(conflict.class(), Some(ErrorClass::Conflict));
        assert_eq!(conflict.failure_kind(), FailureKind::Throttled);
        assert!(conflict.is_throttled());
    }

    #[test]
    fn what_is_no_refusal_is_what_happened() {
        let second = Duration::from_secs(1);
        let decode = |operation| {
            let error = Error::decode::<Notebook>(StatusCode::OK, HeaderMap::new(), b"{");
            error.in_operation(operation)
        };
        let poll = || PollStatus {
            status: "FROZEN".to_owned(),
            fail_reason: None,
            progress: None,
            missing: None,
            elapsed: second,
            polls: 1,
        };
        let throttled = Some(coded(429, "ModelArts.6101"));
        for (error, expected) in [
            (Error::argument("a"), "usage"),
            (Error::configuration("b"), "usage"),
            (
                Error::attempt_timed_out(second),
                "retryable unknown timeout",
            ),
            (
                Error::deadline_exceeded(second),
                "retryable unknown timeout deadline",
            ),
            (
                Error::rate_limited(second).before_sending(0),
                "retryable timeout deadline",
            ),
            (decode("showNotebook"), "decode"),
            (decode("createNotebook"), "unknown decode"),
            (decode("whatever"), "unknown decode"),
            (decode("whatever").of_idempotency(true), "decode"),
            (
                decode("showNotebook").of_idempotency(false),
                "unknown decode",
            ),
            (Error::wait_failed(String::new(), poll()), "wait-failed"),
            (
                Error::wait_timed_out(String::new(), None, None),
                "timeout wait-timeout",
            ),
            (
                Error::wait_timed_out(String::new(), Some(poll()), throttled),
                "throttled retryable timeout wait-timeout",
            ),
        ] {
            assert_eq!(predicates(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn absent_is_the_very_resource_that_was_asked_for() {
        let codes = [ErrorCode::MODELARTS_6309];
        for (status, code, expected) in [
            (400, "ModelArts.6309", true),
            // An image; the storage of an existing notebook.
            (400, "ModelArts.6404", false),
            (404, "ModelArts.6624", false),
            // A code that is newer than the catalogue.
            (404, "ModelArts.9999", true),
            (400, "ModelArts.9999", false),
            (404, "", false),
            (400, "ModelArts.6357", false),
        ] {
            assert_eq!(
                coded(status, code).is_absence(&codes),
                expected,
                "{status} {code}"
            );
        }
    }
}
