//! The class of an error and the advice for it, from the error catalogue or from the status.

use modelarts_client::{ErrorClass, ErrorCode, Service};

use super::Error;
use super::body::Origin;

impl Error {
    /// Returns the class of the error code or, without one, of the status.
    ///
    /// It is [`NotFound`](ErrorClass::NotFound) only if the service itself reports it: a gateway's 404 has no class.
    pub fn class(&self) -> Option<ErrorClass> {
        let class = self.root_class()?;
        // If a sign-in did not find something, it is the user, the domain or the project.
        match class == ErrorClass::NotFound && self.root().not_done {
            true => Some(ErrorClass::Authentication),
            false => Some(class),
        }
    }

    fn root_class(&self) -> Option<ErrorClass> {
        let inner = self.root();
        let status = inner.status?;
        if let Some(entry) = inner.code.as_ref().and_then(ErrorCode::describe) {
            let class = entry.under(status.as_u16()).0;
            // A code for a missing resource with a 5xx status comes from somewhere else, and a code of another
            // service is about another resource.
            let is_consistent =
                class != ErrorClass::NotFound || status.is_client_error() && self.is_from_service();
            return is_consistent.then_some(class);
        }
        match status.as_u16() {
            401 => Some(ErrorClass::Authentication),
            403 => Some(ErrorClass::Permission),
            404 if self.is_from_service() => Some(ErrorClass::NotFound),
            409 => Some(ErrorClass::Conflict),
            429 => Some(ErrorClass::Throttled),
            _ => None,
        }
    }

    /// Whether the response comes from the service that the request was meant for.
    fn is_from_service(&self) -> bool {
        let inner = self.root();
        let is_of_identity = || {
            let of = |id| {
                modelarts_client::operation(id)
                    .is_some_and(|(family, _)| family.service == Service::Identity)
            };
            inner.operation.is_some_and(of)
        };
        match inner.origin {
            Origin::Service => true,
            Origin::Identity => is_of_identity(),
            Origin::Gateway | Origin::Unknown => false,
        }
    }

    /// Returns advice on what to do, from the error catalogue or from what else is known.
    pub fn remedy(&self) -> Option<&'static str> {
        let inner = self.root();
        if inner.clock_skew.is_some() {
            return Some(
                "Set the clock of this machine: signatures are valid for a few minutes only.",
            );
        }
        if let Some(entry) = inner.code.as_ref().and_then(ErrorCode::describe) {
            return Some(match inner.status {
                Some(status) => entry.under(status.as_u16()).2,
                None => entry.remedy(),
            });
        }
        if self.is_gateway() {
            return match inner.status?.as_u16() {
                300..=399 | 404 | 405 => Some(
                    "Check the endpoint, the region and the proxy: the response does not come from the service, so it says nothing about the resource.",
                ),
                407 => Some("Check the user name and the password of the proxy."),
                _ => None,
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use jiff::SignedDuration;

    use super::super::testing::{coded, predicates, refusal};
    use super::*;

    #[test]
    fn the_identity_service_knows_of_accounts_alone() {
        let absent = || {
            let body = Bytes::from_static(br#"{"error_code": "IAM.0004", "error_msg": "no"}"#);
            Error::from_status(StatusCode::NOT_FOUND, HeaderMap::new(), body, None, &[])
        };
        let asked = absent().in_operation("listProjects");
        assert_eq!(predicates(&asked), "not-found");
        // While obtaining a token, the user that signs in is what is missing.
        assert_eq!(
            asked.before_sending(0).class(),
            Some(ErrorClass::Authentication)
        );
        assert_eq!(absent().class(), None);
    }

    #[test]
    fn a_remedy_fits_what_is_known() {
        let remedy = |error: &Error| error.remedy().unwrap_or_default();
        for status in [302, 404, 405] {
            assert!(
                remedy(&refusal(status, "")).starts_with("Check the endpoint"),
                "{status}"
            );
        }
        assert!(remedy(&refusal(407, "")).contains("proxy"));
        let skewed = coded(401, "ModelArts.0201").with_clock_skew(SignedDuration::from_mins(9));
        assert!(remedy(&skewed).contains("clock"));
        assert_eq!(skewed.clock_skew(), Some(SignedDuration::from_mins(9)));
        assert_ne!(
            remedy(&coded(401, "ModelArts.0206")),
            remedy(&coded(403, "ModelArts.0206"))
        );
        for error in [
            refusal(500, ""),
            coded(404, "ModelArts.9999"),
            Error::argument("a"),
            Error::too_long(StatusCode::FOUND, HeaderMap::new(), 1),
        ] {
            assert_eq!(error.remedy(), None, "{error}");
        }
    }
}
