//! wasm-opt from npm's `binaryen`, fetched once into `.cache/`. (Debian's binaryen writes modules that browsers refuse.) Without node the
//! module works all the same and is larger.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Result, files};

const VERSION: &str = "132.0.0";

/// Small, since it is downloaded; what computes was optimised for speed by LLVM. Features are what rustc uses for the target by default,
/// and SIMD.
const FLAGS: [&str; 8] = [
    "-Oz",
    "--enable-simd",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// The module, optimised where that is possible. What was made of a module is kept beside `target`'s other things.
pub(crate) fn optimise(root: &Path, target: &Path, module: &Path) -> Result<Vec<u8>> {
    let bytes = files::read(module)?;
    let key = files::sha256(format!("{} {VERSION} {FLAGS:?}", files::sha256(&bytes)).as_bytes());
    let folder = target.join("wasm-opt").join(module.file_stem().unwrap_or_default());
    let done = folder.join(format!("{key}.wasm"));
    if let Ok(known) = files::read(&done) {
        return Ok(known);
    }
    let Some(tool) = tool(root) else { return Ok(bytes) };
    // Only the last result is of use.
    files::fresh(&folder)?;
    let part = done.with_extension("part");
    let status = Command::new("node").arg(tool).args(FLAGS).arg(module).arg("-o").arg(&part).status()?;
    if !status.success() {
        return Err(format!("wasm-opt {VERSION} failed on {}", module.display()).into());
    }
    std::fs::rename(&part, &done)?;
    files::read(&done)
}

/// wasm-opt, fetched if need be; `None` with a note why not.
fn tool(root: &Path) -> Option<PathBuf> {
    let folder = root.join(".cache").join("binaryen").join(VERSION);
    let tool = folder.join("node_modules/binaryen/bin/wasm-opt");
    if tool.is_file() {
        return Some(tool);
    }
    let quiet = |program: &str| {
        let status =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !quiet("node") || !quiet("npm") {
        eprintln!("note: node and npm are not there, so the module is not optimised and will be larger");
        return None;
    }
    eprintln!("fetching binaryen {VERSION} by npm");
    let fetched = std::fs::create_dir_all(&folder).is_ok()
        && Command::new("npm")
            .args(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel", "error", "--prefix"])
            .arg(&folder)
            .arg(format!("binaryen@{VERSION}"))
            .stdout(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if fetched && tool.is_file() {
        return Some(tool);
    }
    eprintln!(
        "note: npm could not fetch binaryen {VERSION}, so the module is not optimised and will be larger"
    );
    None
}
