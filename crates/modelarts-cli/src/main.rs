//! The `modelarts` command.

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

mod api;
mod connection;
mod demo;
mod document;
mod emulator;
mod failure;
mod output;

use connection::Connection;
use failure::Failure;

/// ModelArts notebooks from the command line.
#[derive(Parser)]
#[command(name = "modelarts", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the life of an instance on a built-in emulator: no account, no network
    Demo(demo::Options),
    /// Serve the API on this machine, for any client
    Emulator(emulator::Options),
    /// Call any operation of the API and print the answer as JSON
    Api,
}

fn main() -> ExitCode {
    let operations = match api::operations() {
        Ok(operations) => operations,
        Err(error) => return Failure::from(error).report(),
    };
    let command = Arguments::command()
        .mut_subcommand("api", |_| Connection::augment(api::command(&operations)));
    let matches = command.get_matches();
    match run(&operations, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(operations: &[document::Operation], matches: &ArgMatches) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    if let Some(matches) = matches.subcommand_matches("api") {
        let call = api::call(operations, matches).map_err(Failure::usage)?;
        let connection = Connection::from_matches(matches);
        return runtime.block_on(api::run(call, &connection));
    }
    match Arguments::from_arg_matches(matches)
        .map_err(|error| Failure::usage(error.into()))?
        .command
    {
        Command::Demo(options) => runtime.block_on(demo::run(&options)),
        Command::Emulator(options) => runtime.block_on(emulator::run(options)),
        // It was matched by name above, with the flags that the document gives it.
        Command::Api => Ok(()),
    }
}
