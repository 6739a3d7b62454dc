//! What is recorded about a request while it is handled, for its response and for the log.

use serde_json::Value;

use super::operation::Operation;
use crate::clock::Millis;
use crate::faults::Fault;
use crate::ids::RequestId;

/// What is recorded about a request.
#[derive(Debug)]
pub(crate) struct RequestContext {
    pub(super) id: RequestId,
    /// When it arrived, in emulated time.
    pub(super) time: Millis,
    /// The operation, once it is known.
    pub(super) operation: Option<&'static Operation>,
    /// The kind of the caller's credentials.
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
