//! `cargo xtask verify`, with the types of the generated client: a program of its own, since `cargo xtask regen` must
//! run while the generated code does not compile.

use std::process::ExitCode;

use clap::Parser;
use xtask::verify;

/// Compares the documents with the service's pages, field by field and sample by sample.
///
/// A difference on purpose stands in the last column of openapi/ERRATA.md. An entry there that matches
/// no difference is an error.
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
