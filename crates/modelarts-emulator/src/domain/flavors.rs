//! The flavors of machines.

use modelarts_client::devenviron::types::{FlavorList, NotebookFlavor};
use serde_json::{Value, json};

use super::caller::{At, Caller};
use super::catalogue::Flavor;
use super::model::Generation;
use super::page::{Paging, clamp};
use super::state::{DirtyKey, Owned, State};
use crate::error::{ApiError, ApiResult, code};
use crate::fields::with_fields;

/// The filters of the list.
#[derive(Debug, Default)]
pub(crate) struct FlavorQuery<'a> {
    pub(crate) category: Option<&'a str>,
    pub(crate) cluster: Option<&'a str>,
    pub(crate) ascend: Option<&'a str>,
    pub(crate) feature: Option<&'a str>,
    pub(crate) sort_key: Option<&'a str>,
    pub(crate) descending: bool,
    pub(crate) paging: Paging,
}

impl State {
    pub(crate) fn flavor(&self, id: &str) -> Option<&Flavor> {
        self.flavors.iter().find(|flavor| flavor.id() == id)
    }

    /// Adds a flavor, or replaces the one with its id.
    pub(crate) fn put_flavor(&mut self, offer: NotebookFlavor) {
        let flavor = Flavor::from_offer(offer);
        match self
            .flavors
            .iter_mut()
            .find(|known| known.id() == flavor.id())
        {
            Some(known) => *known = flavor,
            None => self.flavors.push(flavor),
        }
        self.set_dirty(DirtyKey::Flavors);
    }

    fn offer(&self, flavor: &Flavor) -> NotebookFlavor {
        with_fields!(NotebookFlavor {
            sold_out: Some(self.is_sold_out(flavor.id())),
            ..flavor.offer.clone()
        })
    }

    pub(crate) fn list_flavors(&self, query: &FlavorQuery<'_>) -> ApiResult<FlavorList> {
        let fits = |flavor: &&Flavor| {
            let category = query.category.is_none_or(|wanted| {
                flavor
                    .offer
                    .category
                    .as_ref()
                    .is_some_and(|known| *known == wanted)
            });
            let dedicated = query
                .cluster
                .is_some_and(|cluster| cluster.eq_ignore_ascii_case("DEDICATED"));
            let ascend = query.ascend.is_none_or(|wanted| {
                let kind = flavor.offer.ascend.as_ref();
                let kind = kind.and_then(|ascend| ascend.type_.as_deref());
                kind.is_some_and(|kind| format!("ASCEND_{kind}").eq_ignore_ascii_case(wanted))
            });
            let feature = query.feature.is_none_or(|wanted| {
                let known = flavor.offer.feature.as_ref();
                known.is_some_and(|known| *known == wanted)
            });
            category && ascend && feature && (!dedicated || flavor.dedicated)
        };
        let mut flavors: Vec<&Flavor> = self.flavors.iter().filter(fits).collect();
        sort(&mut flavors, query)?;
        let (flavors, numbers) = query.paging.cut(flavors, 1);
        Ok(with_fields!(FlavorList {
            data: Some(
                flavors
                    .into_iter()
                    .map(|flavor| self.offer(flavor))
                    .collect(),
            ),
            flavors: None,
            current: Some(numbers.current),
            pages: Some(numbers.pages),
            size: Some(numbers.size),
            total: Some(numbers.total),
        }))
    }

    /// Lists the flavors that an instance can change to, twice: as `data` and as `flavors`.
    pub(crate) fn switchable_flavors(
        &self,
        at: &At<'_>,
        id: &str,
        query: &FlavorQuery<'_>,
    ) -> ApiResult<FlavorList> {
        let instance = self.find(at.caller, Generation::Notebook, id)?;
        let mut flavors: Vec<&Flavor> = self
            .flavors
            .iter()
            .filter(|flavor| self.can_switch(&instance.flavor, flavor))
            .collect();
        sort(&mut flavors, query)?;
        let (flavors, numbers) = query.paging.cut(flavors, 1);
        let offers: Vec<NotebookFlavor> = flavors
            .into_iter()
            .map(|flavor| self.offer(flavor))
            .collect();
        Ok(with_fields!(FlavorList {
            data: Some(offers.clone()),
            flavors: Some(offers),
            current: Some(numbers.current),
            pages: Some(numbers.pages),
            size: Some(numbers.size),
            total: Some(numbers.total),
        }))
    }

    /// Whether an instance can change from one flavor to another: architecture and feature must be the same.
    pub(crate) fn can_switch(&self, from: &str, to: &Flavor) -> bool {
        self.flavor(from).is_some_and(|from| {
            from.id() != to.id()
                && from.offer.arch == to.offer.arch
                && from.offer.feature == to.offer.feature
        })
    }

    pub(crate) fn require_flavor(&self, id: &str) -> ApiResult<&Flavor> {
        self.flavor(id).ok_or_else(|| {
            ApiError::new(
                code::NO_FLAVOR,
                format!(
                    "The flavor '{id}' does not exist; list the flavors and choose one of them."
                ),
            )
        })
    }

    /// Returns the number of the caller's instances of a flavor, in any status; old generation.
    pub(crate) fn count_of_flavor(&self, caller: &Caller, flavor: &str) -> i32 {
        let owned = Owned {
            project: caller.project.clone(),
            owner: caller.user.clone(),
            flavor: flavor.to_owned(),
        };
        clamp(self.owned.get(&owned).copied().unwrap_or_default() as usize)
    }
}

/// Replaces a number without a fraction by an integer, which some clients require.
pub(crate) fn whole_numbers(number: Option<&mut Value>) {
    if let Some(number) = number
        && let Some(whole) = number.as_f64().filter(|number| number.fract() == 0.0)
    {
        *number = json!(whole as i64);
    }
}

/// Returns a list of flavors as JSON, with integers for whole numbers of cards.
pub(crate) fn plain(list: FlavorList) -> ApiResult<Value> {
    let mut list = serde_json::to_value(&list)
        .map_err(|error| ApiError::new(code::INTERNAL, error.to_string()))?;
    for name in ["data", "flavors"] {
        for flavor in list
            .get_mut(name)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            whole_numbers(flavor.pointer_mut("/gpu/gpu"));
        }
    }
    Ok(list)
}

fn sort(flavors: &mut [&Flavor], query: &FlavorQuery<'_>) -> ApiResult<()> {
    let Some(keys) = query.sort_key.filter(|keys| !keys.trim().is_empty()) else {
        return Ok(());
    };
    for key in keys.split(',').map(str::trim).rev() {
        match key {
            "id" => flavors.sort_by_key(|flavor| flavor.offer.id.clone()),
            "name" => flavors.sort_by_key(|flavor| flavor.offer.name.clone()),
            "memory" => flavors.sort_by_key(|flavor| flavor.offer.memory),
            "vcpus" => flavors.sort_by_key(|flavor| flavor.offer.vcpus),
            _ => {
                return Err(ApiError::new(
                    code::SORT_KEY,
                    format!("Flavors cannot be sorted by '{key}'; use id, name, memory or vcpus."),
                ));
            }
        }
    }
    if query.descending {
        flavors.reverse();
    }
    Ok(())
}
