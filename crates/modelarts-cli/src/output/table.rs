//! Tables for people, and the same columns as CSV.

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

/// The columns and the order of a list.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Table")]
pub(crate) struct Layout {
    /// Show all columns
    #[arg(long)]
    pub(crate) wide: bool,
    /// Show only these columns
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
    /// Sort by this column; a leading dash sorts in descending order
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,
}

impl Layout {
    /// Rejects unknown columns, and columns in formats without columns, before any request is sent.
    pub(crate) fn check(&self, noun: &Noun, format: &Format) -> Result<()> {
        columns(noun, self)?;
        if let Some(sort) = &self.sort {
            find(noun, sort.strip_prefix('-').unwrap_or(sort))?;
        }
        let selects_columns = self.wide || !self.columns.is_empty();
        if selects_columns && !matches!(format, Format::Table | Format::Csv) {
            bail!(
                "--wide and --columns apply only to tables and CSV; other formats contain all fields"
            );
        }
        Ok(())
    }
}

/// Returns the columns that a layout selects.
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
                "there is no column `{title}`; the columns are {}",
                known.join(", ")
            )
        }
    }
}

/// Sorts the items as the layout requests.
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

/// Returns the sort key of an item: durations and numbers are compared by value, everything else as text.
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

/// The minimum width of a column that can be truncated, as long as other columns can be hidden instead.
const PREFERRED_WIDTH: usize = 16;

/// The minimum width of a column that can be truncated.
const MINIMUM_WIDTH: usize = 8;

/// The number of spaces between columns.
const GAP: usize = 2;

/// Returns the width of each column so that the table fits into `width`; `None` for columns that are hidden.
fn fit(columns: &[&Column], widths: &[usize], width: usize) -> Vec<Option<usize>> {
    let mut shown: Vec<Option<usize>> = widths.iter().copied().map(Some).collect();
    let can_be_truncated = |index: usize| index == 0 || columns[index].is_long;
    let needed = |shown: &[Option<usize>], limit: usize| -> usize {
        let cut = shown.iter().enumerate().filter_map(|(index, wide)| {
            wide.map(|wide| if can_be_truncated(index) { wide.min(limit) } else { wide } + GAP)
        });
        cut.sum::<usize>().saturating_sub(GAP)
    };
    while needed(&shown, PREFERRED_WIDTH) > width {
        let candidates = shown.iter().enumerate().filter(|(_, wide)| wide.is_some());
        let hideable = candidates.filter(|(index, _)| columns[*index].hide_priority > 0);
        let Some((index, _)) = hideable.max_by_key(|(index, _)| columns[*index].hide_priority)
        else {
            break;
        };
        shown[index] = None;
    }
    // Use the largest common limit that fits.
    let longest = widths.iter().copied().max().unwrap_or_default();
    let limit = (MINIMUM_WIDTH..=longest.max(MINIMUM_WIDTH)).rev();
    let limit = limit
        .into_iter()
        .find(|limit| needed(&shown, *limit) <= width);
    let limit = limit.unwrap_or(MINIMUM_WIDTH);
    for (index, wide) in shown.iter_mut().enumerate() {
        if can_be_truncated(index) {
            *wide = wide.map(|wide| wide.min(limit));
        }
    }
    shown
}

/// Prints a table. On a narrow terminal, long columns are truncated first, and then columns are hidden.
pub(crate) fn print(columns: &[&Column], items: &[Value], now: Timestamp) -> Result<()> {
    let mut whole = table(columns, items, now);
    let Some(width) = width() else {
        return print_lines(&whole);
    };
    let widths = whole.column_max_content_widths();
    let widths: Vec<_> = widths.iter().map(|width| usize::from(*width)).collect();
    let fitting = fit(columns, &widths, width);
    let is_shown = |index: &usize| fitting[*index].is_some();
    let (shown, hidden): (Vec<_>, Vec<_>) = (0..columns.len()).partition(is_shown);
    if !hidden.is_empty() {
        let shown: Vec<_> = shown.iter().map(|index| columns[*index]).collect();
        whole = table(&shown, items, now);
    }
    for (place, index) in shown.iter().enumerate() {
        if let Some(wide) = fitting[*index].filter(|wide| *wide < widths[*index]) {
            truncate(&mut whole, place, wide, width);
        }
    }
    print_lines(&whole)?;
    if !hidden.is_empty() {
        let titles: Vec<_> = hidden.iter().map(|index| columns[*index].title).collect();
        let message = format!(
            "columns that do not fit: {}; select columns with --columns",
            titles.join(", ")
        );
        super::note(&text::folded(&message, width));
    }
    Ok(())
}

fn print_lines(table: &Table) -> Result<()> {
    for row in table.lines() {
        line(row.trim_end())?;
    }
    Ok(())
}

/// Truncates a column to `width` characters, on a terminal with `terminal` columns.
fn truncate(table: &mut Table, column: usize, width: usize, terminal: usize) {
    let padded = |width: usize| u16::try_from(width + GAP).unwrap_or(u16::MAX);
    // The padding of the last column is not printed.
    table.set_width(padded(terminal));
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_truncation_indicator(text::ellipsis());
    if let Some(column) = table.column_mut(column) {
        column.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(padded(width))));
    }
    for row in table.row_iter_mut() {
        row.max_height(1);
    }
}

/// Returns an empty table without borders, with colours if they are enabled.
fn empty_table() -> Table {
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
    let mut table = empty_table();
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

/// Prints one resource, with a line for each column that has a value.
pub(crate) fn details(noun: &Noun, item: &Value, now: Timestamp) -> Result<()> {
    let known = noun.columns.iter().filter_map(|column| {
        let cell = (column.cell)(item, now);
        (cell != Cell::none()).then_some((column.title, cell))
    });
    let mut table = empty_table();
    for (title, cell) in known {
        let title = comfy_table::Cell::new(title).add_attribute(Attribute::Bold);
        table.add_row([title, styled(cell)]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    print_lines(&table)
}

/// Prints the items as CSV.
pub(crate) fn csv(columns: &[&Column], items: &[Value], now: Timestamp) -> Result<()> {
    csv_lines(
        columns.iter().map(|column| column.data_title()),
        items.iter().map(|item| {
            let cells = columns.iter().map(|column| (column.cell)(item, now));
            cells.map(|cell| cell.data().to_owned()).collect::<Vec<_>>()
        }),
    )
}

/// Returns the width of the terminal; `None` if standard output is not a terminal.
fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    Table::new().width().map(usize::from)
}

/// Whether to use colours, according to `NO_COLOR`, `CLICOLOR_FORCE` and the terminal.
fn colors() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::noun::{FLAVOR, IMAGE, NOTEBOOK};

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
            error.to_string().contains("the columns are NAME, STATUS"),
            "{error}"
        );
    }

    #[test]
    fn long_columns_are_truncated_before_others_are_hidden() {
        let columns: Vec<&Column> = IMAGE.columns.iter().filter(|column| !column.wide).collect();
        let titles: Vec<_> = columns.iter().map(|column| column.title).collect();
        assert_eq!(titles, ["NAME", "TAG", "STATUS", "ARCH", "FOR", "ID"]);
        let widths = [54, 48, 6, 7, 8, 36];
        let fit = |width| fit(&columns, &widths, width);
        assert_eq!(fit(200), widths.map(Some));
        assert_eq!(
            fit(120),
            [Some(26), Some(26), Some(6), Some(7), Some(8), Some(36)]
        );
        assert_eq!(
            fit(80),
            [Some(25), Some(25), Some(6), Some(7), Some(8), None]
        );
        assert_eq!(fit(40), [Some(32), None, Some(6), None, None, None]);
        // No other column can be hidden.
        assert_eq!(fit(10), [Some(8), None, Some(6), None, None, None]);
    }

    #[test]
    fn numbers_are_sorted_by_value() {
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
