//! `scale_input`: the network's input, x · input_scale of the current row, once per batch half.

use std::ops::Range;

use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::schedule::ROW_INPUT_SCALE;
use crate::shape::Shape;

/// Operands: x `[n, H, W, C]` (the first plane of the state), row `[row]`. Output `[halves · n, H, W, C]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScaleInput {
    /// 2 for a guided step (cond, uncond), else 1.
    pub halves: usize,
}

impl Graph {
    /// The network's input.
    #[track_caller]
    pub fn scale_input(&mut self, x: ValueId, row: ValueId, halves: usize) -> ValueId {
        self.record(ScaleInput { halves }.into(), &[x, row], "scale_input")
    }
}

impl Operation for ScaleInput {
    fn name(&self) -> &'static str {
        "scale_input"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 2)?;
        ensure(matches!(self.halves, 1 | 2), || format!("{} halves", self.halves))?;
        Ok(inputs[0].with_lead(inputs[0].lead() * self.halves))
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (x, scale) = (args[0], args[1].data[ROW_INPUT_SCALE]);
        let c = shape.last();
        for (row, out) in rows.zip(out.chunks_exact_mut(c)) {
            let at = row % x.shape.rows() * c;
            for (o, x) in out.iter_mut().zip(&x.data[at..]) {
                *o = x * scale;
            }
        }
    }
}
