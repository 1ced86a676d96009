//! `modulate`: out = x · (1 + mods[scale]) + mods[shift], adaLN's shift and scale. Normally fused into the norm before it.

use std::ops::Range;

use super::gate::{check_mods, mods_row};
use super::{Arg, ModulateRows, Operation, arity};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: x `[N, T, C]`, mods `[L, K, C]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Modulate {
    /// Which rows of K.
    pub rows: ModulateRows,
}

impl Graph {
    /// `x · (1 + mods[scale]) + mods[shift]`.
    #[track_caller]
    pub fn modulate(&mut self, x: ValueId, mods: ValueId, shift: usize, scale: usize) -> ValueId {
        self.record(Modulate { rows: ModulateRows { shift, scale } }.into(), &[x, mods], "modulate")
    }
}

impl Operation for Modulate {
    fn name(&self) -> &'static str {
        "modulate"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 2)?;
        check_mods(inputs[0], inputs[1], &[self.rows.shift, self.rows.scale])?;
        Ok(inputs[0].clone())
    }
    fn flops(&self, _: &[&Shape], output: &Shape) -> u64 {
        3 * output.len() as u64
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let c = shape.last();
        out.copy_from_slice(&args[0].data[rows.start * c..][..out.len()]);
        modulate_rows(out, &args[1], self.rows, shape, rows);
    }
}

/// Shift and scale of finished rows, in place; shared with `layer_norm`.
pub(super) fn modulate_rows(
    out: &mut [f32],
    mods: &Arg<'_>,
    which: ModulateRows,
    shape: &Shape,
    rows: Range<usize>,
) {
    let (c, per_item) = (shape.last(), shape.rows() / shape.lead());
    for (row, out) in rows.zip(out.chunks_exact_mut(c)) {
        let shift = mods_row(mods, row / per_item, shape.lead(), which.shift);
        let scale = mods_row(mods, row / per_item, shape.lead(), which.scale);
        for ((o, a), b) in out.iter_mut().zip(scale).zip(shift) {
            *o = *o * (1.0 + a) + b;
        }
    }
}
