//! Memory of a CPU session, laid out by the same plan as a device's: so the plan itself is under test here.

use std::collections::BTreeMap;
use std::ops::Range;

use super::CpuWeights;
use crate::backend::{DeviceError, Planned};
use crate::graph::{ConstantData, Node, Origin, Slot, ValueId};
use crate::memory::{Owner, Region};
use crate::ops::Arg;

/// All memory of a session, in 32-bit words.
#[derive(Debug, Default)]
pub(super) struct Memory {
    own: BTreeMap<ValueId, Vec<f32>>,
    slabs: Vec<Vec<f32>>,
}

/// Memory, or an error where `vec!` would abort; `needed` bytes are allocated in all.
pub(super) fn zeros(words: usize, needed: u64) -> Result<Vec<f32>, DeviceError> {
    bytemuck::allocation::try_zeroed_vec(words).map_err(|()| DeviceError::OutOfMemory { needed, free: None })
}

/// Where a value's memory is.
#[derive(Clone, Copy)]
enum Home {
    Own(ValueId),
    Slab(usize),
}

impl Memory {
    /// What the regions of a session say.
    ///
    /// # Errors
    /// [`DeviceError::OutOfMemory`] where the allocator has no more.
    pub fn new(planned: &Planned, regions: &[Region]) -> Result<Self, DeviceError> {
        let needed = regions.iter().map(|r| r.bytes).sum();
        let program = &planned.program;
        let mut memory = Self::default();
        for region in regions {
            let words = region.bytes as usize / 4;
            match region.owner {
                Owner::Value(value) => {
                    let content = match program.values[value.index()].origin {
                        Origin::Constant(at) => match &program.constants[at].data {
                            ConstantData::F32(data) => data.clone(),
                            ConstantData::U32(data) => bytemuck::cast_slice(data).to_vec(),
                        },
                        Origin::Slot(_) | Origin::Node | Origin::Leaf(_) | Origin::View { .. } => {
                            zeros(words, needed)?
                        }
                    };
                    memory.own.insert(value, content);
                }
                // NaN shows when something is read before it is made.
                Owner::Slab(_) => {
                    let mut slab = zeros(words, needed)?;
                    slab.fill(f32::NAN);
                    memory.slabs.push(slab);
                }
                Owner::Staged(_) | Owner::Backend(_) => {}
            }
        }
        Ok(memory)
    }

    /// The content of a slot, if the program uses it.
    pub fn slot(&mut self, planned: &Planned, slot: Slot) -> Option<&mut Vec<f32>> {
        self.own.get_mut(&planned.program.slot(slot)?)
    }

    /// The content of a slot.
    pub fn read(&self, planned: &Planned, slot: Slot) -> Option<&[f32]> {
        self.own.get(&planned.program.slot(slot)?).map(Vec::as_slice)
    }

    /// Computes rows of a node; a node that writes a slot is computed whole.
    pub fn compute(
        &mut self,
        planned: &Planned,
        weights: &CpuWeights,
        node: &Node,
        rows: Range<usize>,
        threads: bool,
    ) {
        let program = &planned.program;
        let (owner, offset) = program.base(node.output);
        let home = match planned.plan.place.get(&owner) {
            Some(&slab) => Home::Slab(slab),
            None => Home::Own(owner),
        };
        // The output leaves its place while the operands are borrowed; the plan keeps them apart.
        let mut memory = std::mem::take(self.at_mut(home));
        {
            let leaves: Vec<_> = node
                .inputs
                .iter()
                .map(|&v| match program.values[program.base(v).0.index()].origin {
                    Origin::Leaf(leaf) => {
                        weights.leaves.get(&leaf).and_then(|l| Some((l.data.read().ok()?, l.transposed)))
                    }
                    _ => None,
                })
                .collect();
            let args: Vec<Arg<'_>> = node
                .inputs
                .iter()
                .zip(&leaves)
                .map(|(&v, leaf)| {
                    let (owner, offset) = program.base(v);
                    let data: &[f32] = match (leaf, planned.plan.place.get(&owner)) {
                        (Some((leaf, _)), _) => leaf,
                        (None, Some(&slab)) => &self.slabs[slab],
                        (None, None) => self.own.get(&owner).map_or(&[], Vec::as_slice),
                    };
                    let shape = program.shape(v);
                    // Step noise has as many draws as the session was opened with: only there the shape does not say the length.
                    let noise = program.values[owner.index()].origin == Origin::Slot(Slot::Noise);
                    let end = if noise { data.len() } else { offset + shape.len() };
                    let transposed = leaf.as_ref().is_some_and(|(_, transposed)| *transposed);
                    Arg { shape, data: &data[offset..end], transposed }
                })
                .collect();
            let shape = program.shape(node.output);
            if node.op.writes_slot() {
                node.op.get().reference(&args, shape, rows, &mut memory[offset..]);
            } else {
                let out = &mut memory[offset..offset + shape.len()];
                compute_rows(node, &args, shape, rows, out, threads);
            }
        }
        *self.at_mut(home) = memory;
    }

    fn at_mut(&mut self, home: Home) -> &mut Vec<f32> {
        match home {
            Home::Slab(slab) => &mut self.slabs[slab],
            Home::Own(value) => self.own.entry(value).or_default(),
        }
    }
}

/// FLOPs below which a second thread costs more than it saves.
#[cfg(not(target_arch = "wasm32"))]
const WORTH_THREADS: u64 = 400_000;

#[cfg(not(target_arch = "wasm32"))]
fn compute_rows(
    node: &Node,
    args: &[Arg<'_>],
    shape: &crate::shape::Shape,
    rows: Range<usize>,
    out: &mut [f32],
    threads: bool,
) {
    use rayon::prelude::*;
    let op = node.op.get();
    let row_len = shape.len() / op.rows(shape).max(1);
    let out = &mut out[rows.start * row_len..rows.end * row_len];
    let shapes: Vec<_> = args.iter().map(|a| a.shape).collect();
    let workers = rayon::current_num_threads();
    if !threads || workers == 1 || rows.len() == 1 || op.flops(&shapes, shape) < WORTH_THREADS {
        op.reference(args, shape, rows, out);
        return;
    }
    let each = rows.len().div_ceil(workers);
    out.par_chunks_mut(each * row_len).enumerate().for_each(|(at, out)| {
        let first = rows.start + at * each;
        op.reference(args, shape, first..first + out.len() / row_len, out);
    });
}

#[cfg(target_arch = "wasm32")]
fn compute_rows(
    node: &Node,
    args: &[Arg<'_>],
    shape: &crate::shape::Shape,
    rows: Range<usize>,
    out: &mut [f32],
    _threads: bool,
) {
    let op = node.op.get();
    let row_len = shape.len() / op.rows(shape).max(1);
    op.reference(args, shape, rows.clone(), &mut out[rows.start * row_len..rows.end * row_len]);
}
