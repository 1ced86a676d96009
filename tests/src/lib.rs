//! Conformance of the backends.

pub mod case;
pub mod compare;
#[cfg(not(target_arch = "wasm32"))]
pub mod models;
pub mod noise;
pub mod operand;
pub mod ops;
pub mod oracle;
pub mod reference;
#[cfg(not(target_arch = "wasm32"))]
pub mod skip;
pub mod tolerance;
pub mod wgpu;
