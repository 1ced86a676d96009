//! Waiting for the device. Natively the thread that polls the future blocks in the driver; in a browser the event loop wakes it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// A result that a callback of the device delivers.
#[derive(Debug)]
pub struct Signal<T>(Arc<Mutex<(Option<T>, Option<Waker>)>>);

impl<T> Clone for Signal<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Signal<T> {
    /// Not delivered yet.
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new((None, None))))
    }
    /// Delivers.
    pub fn set(&self, value: T) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.0 = Some(value);
        if let Some(waker) = slot.1.take() {
            waker.wake();
        }
    }
    /// Waits for delivery. Natively `index` is waited for first, which makes wgpu call back.
    pub async fn wait(
        &self,
        device: &wgpu::Device,
        index: Option<wgpu::SubmissionIndex>,
    ) -> Result<T, wgpu::PollError> {
        if self.get().is_none() && !cfg!(target_arch = "wasm32") {
            device.poll(wgpu::PollType::Wait { submission_index: index, timeout: None })?;
        }
        Ok(std::future::poll_fn(|context| {
            let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match slot.0.clone() {
                Some(value) => Poll::Ready(value),
                None => {
                    slot.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await)
    }
    /// What was delivered.
    pub fn get(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }
}

/// Whether a buffer was mapped, or why not.
pub type Mapped = Signal<Result<(), String>>;

/// Maps a buffer for reading, which happens when everything submitted so far that uses it is done.
pub fn map(buffer: &wgpu::Buffer) -> Mapped {
    let signal = Signal::new();
    let set = signal.clone();
    buffer.map_async(wgpu::MapMode::Read, .., move |result| {
        set.set(result.map_err(|why| why.to_string()));
    });
    signal
}

/// Maps a buffer and copies its first `bytes` bytes out.
pub async fn read(device: &wgpu::Device, buffer: &wgpu::Buffer, bytes: u64) -> Result<Vec<u8>, String> {
    map(buffer).wait(device, None).await.map_err(|why| why.to_string())??;
    let data = buffer.get_mapped_range(0..bytes).map_err(|why| why.to_string())?.to_vec();
    buffer.unmap();
    Ok(data)
}
