//! The list of instances, old generation.

use modelarts_client::devenviron::enums::DevEnvInstanceStatus;
use modelarts_client::devenviron::types::DevEnvInstanceList;

use super::caller::At;
use super::listing::Scope;
use super::model::{Generation, Instance};
use super::page::{Order, Paging, SortKey, clamp};
use super::stale_reads::View;
use super::state::State;
use crate::fields::with_fields;

/// The filters of the list.
#[derive(Debug, Default)]
pub(crate) struct DevEnvQuery<'a> {
    pub(crate) own: bool,
    pub(crate) status: Option<&'a str>,
    pub(crate) workspace: Option<&'a str>,
    pub(crate) ai_project: Option<&'a str>,
    pub(crate) pool: Option<&'a str>,
    pub(crate) by_creation: bool,
    pub(crate) descending: bool,
    pub(crate) paging: Paging,
}
impl State {
    pub(crate) fn list_dev_envs(&self, at: &At<'_>, query: &DevEnvQuery<'_>) -> DevEnvInstanceList {
        let scope = Scope {
            project: at.caller.project.clone(),
            generation: Generation::DevEnv,
            free: None,
            owner: query.own.then(|| at.caller.user.clone()),
        };
        let order = Order {
            keys: vec![if query.by_creation {
                SortKey::Created
            } else {
                SortKey::Name
            }],
            descending: query.descending,
        };
        let filter = |instance: &Instance| {
            let Some(dev_env) = instance.dev_env() else {
                return false;
            };
            let pool = dev_env.pool.as_ref().map(|pool| pool.id.as_str());
            query.status.is_none_or(|wanted| {
                instance.status().in_old_words() == DevEnvInstanceStatus::from(wanted)
            }) && query
                .workspace
                .is_none_or(|wanted| instance.workspace == wanted)
                && query
                    .ai_project
                    .is_none_or(|wanted| dev_env.ai_project == wanted)
                && query.pool.is_none_or(|wanted| pool == Some(wanted))
        };
        let filtered = query.status.is_some()
            || query.workspace.is_some()
            || query.ai_project.is_some()
            || query.pool.is_some();
        let filter: Option<&dyn Fn(&Instance) -> bool> = filtered.then_some(&filter);
        let (page, total) = self.select(&scope, &order, filter, query.paging);
        with_fields!(DevEnvInstanceList {
            total_count: Some(clamp(total)),
            instances: Some(
                page.into_iter()
                    .map(|instance| self.dev_env_wire(instance, at, View::Read))
                    .collect(),
            ),
        })
    }
}
