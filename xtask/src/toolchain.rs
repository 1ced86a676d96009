//! Which Rust makes wasm32: the one that cargo runs with, where the target is installed, else Debian's, which builds the standard library
//! itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// A way to compile for wasm32.
pub(crate) enum Toolchain {
    /// The cargo in use, with a standard library for the target.
    Installed,
    /// Debian's cargo, rustc and sources of the standard library, with a linker of this name.
    Debian { linker: PathBuf },
}

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_STD: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";

const MISSING: &str = "there is no Rust that compiles for wasm32-unknown-unknown. Either run
    rustup target add wasm32-unknown-unknown
or, on Debian,
    apt-get install rustc-web cargo-web rust-web-src lld-19";

/// Takes one.
pub(crate) fn pick() -> Result<Toolchain> {
    if installed() {
        return Ok(Toolchain::Installed);
    }
    let complete = [DEBIAN_CARGO, DEBIAN_RUSTC, DEBIAN_STD].iter().all(|path| Path::new(path).is_file());
    match linker() {
        Some(linker) if complete => Ok(Toolchain::Debian { linker }),
        _ => Err(MISSING.into()),
    }
}

fn installed() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]).output();
    answer.is_ok_and(|answer| {
        let folder = String::from_utf8_lossy(&answer.stdout).trim().to_owned();
        answer.status.success() && Path::new(&folder).is_dir()
    })
}

/// `wasm-ld`, or the newest `wasm-ld-N`.
fn linker() -> Option<PathBuf> {
    let plain = PathBuf::from("/usr/bin/wasm-ld");
    if plain.exists() {
        return Some(plain);
    }
    let version = |path: &PathBuf| path.file_name()?.to_str()?.strip_prefix("wasm-ld-")?.parse::<u32>().ok();
    let all = std::fs::read_dir("/usr/bin").ok()?.flatten().map(|entry| entry.path());
    all.filter(|path| version(path).is_some()).max_by_key(version)
}

impl Toolchain {
    /// For people.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Installed => "the installed target",
            Self::Debian { .. } => "Debian's toolchain, with a standard library of its own",
        }
    }

    /// `cargo build` for the target.
    pub(crate) fn build(&self) -> Command {
        match self {
            Self::Installed => {
                let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
                cargo.args(["build", "--target", TARGET]);
                cargo
            }
            Self::Debian { linker } => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                cargo.args(["build", "--target", TARGET, "-Zbuild-std=std,panic_abort"]);
                cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                // What the cargo that started this task set for itself, its libraries above all.
                for name in ["CARGO", "LD_LIBRARY_PATH", "RUSTUP_TOOLCHAIN", "RUSTUP_HOME"] {
                    cargo.env_remove(name);
                }
                cargo
            }
        }
    }
}
