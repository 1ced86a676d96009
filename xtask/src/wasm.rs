//! From a crate to a module with its glue: cargo, wasm-bindgen, wasm-opt. wasm-bindgen is linked in, so its version is the crate's.

use std::path::{Path, PathBuf};

use wasm_bindgen_cli_support::Bindgen;

use crate::toolchain::{TARGET, Toolchain};
use crate::{Result, files, optimise};

/// Cargo's profile for it, in the workspace's manifest. Cargo keeps build scripts and macros in `target/PROFILE`, so it is not `web`.
const PROFILE: &str = "wasm";

/// A module and its glue.
pub(crate) struct Module {
    /// The stem of its files.
    pub name: String,
    /// JavaScript that loads it.
    pub glue: String,
    /// Types of the glue.
    pub types: String,
    /// The module.
    pub wasm: Vec<u8>,
}

/// Compiles a package to a module for browsers.
pub(crate) fn build(root: &Path, toolchain: &Toolchain, package: &str) -> Result<Module> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let mut cargo = toolchain.build();
    cargo.current_dir(root).args(["--profile", PROFILE, "--package", package]);
    if !cargo.status().map_err(|why| format!("cargo cannot be started: {why}"))?.success() {
        return Err(format!("{package} does not compile for {TARGET}").into());
    }
    let name = package.replace('-', "_");
    let raw = target.join(TARGET).join(PROFILE).join(format!("{name}.wasm"));
    let work = target.join(TARGET).join(PROFILE).join("bindgen").join(&name);
    files::fresh(&work)?;
    Bindgen::new()
        .input_path(&raw)
        .web(true)?
        .omit_default_module_path(true)
        .remove_producers_section(true)
        .remove_name_section(true)
        .typescript(true)
        .generate(&work)
        .map_err(|why| format!("wasm-bindgen on {}: {why:#}", raw.display()))?;
    let bound = work.join(format!("{name}_bg.wasm"));
    let wasm = optimise::optimise(root, &target, &bound)?;
    let text = |ending: &str| {
        let path = work.join(format!("{name}{ending}"));
        std::fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))
    };
    Ok(Module { glue: text(".js")?, types: text(".d.ts")?, name, wasm })
}

impl Module {
    /// Its files by name.
    pub(crate) fn files(self) -> Vec<(String, Vec<u8>)> {
        let Self { name, glue, types, wasm } = self;
        vec![
            (format!("{name}.js"), glue.into_bytes()),
            (format!("{name}.d.ts"), types.into_bytes()),
            (format!("{name}_bg.wasm"), wasm),
        ]
    }

    /// Writes them into a folder.
    pub(crate) fn write(self, folder: &Path) -> Result<()> {
        files::fresh(folder)?;
        for (name, bytes) in self.files() {
            files::write(&folder.join(name), &bytes)?;
        }
        Ok(())
    }
}
