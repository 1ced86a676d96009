//! `layer_norm`: out = (x − mean) / √(var + eps) over C (Ba et al., arXiv 1607.06450), then an optional weight and bias, then an
//! optional modulation.

use std::ops::Range;

use super::gate::check_mods;
use super::modulate::modulate_rows;
use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::math::{self, Same, SquareFrom};
use crate::shape::Shape;

/// Rows of a modulation operand `[L, K, C]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModulateRows {
    /// Added.
    pub shift: usize,
    /// 1 + this multiplies.
    pub scale: usize,
}

/// Operands: x `[.., C]`, then weight and bias `[C]` if `affine`, then mods `[L, K, C]` if `modulate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerNorm {
    /// Added to the variance.
    pub eps: f32,
    /// Has weight and bias.
    pub affine: bool,
    /// Fused shift and scale.
    pub modulate: Option<ModulateRows>,
}

impl Graph {
    /// Layer norm over the last axis; `affine` is (weight, bias).
    #[track_caller]
    pub fn layer_norm(&mut self, x: ValueId, affine: Option<(ValueId, ValueId)>, eps: f32) -> ValueId {
        let op = LayerNorm { eps, affine: affine.is_some(), modulate: None };
        match affine {
            Some((weight, bias)) => self.record(op.into(), &[x, weight, bias], ""),
            None => self.record(op.into(), &[x], ""),
        }
    }
}

impl Operation for LayerNorm {
    fn name(&self) -> &'static str {
        "layer_norm"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 1 + 2 * usize::from(self.affine) + usize::from(self.modulate.is_some()))?;
        let x = inputs[0];
        if self.affine {
            ensure(inputs[1].len() == x.last() && inputs[2].len() == x.last(), || {
                format!("weight {} and bias {} must have {} elements", inputs[1], inputs[2], x.last())
            })?;
        }
        if let Some(rows) = self.modulate {
            check_mods(x, inputs[inputs.len() - 1], &[rows.shift, rows.scale])?;
        }
        Ok(x.clone())
    }
    fn flops(&self, _: &[&Shape], output: &Shape) -> u64 {
        8 * output.len() as u64
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let c = shape.last();
        let x = &args[0].data[rows.start * c..][..out.len()];
        for (out, x) in out.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
            // Two passes: the variance of centred values does not cancel.
            let mean = math::sum(x, Same) / c as f32;
            let var = math::sum(x, SquareFrom(mean)) / c as f32;
            let scale = 1.0 / (var + self.eps).sqrt();
            for (o, x) in out.iter_mut().zip(x) {
                *o = (x - mean) * scale;
            }
            if self.affine {
                math::multiply(out, args[1].data);
                math::add(out, args[2].data);
            }
        }
        if let Some(which) = self.modulate {
            modulate_rows(out, &args[args.len() - 1], which, shape, rows);
        }
    }
}
