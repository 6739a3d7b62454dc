//! Reads and checks the tables of `openapi/ERRATA.md`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::problem::Problem;

/// Path from the root of the checkout.
pub const FILE: &str = "openapi/ERRATA.md";

const COLUMNS: usize = 6;

/// The kinds of difference that a row can declare as intended.
pub const KINDS: [&str; 11] = [
    "missing",
    "extra",
    "type",
    "mandatory",
    "values",
    "limit",
    "default",
    "unit",
    "reference",
    "status",
    "sample",
];

/// The rows of `openapi/ERRATA.md`.
#[derive(Debug, Default)]
pub struct Errata {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    line: usize,
    cells: Vec<String>,
}

impl Row {
    fn id(&self) -> &str {
        self.cells.first().map_or("", String::as_str)
    }

    /// The code spans of the last column.
    fn spans(&self) -> impl Iterator<Item = &str> {
        let column = self.cells.get(COLUMNS - 1).map_or("", String::as_str);
        column.split('`').skip(1).step_by(2)
    }
}

impl Errata {
    /// Reads `openapi/ERRATA.md` below the root of a checkout.
    pub fn read(root: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(root.join(FILE)).with_context(|| format!("reading {FILE}"))?;
        Ok(Self::parse(&text))
    }

    /// Reads the rows of all tables of a text.
    pub fn parse(text: &str) -> Self {
        let is_row = |line: &str| line.starts_with('|');
        let is_frame = |line: &str| line.starts_with("|---") || line.starts_with("| id |");
        let rows = text
            .lines()
            .enumerate()
            .filter(|(_, line)| is_row(line) && !is_frame(line))
            .map(|(index, line)| Row {
                line: index + 1,
                cells: cells(line),
            })
            .collect();
        Self { rows }
    }

    /// The intended differences, each with the id of its row.
    pub fn on_purpose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.rows
            .iter()
            .flat_map(|row| row.spans().map(|span| (span, row.id())))
    }

    /// Returns every violation of the rules for errata.
    pub fn problems(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut report = |row: &Row, rule, message: String| {
            found.push(Problem {
                file: FILE.to_owned(),
                pointer: format!("L{}", row.line),
                rule,
                message,
            });
        };
        let mut first: HashMap<&str, usize> = HashMap::new();
        for row in &self.rows {
            if row.cells.len() != COLUMNS {
                report(
                    row,
                    "errata-columns",
                    format!(
                        "has {} columns instead of {COLUMNS}: id, page, what the sources say, what the \
                         document does, why, on purpose; write a bar inside a cell as \\|",
                        row.cells.len()
                    ),
                );
                continue;
            }
            if let Some(empty) = row.cells[..COLUMNS - 1].iter().position(String::is_empty) {
                report(
                    row,
                    "errata-columns",
                    format!("column {} is empty; only the last may be", empty + 1),
                );
            }
            match first.get(row.id()) {
                None => {
                    first.insert(row.id(), row.line);
                }
                Some(line) => report(
                    row,
                    "errata-id",
                    format!(
                        "`{}` is already the id of the row in line {line}; add a suffix or merge the rows",
                        row.id()
                    ),
                ),
            }
            for span in row.spans() {
                if !is_span(span) {
                    report(
                        row,
                        "errata-span",
                        format!(
                            "`{span}` does not have the form `PAGE/…:KIND`, where KIND is one of {}",
                            KINDS.join(", ")
                        ),
                    );
                }
            }
        }
        found
    }
}

fn is_span(span: &str) -> bool {
    span.rsplit_once(':')
        .is_some_and(|(place, kind)| place.contains('/') && KINDS.contains(&kind))
}

/// The cells of a table row. `\|` is a literal bar.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().trim_start_matches('|');
    let line = line.strip_suffix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let last = cells.len() - 1;
        match c {
            '\\' if characters.peek() == Some(&'|') => {
                characters.next();
                cells[last].push('|');
            }
            '|' => cells.push(String::new()),
            c => cells[last].push(c),
        }
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
# Errata

| id | page | what the sources say | what the document does | why | on purpose |
|---|---|---|---|---|---|
| A1 | P | `a` \\| `b` | Both. | Union. | `P/T1/a:extra` `P/S1:sample` |
| A2 | P | Nothing. | Nothing. | So. | |
";

    fn rules(text: &str) -> Vec<String> {
        Errata::parse(text)
            .problems()
            .iter()
            .map(|problem| format!("{} {}", problem.pointer, problem.rule))
            .collect()
    }

    #[test]
    fn a_good_ledger_is_read() {
        assert!(rules(GOOD).is_empty());
        let errata = Errata::parse(GOOD);
        let spans: Vec<_> = errata.on_purpose().collect();
        assert_eq!(spans, [("P/T1/a:extra", "A1"), ("P/S1:sample", "A1")]);
    }

    #[test]
    fn each_rule_finds_its_fault() {
        assert_eq!(rules(&GOOD.replace("| A2", "| A1")), ["L7 errata-id"]);
        assert_eq!(rules(&GOOD.replace("\\|", "|")), ["L6 errata-columns"]);
        assert_eq!(rules(&GOOD.replace("| So.", "| ")), ["L7 errata-columns"]);
        assert_eq!(
            rules(&GOOD.replace(":sample", ":simple")),
            ["L6 errata-span"]
        );
    }
}
