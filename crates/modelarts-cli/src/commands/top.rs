//! `modelarts top`

use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::noun::{INSTANCE, NOTEBOOK, Noun, is_running};
use crate::output;
use crate::output::Format;
use crate::output::table::{self, Layout};
use crate::session::Session;

/// What runs, since when, what stops it, and what of it is billed
#[derive(Args)]
#[command(after_help = "Example: modelarts top")]
pub(crate) struct Options {}

pub(crate) async fn run(_options: &Options, session: &Session) -> Result<(), Failure> {
    let notebooks = running(session, &NOTEBOOK).await?;
    let instances = running(session, &INSTANCE).await?;
    let now = session.now();
    if !matches!(session.format(), Format::Table) {
        let value = json!({"notebooks": notebooks, "instances": instances});
        return Ok(output::data(&session.format(), &value)?);
    }
    if notebooks.is_empty() && instances.is_empty() {
        output::note("nothing runs");
        return Ok(());
    }
    for (noun, items, titles) in [
        (
            &NOTEBOOK,
            &notebooks,
            &["NAME", "FLAVOR", "UP", "STOPS IN", "BILLED", "ID"],
        ),
        (
            &INSTANCE,
            &instances,
            &["NAME", "FLAVOR", "UP", "STOPS IN", "OWNER", "ID"],
        ),
    ] {
        if items.is_empty() {
            continue;
        }
        let layout = Layout {
            columns: titles.iter().map(|&title| title.to_owned()).collect(),
            ..Layout::default()
        };
        output::note(&format!("{} running: {}", noun.plural, items.len()));
        table::print(&table::columns(noun, &layout)?, items, now)?;
    }
    Ok(())
}

async fn running(session: &Session, noun: &Noun) -> Result<Vec<Value>, Failure> {
    let mut items = session.list(noun.listing()?, None).await?.items;
    items.retain(is_running);
    Ok(items
        .iter()
        .map(|item| session.hidden(noun, item, true))
        .collect())
}
