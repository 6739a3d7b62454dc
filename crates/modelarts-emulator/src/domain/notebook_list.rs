//! Reading notebooks: the lists, and single notebooks.

use bytes::Bytes;
use modelarts_client::devenviron::types;

use super::caller::At;
use super::listing::Scope;
use super::model::{Generation, Instance};
use super::page::{Order, Paging, SortKey};
use super::stale_reads::View;
use super::state::State;
use super::tags;
use super::wire::node_address;
use crate::clock::Millis;
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The filters of the list of the caller's notebooks and of that of all notebooks.
#[derive(Debug, Default)]
pub(crate) struct NotebookQuery<'a> {
    /// Whether other users' notebooks are included.
    pub(crate) all: bool,
    pub(crate) feature: Option<&'a str>,
    pub(crate) name: Option<&'a str>,
    pub(crate) pool: Option<&'a str>,
    pub(crate) owner: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    pub(crate) workspace: Option<&'a str>,
    pub(crate) flavor: Option<&'a str>,
    pub(crate) image: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) billing: Option<&'a str>,
    pub(crate) tags: Option<&'a str>,
    pub(crate) swr_path: Option<&'a str>,
    pub(crate) pool_name: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    pub(crate) ip: Option<&'a str>,
    pub(crate) user_name: Option<&'a str>,
    pub(crate) sort_key: Option<&'a str>,
    pub(crate) ascending: bool,
    pub(crate) paging: Paging,
}

impl State {
    pub(crate) fn list_notebooks(
        &self,
        at: &At<'_>,
        query: &NotebookQuery<'_>,
    ) -> ApiResult<Bytes> {
        let order = Order {
            keys: SortKey::parse_list(query.sort_key)?,
            descending: !query.ascending,
        };
        let own = Some(at.caller.user.clone());
        let owner = match (query.all, query.owner) {
            (_, Some(owner)) if at.caller.admin || owner == at.caller.user => {
                Some(owner.to_owned())
            }
            (true, _) => None,
            (false, _) => own,
        };
        let scope = Scope {
            project: at.caller.project.clone(),
            generation: Generation::Notebook,
            free: Some(
                query
                    .feature
                    .is_some_and(|feature| feature.eq_ignore_ascii_case("DEFAULT")),
            ),
            owner,
        };
        let tags = query.tags.map(tags::parse_filter).transpose()?;
        if let Some(billing) = query.billing
            && !["COMPUTE", "STORAGE", "ALL"].contains(&billing.to_ascii_uppercase().as_str())
        {
            return Err(ApiError::value(
                "billing",
                "it must be COMPUTE, STORAGE or ALL",
            ));
        }
        let filter = |instance: &Instance| {
            let Some(notebook) = instance.notebook() else {
                return false;
            };
            let pool = notebook.pool.as_deref();
            let contains = |wanted: Option<&str>, text: &dyn Fn() -> Option<String>| {
                wanted.is_none_or(|wanted| text().is_some_and(|text| text.contains(wanted)))
            };
            let has = |(key, value): &(&str, Option<&str>)| {
                let found = notebook.tags.get(*key);
                found.is_some_and(|found| value.is_none_or(|value| found == value))
            };
            query
                .flavor
                .is_none_or(|wanted| instance.flavor.contains(wanted))
                && query.image.is_none_or(|wanted| notebook.image == wanted)
                && query.id.is_none_or(|wanted| instance.id == wanted)
                // Compute and storage are always billed together; a free notebook costs nothing.
                && query.billing.is_none_or(|_| !instance.free)
                && tags.as_ref().is_none_or(|tags| tags.iter().all(has))
                && query
                    .description
                    .is_none_or(|wanted| instance.description.contains(wanted))
                && query
                    .ip
                    .is_none_or(|wanted| node_address(instance).as_deref() == Some(wanted))
                && contains(query.swr_path, &|| {
                    self.notebook_image(&notebook.image).swr_path
                })
                && contains(query.pool_name, &|| self.pool(instance, pool?).name)
                && contains(query.user_name, &|| self.user(&instance.owner).name)
                && query.name.is_none_or(|name| instance.name.contains(name))
                && query.pool.is_none_or(|wanted| pool == Some(wanted))
                && query
                    .workspace
                    .is_none_or(|wanted| instance.workspace == wanted)
                && query
                    .status
                    .is_none_or(|wanted| instance.status().as_str().eq_ignore_ascii_case(wanted))
        };
        let filtered = [
            query.name,
            query.pool,
            query.workspace,
            query.status,
            query.flavor,
            query.image,
            query.id,
            query.billing,
            query.tags,
            query.swr_path,
            query.pool_name,
            query.description,
            query.ip,
            query.user_name,
        ]
        .iter()
        .any(Option::is_some);
        let filter: Option<&dyn Fn(&Instance) -> bool> = filtered.then_some(&filter);
        let (page, total) = self.select(&scope, &order, filter, query.paging);
        let numbers = query.paging.numbers(total, 0);
        let frame = json(&with_fields!(types::NotebookList {
            current: Some(numbers.current),
            pages: Some(numbers.pages),
            size: Some(numbers.size),
            total: Some(numbers.total),
            data: None,
        }))?;
        // The notebooks are already rendered as JSON, and are inserted unchanged.
        let notebooks = self.render_all(&page, at.now)?;
        let length: usize = notebooks.iter().map(|notebook| notebook.len() + 1).sum();
        let mut list = Vec::with_capacity(frame.len() + length + 16);
        list.extend_from_slice(b"{\"data\":[");
        for (index, notebook) in notebooks.iter().enumerate() {
            if index > 0 {
                list.push(b',');
            }
            list.extend_from_slice(notebook);
        }
        list.extend_from_slice(b"],");
        list.extend_from_slice(&frame[1..]);
        Ok(Bytes::from(list))
    }

    /// Returns the notebook as JSON; by far the most frequent request.
    pub(crate) fn show_notebook(&self, at: &At<'_>, id: &str) -> ApiResult<Bytes> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        self.check_known(instance, at.now)?;
        self.render(instance, at.now)
    }

    fn render(&self, instance: &Instance, now: Millis) -> ApiResult<Bytes> {
        match self.rendered.get(&instance.seq) {
            Some(rendered) => Ok(rendered),
            None => self.render_anew(instance, now),
        }
    }

    fn render_all(&self, instances: &[&Instance], now: Millis) -> ApiResult<Vec<Bytes>> {
        let keys = instances.iter().map(|instance| &instance.seq);
        let rendered = self.rendered.get_all(keys);
        instances
            .iter()
            .zip(rendered)
            .map(|(instance, rendered)| match rendered {
                Some(rendered) => Ok(rendered),
                None => self.render_anew(instance, now),
            })
            .collect()
    }

    fn render_anew(&self, instance: &Instance, now: Millis) -> ApiResult<Bytes> {
        let notebook = self.notebook_wire(instance, now, View::Read);
        let json = Bytes::from(json(&notebook)?);
        if instance.is_at_rest() && self.settings.stale_reads == 0 {
            self.rendered.insert(instance.seq, json.clone());
        }
        Ok(json)
    }
}

fn json<T: serde::Serialize>(value: &T) -> ApiResult<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| ApiError::new(code::INTERNAL, error.to_string()))
}
