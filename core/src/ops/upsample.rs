//! `upsample`: nearest neighbour, twice the height and width. Normally fused into the convolution behind it.

use std::ops::Range;

use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: x `[N, H, W, C]`; output `[N, 2H, 2W, C]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Upsample;

impl Graph {
    /// Twice the height and width.
    #[track_caller]
    pub fn upsample(&mut self, x: ValueId) -> ValueId {
        self.record(Upsample.into(), &[x], "upsample")
    }
}

impl Operation for Upsample {
    fn name(&self) -> &'static str {
        "upsample"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 1)?;
        let x = inputs[0];
        ensure(x.0.len() == 4, || format!("takes [N, H, W, C], got {x}"))?;
        Ok([x[0], 2 * x[1], 2 * x[2], x[3]].into())
    }
    fn flops(&self, _: &[&Shape], _: &Shape) -> u64 {
        0
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (h, w, c) = (shape[1], shape[2], shape[3]);
        for (row, out) in rows.zip(out.chunks_exact_mut(c)) {
            let (n, y, x) = (row / (h * w), row / w % h, row % w);
            let at = ((n * (h / 2) + y / 2) * (w / 2) + x / 2) * c;
            out.copy_from_slice(&args[0].data[at..at + c]);
        }
    }
}
