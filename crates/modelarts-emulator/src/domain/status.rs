//! The status of an instance, of either generation.

use std::fmt;
use std::sync::LazyLock;

use modelarts_client::ErrorCode;
use modelarts_client::devenviron::enums::{DevEnvInstanceStatus as D, NotebookStatus as N};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::{
    ObjectBuilder, RefOr,
    schema::{Schema, Type},
};
use utoipa::{PartialSchema, ToSchema};

use super::durations::Step;
use super::phase::{Status, Transition, transition};
use crate::error::{ApiError, ApiResult, code};
use crate::nearest::unknown;

/// The status of an instance: one of a [`NotebookStatus`](N) or, for the old generation, of a
/// [`DevEnvInstanceStatus`](D).
///
/// ```
/// use modelarts_emulator::{InstanceStatus, NotebookStatus};
///
/// let status = InstanceStatus::from(NotebookStatus::Stopped);
/// assert_eq!(status.as_str(), "STOPPED");
/// assert_eq!(status, InstanceStatus::from("STOPPED"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InstanceStatus {
    /// A status that the new generation lists; the old one has most of them, too.
    #[non_exhaustive]
    Notebook(N),
    /// A status that only the old generation lists.
    #[non_exhaustive]
    DevEnv(D),
}

use InstanceStatus as S;

/// The statuses of both generations, without duplicates.
static VALUES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let old = D::values()
        .iter()
        .filter(|text| !N::values().contains(text));
    N::values().iter().chain(old).copied().collect()
});

impl InstanceStatus {
    /// Returns all statuses that the documents list.
    pub fn values() -> &'static [&'static str] {
        &VALUES
    }

    /// Returns the status as it is sent.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Notebook(status) => status.as_str(),
            Self::DevEnv(status) => status.as_str(),
        }
    }

    /// Whether no generation lists it.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Notebook(status) => status.is_unknown(),
            Self::DevEnv(status) => status.is_unknown(),
        }
    }

    /// Returns the status, or an error if no generation lists it.
    pub(crate) fn listed(self) -> ApiResult<Self> {
        if self.is_unknown() {
            let error = unknown("status", self.as_str(), Self::values().iter().copied());
            return Err(ApiError::value("status", error));
        }
        Ok(self)
    }

    /// Whether it occupies a machine of its flavor.
    pub(crate) fn occupies(&self) -> bool {
        let changing = self.is_transient() && !self.is_queued() && *self != N::Deleting;
        self.is_up() || changing
    }

    /// The default error code of a failure that ends in this status.
    pub(crate) fn failure_code(&self) -> ErrorCode {
        match self {
            S::Notebook(N::StartFailed) => Step::Start.failure_code(),
            _ => code::SERVICE,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self, S::Notebook(N::Running) | S::DevEnv(D::Active))
    }

    pub(crate) fn is_queued(&self) -> bool {
        matches!(self, S::DevEnv(D::CreateQueuing | D::StartQueuing))
    }

    /// Whether it has an automatic transition.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Notebook(status) => status.is_transient(),
            Self::DevEnv(status) => status.is_transient(),
        }
    }

    /// The status as the new generation shows it, which has no status for queues.
    pub(crate) fn in_new_words(&self) -> N {
        match self {
            Self::Notebook(status) => status.clone(),
            Self::DevEnv(D::CreateQueuing) => N::Creating,
            Self::DevEnv(D::StartQueuing) => N::Starting,
            Self::DevEnv(status) => N::from(status.as_str()),
        }
    }

    /// The status as the old generation shows it.
    pub(crate) fn in_old_words(&self) -> D {
        match self {
            Self::DevEnv(status) => status.clone(),
            Self::Notebook(status) => match status {
                N::Init => D::Creating,
                N::Deleting => D::Deleted,
                N::DeleteFailed | N::Error | N::Frozen => D::Unavailable,
                N::Snapshotting => D::Running,
                status => D::from(status.as_str()),
            },
        }
    }
}

impl Status for InstanceStatus {
    fn transitions() -> &'static [Transition<Self>] {
        static TABLE: &[Transition<InstanceStatus>] = &[
            transition(
                S::Notebook(N::Init),
                Step::Create,
                S::Notebook(N::Running),
                S::Notebook(N::CreateFailed),
            ),
            transition(
                S::Notebook(N::Creating),
                Step::Create,
                S::Notebook(N::Running),
                S::Notebook(N::CreateFailed),
            ),
            transition(
                S::Notebook(N::Starting),
                Step::Start,
                S::Notebook(N::Running),
                S::Notebook(N::StartFailed),
            ),
            transition(
                S::DevEnv(D::Restarting),
                Step::Restart,
                S::Notebook(N::Running),
                S::Notebook(N::StartFailed),
            ),
            transition(
                S::DevEnv(D::Rebooting),
                Step::Restart,
                S::DevEnv(D::Active),
                S::Notebook(N::StartFailed),
            ),
            transition(
                S::Notebook(N::Stopping),
                Step::Stop,
                S::Notebook(N::Stopped),
                S::Notebook(N::Error),
            ),
            transition(
                S::Notebook(N::Snapshotting),
                Step::SaveImage,
                S::Notebook(N::Running),
                S::Notebook(N::Running),
            ),
            transition(
                S::Notebook(N::Deleting),
                Step::Delete,
                S::Notebook(N::Deleted),
                S::Notebook(N::DeleteFailed),
            ),
        ];
        TABLE
    }

    fn is_listed(&self) -> bool {
        !self.is_unknown()
    }
}

impl From<&str> for InstanceStatus {
    fn from(text: &str) -> Self {
        let is_listed =
            |values: &[&str]| values.iter().any(|known| known.eq_ignore_ascii_case(text));
        if !is_listed(N::values()) && is_listed(D::values()) {
            Self::DevEnv(D::from(text))
        } else {
            Self::Notebook(N::from(text))
        }
    }
}

impl From<N> for InstanceStatus {
    fn from(status: N) -> Self {
        Self::from(status.as_str())
    }
}

impl From<D> for InstanceStatus {
    fn from(status: D) -> Self {
        Self::from(status.as_str())
    }
}

impl PartialEq<N> for InstanceStatus {
    fn eq(&self, other: &N) -> bool {
        matches!(self, Self::Notebook(status) if status == other)
    }
}

impl PartialEq<D> for InstanceStatus {
    fn eq(&self, other: &D) -> bool {
        matches!(self, Self::DevEnv(status) if status == other)
    }
}

impl fmt::Display for InstanceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for InstanceStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for InstanceStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Self::from(text.as_str()) {
            status if status.as_str() == text && !status.is_unknown() => Ok(status),
            _ => Err(serde::de::Error::unknown_variant(&text, Self::values())),
        }
    }
}

impl PartialSchema for InstanceStatus {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The status of an instance, of either generation."))
            .enum_values(Some(Self::values().iter().copied()))
            .into()
    }
}

impl ToSchema for InstanceStatus {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_status_has_one_form() {
        for text in N::values().iter().chain(D::values()) {
            let status = InstanceStatus::from(*text);
            assert_eq!(status.as_str(), *text);
            assert!(!status.is_unknown());
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(
                serde_json::from_str::<InstanceStatus>(&json).unwrap(),
                status
            );
        }
        assert_eq!(InstanceStatus::from(D::Running), N::Running);
        assert!(InstanceStatus::from("TELEPORTING").is_unknown());
        let error = serde_json::from_str::<InstanceStatus>("\"TELEPORTING\"").unwrap_err();
        assert!(error.to_string().contains("REBOOTING"), "{error}");
    }

    #[test]
    fn transitions_are_between_listed_statuses_in_their_one_form() {
        for row in InstanceStatus::transitions() {
            for status in [&row.during, &row.then, &row.failed] {
                assert_eq!(*status, InstanceStatus::from(status.as_str()));
            }
            assert!(row.during.is_transient(), "{}", row.during);
        }
    }

    #[test]
    fn each_generation_has_words_of_its_own() {
        let queued = InstanceStatus::from(D::CreateQueuing);
        assert_eq!(queued.in_new_words(), N::Creating);
        assert_eq!(queued.in_old_words(), D::CreateQueuing);
        let frozen = InstanceStatus::from(N::Frozen);
        assert_eq!(frozen.in_new_words(), N::Frozen);
        assert_eq!(frozen.in_old_words(), D::Unavailable);
    }

    fn all() -> impl Iterator<Item = InstanceStatus> {
        InstanceStatus::values()
            .iter()
            .map(|text| InstanceStatus::from(*text))
    }

    #[test]
    fn a_machine_is_occupied_from_the_creation_until_the_stop() {
        let of = |fits: fn(&InstanceStatus) -> bool| {
            let fitting = all().filter(|status| fits(status) && KNOWN.contains(&status.as_str()));
            fitting.map(|status| status.to_string()).collect::<Vec<_>>()
        };
        // Statuses that are added to the documents follow their entry in `x-states`.
        const KNOWN: [&str; 17] = [
            "INIT",
            "CREATING",
            "STARTING",
            "STOPPING",
            "DELETING",
            "RUNNING",
            "STOPPED",
            "SNAPSHOTTING",
            "FROZEN",
            "DELETED",
            "START_FAILED",
            "RESTARTING",
            "REBOOTING",
            "ACTIVE",
            "CREATE_QUEUING",
            "START_QUEUING",
            "UNAVAILABLE",
        ];
        assert_eq!(of(InstanceStatus::is_up), ["RUNNING", "ACTIVE"]);
        assert_eq!(
            of(InstanceStatus::is_queued),
            ["CREATE_QUEUING", "START_QUEUING"]
        );
        let occupies = [
            "INIT",
            "CREATING",
            "STARTING",
            "STOPPING",
            "RUNNING",
            "SNAPSHOTTING",
            "RESTARTING",
            "REBOOTING",
            "ACTIVE",
        ];
        assert_eq!(of(InstanceStatus::occupies), occupies);
    }

    #[test]
    fn a_failed_start_has_the_code_for_a_missing_machine_by_default() {
        let code = |status: N| InstanceStatus::from(status).failure_code();
        assert_eq!(code(N::StartFailed), code::START_CAPACITY);
        assert_eq!(code(N::CreateFailed), code::SERVICE);
    }

    #[test]
    fn a_status_is_read_in_its_exact_spelling_and_an_error_lists_all() {
        let read = |text: &str| serde_json::from_value::<InstanceStatus>(text.into());
        assert_eq!(read("RUNNING").unwrap(), N::Running);
        assert_eq!(read("ACTIVE").unwrap(), D::Active);
        for text in ["running", "active", "TELEPORTING", ""] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.contains("`STOPPED`") && error.contains("`ACTIVE`"),
                "{error}"
            );
        }
        // From users, it is accepted in any letter case.
        assert_eq!(InstanceStatus::from("running"), N::Running);
        assert_eq!(InstanceStatus::from("active"), D::Active);
        let known = InstanceStatus::from("running").listed().unwrap();
        assert_eq!(known, N::Running);
        let refused = InstanceStatus::from("RUNING").listed().unwrap_err();
        assert!(refused.message.contains("RUNNING"), "{}", refused.message);
    }

    #[test]
    fn a_status_equals_that_of_its_own_generation_alone() {
        let running = InstanceStatus::from(N::Running);
        assert!(running == N::Running && running != N::Stopped && running != D::Running);
        let active = InstanceStatus::from(D::Active);
        assert!(active == D::Active && active != D::Rebooting && active != N::Running);
    }
}
