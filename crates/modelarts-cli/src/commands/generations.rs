//! What the commands of both generations have in common: listing with a filter, and waiting.

use crate::bulk::{Filter, check_selector};
use crate::exchange::{Items, Request};
use crate::failure::Failure;
use crate::lifecycle::{Generation, Target};
use crate::output;
use crate::output::table::Layout;
use crate::session::Session;
use crate::waiting::Interval;

use super::Limit;

/// Lists the resources that match a filter.
pub(super) async fn list(
    session: &Session,
    generation: Generation,
    request: Request,
    filter: &Filter,
    limit: &Limit,
    layout: &Layout,
) -> Result<(), Failure> {
    check_selector(&filter.selector, generation.noun())?;
    let checked = layout.check(generation.noun(), &session.format());
    checked.map_err(Failure::usage)?;
    // The filter is applied after fetching, so the limit cannot be passed to the service.
    let most = limit.limit.filter(|_| filter.is_empty());
    let Items {
        mut items,
        mut complete,
    } = session.list(request, most).await?;
    let now = session.now();
    items.retain(|item| filter.selects(item, now));
    if let Some(limit) = limit.limit
        && items.len() > limit
    {
        items.truncate(limit);
        complete = false;
    }
    session.print_all(generation.noun(), layout, Items { items, complete })
}

/// Waits until the resource with this ID reaches the target, and prints it; `name` is its name in messages.
pub(super) async fn wait(
    session: &Session,
    generation: Generation,
    id: &str,
    name: &str,
    target: Target,
    interval: &Interval,
) -> Result<(), Failure> {
    let noun = generation.noun();
    let what = format!("{} {name}", noun.name);
    let reached = generation
        .wait(session, id, &what, target, interval.interval)
        .await?;
    match reached {
        Some(resource) => session.print(noun, &resource),
        None => {
            output::note(&format!("{what} is deleted"));
            Ok(())
        }
    }
}

/// Prints the command that waits until a notebook reaches the target.
pub(super) fn wait_hint(id: &str, target: Target) {
    output::note(&format!(
        "to wait until it is {0}: modelarts notebook wait {id} --for {0}",
        target.word()
    ));
}
