//! `rms_norm`: out = x / √(mean(x²) + eps) · weight over C (Zhang & Sennrich, arXiv 1910.07467), the norm of T5.

use std::ops::Range;

use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::math::{self, SquareFrom};
use crate::shape::Shape;

/// Operands: x `[.., C]`, weight `[C]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsNorm {
    /// Added to the mean square.
    pub eps: f32,
}

impl Graph {
    /// RMS norm over the last axis.
    #[track_caller]
    pub fn rms_norm(&mut self, x: ValueId, weight: ValueId, eps: f32) -> ValueId {
        self.record(RmsNorm { eps }.into(), &[x, weight], "")
    }
}

impl Operation for RmsNorm {
    fn name(&self) -> &'static str {
        "rms_norm"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 2)?;
        let (x, weight) = (inputs[0], inputs[1]);
        ensure(weight.len() == x.last(), || format!("weight {weight} must have {} elements", x.last()))?;
        Ok(x.clone())
    }
    fn flops(&self, _: &[&Shape], output: &Shape) -> u64 {
        4 * output.len() as u64
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let c = shape.last();
        let x = &args[0].data[rows.start * c..][..out.len()];
        for (out, x) in out.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
            let scale = 1.0 / (math::sum(x, SquareFrom(0.0)) / c as f32 + self.eps).sqrt();
            for ((o, x), w) in out.iter_mut().zip(x).zip(args[1].data) {
                *o = x * scale * w;
            }
        }
    }
}
