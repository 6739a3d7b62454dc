//! Pages and sort orders of lists.

use std::cmp::Ordering;

use super::listing::Scope;
use super::model::Instance;
use super::state::State;
use crate::error::{ApiError, ApiResult, code, shortened};

/// The requested part of a list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Paging {
    /// The number of records to skip.
    pub(crate) offset: usize,
    /// The number of records on the page; `None` for all.
    pub(crate) limit: Option<usize>,
}

/// The numbers of a page that are part of its response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PageNumbers {
    pub(crate) current: i32,
    pub(crate) pages: i32,
    pub(crate) size: i32,
    pub(crate) total: i64,
}

impl Paging {
    /// Returns the numbers of the page. `first` is the number of the first page: 0 for notebooks, 1 for everything
    /// else.
    pub(crate) fn numbers(self, total: usize, first: usize) -> PageNumbers {
        let size = self.limit.unwrap_or(total);
        let (page, pages) = match size {
            0 => (0, 0),
            size => (self.offset / size, total.div_ceil(size)),
        };
        PageNumbers {
            current: clamp(page + first),
            pages: clamp(pages),
            size: clamp(size),
            total: i64::try_from(total).unwrap_or(i64::MAX),
        }
    }

    fn of<T>(self, records: Vec<T>) -> Vec<T> {
        let limit = self.limit.unwrap_or(records.len());
        records.into_iter().skip(self.offset).take(limit).collect()
    }

    /// Cuts the page out of a complete list, and returns it with its numbers.
    pub(crate) fn cut<T>(self, records: Vec<T>, first: usize) -> (Vec<T>, PageNumbers) {
        let numbers = self.numbers(records.len(), first);
        (self.of(records), numbers)
    }
}

pub(crate) fn clamp(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// A field by which records are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortKey {
    Created,
    Updated,
    Name,
    Status,
    Flavor,
}

impl SortKey {
    /// Parses a list of fields; all spellings that known clients use are accepted.
    pub(crate) fn parse_list(text: Option<&str>) -> ApiResult<Vec<Self>> {
        let keys: Vec<Self> = text
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .map(Self::parse)
            .collect::<ApiResult<_>>()?;
        Ok(if keys.is_empty() {
            vec![Self::Created]
        } else {
            keys
        })
    }

    fn parse(text: &str) -> ApiResult<Self> {
        let plain: String = text
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        match plain.as_str() {
            "createat" | "createtime" | "createdat" | "creationtimestamp" => Ok(Self::Created),
            "updateat" | "updatetime" | "updatedat" | "latestupdatetimestamp" => Ok(Self::Updated),
            "name" => Ok(Self::Name),
            "status" => Ok(Self::Status),
            "flavor" => Ok(Self::Flavor),
            _ => Err(ApiError::new(
                code::SORT_KEY,
                format!(
                    "The list cannot be sorted by '{}'; use create_at, update_at, name, status or flavor.",
                    shortened(text)
                ),
            )),
        }
    }

    fn compare(self, a: &Instance, b: &Instance) -> Ordering {
        match self {
            Self::Created => a.created.cmp(&b.created),
            Self::Updated => a.updated.cmp(&b.updated),
            Self::Name => a.name.cmp(&b.name),
            Self::Status => a.status().as_str().cmp(b.status().as_str()),
            Self::Flavor => a.flavor.cmp(&b.flavor),
        }
    }
}

/// A sort order of instances.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) keys: Vec<SortKey>,
    pub(crate) descending: bool,
}

impl State {
    /// Returns a page of the instances in a scope that match the filter, and the number of all that match.
    ///
    /// Without a filter, and in one of the two orders that are kept, the cost depends on the page, not on the list.
    pub(crate) fn select(
        &self,
        scope: &Scope,
        order: &Order,
        filter: Option<&dyn Fn(&Instance) -> bool>,
        paging: Paging,
    ) -> (Vec<&Instance>, usize) {
        let Some(orders) = self.listing.get(scope) else {
            return (Vec::new(), 0);
        };
        let total = orders.created.len();
        let from = if filter.is_none() { paging.offset } else { 0 };
        let by_name = order.keys.first() == Some(&SortKey::Name);
        let kept = order.keys.len() == 1 && (by_name || order.keys[0] == SortKey::Created);
        let numbers: Box<dyn Iterator<Item = u64> + '_> = match (by_name, order.descending) {
            _ if !kept => Box::new(orders.created.ascending(0).map(|(_, seq)| *seq)),
            (true, false) => Box::new(orders.name.ascending(from).map(|(_, seq)| *seq)),
            (true, true) => Box::new(orders.name.descending(from).map(|(_, seq)| *seq)),
            (false, false) => Box::new(orders.created.ascending(from).map(|(_, seq)| *seq)),
            (false, true) => Box::new(orders.created.descending(from).map(|(_, seq)| *seq)),
        };
        let instances = numbers.filter_map(|seq| self.instances.get(&seq));
        if kept && filter.is_none() {
            let limit = paging.limit.unwrap_or(usize::MAX);
            return (instances.take(limit).collect(), total);
        }
        let mut chosen: Vec<&Instance> = instances
            .filter(|instance| filter.is_none_or(|filter| filter(instance)))
            .collect();
        if !kept {
            chosen.sort_by(|a, b| {
                let ordering = order
                    .keys
                    .iter()
                    .map(|key| key.compare(a, b))
                    .find(|ordering| ordering.is_ne())
                    .unwrap_or_else(|| a.seq.cmp(&b.seq));
                if order.descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            });
        }
        let total = chosen.len();
        (paging.of(chosen), total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_numbers_follow_the_samples() {
        let notebooks = Paging {
            offset: 20,
            limit: Some(10),
        };
        assert_eq!(
            notebooks.numbers(25, 0),
            PageNumbers {
                current: 2,
                pages: 3,
                size: 10,
                total: 25
            }
        );
        let flavors = Paging::default();
        assert_eq!(
            flavors.numbers(9, 1),
            PageNumbers {
                current: 1,
                pages: 1,
                size: 9,
                total: 9
            }
        );
        assert_eq!(flavors.numbers(0, 1).pages, 0);
    }

    #[test]
    fn sort_keys_have_several_spellings_and_no_others() {
        let keys = SortKey::parse_list(Some("createTime, name"));
        assert_eq!(keys, Ok(vec![SortKey::Created, SortKey::Name]));
        assert_eq!(SortKey::parse_list(None), Ok(vec![SortKey::Created]));
        assert_eq!(
            SortKey::parse_list(Some("colour")).unwrap_err().code,
            code::SORT_KEY
        );
    }
}
