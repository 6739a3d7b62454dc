//! What a request leaves behind on its way to its operation, for the response and for the log.

use serde_json::Value;

use super::operation::Operation;
use crate::clock::Millis;
use crate::faults::Fault;
use crate::ids::RequestId;

/// Goes along with a request to an operation.
#[derive(Debug)]
pub(crate) struct RequestContext {
    pub(super) id: RequestId,
    /// When it came, in emulated time.
    pub(super) time: Millis,
    /// Once the request has been found to be one to it.
    pub(super) operation: Option<&'static Operation>,
    /// How the caller proved who it is.
    pub(super) credentials: Option<&'static str>,
    /// The body, without secrets.
    pub(super) body: Option<Value>,
    /// The fault that acts on the request.
    pub(super) fault: Option<Fault>,
}

impl RequestContext {
    pub(super) fn new(id: RequestId, time: Millis) -> Self {
        Self {
            id,
            time,
            operation: None,
            credentials: None,
            body: None,
            fault: None,
        }
    }
}
