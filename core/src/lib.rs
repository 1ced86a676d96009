//! What to compute. Model code records a [`Graph`]; the passes ([`passes`]) turn it into a [`Program`]: hoisted parts, a step in two
//! variants, a decoder, all with planned memory. A [`Backend`] compiles it once and replays it per image; [`Pipeline`] is what
//! callers hold. There is no GPU here and no I/O beyond bytes handed in, and everything builds for wasm32.
//!
//! | word | is |
//! |---|---|
//! | record | model code writes nodes into a [`Graph`] |
//! | hoist, fuse, choose, plan | pure passes from graphs to a [`Program`] with a [`Plan`](passes::plan::Plan) |
//! | compile, open | a backend makes pipelines, then the memory of one image in flight |
//! | begin, submit, read | inputs up, work queued, pixels down |
//!
//! Shapes are letters: N batch, H W space, C channels, T tokens, D head dim, S rows of a schedule.

#![warn(missing_docs)]

pub mod backend;
pub mod caps;
pub mod compile;
pub mod files;
mod gemm;
pub mod graph;
pub mod image;
pub mod math;
pub mod maybe;
pub mod memory;
pub mod model;
pub mod model_index;
pub mod models;
pub mod noise;
pub mod ops;
pub mod passes;
#[cfg(feature = "png")]
pub mod picture;
pub mod pipeline;
pub mod program;
pub mod reference;
pub mod request;
pub mod schedule;
pub mod shape;
pub mod store;
pub mod tokenizer;
pub mod weights;

pub use backend::{Backend, DeviceError, Session};
pub use caps::Caps;
pub use compile::Precision;
pub use graph::Graph;
pub use model::LoadError;
pub use pipeline::{Cancel, Event, GenerateError, Generated, Pipeline, Shown, Viewer};
pub use program::Program;
pub use reference::CpuBackend;
pub use request::{Pace, Recipe, Request};
