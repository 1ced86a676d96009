//! What a device can do: the only input to kernel choice besides shapes, so that every choice is tested without a device.

use serde::{Deserialize, Serialize};

/// Where an image may be cut into submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cut {
    /// Nowhere: one launch is the whole image.
    Never,
    /// Between any two dispatches.
    Anywhere,
}

/// Capabilities of a backend on one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caps {
    /// Backend and device, e.g. `wgpu: llvmpipe (LLVM 15.0.6, 256 bits)`.
    pub name: String,
    /// The device is a CPU (the reference, or a software adapter): kernels without workgroup memory are faster there.
    pub is_cpu: bool,
    /// Kernels may read and write 16-bit floats.
    pub f16: bool,
    /// Lanes of a subgroup, 0 if the device has none or several sizes.
    pub subgroup: u32,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Threads of a workgroup.
    pub workgroup_threads: u32,
    /// Largest number of workgroups along one axis of a grid.
    pub workgroups: u32,
    /// Largest range of a buffer that one binding may see, bytes.
    pub max_binding: u64,
    /// Largest buffer, bytes.
    pub max_buffer: u64,
    /// Storage buffers a kernel may bind.
    pub storage_buffers: u32,
    /// Offsets of bindings are multiples of this, bytes.
    pub alignment: u64,
    /// Where images may be cut.
    pub cut: Cut,
    /// Submits that may be in flight while an image is cut.
    pub in_flight: usize,
}

impl Caps {
    /// The CPU reference.
    pub fn reference() -> Self {
        Self {
            name: "cpu: reference".into(),
            is_cpu: true,
            f16: false,
            subgroup: 0,
            workgroup_bytes: 0,
            workgroup_threads: 1,
            workgroups: u32::MAX,
            max_binding: u64::MAX,
            max_buffer: u64::MAX,
            storage_buffers: u32::MAX,
            alignment: 4,
            cut: Cut::Anywhere,
            in_flight: 2,
        }
    }
}
