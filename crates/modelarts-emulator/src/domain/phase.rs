//! Phases: the status of a resource, and its automatic transition to the next one.

use std::fmt::Display;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::durations::{Durations, Step};
use crate::clock::Millis;
use crate::error::code;

/// The statuses of a kind of resource.
pub(crate) trait Status:
    Clone + PartialEq + Display + for<'a> From<&'a str> + 'static
{
    /// The automatic transitions.
    fn transitions() -> &'static [Transition<Self>];

    /// Whether the document lists it.
    fn is_listed(&self) -> bool;
}

/// An automatic transition from one status to another.
#[derive(Debug)]
pub(crate) struct Transition<T: 'static> {
    pub(crate) during: T,
    pub(crate) step: Step,
    pub(crate) then: T,
    pub(crate) failed: T,
}

pub(crate) const fn transition<T>(during: T, step: Step, then: T, failed: T) -> Transition<T> {
    Transition {
        during,
        step,
        then,
        failed,
    }
}

/// The code and the message of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredFailure")]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// The stored form of a failure: older state files contain the message alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredFailure {
    Reason(String),
    Failure { code: String, message: String },
}

impl From<StoredFailure> for Failure {
    fn from(stored: StoredFailure) -> Self {
        match stored {
            StoredFailure::Reason(message) => Self {
                code: code::SERVICE.to_string(),
                message,
            },
            StoredFailure::Failure { code, message } => Self { code, message },
        }
    }
}

/// A status, and its automatic transition if it has one.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "T: Status")]
pub(crate) struct Phase<T> {
    #[serde(serialize_with = "write_status", deserialize_with = "read_status")]
    pub(crate) status: T,
    /// When it began.
    pub(crate) since: Millis,
    /// When the transition is due, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Millis>,
    /// Why the transition will fail, if it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failing: Option<Failure>,
}

fn write_status<T: Status, S: Serializer>(status: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(status)
}

fn read_status<'de, T: Status, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let status = T::from(&text);
    if status.is_listed() {
        return Ok(status);
    }
    let error = format!("the status `{text}` is unknown");
    Err(serde::de::Error::custom(error))
}

impl<T: Status> Phase<T> {
    /// Returns a phase without a transition.
    pub(crate) fn settled(status: T, since: Millis) -> Self {
        Self {
            status,
            since,
            until: None,
            failing: None,
        }
    }

    /// Returns a phase with the transition of its status, which is due after the duration of the step.
    pub(crate) fn enter(
        status: T,
        since: Millis,
        durations: &Durations,
        failing: Option<Failure>,
    ) -> Self {
        let until = transition_of(&status)
            .map(|transition| since.saturating_add(transition.step.takes(durations)));
        Self {
            status,
            since,
            failing: until.and(failing),
            until,
        }
    }

    /// Whether its transition is due.
    pub(crate) fn is_over(&self, now: Millis) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// If the transition is due, returns the next status, the time of the transition, and why it failed if it did.
    pub(crate) fn finish(&self, now: Millis) -> Option<(T, Millis, Option<Failure>)> {
        let until = self.until.filter(|until| *until <= now)?;
        let transition = transition_of(&self.status)?;
        let next = if self.failing.is_some() {
            &transition.failed
        } else {
            &transition.then
        };
        Some((next.clone(), until, self.failing.clone()))
    }
}

fn transition_of<T: Status>(status: &T) -> Option<&'static Transition<T>> {
    T::transitions()
        .iter()
        .find(|transition| transition.during == *status)
}

#[cfg(test)]
mod tests {
    use modelarts_client::devenviron::enums::NotebookStatus as N;

    use super::*;
    use crate::domain::status::InstanceStatus as S;

    #[test]
    fn a_phase_ends_when_its_transition_is_due() {
        let durations = Durations::default();
        let phase = Phase::enter(S::from(N::Creating), 1_000, &durations, None);
        assert_eq!(phase.until, Some(91_000));
        assert_eq!(phase.finish(90_999), None);
        assert_eq!(
            phase.finish(200_000),
            Some((S::from(N::Running), 91_000, None))
        );
    }

    #[test]
    fn a_failing_phase_ends_in_the_failed_status() {
        let why = Some(Failure {
            code: Step::Start.failure_code().to_string(),
            message: "no disk".to_owned(),
        });
        let phase = Phase::enter(S::from(N::Starting), 0, &Durations::instant(), why.clone());
        assert_eq!(phase.finish(0), Some((S::from(N::StartFailed), 0, why)));
    }

    #[test]
    fn settled_statuses_stay() {
        for status in [N::Running, N::Stopped, N::Frozen, N::Error].map(S::from) {
            let phase = Phase::enter(status.clone(), 0, &Durations::default(), None);
            assert_eq!(phase.finish(Millis::MAX), None, "{status}");
            assert!(!status.is_transient());
        }
    }

    #[test]
    fn a_phase_is_stored_with_its_transition() {
        let failing = Some(Failure {
            code: "ModelArts.6361".to_owned(),
            message: "no disk".to_owned(),
        });
        let phase = Phase::enter(S::from(N::Creating), 5, &Durations::default(), failing);
        let stored = serde_json::to_value(&phase).unwrap();
        assert_eq!(
            stored,
            serde_json::json!({
                "status": "CREATING",
                "since": 5,
                "until": 90_005,
                "failing": {"code": "ModelArts.6361", "message": "no disk"},
            })
        );
        let read: Phase<S> = serde_json::from_value(stored).unwrap();
        assert_eq!((read.finish(90_005)), phase.finish(90_005));
        // Without a transition nothing can fail.
        let settled = Phase::enter(S::from(N::Stopped), 5, &Durations::default(), read.failing);
        assert_eq!(
            serde_json::to_value(&settled).unwrap(),
            serde_json::to_value(Phase::settled(S::from(N::Stopped), 5)).unwrap()
        );
    }

    #[test]
    fn a_stored_reason_without_a_code_is_a_fault_of_the_service() {
        let failure: Failure = serde_json::from_value("no disk".into()).unwrap();
        assert_eq!(failure.code, code::SERVICE.as_str());
        assert_eq!(failure.message, "no disk");
    }

    #[test]
    fn an_unknown_status_is_named() {
        let stored = serde_json::json!({"status": "TELEPORTING", "since": 0});
        let error = serde_json::from_value::<Phase<S>>(stored).unwrap_err();
        assert_eq!(error.to_string(), "the status `TELEPORTING` is unknown");
    }

    #[test]
    fn a_phase_is_over_at_its_end() {
        let phase = Phase::enter(S::from(N::Stopping), 0, &Durations::default(), None);
        assert_eq!(
            [29_999, 30_000].map(|now| phase.is_over(now)),
            [false, true]
        );
        assert!(!Phase::settled(S::from(N::Stopped), 0).is_over(Millis::MAX));
    }
}
