//! The errors and exit codes of the command.

use std::borrow::Cow;
use std::process::ExitCode;

use crate::{document, text};

/// The exit codes. Scripts rely on them, so their meaning must never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Failed = 1,
    Usage = 2,
    NotFound = 3,
    Conflict = 4,
    Permission = 5,
    Unavailable = 6,
    OutcomeUnknown = 7,
    Quota = 8,
    TimedOut = 9,
    ResourceFailed = 10,
    Different = 11,
    Interrupted = 130,
}

/// The exit codes, as `--help` lists them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
    0  success
    1  failure
    2  invalid usage or configuration; nothing was sent
    3  the resource does not exist
    4  conflict: the state of the resource does not allow the operation
    5  sign-in failed or permission denied
    6  throttled or unreachable; safe to retry
    7  outcome unknown; check before you retry
    8  quota exhausted or no capacity available
    9  the wait timed out; the operation continues
   10  the resource failed
   11  differences found, with diff --exit-code
  130  interrupted";

/// An error with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    exit: Exit,
    remedy: Option<Cow<'static, str>>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            exit,
            remedy: None,
        }
    }

    /// Returns the failure for an invalid command line or configuration.
    pub(crate) fn usage(error: anyhow::Error) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::from(error)
        }
    }

    /// Sets the remedy, unless the error already has one.
    pub(crate) fn with_remedy(self, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self {
            remedy: self.remedy.or_else(|| Some(remedy.into())),
            ..self
        }
    }

    /// Sets the remedy for a request whose outcome is unknown.
    pub(crate) fn check_before_retry(self, operation: Option<&str>) -> Self {
        let list = operation.and_then(document::listing_of);
        let how = list.map_or_else(String::new, |list| format!(": modelarts api {list}"));
        self.with_remedy(format!(
            "The request may have succeeded. Check before you retry it{how}"
        ))
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns the error in one line.
    pub(crate) fn message(&self) -> String {
        text::visible(&self.message)
    }

    /// Returns the error in one line, and the remedy in another.
    #[cfg(feature = "mcp")]
    pub(crate) fn lines(&self) -> String {
        let remedy = self.remedy.as_ref();
        let remedy = remedy.map(|remedy| format!("\n{}", text::visible(remedy)));
        self.message() + &remedy.unwrap_or_default()
    }

    /// Prints the error and the remedy.
    pub(crate) fn report(&self) -> ExitCode {
        let mut lines = match self.exit {
            // This is not an error.
            Exit::Different => self.message(),
            _ => format!("error: {}", self.message()),
        };
        if let Some(remedy) = &self.remedy {
            lines += &format!("\n       {}", text::visible(remedy));
        }
        crate::output::note(&lines);
        ExitCode::from(self.exit as u8)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<modelarts::Error>() {
            Ok(error) => error.into(),
            Err(error) => {
                // Some errors already include their cause.
                let message = error.to_string();
                let message = match message.contains(&error.root_cause().to_string()) {
                    true => message,
                    false => format!("{error:#}"),
                };
                Self::new(Exit::Failed, message)
            }
        }
    }
}

impl From<modelarts::Error> for Failure {
    fn from(error: modelarts::Error) -> Self {
        let exit = exit(&error);
        let failure = Self::new(exit, flags_for_methods(&error.to_string()));
        match (exit, error.remedy()) {
            (Exit::OutcomeUnknown, _) => failure.check_before_retry(error.operation()),
            (Exit::TimedOut, _) => {
                failure.with_remedy("The operation continues. Wait again, or raise --timeout.")
            }
            (_, Some(remedy)) => failure.with_remedy(remedy),
            (_, None) => failure,
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::Failed, error.to_string())
    }
}

fn exit(error: &modelarts::Error) -> Exit {
    if error.is_wait_timeout() {
        Exit::TimedOut
    } else if error.is_wait_failed() {
        Exit::ResourceFailed
    } else if error.is_usage() {
        Exit::Usage
    } else if is_outcome_unknown(error) {
        Exit::OutcomeUnknown
    } else if error.is_not_found() {
        Exit::NotFound
    } else if error.is_conflict() {
        Exit::Conflict
    } else if error.is_auth() {
        Exit::Permission
    } else if error.is_quota() || error.is_capacity() {
        Exit::Quota
    } else if error.is_retryable() {
        Exit::Unavailable
    } else {
        Exit::Failed
    }
}

/// Whether the request may have been carried out and must not be repeated.
fn is_outcome_unknown(error: &modelarts::Error) -> bool {
    let operation = error.operation().and_then(modelarts_client::operation);
    let repeatable = operation.is_some_and(|(_, operation)| operation.idempotent);
    !repeatable && (error.is_outcome_unknown() || error.is_decode())
}

/// Replaces the methods that the library's messages name by flags and variables.
fn flags_for_methods(message: &str) -> String {
    const FLAGS: [(&str, &str); 10] = [
        ("`allow_http(true)`", "--allow-http"),
        ("call `", "give `"),
        ("give them to the builder, or set", "set"),
        ("`endpoint`", "--endpoint"),
        ("`region`", "--region"),
        ("`project_id`", "--project-id"),
        ("`project_name`", "--project"),
        ("`auth_url`", "--auth-url"),
        ("`domain_name` or `domain_id`", "OS_USER_DOMAIN_NAME"),
        (", or raise the limit with `max_body`", ""),
    ];
    FLAGS
        .iter()
        .fold(message.to_owned(), |message, (method, flag)| {
            message.replace(method, flag)
        })
        .replace("give `", "give ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_exit_code() {
        for exit in [
            Exit::Failed,
            Exit::Usage,
            Exit::NotFound,
            Exit::Conflict,
            Exit::Permission,
            Exit::Unavailable,
            Exit::OutcomeUnknown,
            Exit::Quota,
            Exit::TimedOut,
            Exit::ResourceFailed,
            Exit::Different,
            Exit::Interrupted,
        ] {
            let line = format!("\n{:>5}  ", exit as u8);
            assert!(EXIT_CODES.contains(&line), "{exit:?}");
        }
    }
}
