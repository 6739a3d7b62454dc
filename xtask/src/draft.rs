//! `cargo xtask draft`: a first document from pages and from facts of the SDK.
//!
//! Names, types, limits, values and provenance are facts and are taken over; sentences are not: where one of ours is
//! owed, the draft says TODO.

mod evidence;
mod facts;
mod insert;
mod merge;
mod score;
#[cfg(test)]
mod tests;
mod write;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use serde_json::Value;

use crate::check;
use crate::document::Document;
use crate::problem::Problem;
use crate::sdk::{self, Facts};
use crate::verify::page::{self, Page};
use crate::workspace;
use facts::Sources;

/// What a draft is made of.
#[derive(Debug, Args)]
pub struct Options {
    /// Pages, one JSON file each.
    #[arg(required_unless_present = "sdk")]
    pages: Vec<PathBuf>,
    /// Facts of the SDK, one JSON file for each operation.
    #[arg(long, num_args = 1.., value_name = "FACTS")]
    sdk: Vec<PathBuf>,
    /// Print this document with what it lacks; none of its lines changes.
    #[arg(long, value_name = "DOCUMENT", conflicts_with = "score")]
    merge: Option<PathBuf>,
    /// Print how near the draft comes to the document of this name instead.
    #[arg(long, value_name = "NAME")]
    score: Option<String>,
    /// With --score, print each fact that differs, too.
    #[arg(long, requires = "score")]
    misses: bool,
}

/// Prints the draft, and on standard error where judgement is owed.
///
/// # Errors
///
/// When a source cannot be read, or when the draft is no whole document.
pub fn run(options: &Options) -> Result<bool> {
    let pages: Vec<Page> = options
        .pages
        .iter()
        .map(|file| page::read_file(file))
        .collect::<Result<_>>()?;
    let facts: Vec<Facts> = options
        .sdk
        .iter()
        .map(|file| sdk::read_file(file))
        .collect::<Result<_>>()?;
    let value = draft(&pages, &facts);
    let text = insert::yaml(&value)?;
    let draft = parse(&text)?;
    if let Some(name) = &options.score {
        let curated = Document::read(&workspace::root(), name)?;
        let curated =
            curated.map_err(|problems| anyhow!("{name} is broken: {}", listed(&problems)))?;
        let score = score::score(&pages, &curated, &draft);
        if options.misses {
            score.misses.iter().for_each(|miss| println!("{miss}"));
        }
        print!("{score}");
        return Ok(true);
    }
    if let Some(file) = &options.merge {
        let curated =
            fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let (merged, report) = merge::merge(&curated, &parse(&curated)?, &draft)?;
        print!("{merged}");
        report.iter().for_each(|line| eprintln!("{line}"));
        return Ok(true);
    }
    print!("{text}");
    let owed = check::broken_rules(&draft);
    for problem in &owed {
        eprintln!("{problem}");
    }
    eprintln!(
        "{} places where `cargo xtask check` asks for judgement",
        owed.len()
    );
    Ok(true)
}

/// The draft of some pages and facts.
fn draft(pages: &[Page], facts: &[Facts]) -> Value {
    let mut sources = Sources::default();
    sources.add_pages(pages);
    sources.add_sdk(facts);
    let mut document = write::document(&sources);
    evidence::apply(&mut document, write::TODO);
    document
}

fn parse(text: &str) -> Result<Document> {
    let document = Document::parse("draft", "draft.yaml", text);
    document.map_err(|problems| anyhow!("not a whole document: {}", listed(&problems)))
}

fn listed(problems: &[Problem]) -> String {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    problems.join("; ")
}
