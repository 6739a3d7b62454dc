//! How a command ends when it fails.

use std::process::ExitCode;

/// An error with the exit code that goes with it.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    code: u8,
    advice: Option<&'static str>,
}

/// The exit codes, as `--help` tells them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  the command line or the environment is wrong
  3  the resource does not exist
  4  the state of the resource does not allow it
  5  signing in failed or the permission is missing
  6  throttled, or no connection: try again later";

impl Failure {
    /// The command line is wrong.
    pub(crate) fn usage(error: anyhow::Error) -> Self {
        Self {
            code: 2,
            ..Self::from(error)
        }
    }

    /// What to do about it, where the error does not know this itself.
    pub(crate) fn advise(self, advice: &'static str) -> Self {
        Self {
            advice: self.advice.or(Some(advice)),
            ..self
        }
    }

    /// Prints the error with its causes, and what to do about it.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.told());
        if let Some(advice) = self.advice {
            eprintln!("       {advice}");
        }
        ExitCode::from(self.code)
    }

    /// The error with its causes, unless it names the first of them itself.
    fn told(&self) -> String {
        let told = self.error.to_string();
        match told.contains(&self.error.root_cause().to_string()) {
            true => told,
            false => format!("{:#}", self.error),
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let api = error.downcast_ref::<modelarts::Error>();
        Self {
            code: api.map_or(1, exit_code),
            advice: api.and_then(modelarts::Error::remedy),
            error,
        }
    }
}

impl From<modelarts::Error> for Failure {
    fn from(error: modelarts::Error) -> Self {
        Self::from(anyhow::Error::from(error))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::from(anyhow::Error::from(error))
    }
}

fn exit_code(error: &modelarts::Error) -> u8 {
    if error.is_usage() {
        2
    } else if error.is_not_found() {
        3
    } else if error.is_conflict() {
        4
    } else if error.is_auth() {
        5
    } else if error.is_retryable() {
        6
    } else {
        1
    }
}
