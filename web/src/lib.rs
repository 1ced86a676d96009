//! onelaunch as a wasm module, for a worker: `Engine` is a model on a device, which is WebGPU or the CPU. Files come through a `Host` of
//! JavaScript; errors are JavaScript's `Error` with a `name` of a closed list. The package in `js/` wraps it for pages.

#![cfg(target_arch = "wasm32")]
#![warn(missing_docs)]

mod any_backend;
mod call;
mod engine;
mod event;
mod failure;
mod host;
mod js;
mod listing;
mod picture;
mod plan;
mod request;
mod show;
mod signal;

pub use engine::Engine;
pub use host::{Host, TensorFile};
pub use picture::{png, read_recipe};
pub use signal::Signal;

use wasm_bindgen::prelude::wasm_bindgen;

/// Stands for the build's version until the module is packed, which writes it here: it is a hash of the module too.
static BUILD: &str = "__ONELAUNCH_VERSION__";

/// The crate's version and the build it is of.
#[wasm_bindgen]
#[must_use]
pub fn version() -> String {
    // Not known while compiling, or its bytes would be spread over the code.
    let build = std::hint::black_box(BUILD);
    format!("{} {build}", env!("CARGO_PKG_VERSION"))
}
