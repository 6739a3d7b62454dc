//! `cargo xtask verify`. A separate program because it links the generated client, and `cargo xtask regen` must run
//! while that does not compile.

use std::process::ExitCode;

use clap::Parser;
use xtask::verify;

/// Compare the documents with the service's documentation pages, field by field and sample by sample.
///
/// Intended differences are listed in the last column of openapi/ERRATA.md. An entry there that matches no
/// difference is an error.
#[derive(Parser)]
#[command(name = "cargo xtask verify", bin_name = "cargo xtask verify")]
struct Arguments {
    #[command(flatten)]
    options: verify::Options,
}

fn main() -> ExitCode {
    match verify::run(&Arguments::parse().options, modelarts_client::round_trip) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
