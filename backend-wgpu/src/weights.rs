//! Weights on the device: a buffer per leaf, shared by all programs of a model.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use onelaunch_core::DeviceError;
use onelaunch_core::weights::{Layout, Leaf, LeafId};

use crate::backend::WgpuBackend;
use crate::buffers::Buffer;
use crate::fence::settle;

/// Buffers of a model's leaves.
#[derive(Debug, Default)]
pub struct WgpuWeights {
    pub(crate) leaves: BTreeMap<LeafId, Buffer>,
    /// Bytes written since the queue was last waited for.
    in_flight: AtomicU64,
}

/// Writes are cut to this: larger ones are slow in browsers, where they pass through shared memory.
const PIECE: usize = 8 << 20;
/// Bytes that may be staged at once. Browsers never give staging memory back, so there it is two pieces.
const MOST_IN_FLIGHT: u64 = if cfg!(target_arch = "wasm32") { 2 << 20 } else { 64 << 20 };

/// Allocates.
pub async fn allocate(backend: &WgpuBackend, leaves: &[(Leaf, Layout)]) -> Result<WgpuWeights, DeviceError> {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let most = backend.caps.max_binding;
    if let Some((leaf, layout)) = leaves.iter().find(|(_, layout)| layout.bytes > most) {
        let name = leaf.sources.first().map_or("", |s| s.name.as_str());
        return Err(DeviceError::Usage(format!(
            "weight {name} has {} bytes, a binding at most {most}: load it in a 16-bit encoding or use another device",
            layout.bytes
        )));
    }
    let wanted: Vec<_> =
        leaves.iter().map(|(leaf, layout)| (format!("leaf {}", leaf.id.0), layout.bytes, usage)).collect();
    let made = backend.memory.create(&wanted).await?;
    let leaves = leaves.iter().map(|(leaf, _)| leaf.id).zip(made).collect();
    Ok(WgpuWeights { leaves, in_flight: AtomicU64::new(0) })
}

/// Writes part of a leaf.
pub async fn write(
    backend: &WgpuBackend,
    weights: &WgpuWeights,
    leaf: LeafId,
    at: u64,
    bytes: &[u8],
) -> Result<(), DeviceError> {
    backend.health.check()?;
    let missing = || DeviceError::Usage(format!("no memory was made for leaf {}", leaf.0));
    let buffer = weights.leaves.get(&leaf).ok_or_else(missing)?;
    if !at.is_multiple_of(4) || !bytes.len().is_multiple_of(4) || at + bytes.len() as u64 > buffer.size() {
        let (end, size) = (at + bytes.len() as u64, buffer.size());
        return Err(DeviceError::Usage(format!(
            "bytes {at}..{end} of leaf {} ({size} bytes, in fours)",
            leaf.0
        )));
    }
    for (i, piece) in bytes.chunks(PIECE).enumerate() {
        backend.queue.write_buffer(buffer, at + (i * PIECE) as u64, piece);
        let staged = weights.in_flight.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        if staged >= MOST_IN_FLIGHT {
            weights.in_flight.store(0, Ordering::Relaxed);
            settle(backend).await?;
        }
    }
    backend.health.check()
}
