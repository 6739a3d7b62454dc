//! Faults: the network and response failures that a test can inject.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::Ids;
use crate::nearest::unknown;

/// The longest delay of a response, in milliseconds.
const LONGEST_DELAY: u64 = 3_600_000;

/// The largest text of a fault, in bytes.
const LARGEST_TEXT: usize = 1024 * 1024;

/// The maximum number of active faults.
pub(crate) const MOST: usize = 1_000;

/// Rejects an `operationId` that no document contains.
pub(crate) fn check_operation(id: &str) -> Result<(), String> {
    let mut known = modelarts_client::operations().map(|operation| operation.id);
    if known.clone().any(|known| known == id) {
        return Ok(());
    }
    Err(unknown("operation", id, known.by_ref()))
}

/// A fault that is injected into responses.
///
/// `status`, `code` and `body` replace the response; a fault without any effect but `delay_ms` only delays it. Faults
/// are matched in the order in which they were added, and the first one that matches acts.
///
/// ```
/// use modelarts_emulator::Fault;
///
/// let throttled = Fault::status(429).operation("listNotebooks").times(2);
/// assert_eq!(throttled.times, Some(2));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Fault {
    /// The number assigned by the emulator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The `operationId` that it disturbs; absent or `*` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// How many requests it disturbs before it is removed; unlimited if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// How many matching requests it lets pass first.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip: u32,
    /// The probability that it acts, from 0 to 1; always if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// A delay in milliseconds of real time, before anything else happens.
    #[serde(skip_serializing_if = "is_none_ms")]
    pub delay_ms: u64,
    /// Whether the operation is carried out before its response is disturbed: a lost response.
    #[serde(skip_serializing_if = "is_false")]
    pub after: bool,
    /// The HTTP status of the replacement response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The error code of the replacement response; derived from the status if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The message of the replacement response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The whole body of the replacement response, sent unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Headers of the replacement response, like `Retry-After` or `Content-Type`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Whether the connection is reset instead of sending a response.
    #[serde(skip_serializing_if = "is_false")]
    pub reset: bool,
    /// Whether the response ends in the middle of its body.
    #[serde(skip_serializing_if = "is_false")]
    pub truncate: bool,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn is_none_ms(number: &u64) -> bool {
    *number == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Fault {
    /// Replaces every response with one of this HTTP status.
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            ..Self::default()
        }
    }

    /// Resets the connection.
    pub fn reset() -> Self {
        Self {
            reset: true,
            ..Self::default()
        }
    }

    /// Cuts the response off in the middle.
    pub fn truncated() -> Self {
        Self {
            truncate: true,
            ..Self::default()
        }
    }

    /// Delays the response, in real time.
    pub fn delay(by: std::time::Duration) -> Self {
        Self {
            delay_ms: u64::try_from(by.as_millis()).unwrap_or(u64::MAX),
            ..Self::default()
        }
    }

    /// Acts only on this `operationId`.
    #[must_use]
    pub fn operation(mut self, id: impl Into<String>) -> Self {
        self.operation = Some(id.into());
        self
    }

    /// Acts only this many times.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets this many matching requests pass first.
    #[must_use]
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Acts only with this probability, from 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Sets the error code of the replacement response.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets the whole body of the replacement response, sent unchanged.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Adds a header to the replacement response.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Carries out the operation and disturbs only its response.
    #[must_use]
    pub fn after_the_operation(mut self) -> Self {
        self.after = true;
        self
    }

    /// Rejects a fault that could never act as described.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(operation) = self.operation.as_deref().filter(|name| *name != "*") {
            check_operation(operation)?;
        }
        if self
            .status
            .is_some_and(|status| !(200..=599).contains(&status))
        {
            return Err("status must be between 200 and 599".into());
        }
        if self
            .probability
            .is_some_and(|probability| !(0.0..=1.0).contains(&probability))
        {
            return Err("probability must be between 0 and 1".into());
        }
        if self.times == Some(0) {
            let error =
                "times must be at least 1; leave it out to keep the fault until it is removed";
            return Err(error.into());
        }
        if self.delay_ms > LONGEST_DELAY {
            return Err(format!(
                "delay_ms must be at most {LONGEST_DELAY}, which is an hour"
            ));
        }
        let texts = [&self.code, &self.message, &self.body];
        if texts
            .into_iter()
            .flatten()
            .any(|text| text.len() > LARGEST_TEXT)
        {
            return Err(format!(
                "code, message and body must have at most {LARGEST_TEXT} bytes each"
            ));
        }
        for (name, value) in &self.headers {
            HeaderName::try_from(name)
                .map_err(|_| format!("headers: `{name}` is not a valid header name"))?;
            HeaderValue::try_from(value).map_err(|_| {
                format!("headers: the value of `{name}` is not a valid header value")
            })?;
        }
        Ok(())
    }

    fn fits(&self, operation: &str) -> bool {
        self.operation
            .as_deref()
            .is_none_or(|wanted| wanted == "*" || wanted == operation)
    }
}

/// The active faults.
#[derive(Debug)]
pub(crate) struct Faults {
    list: Mutex<List>,
    /// Whether a fault may be active; read on every request, and therefore without a lock.
    any: std::sync::atomic::AtomicBool,
}

#[derive(Debug)]
struct List {
    faults: Vec<Fault>,
    next: u64,
    rng: Ids,
}

impl Faults {
    pub(crate) fn new(rng: Ids) -> Self {
        Self {
            list: Mutex::new(List {
                faults: Vec::new(),
                next: 1,
                rng,
            }),
            any: false.into(),
        }
    }

    /// Adds a fault and returns it with its number. The error says why it is rejected.
    pub(crate) fn add(&self, mut fault: Fault) -> Result<Fault, String> {
        fault.check()?;
        let mut list = self.list.lock();
        if list.faults.len() >= MOST {
            return Err(format!(
                "there are {MOST} faults already; remove some first"
            ));
        }
        fault.id = Some(list.next);
        list.next += 1;
        list.faults.push(fault.clone());
        self.any.store(true, std::sync::atomic::Ordering::Release);
        Ok(fault)
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.list.lock().faults.clone()
    }

    pub(crate) fn clear(&self) {
        self.list.lock().faults.clear();
        self.any.store(false, std::sync::atomic::Ordering::Release);
    }

    pub(crate) fn remove(&self, id: u64) -> bool {
        let mut list = self.list.lock();
        let before = list.faults.len();
        list.faults.retain(|fault| fault.id != Some(id));
        list.faults.len() < before
    }

    /// Returns the fault that acts on this request, and counts the request against it.
    pub(crate) fn take(&self, operation: &str) -> Option<Fault> {
        if !self.any.load(std::sync::atomic::Ordering::Acquire) {
            return None;
        }
        let mut list = self.list.lock();
        let List { faults, rng, .. } = &mut *list;
        let index = faults.iter_mut().position(|fault| {
            if !fault.fits(operation) {
                return false;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                return false;
            }
            fault
                .probability
                .is_none_or(|probability| rng.fraction() < probability)
        })?;
        let acting = faults[index].clone();
        if let Some(times) = &mut faults[index].times {
            *times = times.saturating_sub(1);
            if *times == 0 {
                faults.remove(index);
            }
        }
        let any = !faults.is_empty();
        self.any.store(any, std::sync::atomic::Ordering::Release);
        Some(acting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults() -> Faults {
        Faults::new(Ids::seeded(1))
    }

    #[test]
    fn a_fault_applies_to_its_operation_as_often_as_set() {
        let faults = faults();
        faults
            .add(Fault::status(503).operation("showNotebook").times(2))
            .unwrap();
        assert!(faults.take("listNotebooks").is_none());
        assert!(faults.take("showNotebook").is_some());
        assert!(faults.take("showNotebook").is_some());
        assert!(faults.take("showNotebook").is_none());
        assert!(faults.list().is_empty());
    }

    #[test]
    fn skipped_requests_pass_first() {
        let faults = faults();
        faults.add(Fault::reset().skip(2).times(1)).unwrap();
        let acted: Vec<bool> = (0..4).map(|_| faults.take("any").is_some()).collect();
        assert_eq!(acted, [false, false, true, false]);
    }

    #[test]
    fn a_fault_acts_with_its_probability_and_repeats_with_its_seed() {
        let count = || {
            let faults = faults();
            faults.add(Fault::status(500).probability(0.25)).unwrap();
            (0..1000).filter(|_| faults.take("any").is_some()).count()
        };
        assert!((200..300).contains(&count()), "{}", count());
        assert_eq!(count(), count());
    }
}
