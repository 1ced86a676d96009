//! Build script: expands every kernel that `permutations` names, validates it with naga, and writes the table of `src/lib.rs`.
//! Mistakes in WGSL are reported with file and line of the piece they are in.

mod permutations;
mod pieces;
mod preprocess;
mod reflect;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=wgsl");
    println!("cargo::rerun-if-changed=permutations");
    println!("cargo::rerun-if-changed=build");
    match table(Path::new("wgsl"), Path::new("permutations")) {
        Ok(table) => {
            let out = std::env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default().join("shaders.rs");
            if let Err(why) = std::fs::write(&out, table) {
                println!("cargo::error={}: {why}", out.display());
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        Err(why) => {
            for line in why.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The table as Rust source, sorted by name.
fn table(wgsl: &Path, list: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(list).map_err(|why| format!("{}: {why}", list.display()))?;
    let mut all = permutations::parse(&text).map_err(|why| format!("{}: {why}", list.display()))?;
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let browser = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32");
    let mut pieces = pieces::Pieces::default();
    let mut rust = String::from("/// Every kernel, sorted by name.\npub static SHADERS: &[Shader] = &[\n");
    for permutation in &all {
        let expanded = preprocess::expand(wgsl, &permutation.file, &permutation.defines)?;
        let facts = reflect::reflect(&expanded).map_err(|why| format!("{}: {why}", permutation.name))?;
        // A browser downloads them: there are no subgroups there yet, and nobody who reads comments.
        if browser && facts.subgroups {
            continue;
        }
        let text = if browser { pieces::bare(&expanded.text) } else { expanded.text };
        let _ = writeln!(
            rust,
            "    Shader {{ name: {:?}, pieces: &{:?}, workgroup_size: {:?}, bindings: &{}, workgroup_bytes: {}, f16: {}, subgroups: {} }},",
            permutation.name,
            pieces.cut(&text),
            facts.workgroup_size,
            facts.bindings,
            facts.workgroup_bytes,
            facts.f16,
            facts.subgroups
        );
    }
    rust.push_str("];\n");
    let _ = writeln!(rust, "/// What kernels are cut from.\nstatic TEXT: &str = {:?};", pieces.text);
    let screen = preprocess::expand(wgsl, "present.wgsl", &Default::default())?;
    reflect::module(&screen, naga::valid::Capabilities::empty()).map_err(|why| format!("present: {why}"))?;
    Ok(rust)
}
