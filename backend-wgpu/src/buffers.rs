//! Device memory: the one function that creates buffers counts their bytes and holds them against a budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use onelaunch_core::DeviceError;

use crate::health::scoped;

/// Creates buffers and knows how many bytes exist.
#[derive(Clone, Debug)]
pub struct Memory {
    device: wgpu::Device,
    used: Arc<AtomicU64>,
    budget: Option<u64>,
    max_buffer: u64,
}

/// A buffer whose bytes are counted while it exists.
#[derive(Debug)]
pub struct Buffer {
    raw: wgpu::Buffer,
    used: Arc<AtomicU64>,
}

impl Memory {
    /// Memory of a device, at most `budget` bytes where one is given.
    pub fn new(device: &wgpu::Device, budget: Option<u64>) -> Self {
        let max_buffer = device.limits().max_buffer_size;
        Self { device: device.clone(), used: Arc::default(), budget, max_buffer }
    }

    /// Bytes that exist now.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Creates buffers, all or none. New memory is zero.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`] beyond the budget, beyond the largest buffer of the device, or where the driver says so.
    pub async fn create(
        &self,
        wanted: &[(String, u64, wgpu::BufferUsages)],
    ) -> Result<Vec<Buffer>, DeviceError> {
        let needed: u64 = wanted.iter().map(|(_, bytes, _)| size(*bytes)).sum();
        if wanted.iter().any(|(_, bytes, _)| size(*bytes) > self.max_buffer) {
            return Err(DeviceError::OutOfMemory { needed, free: Some(self.max_buffer) });
        }
        // Taken before anything is created: two that allocate at once must not both fit.
        let budget = self.budget.unwrap_or(u64::MAX);
        let take = |used: u64| used.checked_add(needed).filter(|sum| *sum <= budget);
        if let Err(used) = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take) {
            return Err(DeviceError::OutOfMemory { needed, free: Some(budget.saturating_sub(used)) });
        }
        // The guards are gone before anything is awaited: they are bound to this thread.
        let (made, scopes) = {
            let invalid = self.device.push_error_scope(wgpu::ErrorFilter::Validation);
            let memory = self.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
            let made: Vec<Buffer> =
                wanted.iter().map(|(label, bytes, usage)| self.one(label, *bytes, *usage)).collect();
            (made, [Box::pin(memory.pop()) as Scope, Box::pin(invalid.pop())])
        };
        for scope in scopes {
            if let Some(error) = scope.await {
                return Err(scoped(&error, needed));
            }
        }
        Ok(made)
    }

    /// Four bytes that can be mapped, for one wait: not counted, since it is no one's memory for long.
    pub fn fence(&self) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("fence"),
            size: 4,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        })
    }

    fn one(&self, label: &str, bytes: u64, usage: wgpu::BufferUsages) -> Buffer {
        let size = size(bytes);
        let raw = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        });
        Buffer { raw, used: self.used.clone() }
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Scope = std::pin::Pin<Box<dyn Future<Output = Option<wgpu::Error>> + Send>>;
#[cfg(target_arch = "wasm32")]
pub(crate) type Scope = std::pin::Pin<Box<dyn Future<Output = Option<wgpu::Error>>>>;

/// Whole vec4s, and at least one.
fn size(bytes: u64) -> u64 {
    bytes.next_multiple_of(16).max(16)
}

impl std::ops::Deref for Buffer {
    type Target = wgpu::Buffer;
    fn deref(&self) -> &wgpu::Buffer {
        &self.raw
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.used.fetch_sub(self.raw.size(), Ordering::Relaxed);
    }
}
