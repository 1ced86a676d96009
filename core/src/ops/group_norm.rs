//! `group_norm`: statistics over space and C/groups channels of each item (Wu & He, arXiv 1803.08494), weight, bias, then an
//! optional activation.

use std::ops::Range;

use super::{Act, Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: x `[N, .., C]`, weight `[C]`, bias `[C]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupNorm {
    /// Number of groups; divides C.
    pub groups: usize,
    /// Added to the variance.
    pub eps: f32,
    /// Fused activation.
    pub act: Act,
}

impl Graph {
    /// Group norm of a channels-last value.
    #[track_caller]
    pub fn group_norm(
        &mut self,
        x: ValueId,
        weight: ValueId,
        bias: ValueId,
        groups: usize,
        eps: f32,
    ) -> ValueId {
        self.record(GroupNorm { groups, eps, act: Act::None }.into(), &[x, weight, bias], "")
    }
}

impl Operation for GroupNorm {
    fn name(&self) -> &'static str {
        "group_norm"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 3)?;
        let (x, c) = (inputs[0], inputs[0].last());
        ensure(self.groups > 0 && c.is_multiple_of(self.groups), || {
            format!("{} groups do not divide the {c} channels of {x}", self.groups)
        })?;
        ensure(inputs[1].len() == c && inputs[2].len() == c, || {
            format!("weight {} and bias {} must have {c} elements", inputs[1], inputs[2])
        })?;
        Ok(x.clone())
    }
    fn flops(&self, _: &[&Shape], output: &Shape) -> u64 {
        8 * output.len() as u64
    }
    fn rows(&self, output: &Shape) -> usize {
        output.lead() // statistics span an item
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (c, item) = (shape.last(), shape.len() / shape.lead());
        let per_group = c / self.groups;
        let count = (item / self.groups) as f64;
        let x = &args[0].data[rows.start * item..];
        for (out, x) in out.chunks_exact_mut(item).zip(x.chunks_exact(item)) {
            for group in 0..self.groups {
                let channels = group * per_group..(group + 1) * per_group;
                // f64: up to millions of elements are summed here, and a pass over them costs the same.
                let each = || x.chunks_exact(c).flat_map(|px| &px[channels.clone()]).map(|&v| f64::from(v));
                let mean = each().sum::<f64>() / count;
                let var = each().map(|v| (v - mean) * (v - mean)).sum::<f64>() / count;
                let scale = 1.0 / (var + f64::from(self.eps)).sqrt();
                for (out, x) in out.chunks_exact_mut(c).zip(x.chunks_exact(c)) {
                    for k in channels.clone() {
                        let normed = ((f64::from(x[k]) - mean) * scale) as f32;
                        out[k] = normed * args[1].data[k] + args[2].data[k];
                    }
                }
            }
            self.act.apply_all(out);
        }
    }
}
