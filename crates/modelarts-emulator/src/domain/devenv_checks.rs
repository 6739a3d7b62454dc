//! Checks of the old generation: the pool of an instance, and the actions that are possible in each status.

use modelarts_client::devenviron::enums::{DevEnvInstanceStatus as D, NotebookStatus as N};
use modelarts_client::devenviron::types::DevEnvPoolReq;

use super::caller::Caller;
use super::state::State;
use super::status::InstanceStatus as S;
use crate::error::{ApiError, ApiResult, code};

impl State {
    /// Checks that the pool is one of the project, and that the details beside its id are right.
    pub(super) fn check_dev_env_pool(
        &self,
        caller: &Caller,
        pool: &DevEnvPoolReq,
    ) -> ApiResult<()> {
        let project = self.accounts.projects.get(&caller.project);
        let Some(name) = project.and_then(|project| project.pools.get(&pool.id)) else {
            return Err(ApiError::value(
                "pool.id",
                format_args!("the project has no dedicated pool '{}'", pool.id),
            ));
        };
        if pool.name.as_ref().is_some_and(|given| given != name) {
            return Err(ApiError::value(
                "pool.name",
                format_args!("the pool '{}' is called '{name}'", pool.id),
            ));
        }
        if pool.type_.as_ref().is_some_and(|kind| kind.is_unknown()) {
            return Err(ApiError::value("pool.type", "the pool is USER_DEFINED"));
        }
        let owner = pool
            .owner
            .as_ref()
            .and_then(|owner| owner.project_id.as_ref());
        if owner.is_some_and(|owner| *owner != caller.project) {
            return Err(ApiError::value(
                "pool.owner.project_id",
                format_args!("the pool belongs to the project '{}'", caller.project),
            ));
        }
        Ok(())
    }
}

pub(super) fn in_between(status: &S) -> ApiError {
    let (code, text) = match status {
        S::Notebook(N::Starting) => (
            code::STARTING,
            format!("starting; wait until it is {}", N::Running),
        ),
        S::Notebook(N::Stopping) => (
            code::STOPPING,
            format!("stopping; wait until it is {}", N::Stopped),
        ),
        _ => (
            code::BUSY,
            "busy with another operation; wait until it has ended".to_owned(),
        ),
    };
    ApiError::new(code, format!("The instance is {text}."))
}

pub(super) fn startable(status: &S) -> ApiResult<()> {
    match status {
        S::Notebook(N::Stopped | N::StartFailed | N::CreateFailed) => Ok(()),
        S::Notebook(N::Frozen) => Err(ApiError::frozen()),
        status if status.is_up() => Err(ApiError::new(
            code::ALREADY_RUNNING,
            "The instance is already running.",
        )),
        status => Err(in_between(status)),
    }
}

pub(super) fn stoppable(status: &S) -> ApiResult<()> {
    match status {
        S::Notebook(N::Error) | S::DevEnv(D::Unavailable) => Ok(()),
        S::Notebook(N::Frozen) => Err(ApiError::frozen()),
        S::Notebook(N::Stopped) => Err(ApiError::new(
            code::ALREADY_STOPPED,
            "The instance is already stopped.",
        )),
        status if status.is_up() => Ok(()),
        status => Err(in_between(status)),
    }
}

pub(super) fn restartable(status: &S) -> ApiResult<()> {
    match status {
        S::Notebook(N::Frozen) => Err(ApiError::frozen()),
        status if status.is_up() => Ok(()),
        status if status.is_transient() => Err(in_between(status)),
        status => Err(ApiError::new(
            code::NOT_RUNNING,
            format!(
                "The instance is {}; only a running instance can be restarted.",
                status.in_old_words()
            ),
        )),
    }
}
