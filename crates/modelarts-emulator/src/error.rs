//! Refusals: status, code and message.

use crate::fields::with_fields;
use http::StatusCode;
use modelarts_client::ErrorCode;
use modelarts_client::devenviron::types::ErrorResponse;

/// The error codes in the emulator's responses, named by their meaning.
pub(crate) mod code {
    use modelarts_client::ErrorCode;

    /// Not a code of the service.
    pub(crate) const NOT_EMULATED: ErrorCode = ErrorCode::from_static("Emulator.0501");
    pub(crate) const NO_WORKSPACE: ErrorCode = ErrorCode::MODELARTS_0102;
    pub(crate) const PARAMETER: ErrorCode = ErrorCode::MODELARTS_0104;
    pub(crate) const FORBIDDEN: ErrorCode = ErrorCode::MODELARTS_0108;
    pub(crate) const NOTEBOOK_QUOTA: ErrorCode = ErrorCode::MODELARTS_0113;
    pub(crate) const NO_TOKEN: ErrorCode = ErrorCode::MODELARTS_0201;
    pub(crate) const EXPIRED_TOKEN: ErrorCode = ErrorCode::MODELARTS_0202;
    pub(crate) const BAD_TOKEN: ErrorCode = ErrorCode::MODELARTS_0203;
    pub(crate) const NO_PROJECT: ErrorCode = ErrorCode::MODELARTS_0212;
    pub(crate) const INTERNAL: ErrorCode = ErrorCode::MODELARTS_6102;
    pub(crate) const THROTTLED: ErrorCode = ErrorCode::MODELARTS_6101;
    pub(crate) const TIMEOUT: ErrorCode = ErrorCode::MODELARTS_6100;
    pub(crate) const INSTANCE_QUOTA: ErrorCode = ErrorCode::MODELARTS_6302;
    pub(crate) const SORT_KEY: ErrorCode = ErrorCode::MODELARTS_6303;
    pub(crate) const STOP_FIRST: ErrorCode = ErrorCode::MODELARTS_6304;
    pub(crate) const ALREADY_RUNNING: ErrorCode = ErrorCode::MODELARTS_6305;
    pub(crate) const STARTING: ErrorCode = ErrorCode::MODELARTS_6306;
    pub(crate) const ALREADY_STOPPED: ErrorCode = ErrorCode::MODELARTS_6307;
    pub(crate) const STOPPING: ErrorCode = ErrorCode::MODELARTS_6308;
    pub(crate) const NO_INSTANCE: ErrorCode = ErrorCode::MODELARTS_6309;
    pub(crate) const NO_STORAGE: ErrorCode = ErrorCode::MODELARTS_6316;
    pub(crate) const NO_PATH: ErrorCode = ErrorCode::MODELARTS_6317;
    pub(crate) const PATH_END: ErrorCode = ErrorCode::MODELARTS_6318;
    pub(crate) const NO_FLAVOR: ErrorCode = ErrorCode::MODELARTS_6323;
    pub(crate) const STORAGE_TYPE: ErrorCode = ErrorCode::MODELARTS_6324;
    pub(crate) const FROZEN: ErrorCode = ErrorCode::MODELARTS_6326;
    pub(crate) const NOT_RUNNING: ErrorCode = ErrorCode::MODELARTS_6327;
    pub(crate) const SOLD_OUT: ErrorCode = ErrorCode::MODELARTS_6329;
    pub(crate) const PROFILE_FLAVOR: ErrorCode = ErrorCode::MODELARTS_6330;
    pub(crate) const TYPE: ErrorCode = ErrorCode::MODELARTS_6332;
    /// The service restores an instance after a fault.
    pub(crate) const RESTORING: ErrorCode = ErrorCode::MODELARTS_6333;
    pub(crate) const CHARACTER: ErrorCode = ErrorCode::MODELARTS_6334;
    pub(crate) const REQUIRED: ErrorCode = ErrorCode::MODELARTS_6335;
    pub(crate) const VALUE: ErrorCode = ErrorCode::MODELARTS_6336;
    pub(crate) const STATE_PARAMETER: ErrorCode = ErrorCode::MODELARTS_6347;
    pub(crate) const NO_DURATION: ErrorCode = ErrorCode::MODELARTS_6348;
    pub(crate) const BUSY: ErrorCode = ErrorCode::MODELARTS_6357;
    pub(crate) const PATH_ROOT: ErrorCode = ErrorCode::MODELARTS_6358;
    pub(crate) const START_CAPACITY: ErrorCode = ErrorCode::MODELARTS_6360;
    /// A failure of the service itself.
    pub(crate) const SERVICE: ErrorCode = ErrorCode::MODELARTS_6361;
    pub(crate) const NO_IMAGE: ErrorCode = ErrorCode::MODELARTS_6404;
    pub(crate) const NO_EVS: ErrorCode = ErrorCode::MODELARTS_6528;
    pub(crate) const NO_STORAGE_ID: ErrorCode = ErrorCode::MODELARTS_6624;
    pub(crate) const IMAGE_TAG: ErrorCode = ErrorCode::MODELARTS_6737;
    pub(crate) const SSH_ONLY: ErrorCode = ErrorCode::MODELARTS_6768;
    pub(crate) const KEY_PAIR: ErrorCode = ErrorCode::MODELARTS_6789;
    pub(crate) const SWITCH_FLAVOR: ErrorCode = ErrorCode::MODELARTS_6792;
    pub(crate) const IMAGE: ErrorCode = ErrorCode::MODELARTS_6797;
    pub(crate) const FLAVOR_FEATURE: ErrorCode = ErrorCode::MODELARTS_6870;
    /// From the gateway: it does not accept the signature.
    pub(crate) const GATEWAY_SIGN_IN: ErrorCode = ErrorCode::APIG_0301;
    /// From the gateway: it does not pass the request on.
    pub(crate) const GATEWAY_REQUEST: ErrorCode = ErrorCode::APIG_0201;
    /// From the gateway: no API has this path.
    pub(crate) const GATEWAY_ROUTE: ErrorCode = ErrorCode::APIG_0101;
}

/// The beginning of a text from a request, for a message that quotes it.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A refusal: HTTP status, code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// Returns an error with the status that the catalogue lists for the code, or 400 if it lists none.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let status = code
            .describe()
            .and_then(|entry| entry.statuses().first().copied())
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::BAD_REQUEST);
        Self::with_status(status, code, message)
    }

    pub(crate) fn with_status(
        status: StatusCode,
        code: ErrorCode,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// Returns the error for a parameter or property that is missing.
    pub(crate) fn required(field: &str, why: &str) -> Self {
        Self::new(code::REQUIRED, format!("'{field}' is required{why}."))
    }

    /// Returns the error for a parameter or property whose value breaks a rule.
    pub(crate) fn value(field: &str, rule: impl std::fmt::Display) -> Self {
        Self::new(code::VALUE, format!("'{field}' is not accepted: {rule}."))
    }

    pub(crate) fn no_instance() -> Self {
        Self::new(code::NO_INSTANCE, "The instance does not exist.")
    }

    pub(crate) fn frozen() -> Self {
        Self::new(
            code::FROZEN,
            "The instance is frozen; settle the balance of the account first.",
        )
    }

    /// Returns the body of the response, in the format of the requested generation.
    pub(crate) fn body(&self, old: bool) -> ErrorResponse {
        with_fields!(ErrorResponse {
            error_code: Some(self.code.to_string()),
            error_msg: (!old).then(|| self.message.clone()),
            error_message: old.then(|| self.message.clone()),
        })
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_comes_from_the_catalogue() {
        assert_eq!(ApiError::no_instance().status, StatusCode::BAD_REQUEST);
        let error = ApiError::new(code::EXPIRED_TOKEN, "old");
        assert_eq!(error.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            ApiError::new(code::NO_IMAGE, "").status,
            StatusCode::BAD_REQUEST
        );
    }

    #[test]
    fn each_generation_has_its_own_property_for_the_message() {
        let error = ApiError::no_instance();
        assert!(error.body(true).error_msg.is_none());
        assert!(error.body(false).error_message.is_none());
    }
}
