//! One image on the CPU. `submit` only queues; the work is done while `done` or `read` is polled.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::memory::Memory;
use super::{CpuWeights, Yield};
use crate::backend::{Counters, DeviceError, Planned, Session, Ticket};
use crate::graph::Slot;
use crate::image::{Chunk, Image, Pixels, Tags, Work};
use crate::maybe::MaybeFuture;
use crate::memory::regions;
use crate::ops::state_len;
use crate::program::PartKind;

/// A CPU session.
pub struct CpuSession {
    planned: Arc<Planned>,
    weights: Arc<CpuWeights>,
    work: Arc<Work>,
    state: Mutex<State>,
    cancelled: AtomicBool,
    yielder: Option<Yield>,
    draws: usize,
}

/// What changes while an image is made.
struct State {
    memory: Memory,
    image: Option<Arc<Image>>,
    tags: Tags,
    /// Next dispatch, and the next row of it.
    position: usize,
    row: usize,
    /// Previews asked for, by the position they follow.
    previews: Vec<usize>,
    counters: Counters,
}

/// Work of a slice where slices are asked for, in FLOPs: 3 ms where wasm does 35 GFLOP/s, 50 ms where it does 2. A count, not a time:
/// bits of a native product depend on the rows that are computed at once, and must not depend on the clock.
const SLICE_WORK: u64 = 100_000_000;
/// What an output element counts beside its FLOPs: ops that only move data take time too.
const ELEMENT_WORK: u64 = 50;

impl CpuSession {
    pub(super) fn new(
        planned: Arc<Planned>,
        weights: Arc<CpuWeights>,
        draws: usize,
        yielder: Option<Yield>,
    ) -> Result<Self, DeviceError> {
        let regions = regions(&planned, draws);
        let memory = Memory::new(&planned, &regions)?;
        let bytes = regions.iter().map(|r| r.bytes).sum();
        let state = State {
            memory,
            image: None,
            tags: Tags::default(),
            position: 0,
            row: 0,
            previews: Vec::new(),
            counters: Counters { bytes, ..Counters::default() },
        };
        let (work, state, cancelled) = (Arc::default(), Mutex::new(state), AtomicBool::new(false));
        Ok(Self { planned, weights, work, state, cancelled, yielder, draws })
    }

    fn lock(&self) -> Result<MutexGuard<'_, State>, DeviceError> {
        self.state.lock().map_err(|_| DeviceError::DeviceLost("a CPU worker panicked".into()))
    }

    /// Does one slice of work; false when everything before `end` is done.
    fn slice(&self, end: usize) -> Result<bool, DeviceError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(DeviceError::Cancelled);
        }
        let mut guard = self.lock()?;
        let state = &mut *guard;
        if state.position >= end {
            return Ok(false);
        }
        let (part, at) = self.work.locate(state.position);
        let program = &self.planned.program;
        let node = &program.parts[part].nodes[at];
        let shape = program.shape(node.output);
        let rows = if node.op.writes_slot() { 1 } else { node.op.get().rows(shape) };
        let slice = match self.yielder {
            None => rows,
            Some(_) => {
                let work = program.flops(node) + ELEMENT_WORK * shape.len() as u64;
                let per_row = (work / rows as u64).max(1);
                ((SLICE_WORK / per_row).max(1) as usize).min(rows - state.row)
            }
        };
        let range = state.row..(state.row + slice).min(rows);
        state.row = range.end;
        state.memory.compute(&self.planned, &self.weights, node, range, self.yielder.is_none());
        if state.row == rows {
            state.row = 0;
            if let Some(image) = state.image.clone() {
                state.tags.submitted(program, &self.work, state.position, &image);
            }
            state.position += 1;
            state.counters.dispatches += 1;
            if state.previews.first().is_some_and(|&p| p <= state.position) {
                state.previews.remove(0);
                self.preview(state);
            }
        }
        Ok(true)
    }

    fn preview(&self, state: &mut State) {
        let program = &self.planned.program;
        let Some(part) = program.part(PartKind::Preview) else { return };
        for node in &program.parts[part].nodes {
            let rows = if node.op.writes_slot() { 1 } else { node.op.get().rows(program.shape(node.output)) };
            state.memory.compute(&self.planned, &self.weights, node, 0..rows, self.yielder.is_none());
            state.counters.dispatches += 1;
        }
    }

    fn upload(&self, state: &mut State, image: &Image) -> Result<(), DeviceError> {
        let planned = &self.planned;
        let latent = image.latents.len();
        let mut write = |slot: Slot, data: &[f32]| match state.memory.slot(planned, slot) {
            None => Ok(()),
            Some(to) if data.len() <= to.len() => {
                to[..data.len()].copy_from_slice(data);
                Ok(())
            }
            Some(to) => {
                Err(DeviceError::Usage(format!("{slot:?} takes {} elements, not {}", to.len(), data.len())))
            }
        };
        for (at, prompt) in image.prompts.iter().enumerate() {
            write(Slot::Tokens(at as u8), bytemuck::cast_slice(&prompt.ids))?;
            write(Slot::Lengths(at as u8), bytemuck::cast_slice(&prompt.lengths))?;
        }
        write(Slot::Timestep, &image.timesteps)?;
        write(Slot::Noise, &image.noise)?;
        let mut zeroed = vec![0.0; state_len(latent)];
        zeroed[..latent].copy_from_slice(&image.latents);
        write(Slot::State, &zeroed)?;
        let (row_len, used) = (planned.program.row_len, crate::schedule::ROW_LEN);
        if let Some(rows) = state.memory.slot(planned, Slot::Rows) {
            for (to, from) in rows.chunks_exact_mut(row_len).zip(image.rows.chunks_exact(used)) {
                to[..used].copy_from_slice(from);
            }
        }
        Ok(())
    }
}

impl Session for CpuSession {
    fn begin<'a>(&'a mut self, image: &'a Image) -> MaybeFuture<'a, Result<(), DeviceError>> {
        let result = (|| {
            if image.noise.len() > self.draws * image.latents.len() {
                let most = self.draws;
                return Err(DeviceError::Usage(format!(
                    "the session was opened for {most} draws of step noise"
                )));
            }
            self.cancelled.store(false, Ordering::Relaxed);
            let mut guard = self.lock()?;
            let state = &mut *guard;
            self.upload(state, image)?;
            let work = Work::new(&self.planned.program, &state.tags, image);
            (state.position, state.row) = (0, 0);
            state.previews.clear();
            state.image = Some(Arc::new(image.clone()));
            drop(guard);
            self.work = Arc::new(work);
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
        let mut state = self.lock()?;
        state.counters.submits += 1;
        if chunk.preview {
            state.previews.push(chunk.range.end);
        }
        Ok(Ticket { end: chunk.range.end, serial: state.counters.submits })
    }

    fn done<'a>(&'a self, ticket: &'a Ticket) -> MaybeFuture<'a, Result<(), DeviceError>> {
        Box::pin(async move {
            while self.slice(ticket.end)? {
                if let Some(yielder) = &self.yielder {
                    yielder().await;
                }
            }
            Ok(())
        })
    }

    fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    fn read(&self, ticket: Ticket, preview: bool) -> MaybeFuture<'_, Result<Pixels, DeviceError>> {
        Box::pin(async move {
            self.done(&ticket).await?;
            let slot = if preview { Slot::Preview } else { Slot::Pixels };
            let missing = || DeviceError::Usage(format!("the program makes no {slot:?}"));
            let shape = self.planned.program.shape(self.planned.program.slot(slot).ok_or_else(missing)?);
            let mut state = self.lock()?;
            state.counters.readbacks += 1;
            let words = state.memory.read(&self.planned, slot).ok_or_else(missing)?;
            Ok(Pixels::unpack(bytemuck::cast_slice(words), shape[0], shape[1], shape[2]))
        })
    }

    fn latents(&self) -> MaybeFuture<'_, Result<Vec<f32>, DeviceError>> {
        Box::pin(async move {
            let state = self.lock()?;
            let length = state.image.as_ref().map_or(0, |i| i.latents.len());
            let all = state.memory.read(&self.planned, Slot::State).unwrap_or(&[]);
            Ok(all[..length.min(all.len())].to_vec())
        })
    }

    fn counters(&self) -> Counters {
        self.lock().map(|s| s.counters).unwrap_or_default()
    }
}
