//! Waiting for submits: each ends by clearing four bytes that can be mapped, and their mapping tells that everything before is done.
//! In browsers that comes several times sooner than `onSubmittedWorkDone`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use onelaunch_core::DeviceError;

use crate::backend::WgpuBackend;
use crate::wait::{Mapped, map};

/// The fences of a session: a few buffers, taken in turn.
#[derive(Debug)]
pub(crate) struct Ring {
    fences: Vec<wgpu::Buffer>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pending: Vec<Pending>,
    /// Highest serial that is known to be done.
    reached: u64,
}

/// A fence that was submitted and not yet taken back.
#[derive(Clone, Debug)]
struct Pending {
    /// Which buffer.
    at: usize,
    serial: u64,
    index: wgpu::SubmissionIndex,
    mapped: Mapped,
}

impl Ring {
    /// Of these buffers.
    pub fn new(fences: Vec<wgpu::Buffer>) -> Self {
        Self { fences, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a fence at the end of a submit; `None` where all are on their way, and then [`Self::wait`] makes one.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) -> Option<usize> {
        let mut state = self.state();
        let State { pending, reached } = &mut *state;
        pending.retain(|fence| match fence.mapped.get() {
            None => true,
            Some(result) => {
                if result.is_ok() {
                    self.fences[fence.at].unmap();
                    *reached = (*reached).max(fence.serial);
                }
                false
            }
        });
        let free = (0..self.fences.len()).find(|at| pending.iter().all(|fence| fence.at != *at))?;
        encoder.clear_buffer(&self.fences[free], 0, None);
        Some(free)
    }

    /// Says that submit `serial` ended with fence `at`.
    pub fn submitted(&self, at: usize, serial: u64, index: wgpu::SubmissionIndex) {
        let mapped = map(&self.fences[at]);
        self.state().pending.push(Pending { at, serial, index, mapped });
    }

    /// Waits for submit `serial`; false where it was known to be done.
    pub async fn wait(&self, backend: &WgpuBackend, serial: u64) -> Result<bool, DeviceError> {
        let fence = {
            let state = self.state();
            if state.reached >= serial {
                return Ok(false);
            }
            state.pending.iter().filter(|f| f.serial >= serial).min_by_key(|f| f.serial).cloned()
        };
        match fence {
            Some(Pending { mapped, index, .. }) => {
                let waited = mapped.wait(&backend.device, Some(index)).await.map_err(|why| why.to_string());
                waited.and_then(|done| done).map_err(|why| backend.failure(why))?;
            }
            None => settle(backend).await?,
        }
        Ok(true)
    }
}

/// Waits for everything submitted and written so far.
pub(crate) async fn settle(backend: &WgpuBackend) -> Result<(), DeviceError> {
    let fence = backend.memory.fence();
    let mut encoder = backend.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.clear_buffer(&fence, 0, None);
    let index = backend.queue.submit([encoder.finish()]);
    let waited = map(&fence).wait(&backend.device, Some(index)).await.map_err(|why| why.to_string());
    waited.and_then(|done| done).map_err(|why| backend.failure(why))
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;
    use crate::Select;

    #[test]
    fn any_number_of_submits_can_be_waited_for_in_any_order() {
        let Ok(backend) = block_on(WgpuBackend::new(&Select { software: true, ..Select::default() })) else {
            println!("SKIPPED wgpu: no adapter");
            return;
        };
        let ring = Ring::new((0..2).map(|_| backend.memory.fence()).collect());
        let mut fenced = 0;
        let mut submit = |serial| {
            let mut encoder =
                backend.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let fence = ring.record(&mut encoder);
            let index = backend.queue.submit([encoder.finish()]);
            if let Some(at) = fence {
                ring.submitted(at, serial, index);
                fenced += 1;
            }
        };
        (1..=7).for_each(&mut submit);
        for serial in [7, 2, 1, 5] {
            block_on(ring.wait(&backend, serial)).unwrap();
        }
        (8..=9).for_each(&mut submit);
        assert!(block_on(ring.wait(&backend, 9)).unwrap());
        submit(10);
        assert!(!block_on(ring.wait(&backend, 9)).unwrap(), "a fence that was taken back is remembered");
        assert!(fenced >= 4, "{fenced} fences for 10 submits");
        backend.check().unwrap();
    }
}
