//! What a project allows.

use super::caller::Caller;
use super::listing::Scope;
use super::model::Generation;
use super::state::State;
use crate::error::{ApiError, ApiResult, code};

impl State {
    pub(super) fn check_quota(&self, caller: &Caller, generation: Generation) -> ApiResult<()> {
        let Some(limit) = self.core.capacity.instances else {
            return Ok(());
        };
        if self.count(&caller.project, generation) < limit as usize {
            return Ok(());
        }
        Err(match generation {
            Generation::Notebook => ApiError::new(
                code::NOTEBOOK_QUOTA,
                format!("The quota of {limit} notebooks is used up; delete one first."),
            ),
            Generation::DevEnv => ApiError::new(
                code::INSTANCE_QUOTA,
                format!(
                    "The project has {limit} instances and may have no more; delete one first."
                ),
            ),
        })
    }

    pub(super) fn count(&self, project: &str, generation: Generation) -> usize {
        let frees: &[Option<bool>] = match generation {
            Generation::Notebook => &[Some(false), Some(true)],
            Generation::DevEnv => &[None],
        };
        frees
            .iter()
            .map(|free| {
                self.listing.count(&Scope {
                    project: project.to_owned(),
                    generation,
                    free: *free,
                    owner: None,
                })
            })
            .sum()
    }

    pub(super) fn check_workspace(&self, caller: &Caller, workspace: &str) -> ApiResult<()> {
        let known = workspace == "0"
            || self
                .accounts
                .projects
                .get(&caller.project)
                .is_some_and(|project| project.workspaces.contains(workspace));
        if known {
            return Ok(());
        }
        Err(ApiError::new(
            code::NO_WORKSPACE,
            format!(
                "The workspace {workspace} does not exist in this project; use 0 for the default one."
            ),
        ))
    }
}
