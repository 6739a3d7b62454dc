//! `modelarts config`

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::config;
use crate::connection::Global;
use crate::failure::Failure;
use crate::output::{self, Format};

/// Show settings and their sources
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show each setting and its source
    #[command(after_help = "Example: modelarts config show --profile work")]
    Show,
    /// Print the path of the file that defines profiles
    #[command(after_help = "Example: modelarts config path")]
    Path,
}

pub(crate) fn run(command: &Command, global: &Global) -> Result<(), Failure> {
    match command {
        Command::Show => {
            let settings = global.settings();
            match global.printing.output.clone().unwrap_or(Format::Table) {
                Format::Table => {
                    for (key, value, origin) in settings {
                        let value = crate::text::one_line(&value);
                        output::line(&format!("{key:<11} {value}  ({origin})"))?;
                    }
                    output::note(
                        "other settings come from OS_*, OTC_* and HUAWEICLOUD_SDK_* variables or clouds.yaml",
                    );
                }
                format @ (Format::Csv | Format::Name) => {
                    let settings = settings.into_iter();
                    let rows: Vec<_> = settings
                        .map(|(key, value, from)| json!({"setting": key, "value": value, "from": from}))
                        .collect();
                    output::rows(&format, &["setting", "value", "from"], &rows)?;
                }
                other => {
                    let settings: Map<String, Value> = settings
                        .into_iter()
                        .map(|(key, value, from)| {
                            (key.to_owned(), json!({"value": value, "from": from}))
                        })
                        .collect();
                    output::data(&other, &Value::Object(settings))?;
                }
            }
        }
        Command::Path => {
            let path = config::path().map(|path| path.display().to_string());
            output::line(&path.unwrap_or_default())?;
        }
    }
    Ok(())
}
