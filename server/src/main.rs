//! The binary `onelaunch`: words in, a PNG out. Everything it does can be done with the library.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
