//! A fault that makes an automatic transition fail.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::durations::Step;

/// A failure that a test has asked for: the next times that the service does something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TransitionFault {
    /// What is going to fail.
    pub step: Step,
    /// How many times.
    #[serde(default = "once")]
    pub times: u32,
    /// What the resource gives as the reason.
    #[serde(default = "reason")]
    pub reason: String,
    /// The code that an instance of the old generation gives with it; one that fits the step if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl TransitionFault {
    /// The next time that the service does `step`, it fails.
    pub fn new(step: Step) -> Self {
        Self {
            step,
            times: once(),
            reason: reason(),
            code: None,
        }
    }

    /// Refuses what could never act as it says: the field, and its rule.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.times == 0 {
            return Err(("times", "it has to be at least 1".into()));
        }
        if self.reason.len() > LONGEST_REASON {
            return Err(("reason", format!("it has at most {LONGEST_REASON} bytes")));
        }
        Ok(())
    }
}

/// The longest reason of a failure, in bytes.
pub(crate) const LONGEST_REASON: usize = 4_096;

fn once() -> u32 {
    1
}

fn reason() -> String {
    "The emulator was told to let this fail.".to_owned()
}
