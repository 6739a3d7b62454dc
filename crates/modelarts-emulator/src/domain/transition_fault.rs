//! A fault that makes an automatic transition fail.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::durations::Step;

/// A fault that makes an automatic transition fail, the next time or times that it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TransitionFault {
    /// The transition that fails.
    pub step: Step,
    /// How many times it fails; once by default.
    #[serde(default = "once")]
    pub times: u32,
    /// The reason that the resource reports.
    #[serde(default = "reason")]
    pub reason: String,
    /// The error code that an instance of the old generation reports; if absent, one that fits the transition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl TransitionFault {
    /// Makes the transition fail the next time that it begins.
    pub fn new(step: Step) -> Self {
        Self {
            step,
            times: once(),
            reason: reason(),
            code: None,
        }
    }

    /// Rejects a fault that could never act as described. The error contains the field and its rule.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.times == 0 {
            return Err(("times", "it must be at least 1".into()));
        }
        if self.reason.len() > LONGEST_REASON {
            return Err((
                "reason",
                format!("it must have at most {LONGEST_REASON} bytes"),
            ));
        }
        Ok(())
    }
}

/// The maximum length of a reason, in bytes.
pub(crate) const LONGEST_REASON: usize = 4_096;

fn once() -> u32 {
    1
}

fn reason() -> String {
    "The transition failed because of a fault that was added to the emulator.".to_owned()
}
