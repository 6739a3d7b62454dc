//! The automatic stop, old generation.

use modelarts_client::devenviron::types::DevEnvAutoStopReq;

use super::model::{Instance, Lease};
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};

/// The duration of an automatic stop that is disabled and was never configured.
const DEFAULT_STOP: Millis = 3_600_000;

/// Returns the automatic stop that results from a request and from what the instance has, and whether to prompt.
pub(super) fn auto_stop(
    request: Option<&DevEnvAutoStopReq>,
    instance: Option<&Instance>,
    now: Millis,
) -> ApiResult<(Lease, bool)> {
    let before = instance.map(Instance::configured_lease);
    let prompt = instance
        .and_then(Instance::dev_env)
        .is_none_or(|dev_env| dev_env.prompt);
    let enabled = request
        .and_then(|request| request.enable)
        .unwrap_or_else(|| before.is_some_and(|lease| lease.enabled));
    let duration = request.and_then(|request| request.duration);
    let enables = request.and_then(|request| request.enable) == Some(true);
    if enables && duration.is_none() {
        return Err(ApiError::new(
            code::NO_DURATION,
            "'spec.auto_stop.duration' (seconds) is required when auto_stop is enabled.",
        ));
    }
    let lease = Lease {
        enabled,
        idle: false,
        duration: duration
            .map(|seconds| Millis::from(seconds) * 1000)
            .or(before.map(|lease| lease.duration))
            .unwrap_or(DEFAULT_STOP),
        since: now,
        updated: now,
    };
    let prompt = request.and_then(|request| request.prompt).unwrap_or(prompt);
    Ok((lease, prompt))
}
