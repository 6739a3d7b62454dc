//! Tables for people, and the same as CSV.

use std::io::{self, IsTerminal as _};

use anstream::{AutoStream, ColorChoice};
use anyhow::{Result, bail};
use clap::Args;
use comfy_table::{Attribute, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};
use modelarts::Timestamp;
use serde_json::Value;

use super::cell::{Cell, Tone};
use super::rows::csv_lines;
use super::{Format, line};
use crate::noun::{Column, Noun};
use crate::text;

/// What of a list is shown.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Table")]
pub(crate) struct Layout {
    /// Show all columns
    #[arg(long)]
    pub(crate) wide: bool,
    /// Show these columns, by their titles
    #[arg(long, value_name = "TITLE,...", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Sort by this column; with a dash in front, downwards
    #[arg(long, value_name = "TITLE", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,
}

impl Layout {
    /// Refuses columns that do not exist, and columns where there are none, before anything is sent.
    pub(crate) fn check(&self, noun: &Noun, format: &Format) -> Result<()> {
        columns(noun, self)?;
        if let Some(sort) = &self.sort {
            find(noun, sort.strip_prefix('-').unwrap_or(sort))?;
        }
        let is_shaped = self.wide || !self.columns.is_empty();
        if is_shaped && !matches!(format, Format::Table | Format::Csv) {
            bail!("--wide and --columns are for tables and csv; other formats have all fields");
        }
        Ok(())
    }
}

/// The columns that a layout asks for.
pub(crate) fn columns(noun: &Noun, layout: &Layout) -> Result<Vec<&'static Column>> {
    if layout.columns.is_empty() {
        let columns = noun.columns.iter();
        return Ok(columns
            .filter(|column| layout.wide || !column.wide)
            .collect());
    }
    layout
        .columns
        .iter()
        .map(|title| find(noun, title))
        .collect()
}

fn find(noun: &Noun, title: &str) -> Result<&'static Column> {
    let plain = |title: &str| title.trim().replace([' ', '_'], "-");
    let same = |column: &&Column| {
        let mut titles = [Some(column.title), column.data_title]
            .into_iter()
            .flatten();
        titles.any(|known| plain(known).eq_ignore_ascii_case(&plain(title)))
    };
    match noun.columns.iter().find(same) {
        Some(column) => Ok(column),
        None => {
            let known: Vec<_> = noun.columns.iter().map(|column| column.title).collect();
            bail!(
                "there is no column `{title}`; there are {}",
                known.join(", ")
            )
        }
    }
}

/// Puts the items in the order that the layout asks for.
pub(crate) fn sort(
    noun: &Noun,
    layout: &Layout,
    items: &mut [Value],
    now: Timestamp,
) -> Result<()> {
    let Some(sort) = &layout.sort else {
        return Ok(());
    };
    let (title, downwards) = match sort.strip_prefix('-') {
        Some(title) => (title, true),
        None => (sort.as_str(), false),
    };
    let column = find(noun, title)?;
    items.sort_by_cached_key(|item| key(column, item, now));
    if downwards {
        items.reverse();
    }
    Ok(())
}

/// Ages by the time itself, numbers by their size, all else as text.
fn key(column: &Column, item: &Value, now: Timestamp) -> (u64, String) {
    let text = (column.cell)(item, now).text;
    let number = match text::duration(&text) {
        Ok(duration) => duration.as_secs(),
        Err(_) => {
            let digits = text.split(' ').next().unwrap_or_default();
            digits.parse().unwrap_or(u64::MAX)
        }
    };
    (number, text)
}

/// Room that a name keeps on a narrow terminal as long as other columns can give way.
const NAME: usize = 16;

/// Room that it keeps in any case.
const LEAST: usize = 8;

/// Prints rows under their titles. On a terminal that is too narrow the name is cut, and then columns give way.
pub(crate) fn print(columns: &[&Column], items: &[Value], now: Timestamp) -> Result<()> {
    let mut shown: Vec<&Column> = columns.to_vec();
    let mut hidden = Vec::new();
    let mut fitting = table(&shown, items, now);
    if let Some(width) = width() {
        loop {
            let widths = fitting.column_max_content_widths();
            let needed: usize = widths.iter().map(|width| usize::from(*width) + 2).sum();
            // Nothing follows the last column.
            let excess = needed.saturating_sub(width + 2);
            if excess == 0 {
                break;
            }
            let name = widths.first().map_or(0, |width| usize::from(*width));
            if name.saturating_sub(excess) >= NAME {
                cut_first(&mut fitting, name - excess);
                break;
            }
            let first = shown
                .iter()
                .enumerate()
                .filter(|(_, column)| column.yields > 0);
            let Some((index, _)) = first.max_by_key(|(_, column)| column.yields) else {
                cut_first(&mut fitting, name.saturating_sub(excess).max(LEAST));
                break;
            };
            hidden.push(shown.remove(index).title);
            fitting = table(&shown, items, now);
        }
    }
    for row in fitting.lines() {
        line(row.trim_end())?;
    }
    if !hidden.is_empty() {
        // In the order that the table would have them.
        let titles: Vec<_> = columns
            .iter()
            .map(|column| column.title)
            .filter(|title| hidden.contains(title))
            .collect();
        let message = format!(
            "columns that do not fit: {}; choose some with --columns",
            titles.join(", ")
        );
        super::note(&text::folded(&message, width().unwrap_or(usize::MAX)));
    }
    Ok(())
}

/// Cuts the first column to so many characters.
fn cut_first(table: &mut Table, width: usize) {
    let width = u16::try_from(width + 2).unwrap_or(u16::MAX);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_truncation_indicator(text::ellipsis());
    if let Some(column) = table.column_mut(0) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(width)));
    }
    for row in table.row_iter_mut() {
        row.max_height(1);
    }
}

/// A table without lines, in colour where that is wanted.
fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    if colors() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

fn table(columns: &[&Column], items: &[Value], now: Timestamp) -> Table {
    let mut table = plain();
    table.set_header(
        columns
            .iter()
            .map(|column| comfy_table::Cell::new(column.title).add_attribute(Attribute::Bold)),
    );
    for item in items {
        table.add_row(
            columns
                .iter()
                .map(|column| styled((column.cell)(item, now))),
        );
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn styled(cell: Cell) -> comfy_table::Cell {
    let shown = comfy_table::Cell::new(cell.text);
    match cell.tone {
        Tone::Plain => shown,
        Tone::Good => shown.fg(Color::Green),
        Tone::Busy => shown.fg(Color::Yellow),
        Tone::Bad => shown.fg(Color::Red),
    }
}

/// One resource, a line for each thing that is known of it.
pub(crate) fn details(noun: &Noun, item: &Value, now: Timestamp) -> Result<()> {
    let known = noun.columns.iter().filter_map(|column| {
        let cell = (column.cell)(item, now);
        (cell != Cell::none()).then_some((column.title, cell))
    });
    let mut table = plain();
    for (title, cell) in known {
        let title = comfy_table::Cell::new(title).add_attribute(Attribute::Bold);
        table.add_row([title, styled(cell)]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for row in table.lines() {
        line(row.trim_end())?;
    }
    Ok(())
}

/// The same table for programs.
pub(crate) fn csv(columns: &[&Column], items: &[Value], now: Timestamp) -> Result<()> {
    csv_lines(
        columns.iter().map(|column| column.data_title()),
        items.iter().map(|item| {
            let cells = columns.iter().map(|column| (column.cell)(item, now));
            cells.map(|cell| cell.data().to_owned()).collect::<Vec<_>>()
        }),
    )
}

/// The width of the terminal; nothing is cut in a pipe.
fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    Table::new().width().map(usize::from)
}

/// As `NO_COLOR`, `CLICOLOR_FORCE` and the terminal want it.
fn colors() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::noun::{FLAVOR, NOTEBOOK};

    #[test]
    fn columns_are_found_by_title() {
        let layout = |columns: &[&str]| Layout {
            columns: columns.iter().map(|&title| title.to_owned()).collect(),
            ..Layout::default()
        };
        let titles = |columns: Vec<&Column>| -> Vec<_> {
            columns.iter().map(|column| column.title).collect()
        };
        let found = columns(&NOTEBOOK, &layout(&["id", "stops-in"])).unwrap();
        assert_eq!(titles(found), ["ID", "STOPS IN"]);
        let error = columns(&NOTEBOOK, &layout(&["colour"])).unwrap_err();
        assert!(
            error.to_string().contains("there are NAME, STATUS"),
            "{error}"
        );
    }

    #[test]
    fn sizes_are_sorted_by_size() {
        let mut items = vec![
            json!({"vcpus": 16}),
            json!({"vcpus": 2}),
            json!({"vcpus": 8}),
        ];
        let layout = Layout {
            sort: Some("-vcpus".to_owned()),
            ..Layout::default()
        };
        sort(&FLAVOR, &layout, &mut items, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(
            items,
            [
                json!({"vcpus": 16}),
                json!({"vcpus": 8}),
                json!({"vcpus": 2})
            ]
        );
    }

    #[test]
    fn a_hostile_name_stays_in_its_cell() {
        let cell =
            (NOTEBOOK.columns[0].cell)(&json!({"name": "a\u{1b}[2J\nb"}), Timestamp::UNIX_EPOCH);
        assert_eq!(cell.text, "a\\u{1b}[2J\\nb");
    }
}
