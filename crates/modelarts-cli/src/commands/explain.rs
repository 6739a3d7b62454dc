//! `modelarts explain`

use clap::Args;
use modelarts::ErrorEntry;
use serde_json::{Value, json};

use crate::connection::Global;
use crate::failure::{Exit, Failure};
use crate::output::{self, Format};
use crate::schema;

/// Explain an error code and how to resolve it
#[derive(Args)]
#[command(after_help = "Example: modelarts explain ModelArts.6309")]
pub(crate) struct Options {
    /// Error code, such as ModelArts.6309, or only its number
    code: String,
}

pub(crate) fn run(options: &Options, global: &Global) -> Result<(), Failure> {
    let wanted = options.code.trim();
    let same = |entry: &&ErrorEntry| {
        entry.code().eq_ignore_ascii_case(wanted) || entry.code().rsplit('.').next() == Some(wanted)
    };
    let Some(entry) = ErrorEntry::all().iter().find(same) else {
        let codes = ErrorEntry::all().iter().map(ErrorEntry::code);
        let failure = Failure::new(Exit::NotFound, format!("unknown error code `{wanted}`"));
        return Err(match schema::nearest(wanted, codes) {
            Some(nearest) => failure.with_remedy(format!("Did you mean {nearest}?")),
            None => failure,
        });
    };
    let readings: Vec<_> = entry
        .statuses()
        .iter()
        .map(|status| (*status, entry.under(*status)))
        .collect();
    match global.printing.output.clone().unwrap_or(Format::Table) {
        Format::Table => {
            let mut printed = Vec::new();
            for (status, (class, meaning, remedy)) in &readings {
                if printed.contains(&(*meaning, *remedy)) {
                    continue;
                }
                output::line(&format!("{} (HTTP {status}, {class:?})", entry.code()))?;
                output::line(&format!("  {meaning}"))?;
                output::line(&format!("  {remedy}"))?;
                printed.push((*meaning, *remedy));
            }
        }
        other => {
            let readings: Vec<Value> = readings
                .iter()
                .map(|(status, (class, meaning, remedy))| {
                    json!({
                        "code": entry.code(), "status": status, "class": format!("{class:?}"),
                        "meaning": meaning, "remedy": remedy
                    })
                })
                .collect();
            let titles = ["code", "status", "class", "meaning", "remedy"];
            output::rows(&other, &titles, &readings)?;
        }
    }
    Ok(())
}
