//! The `modelarts` command.

use std::pin::pin;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{Arg, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

mod api;
mod bulk;
mod commands;
mod complete;
mod config;
mod confirm;
mod connection;
mod demo;
mod document;
mod embedded;
mod emulator;
mod exchange;
mod failure;
mod files;
mod health;
mod lease;
mod lifecycle;
mod manifest;
mod noun;
mod observe;
mod output;
mod plan;
mod registration;
mod resolve;
mod schema;
mod session;
mod text;
mod tokens;
mod waiting;

use commands::{apply, auth, explain, flavor, image, instance, notebook, shell, storage, top};
use connection::Global;
use failure::{EXIT_CODES, Exit, Failure};
use session::Session;

/// Manage ModelArts notebooks from the command line
#[derive(Parser)]
#[command(name = "modelarts", version, arg_required_else_help = true, after_long_help = EXIT_CODES)]
struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(subcommand)]
    Notebook(notebook::Command),
    #[command(subcommand)]
    Instance(instance::Command),
    #[command(subcommand)]
    Lease(commands::lease::Command),
    #[command(subcommand)]
    Image(image::Command),
    #[command(subcommand)]
    Flavor(flavor::Command),
    #[command(subcommand)]
    Storage(storage::Command),
    Top(top::Options),
    Apply(apply::Apply),
    Diff(apply::Diff),
    #[command(subcommand)]
    Auth(auth::Command),
    #[command(subcommand)]
    Config(commands::config::Command),
    Explain(explain::Options),
    /// Call any API operation and print the response as JSON
    Api,
    /// Run a local emulator of the API, for any client
    Emulator(emulator::Options),
    /// Demonstrate the lifecycle of a notebook on a built-in emulator, without an account
    Demo(demo::Options),
    #[cfg(feature = "mcp")]
    Mcp(commands::mcp::Options),
    Completion(shell::Completion),
    Man(shell::Man),
}

fn command() -> clap::Command {
    Arguments::command().mut_subcommand("api", |_| api::command())
}

/// Treats an environment variable that is set but blank as unset.
fn without_blank_variables(argument: Arg) -> Arg {
    let is_blank = |name| {
        let value = std::env::var_os(name);
        value.is_some_and(|value| value.to_str().is_some_and(|value| value.trim().is_empty()))
    };
    match argument.get_env().is_some_and(is_blank) {
        true => argument.env(None::<&str>),
        false => argument,
    }
}

fn main() -> ExitCode {
    clap_complete::CompleteEnv::with_factory(command)
        .var(complete::VARIABLE)
        .complete();
    let matches = command().mut_args(without_blank_variables).get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    match run(arguments, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// The commands that do not use a profile.
const NO_PROFILE: [&str; 9] = [
    "auth logout",
    "completion",
    "config path",
    "demo",
    "emulator",
    "emulator exec",
    "emulator healthcheck",
    "explain",
    "man",
];

/// Returns the command that was given: its names from the root down.
fn path(matches: &clap::ArgMatches) -> String {
    let mut names = Vec::new();
    let mut matches = matches;
    while let Some((name, inner)) = matches.subcommand() {
        names.push(name);
        matches = inner;
    }
    names.join(" ")
}

fn run(arguments: Arguments, matches: &clap::ArgMatches) -> Result<(), Failure> {
    let name = path(matches);
    let mut global = arguments.global;
    // These commands also work with an invalid profile, so that the help on how to fix it can be read.
    if !NO_PROFILE.contains(&name.as_str()) {
        global = global.with_profile()?;
    }
    let is_flag = matches.value_source("output") == Some(ValueSource::CommandLine);
    let format = global.printing.output.take();
    global.printing.output = output::accepted(&name, format, is_flag).map_err(Failure::usage)?;
    let global = &global;
    match &arguments.command {
        Command::Config(command) => return commands::config::run(command, global),
        Command::Explain(options) => return commands::explain::run(options, global),
        Command::Auth(auth::Command::Logout) => return auth::logout(),
        Command::Completion(options) => return shell::completion(options, command()),
        Command::Man(options) => return shell::man(options, command()),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    match arguments.command {
        // It handles interrupts itself, to shut down in order.
        Command::Emulator(options) => runtime.block_on(emulator::run(options)),
        #[cfg(feature = "mcp")]
        Command::Mcp(options) => {
            let outcome = runtime.block_on(interruptible(commands::mcp::run(&options, global)));
            // Does not wait for input that may never come.
            runtime.shutdown_background();
            outcome
        }
        Command::Demo(options) => runtime.block_on(interruptible(demo::run(&options, global))),
        Command::Api => {
            let invocation =
                api::read(matches.subcommand_matches("api")).map_err(Failure::usage)?;
            runtime.block_on(interruptible(api::run(invocation, global)))
        }
        Command::Auth(auth::Command::Login) => runtime.block_on(interruptible(auth::login(global))),
        command => runtime.block_on(interruptible(with_session(command, global))),
    }
}

/// Runs the commands that use the service.
async fn with_session(command: Command, global: &Global) -> Result<(), Failure> {
    let desired = match &command {
        Command::Apply(apply) => apply.read()?,
        Command::Diff(diff) => diff.read()?,
        _ => Vec::new(),
    };
    let session = &Session::start(global).await?;
    match command {
        Command::Notebook(command) => notebook::run(command, session).await,
        Command::Instance(command) => instance::run(command, session).await,
        Command::Lease(command) => commands::lease::run(command, session).await,
        Command::Image(command) => image::run(command, session).await,
        Command::Flavor(command) => flavor::run(command, session).await,
        Command::Storage(command) => storage::run(command, session).await,
        Command::Auth(command) => auth::run(command, session).await,
        Command::Top(options) => top::run(&options, session).await,
        Command::Apply(apply) => apply.run(session, desired).await,
        Command::Diff(diff) => diff.run(session, desired).await,
        // The other commands have already been run without a session.
        _ => Ok(()),
    }
}

/// Runs a command until it is done or interrupted by Ctrl-C.
async fn interruptible(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    // By reference, since the state of a wait is cleared when the command is dropped.
    let mut command = pin!(command);
    tokio::select! {
        outcome = &mut command => outcome,
        _ = tokio::signal::ctrl_c() => Err(Failure::new(
            Exit::Interrupted,
            match waiting::state() {
                Some(state) => format!("interrupted; {state}, and the operation continues"),
                None => "interrupted; operations that have already been started continue".to_owned(),
            },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(command: &clap::Command, depth: usize, text: &mut String) {
        for sub in command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help")
        {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            *text += &format!(
                "{:indent$}{}: {about}\n",
                "",
                sub.get_name(),
                indent = depth * 2
            );
            tree(sub, depth + 1, text);
        }
    }

    #[test]
    fn the_command_tree() {
        let mut text = String::new();
        tree(&command(), 0, &mut text);
        // This command only exists with the feature.
        let mcp = "mcp: Serve the API to an AI agent as MCP tools over standard input and output\n";
        assert_eq!(text.contains(mcp), cfg!(feature = "mcp"), "{text}");
        let text = text.replace(mcp, "");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn no_flag_hides_a_global_flag() {
        fn check(command: &clap::Command, taken: &[String]) {
            for sub in command.get_subcommands() {
                // The `--region` of the emulator is the region that it serves.
                if sub.get_name() == "emulator" {
                    continue;
                }
                for flag in sub.get_arguments().filter_map(|arg| arg.get_long()) {
                    assert!(
                        !taken.iter().any(|taken| taken == flag),
                        "{} --{flag}",
                        sub.get_name()
                    );
                }
                check(sub, taken);
            }
        }
        let command = command();
        let globals = command.get_arguments().filter(|arg| arg.is_global_set());
        let taken: Vec<String> = globals
            .filter_map(|arg| arg.get_long().map(str::to_owned))
            .collect();
        assert!(taken.contains(&"profile".to_owned()));
        check(&command, &taken);
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command
                .get_subcommands()
                .filter(|sub| sub.get_name() != "help")
            {
                let path = format!("{path} {}", sub.get_name());
                assert!(sub.get_about().is_some(), "{path}");
                if sub.get_subcommands().next().is_none() {
                    let example = sub.get_after_help().map(ToString::to_string);
                    let example = example.unwrap_or_default();
                    let wanted = format!("Example: modelarts{path}");
                    assert!(example.starts_with(&wanted), "{path}: {example}");
                }
                check(sub, &path);
            }
        }
        let mut command = command();
        // Adds the operations as subcommands.
        command.build();
        check(&command, "");
    }
}
