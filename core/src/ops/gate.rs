//! `gate`: out = x · mods[⌊n⌋, row, :], adaLN's gate. Normally fused into the linear before it.

use std::ops::Range;

use super::{Arg, Operation, arity, broadcasts, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::{Shape, batch_index};

/// Operands: x `[N, T, C]`, mods `[L, K, C]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gate {
    /// Row of K.
    pub row: usize,
}

impl Graph {
    /// `x · mods[row]`.
    #[track_caller]
    pub fn gate(&mut self, x: ValueId, mods: ValueId, row: usize) -> ValueId {
        self.record(Gate { row }.into(), &[x, mods], "gate")
    }
}

/// The shape rule of a modulation operand beside x.
pub(super) fn check_mods(x: &Shape, mods: &Shape, rows: &[usize]) -> Result<(), String> {
    ensure(
        mods.0.len() == 3
            && mods.last() == x.last()
            && rows.iter().all(|&r| r < mods[1])
            && broadcasts(mods.lead(), x.lead()),
        || format!("modulation {mods} does not fit {x} at rows {rows:?}"),
    )
}

/// One row of a modulation operand for batch item `i` of `n`.
pub(super) fn mods_row<'a>(mods: &Arg<'a>, i: usize, n: usize, row: usize) -> &'a [f32] {
    let c = mods.shape.last();
    &mods.data[(batch_index(i, mods.shape.lead(), n) * mods.shape[1] + row) * c..][..c]
}

impl Operation for Gate {
    fn name(&self) -> &'static str {
        "gate"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 2)?;
        check_mods(inputs[0], inputs[1], &[self.row])?;
        Ok(inputs[0].clone())
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (c, per_item) = (shape.last(), shape.rows() / shape.lead());
        let x = &args[0].data[rows.start * c..];
        for ((row, out), x) in rows.zip(out.chunks_exact_mut(c)).zip(x.chunks_exact(c)) {
            let gate = mods_row(&args[1], row / per_item, shape.lead(), self.row);
            for ((o, x), g) in out.iter_mut().zip(x).zip(gate) {
                *o = x * g;
            }
        }
    }
}
