//! What the service answers when it refuses.

use crate::fields::with_fields;
use http::StatusCode;
use modelarts_client::ErrorCode;
use modelarts_client::devenviron::types::ErrorResponse;

/// The codes that the emulator answers with, named for what they mean here.
pub(crate) mod code {
    /// Of the emulator alone.
    pub(crate) const NOT_EMULATED: &str = "Emulator.0501";
    pub(crate) const NO_WORKSPACE: &str = "ModelArts.0102";
    pub(crate) const PARAMETER: &str = "ModelArts.0104";
    pub(crate) const FORBIDDEN: &str = "ModelArts.0108";
    pub(crate) const NOTEBOOK_QUOTA: &str = "ModelArts.0113";
    pub(crate) const NO_TOKEN: &str = "ModelArts.0201";
    pub(crate) const EXPIRED_TOKEN: &str = "ModelArts.0202";
    pub(crate) const BAD_TOKEN: &str = "ModelArts.0203";
    pub(crate) const NO_PROJECT: &str = "ModelArts.0212";
    pub(crate) const INTERNAL: &str = "ModelArts.6102";
    pub(crate) const TIMEOUT: &str = "ModelArts.6100";
    pub(crate) const INSTANCE_QUOTA: &str = "ModelArts.6302";
    pub(crate) const SORT_KEY: &str = "ModelArts.6303";
    pub(crate) const STOP_FIRST: &str = "ModelArts.6304";
    pub(crate) const ALREADY_RUNNING: &str = "ModelArts.6305";
    pub(crate) const STARTING: &str = "ModelArts.6306";
    pub(crate) const ALREADY_STOPPED: &str = "ModelArts.6307";
    pub(crate) const STOPPING: &str = "ModelArts.6308";
    pub(crate) const NO_INSTANCE: &str = "ModelArts.6309";
    pub(crate) const NO_STORAGE: &str = "ModelArts.6316";
    pub(crate) const NO_PATH: &str = "ModelArts.6317";
    pub(crate) const PATH_END: &str = "ModelArts.6318";
    pub(crate) const NO_FLAVOR: &str = "ModelArts.6323";
    pub(crate) const STORAGE_TYPE: &str = "ModelArts.6324";
    pub(crate) const FROZEN: &str = "ModelArts.6326";
    pub(crate) const NOT_RUNNING: &str = "ModelArts.6327";
    pub(crate) const SOLD_OUT: &str = "ModelArts.6329";
    pub(crate) const PROFILE_FLAVOR: &str = "ModelArts.6330";
    pub(crate) const EVS_SIZE: &str = "ModelArts.6331";
    pub(crate) const TYPE: &str = "ModelArts.6332";
    /// The service restores an instance after a fault.
    pub(crate) const RESTORING: &str = "ModelArts.6333";
    pub(crate) const CHARACTER: &str = "ModelArts.6334";
    pub(crate) const REQUIRED: &str = "ModelArts.6335";
    pub(crate) const VALUE: &str = "ModelArts.6336";
    pub(crate) const STATE_PARAMETER: &str = "ModelArts.6347";
    pub(crate) const NO_DURATION: &str = "ModelArts.6348";
    pub(crate) const DURATION: &str = "ModelArts.6349";
    pub(crate) const BUSY: &str = "ModelArts.6357";
    pub(crate) const PATH_ROOT: &str = "ModelArts.6358";
    pub(crate) const START_CAPACITY: &str = "ModelArts.6360";
    /// The service itself is at fault.
    pub(crate) const SERVICE: &str = "ModelArts.6361";
    /// Seen on the wire, not in the list of codes.
    pub(crate) const NO_IMAGE: &str = "ModelArts.6404";
    pub(crate) const NO_EVS: &str = "ModelArts.6528";
    pub(crate) const NO_STORAGE_ID: &str = "ModelArts.6624";
    pub(crate) const IMAGE_TAG: &str = "ModelArts.6737";
    pub(crate) const SSH_ONLY: &str = "ModelArts.6768";
    pub(crate) const KEY_PAIR: &str = "ModelArts.6789";
    pub(crate) const SWITCH_FLAVOR: &str = "ModelArts.6792";
    pub(crate) const IMAGE: &str = "ModelArts.6797";
    pub(crate) const FLAVOR_FEATURE: &str = "ModelArts.6870";
    /// The gateway's, for a signature that it does not accept.
    pub(crate) const GATEWAY_SIGN_IN: &str = "APIG.0301";
    /// The gateway's, for a request that it does not pass on.
    pub(crate) const GATEWAY_REQUEST: &str = "APIG.0201";
    /// The gateway's, for a path that no API has.
    pub(crate) const GATEWAY_ROUTE: &str = "APIG.0101";
}

/// A refusal: HTTP status, code and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    /// A code under the status that the catalogue gives it; 400 if it has none.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let status = ErrorCode::new(code)
            .describe()
            .and_then(|entry| entry.statuses().first().copied())
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or(StatusCode::BAD_REQUEST);
        Self::with_status(status, code, message)
    }

    pub(crate) fn with_status(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// A property that is missing.
    pub(crate) fn required(field: &str, why: &str) -> Self {
        Self::new(code::REQUIRED, format!("'{field}' is required{why}."))
    }

    /// A property whose value is not accepted.
    pub(crate) fn value(field: &str, rule: impl std::fmt::Display) -> Self {
        Self::new(code::VALUE, format!("'{field}' is not accepted: {rule}."))
    }

    pub(crate) fn no_instance() -> Self {
        Self::new(code::NO_INSTANCE, "The instance does not exist.")
    }

    /// The body, as the generation that was asked says it.
    pub(crate) fn body(&self, old: bool) -> ErrorResponse {
        with_fields!(ErrorResponse {
            error_code: Some(self.code.to_owned()),
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
    fn the_status_is_the_catalogues() {
        assert_eq!(ApiError::no_instance().status, StatusCode::BAD_REQUEST);
        let error = ApiError::new(code::EXPIRED_TOKEN, "old");
        assert_eq!(error.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            ApiError::new(code::NO_IMAGE, "").status,
            StatusCode::BAD_REQUEST
        );
    }

    #[test]
    fn each_generation_has_its_key() {
        let error = ApiError::no_instance();
        assert!(error.body(true).error_msg.is_none());
        assert!(error.body(false).error_message.is_none());
    }
}
