//! The output formats that each command supports.

use anyhow::{Result, bail};

use super::Format;

/// The kind of output of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prints {
    /// Resources or results, in any format.
    Rows,
    /// JSON as received from the service, which cannot be a table.
    Json,
    /// Text in a fixed format, or no output.
    Text,
}

/// The commands whose output has a fixed format, and those without output.
pub(crate) const TEXT: [&str; 14] = [
    "auth login",
    "auth logout",
    "auth token",
    "completion",
    "config path",
    "demo",
    "emulator",
    "emulator exec",
    "emulator healthcheck",
    "man",
    "mcp",
    "notebook open",
    "notebook ssh",
    "notebook ssh-config",
];

fn prints(command: &str) -> Prints {
    if command == "api" || command.starts_with("api ") {
        Prints::Json
    } else if TEXT.contains(&command) {
        Prints::Text
    } else {
        Prints::Rows
    }
}

/// Returns the format to use for a command. An unsupported format is an error if it comes from a flag. A variable or a
/// profile applies to all commands, so commands that do not support its format ignore it.
pub(crate) fn accepted(
    command: &str,
    format: Option<Format>,
    is_flag: bool,
) -> Result<Option<Format>> {
    let is_accepted = match (prints(command), &format) {
        (Prints::Rows, _) | (_, None) => true,
        (Prints::Json, Some(format)) => {
            !matches!(format, Format::Table | Format::Csv | Format::Name)
        }
        (Prints::Text, Some(_)) => false,
    };
    match prints(command) {
        _ if is_accepted => Ok(format),
        _ if !is_flag => Ok(None),
        Prints::Json => bail!(
            "--output: `modelarts {command}` supports only json, yaml, jq=FILTER and jsonpath=PATH; for tables, use \
             commands such as `modelarts notebook list`"
        ),
        _ => bail!("--output: `modelarts {command}` does not support output formats"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Collects the executable commands, as paths from the root.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        let subcommands: Vec<_> = command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
            .collect();
        // `emulator` has subcommands and is executable itself.
        if subcommands.is_empty() || path == "emulator" || path == "api" {
            found.push(path.to_owned());
        }
        for sub in subcommands {
            let path = format!("{path} {}", sub.get_name());
            leaves(sub, path.trim(), found);
        }
    }

    #[test]
    fn every_command_accepts_or_rejects_each_format() {
        let mut commands = Vec::new();
        leaves(&crate::command(), "", &mut commands);
        for text in TEXT.iter().filter(|text| **text != "mcp") {
            assert!(commands.iter().any(|command| command == text), "{text}");
        }
        let formats = ["table", "json", "yaml", "csv", "name", "jq=.", "jsonpath=$"];
        for command in &commands {
            for format in formats {
                let format: Format = format.parse().unwrap();
                let by_flag = accepted(command, Some(format.clone()), true);
                let by_variable = accepted(command, Some(format.clone()), false).unwrap();
                match by_flag {
                    Ok(taken) => {
                        assert_eq!((taken, by_variable), (Some(format.clone()), Some(format)))
                    }
                    Err(error) => {
                        assert_eq!(by_variable, None, "{command}");
                        assert!(error.to_string().contains(command.as_str()), "{error}");
                    }
                }
            }
            assert_eq!(accepted(command, None, true).unwrap(), None);
        }
        assert!(accepted("api listNotebooks", Some(Format::Csv), true).is_err());
        assert!(accepted("notebook list", Some(Format::Csv), true).is_ok());
    }
}
