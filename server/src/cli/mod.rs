//! The command line: what can be said, and which verb it goes to. Results are written to stdout, everything else to stderr.

mod args;
mod bench;
mod devices;
mod failure;
mod generate;
mod inspect;
mod interrupt;
mod output;
mod progress;

use std::process::ExitCode;

use clap::Parser;

/// Text to image with one launch per picture.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
#[command(after_help = "Exit codes: 0 done, 1 failed, 2 bad input (nothing was written), 130 cancelled.")]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Make pictures of a prompt.
    Generate(Box<generate::GenerateArgs>),
    /// Show what would be computed and where it would lie, without allocating it.
    Inspect(Box<inspect::InspectArgs>),
    /// List the devices and what each can do.
    Devices(devices::DevicesArgs),
    /// Measure a picture part by part.
    Bench(Box<bench::BenchArgs>),
}

/// Parses, does, and turns failures into exit codes.
pub(crate) fn main() -> ExitCode {
    let started = std::time::Instant::now();
    let result = match Cli::parse().verb {
        Verb::Generate(args) => generate::generate(&args, started),
        Verb::Inspect(args) => inspect::inspect(&args),
        Verb::Devices(args) => devices::devices(&args),
        Verb::Bench(args) => bench::bench(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.code().into()
        }
    }
}
