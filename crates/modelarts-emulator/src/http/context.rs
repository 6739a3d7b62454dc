//! What a request leaves behind on its way to its operation, for the response and for the log.

use parking_lot::Mutex;
use serde_json::Value;

use super::validate::Operation;
use crate::faults::Fault;
use crate::ids::RequestId;

/// Goes along with a request, as an extension of it.
#[derive(Debug)]
pub(super) struct RequestContext {
    pub(super) id: RequestId,
    pub(super) facts: Mutex<RequestFacts>,
}

/// What became known of a request.
#[derive(Debug, Default)]
pub(super) struct RequestFacts {
    pub(super) operation: Option<&'static Operation>,
    /// How the caller proved who it is.
    pub(super) credentials: Option<&'static str>,
    /// The body, without secrets.
    pub(super) body: Option<Value>,
    /// The fault that acts on the request.
    pub(super) fault: Option<Fault>,
}

impl RequestContext {
    pub(super) fn new(id: RequestId) -> Self {
        Self {
            id,
            facts: Mutex::default(),
        }
    }
}
