//! Text to image with one launch per picture, for those who embed it: a model folder, a device, pixels. The binary `onelaunch` is a thin
//! shell around this crate, and what both wrap is [`Pipeline`] of `onelaunch-core`.
//!
//! | what | is |
//! |---|---|
//! | [`Folder`], [`find_model`] | a model in diffusers' layout on disk, mapped, not read |
//! | [`AnyBackend`] | a device chosen at run time: [`AnyBackend::open`] says which and why |
//! | [`AnyPipeline`] | a model on that device: `load`, `generate` |
//! | [`Request`], [`Generated`] | what is asked, and pixels with the recipe of each picture |
//! | [`Event`], [`Cancel`] | progress, and how to stop |
//! | `picture` | PNG files that carry their recipe (feature `png`) |
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use onelaunch::{AnyBackend, AnyPipeline, BackendName, Cancel, Precision, Request, find_model};
//!
//! # pollster::block_on(async {
//! let folder = find_model(None)?;
//! let chosen = AnyBackend::open(BackendName::Auto, None).await?;
//! let pipeline = AnyPipeline::load(chosen.backend, &folder, Precision::F32, &|_| {}).await?;
//! let request = Request { prompt: "a red apple".into(), ..Request::default() };
//! let made = pipeline.generate(&request, &Cancel::new(), None).await?;
//! assert_eq!(made.images[0].len(), made.width * made.height * 4);
//! # Ok(()) })
//! # }
//! ```
//!
//! A caller who knows the device uses `Pipeline<CpuBackend>` or `Pipeline<WgpuBackend>` directly; [`WgpuBackend::from_device`] takes a
//! device of the caller's own.

#![warn(missing_docs)]

mod any_backend;
mod folder;

pub use any_backend::{
    Adapter, AnyBackend, AnyPipeline, BackendError, BackendName, Chosen, VisitPipeline, adapters,
};
pub use folder::{Folder, FolderError, MODEL_VARIABLE, find_model};
pub use onelaunch_core as core;
#[cfg(feature = "png")]
pub use onelaunch_core::picture;
pub use onelaunch_core::{
    Cancel, CpuBackend, Event, GenerateError, Generated, LoadError, Pace, Pipeline, Precision, Recipe,
    Request, Shown, Viewer,
};
pub use onelaunch_wgpu::WgpuBackend;

/// The README's program compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
