//! `modelarts top`

use clap::Args;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::noun::{INSTANCE, NOTEBOOK, Noun, is_running};
use crate::output;
use crate::output::Format;
use crate::output::table::{self, Layout};
use crate::session::Session;

/// Show what is running, for how long, when it stops and what is billed
#[derive(Args)]
#[command(after_help = "Example: modelarts top")]
pub(crate) struct Options {}

pub(crate) async fn run(_options: &Options, session: &Session) -> Result<(), Failure> {
    let notebooks = running(session, &NOTEBOOK).await?;
    let instances = running(session, &INSTANCE).await?;
    let now = session.now();
    if !matches!(session.format(), Format::Table) {
        return print(session, &notebooks, &instances);
    }
    if notebooks.is_empty() && instances.is_empty() {
        output::note("nothing is running");
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

/// Prints the resources for programs; CSV has the columns that both generations have.
fn print(session: &Session, notebooks: &[Value], instances: &[Value]) -> Result<(), Failure> {
    const TITLES: [&str; 5] = ["NAME", "FLAVOR", "UP", "STOPS IN", "ID"];
    let format = session.format();
    if !matches!(format, Format::Csv | Format::Name) {
        let value = json!({"notebooks": notebooks, "instances": instances});
        return Ok(output::data(&format, &value)?);
    }
    let columns = |noun| {
        let layout = Layout {
            columns: TITLES.map(str::to_owned).into(),
            ..Layout::default()
        };
        table::columns(noun, &layout)
    };
    let now = session.now();
    let mut titles = vec!["kind".to_owned()];
    titles.extend(columns(&NOTEBOOK)?.iter().map(|column| column.data_title()));
    let mut rows = Vec::new();
    for (noun, items) in [(&NOTEBOOK, notebooks), (&INSTANCE, instances)] {
        for item in items {
            let mut row = Map::new();
            row.insert("kind".to_owned(), noun.name.into());
            for column in columns(noun)? {
                let cell = (column.cell)(item, now);
                row.insert(column.data_title(), cell.data().into());
            }
            rows.push(Value::Object(row));
        }
    }
    let titles: Vec<_> = titles.iter().map(String::as_str).collect();
    Ok(output::rows(&format, &titles, &rows)?)
}

async fn running(session: &Session, noun: &Noun) -> Result<Vec<Value>, Failure> {
    let mut items = session.list(noun.listing()?, None).await?.items;
    items.retain(is_running);
    Ok(items
        .iter()
        .map(|item| session.hidden(noun, item, true))
        .collect())
}
