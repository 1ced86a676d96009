//! One image in flight: its buffers, a bind group per node, and the loop that encodes a chunk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use onelaunch_core::DeviceError;
use onelaunch_core::backend::{Counters, Session, Ticket};
use onelaunch_core::graph::{Origin, Slot};
use onelaunch_core::image::{Chunk, Image, Pixels, Tags, Work};
use onelaunch_core::maybe::MaybeFuture;
use onelaunch_core::program::PartKind;

use crate::backend::WgpuBackend;
use crate::compile::{Bound, WgpuExecutable};
use crate::fence::Ring;
use crate::regions::Buffers;
use crate::screen::Pictures;
use crate::upload::upload;
use crate::wait::read;
use crate::weights::WgpuWeights;

/// A wgpu session.
#[derive(Debug)]
pub struct WgpuSession {
    pub(crate) backend: WgpuBackend,
    pub(crate) executable: Arc<WgpuExecutable>,
    weights: Arc<WgpuWeights>,
    pub(crate) buffers: Buffers,
    /// By part and node, as the executable's launches.
    groups: Vec<Vec<wgpu::BindGroup>>,
    pub(crate) draws: usize,
    work: Work,
    tags: Tags,
    image: Option<Arc<Image>>,
    cancelled: AtomicBool,
    fences: Ring,
    counters: Counters,
    readbacks: AtomicU64,
    waits: AtomicU64,
}

impl WgpuSession {
    /// Allocates a session.
    pub(crate) async fn open(
        backend: &WgpuBackend,
        executable: &Arc<WgpuExecutable>,
        weights: &Arc<WgpuWeights>,
        draws: usize,
    ) -> Result<Self, DeviceError> {
        backend.health.check()?;
        let buffers = Buffers::create(backend, executable, draws).await?;
        let (bytes, fences) = (buffers.bytes, Ring::new(buffers.fences()));
        let mut session = Self {
            backend: backend.clone(),
            executable: executable.clone(),
            weights: weights.clone(),
            buffers,
            groups: Vec::new(),
            draws,
            work: Work::default(),
            tags: Tags::default(),
            image: None,
            cancelled: AtomicBool::new(false),
            fences,
            counters: Counters { bytes, ..Counters::default() },
            readbacks: AtomicU64::new(0),
            waits: AtomicU64::new(0),
        };
        let failed = {
            let scope = backend.device.push_error_scope(wgpu::ErrorFilter::Validation);
            session.groups = session.bind()?;
            scope.pop()
        };
        match failed.await {
            Some(error) => Err(DeviceError::Other(error.to_string())),
            None => backend.health.check().map(|()| session),
        }
    }

    /// The finished pictures, or their small previews where the program makes them, in device memory.
    pub fn pictures(&self, preview: bool) -> Option<Pictures<'_>> {
        let planned = &self.executable.planned;
        let value = planned.program.slot(if preview { Slot::Preview } else { Slot::Pixels })?;
        let shape = planned.program.shape(value);
        let [count, height, width] = [0, 1, 2].map(|axis| shape[axis] as u32);
        Some(Pictures { buffer: self.buffers.of(planned, value)?, width, height, count })
    }

    /// A bind group for every launch.
    fn bind(&self) -> Result<Vec<Vec<wgpu::BindGroup>>, DeviceError> {
        let missing = || DeviceError::Other("the parameters have no buffer".into());
        let all_params = self.buffers.params().ok_or_else(missing)?;
        let mut parts = Vec::new();
        for launches in &self.executable.launches {
            let mut groups = Vec::new();
            for launch in launches {
                let params = wgpu::BufferBinding {
                    buffer: all_params,
                    offset: launch.params,
                    size: std::num::NonZeroU64::new(256),
                };
                let mut entries = vec![wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::Buffer(params),
                }];
                for (at, bound) in launch.binds.iter().enumerate() {
                    let resource = wgpu::BindingResource::Buffer(self.binding(*bound)?);
                    entries.push(wgpu::BindGroupEntry { binding: at as u32 + 1, resource });
                }
                groups.push(self.backend.device.create_bind_group(&wgpu::BindGroupDescriptor {
                    label: None,
                    layout: &self.executable.kernels[launch.kernel].layout,
                    entries: &entries,
                }));
            }
            parts.push(groups);
        }
        Ok(parts)
    }

    fn binding(&self, bound: Bound) -> Result<wgpu::BufferBinding<'_>, DeviceError> {
        let planned = &self.executable.planned;
        let Bound::Value { owner, offset, bytes } = bound else {
            let missing = || DeviceError::Other("unused bindings have no buffer".into());
            return Ok(wgpu::BufferBinding {
                buffer: self.buffers.dummy().ok_or_else(missing)?,
                offset: 0,
                size: None,
            });
        };
        let buffer = match planned.program.values[owner.index()].origin {
            Origin::Leaf(leaf) => self.weights.leaves.get(&leaf),
            Origin::Slot(_) | Origin::Constant(_) | Origin::Node | Origin::View { .. } => {
                self.buffers.of(planned, owner)
            }
        };
        let missing =
            || DeviceError::Usage(format!("no memory was made for {}", planned.program.describe(owner)));
        let buffer = buffer.ok_or_else(missing)?;
        let size = bytes.unwrap_or(u64::MAX).min(buffer.size() - offset);
        if size > self.backend.caps.max_binding {
            let most = self.backend.caps.max_binding;
            return Err(DeviceError::Usage(format!(
                "{} takes {size} bytes, a binding at most {most}: make a smaller picture or fewer at once",
                planned.program.describe(owner)
            )));
        }
        Ok(wgpu::BufferBinding { buffer, offset, size: std::num::NonZeroU64::new(size) })
    }

    /// Encodes and submits part of the dispatch list.
    fn encode(&mut self, chunk: &Chunk) {
        let Self { executable, groups, work, counters, backend, .. } = self;
        counters.submits += 1;
        let mut encoder = backend.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            let mut bound = usize::MAX;
            let mut dispatch = |part: usize, node: usize| {
                let launch = &executable.launches[part][node];
                if launch.kernel != bound {
                    pass.set_pipeline(&executable.kernels[launch.kernel].pipeline);
                    bound = launch.kernel;
                }
                pass.set_bind_group(0, &groups[part][node], &[]);
                pass.dispatch_workgroups(launch.grid[0], launch.grid[1], 1);
                counters.dispatches += 1;
            };
            for position in chunk.range.clone() {
                let (part, node) = work.locate(position);
                dispatch(part, node);
            }
            if let Some(part) = executable.planned.program.part(PartKind::Preview).filter(|_| chunk.preview) {
                (0..executable.launches[part].len()).for_each(|node| dispatch(part, node));
            }
        }
        if chunk.range.end == work.len {
            self.buffers.stage(&mut encoder, &self.executable.planned, Slot::Pixels);
        }
        if chunk.preview {
            self.buffers.stage(&mut encoder, &self.executable.planned, Slot::Preview);
        }
        let fence = self.fences.record(&mut encoder);
        let index = self.backend.queue.submit([encoder.finish()]);
        if let Some(at) = fence {
            self.fences.submitted(at, self.counters.submits, index);
        }
    }

    async fn staged(&self, slot: Slot) -> Result<Vec<u8>, DeviceError> {
        let missing = || DeviceError::Usage(format!("the program makes no {slot:?}"));
        let buffer = self.buffers.staging(slot).ok_or_else(missing)?;
        self.readbacks.fetch_add(1, Ordering::Relaxed);
        let data = read(&self.backend.device, buffer, buffer.size()).await;
        data.map_err(|why| self.backend.failure(why))
    }
}

impl Session for WgpuSession {
    fn begin<'a>(&'a mut self, image: &'a Image) -> MaybeFuture<'a, Result<(), DeviceError>> {
        let result = (|| {
            self.backend.health.check()?;
            upload(self, image)?;
            self.cancelled.store(false, Ordering::Relaxed);
            self.work = Work::new(&self.executable.planned.program, &self.tags, image);
            self.image = Some(Arc::new(image.clone()));
            Ok(())
        })();
        Box::pin(std::future::ready(result))
    }

    fn work(&self) -> &Work {
        &self.work
    }

    fn submit(&mut self, chunk: Chunk) -> Result<Ticket, DeviceError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(DeviceError::Cancelled);
        }
        self.backend.health.check()?;
        let image = self.image.clone().ok_or_else(|| DeviceError::Usage("no image was begun".into()))?;
        let begun = web_time();
        self.encode(&chunk);
        if let (Some(begun), Some(ended)) = (begun, web_time()) {
            self.counters.encode_ns += ended.saturating_sub(begun).as_nanos() as u64;
        }
        for position in chunk.range.clone() {
            self.tags.submitted(&self.executable.planned.program, &self.work, position, &image);
        }
        self.backend.health.check()?;
        Ok(Ticket { end: chunk.range.end, serial: self.counters.submits })
    }

    fn done<'a>(&'a self, ticket: &'a Ticket) -> MaybeFuture<'a, Result<(), DeviceError>> {
        Box::pin(async move {
            let waited = self.fences.wait(&self.backend, ticket.serial).await?;
            self.waits.fetch_add(u64::from(waited), Ordering::Relaxed);
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(DeviceError::Cancelled);
            }
            self.backend.health.check()
        })
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn read(&self, ticket: Ticket, preview: bool) -> MaybeFuture<'_, Result<Pixels, DeviceError>> {
        Box::pin(async move {
            self.backend.health.check()?;
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(DeviceError::Cancelled);
            }
            if !preview && ticket.end != self.work.len {
                return Err(DeviceError::Usage("the image is not submitted to its end".into()));
            }
            let slot = if preview { Slot::Preview } else { Slot::Pixels };
            let data = self.staged(slot).await?;
            let program = &self.executable.planned.program;
            let missing = || DeviceError::Usage(format!("the program makes no {slot:?}"));
            let shape = program.shape(program.slot(slot).ok_or_else(missing)?);
            let words: Vec<u32> = data.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
            Ok(Pixels::unpack(&words, shape[0], shape[1], shape[2]))
        })
    }

    fn latents(&self) -> MaybeFuture<'_, Result<Vec<f32>, DeviceError>> {
        Box::pin(async move {
            self.backend.health.check()?;
            let mut encoder =
                self.backend.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            self.buffers.stage(&mut encoder, &self.executable.planned, Slot::State);
            self.backend.queue.submit([encoder.finish()]);
            let data = self.staged(Slot::State).await?;
            let length = self.image.as_ref().map_or(0, |i| i.latents.len());
            Ok(data.as_chunks::<4>().0.iter().take(length).map(|b| f32::from_le_bytes(*b)).collect())
        })
    }

    fn counters(&self) -> Counters {
        Counters {
            readbacks: self.readbacks.load(Ordering::Relaxed),
            waits: self.waits.load(Ordering::Relaxed),
            ..self.counters
        }
    }
}

/// Time since some fixed moment; browsers have no such clock in std, and there nothing is measured.
fn web_time() -> Option<Duration> {
    #[cfg(target_arch = "wasm32")]
    return None;
    #[cfg(not(target_arch = "wasm32"))]
    {
        static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        Some(START.get_or_init(std::time::Instant::now).elapsed())
    }
}
