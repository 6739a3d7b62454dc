//! Which of the formats a command prints.

use anyhow::{Result, bail};

use super::Format;

/// What a command prints on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prints {
    /// Resources or results: every format.
    Rows,
    /// JSON as the service sends it, which has no columns.
    Json,
    /// A text with a form of its own, or nothing.
    Text,
}

/// The commands that print a text with a form of its own, or nothing.
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

/// The format in which a command prints. What it cannot print is refused where a flag asks for it; a variable or a
/// profile asks all commands, and each does what it can.
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
            "--output: `modelarts {command}` prints json, yaml, jq=FILTER or jsonpath=PATH; for tables use commands like \
             `modelarts notebook list`"
        ),
        _ => bail!("--output: `modelarts {command}` has a single output format"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands that do something, by their names from the root down.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        let subcommands: Vec<_> = command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
            .collect();
        // `emulator` has commands, and is one.
        if subcommands.is_empty() || path == "emulator" || path == "api" {
            found.push(path.to_owned());
        }
        for sub in subcommands {
            let path = format!("{path} {}", sub.get_name());
            leaves(sub, path.trim(), found);
        }
    }

    #[test]
    fn every_command_takes_a_format_or_refuses_it() {
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
