//! `modelarts completion` and `modelarts man`, generated from the command definitions.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap_complete::Shell;
use clap_complete::env::Shells;

use crate::complete::VARIABLE;
use crate::failure::Failure;
use crate::output;

/// Generate a completion script for a shell
#[derive(Args)]
#[command(
    long_about = "Generate a completion script for a shell\n\nThe script calls this program to complete commands, flags and the names of existing resources.",
    after_help = "Example: modelarts completion bash > ~/.local/share/bash-completion/completions/modelarts"
)]
pub(crate) struct Completion {
    /// Shell to generate the script for
    #[arg(value_enum)]
    shell: Shell,
    /// Generate a static script, which completes only commands and flags
    #[arg(long = "static")]
    is_static: bool,
}

/// Generate man pages
#[derive(Args)]
#[command(after_help = "Example: modelarts man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Folder to write one page per command to; omit it to print the page of `modelarts`
    folder: Option<PathBuf>,
}

pub(crate) fn completion(options: &Completion, mut command: clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    let shell = options.shell.to_string();
    match Shells::builtins().completer(&shell) {
        Some(completer) if !options.is_static => {
            let program = "modelarts";
            completer.write_registration(VARIABLE, program, program, program, &mut script)?;
        }
        _ => clap_complete::generate(options.shell, &mut command, "modelarts", &mut script),
    }
    Ok(output::line(String::from_utf8_lossy(&script).trim_end())?)
}

pub(crate) fn man(options: &Man, command: clap::Command) -> Result<(), Failure> {
    match &options.folder {
        Some(folder) => {
            fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
            clap_mangen::generate_to(command, folder)
                .with_context(|| format!("writing to {}", folder.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            output::line(String::from_utf8_lossy(&page).trim_end())?;
        }
    }
    Ok(())
}
