//! The quotas and workspaces of a project.

use super::caller::Caller;
use super::listing::Scope;
use super::model::Generation;
use super::state::State;
use crate::error::{ApiError, ApiResult, code};

/// The workspace that every project has.
pub(super) const DEFAULT_WORKSPACE: &str = "0";

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
                format!("The quota of {limit} notebooks is used up; delete a notebook first."),
            ),
            Generation::DevEnv => ApiError::new(
                code::INSTANCE_QUOTA,
                format!("The quota of {limit} instances is used up; delete an instance first."),
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
        let known = workspace == DEFAULT_WORKSPACE
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
                "The workspace {workspace} does not exist in this project; use {DEFAULT_WORKSPACE} for the default one."
            ),
        ))
    }
}
