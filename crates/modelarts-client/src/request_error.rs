//! The error of a request or a body that cannot be built, with all its problems.

use std::borrow::Cow;
use std::fmt;

use http::header::InvalidHeaderValue;

use crate::{IntoOptional, Operation};

/// The error of a request that cannot be built; lists all missing and invalid values at once.
///
/// ```no_run
/// # fn run(client: modelarts_client::devenviron::Client) {
/// let error = client.list_notebooks().limit(u64::MAX).prepare().unwrap_err();
/// assert_eq!(error.subject(), "listNotebooks");
/// assert_eq!(error.missing().collect::<Vec<_>>(), ["project_id"]);
/// assert_eq!(
///     error.to_string(),
///     "listNotebooks: `project_id` is missing; `limit` is invalid: out of range integral type conversion attempted"
/// );
/// # }
/// ```
///
/// Builders of bodies do the same, and include the errors of their parts:
///
/// ```
/// use modelarts_client::devenviron::types::{CreateNotebookRequest, VolumeReq};
///
/// let volume = VolumeReq::builder().category("EVS").capacity(u64::MAX);
/// let error = CreateNotebookRequest::builder().name("bert").volume(volume).build().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "CreateNotebookRequest: `flavor` and `image_id` are missing; `volume` is invalid: VolumeReq: `ownership` is \
///      missing; `capacity` is invalid: out of range integral type conversion attempted"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError {
    subject: &'static str,
    problems: Vec<Problem>,
}

/// An error in a field or a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    field: Cow<'static, str>,
    /// `None` if it is missing.
    rule: Option<String>,
}

impl Problem {
    pub(crate) fn missing(field: impl Into<Cow<'static, str>>) -> Self {
        Self {
            field: field.into(),
            rule: None,
        }
    }

    pub(crate) fn unfit(field: &'static str, error: &dyn fmt::Display) -> Self {
        Self::invalid(field, format_args!("is invalid: {error}"))
    }

    pub(crate) fn invalid(field: impl Into<Cow<'static, str>>, rule: fmt::Arguments<'_>) -> Self {
        Self {
            field: field.into(),
            rule: Some(rule.to_string()),
        }
    }
}

impl RequestError {
    pub(crate) fn new(subject: &'static str) -> Self {
        Self {
            subject,
            problems: Vec::new(),
        }
    }

    pub(crate) fn build(subject: &'static str, error: reqwest::Error) -> Self {
        let error = error.without_url();
        Self::new(subject).problem(Problem::invalid(
            "request",
            format_args!("cannot be built: {error}"),
        ))
    }

    /// An error for an operation whose request cannot be built from its parts.
    pub(crate) fn unbuilt(operation: &'static Operation, error: reqwest::Error) -> Self {
        Self::build(operation.id, error)
    }

    /// An error for an invalid header value.
    #[allow(dead_code, reason = "for documents with header parameters")]
    pub(crate) fn header(operation: &'static Operation, error: &InvalidHeaderValue) -> Self {
        Self::new(operation.id).problem(Problem::unfit("header", error))
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    pub(crate) fn problem(mut self, problem: Problem) -> Self {
        self.push(problem);
        self
    }

    pub(crate) fn or_ok(&mut self) -> Result<(), Self> {
        match self.problems.is_empty() {
            true => Ok(()),
            false => Err(Self {
                subject: self.subject,
                problems: std::mem::take(&mut self.problems),
            }),
        }
    }

    /// Returns the name of what should be built: a type such as `CreateNotebookRequest`, or an operation such as
    /// `createNotebook`.
    pub fn subject(&self) -> &'static str {
        self.subject
    }

    /// Returns the required fields and parameters that were not set.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let missing = self.problems.iter().filter(|it| it.rule.is_none());
        missing.map(|problem| &*problem.field)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.subject)?;
        let missing: Vec<_> = self.missing().map(|field| format!("`{field}`")).collect();
        let mut separator = "";
        if let Some((last, others)) = missing.split_last() {
            match others {
                [] => write!(f, "{last} is missing")?,
                others => write!(f, "{} and {last} are missing", others.join(", "))?,
            }
            separator = "; ";
        }
        for problem in &self.problems {
            if let Some(rule) = &problem.rule {
                write!(f, "{separator}`{}` {rule}", problem.field)?;
                separator = "; ";
            }
        }
        Ok(())
    }
}

impl std::error::Error for RequestError {}

/// What is wrong with the values that a builder was given; the last call of a setter counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

#[allow(dead_code, reason = "for documents with values of both kinds")]
impl Problems {
    /// A value that must be there.
    pub(crate) fn required<T, V>(&mut self, field: &'static str, value: V) -> Option<T>
    where
        V: TryInto<T, Error: fmt::Display>,
    {
        self.take(field, value.try_into().map(Some))
    }

    /// A value that may be left out.
    pub(crate) fn optional<T, V, M>(&mut self, field: &'static str, value: V) -> Option<T>
    where
        V: IntoOptional<T, M>,
    {
        self.take(field, value.into_optional())
    }

    fn take<T, E: fmt::Display>(
        &mut self,
        field: &'static str,
        value: Result<Option<T>, E>,
    ) -> Option<T> {
        self.0.retain(|problem| problem.field != field);
        value.unwrap_or_else(|error| {
            self.0.push(Problem::unfit(field, &error));
            None
        })
    }

    /// Notes that a value is missing, unless something else is wrong with it.
    pub(crate) fn require<T>(&mut self, field: &'static str, value: &Option<T>) {
        if value.is_none() && !self.0.iter().any(|problem| problem.field == field) {
            self.0.push(Problem::missing(field));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error that names them all.
    pub(crate) fn of(self, subject: &'static str) -> RequestError {
        RequestError {
            subject,
            problems: self.0,
        }
    }
}
