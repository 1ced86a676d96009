//! Builds what cargo alone cannot: `cargo xtask web` makes the browser package and the demo page.

mod files;
mod optimise;
mod serve;
mod site;
mod toolchain;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Anything that ends a task, in words that say what to do.
pub(crate) type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

const USAGE: &str = "\
Usage: cargo xtask web [--tests] [--serve] [--port N]

Builds the wasm module, the JavaScript package and the demo page into target/web.
  --tests     also build the op conformance cases for browsers into target/web-tests
  --serve     then serve target/web on localhost
  --port N    on this port [default: 8017]";

/// What the command line asks for.
struct Asked {
    tests: bool,
    serve: bool,
    port: u16,
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match parse(&args).and_then(|asked| web(&asked)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[String]) -> Result<Asked> {
    let [task, rest @ ..] = args else { return Err(USAGE.into()) };
    if task != "web" {
        return Err(format!("unknown task `{task}`\n\n{USAGE}").into());
    }
    let mut asked = Asked { tests: false, serve: false, port: 8017 };
    let mut rest = rest.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--tests" => asked.tests = true,
            "--serve" => asked.serve = true,
            "--port" => {
                let port = rest.next().ok_or("--port needs a number")?;
                asked.port = port.parse().map_err(|_| format!("--port needs a number, not `{port}`"))?;
            }
            other => return Err(format!("unknown option `{other}`\n\n{USAGE}").into()),
        }
    }
    Ok(asked)
}

fn web(asked: &Asked) -> Result<()> {
    let root = root();
    let toolchain = toolchain::pick()?;
    eprintln!("wasm32 by {}", toolchain.name());
    let module = wasm::build(&root, &toolchain, "onelaunch-web")?;
    site::assemble(&root, module)?;
    if asked.tests {
        let module = wasm::build(&root, &toolchain, "onelaunch-browser-tests")?;
        let to = root.join("target/web-tests");
        module.write(&to)?;
        println!("{}", to.display());
    }
    if asked.serve {
        serve::serve(&root.join("target/web"), asked.port)?;
    }
    Ok(())
}

/// The repository.
fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own).to_owned()
}
