//! How programs are launched on wgpu. `compile` makes pipelines, `open` buffers and bind groups; a step is a flat list of pipeline, bind
//! group and grid that `submit` encodes into one compute pass.
//!
//! Kernels come from `onelaunch-shaders`; which one a node takes is a pure function of the op, its shapes and the [`Caps`].

#![warn(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod ahead;
mod backend;
mod buffers;
mod caps;
mod compile;
mod constants;
mod device;
mod fence;
mod health;
pub mod layout;
pub mod ops;
mod regions;
pub mod screen;
mod session;
pub mod single;
mod upload;
mod wait;
mod weights;

pub use backend::{WgpuBackend, choose};
pub use compile::WgpuExecutable;
pub use device::{Adapter, OpenError, Select, adapters};
pub use onelaunch_core::Caps;
pub use session::WgpuSession;
pub use weights::WgpuWeights;
