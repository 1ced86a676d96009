//! `permute`: axes in another order, copied (patches to pixels, heads before tokens).

use std::ops::Range;

use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: x of rank ≤ 6. Output axis `i` is input axis `axes[i]`. The first axis stays first unless the batch is 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permute {
    /// The order.
    pub axes: Vec<usize>,
}

impl Graph {
    /// Axes in another order.
    #[track_caller]
    pub fn permute(&mut self, x: ValueId, axes: &[usize]) -> ValueId {
        self.record(Permute { axes: axes.to_vec() }.into(), &[x], "permute")
    }
}

impl Permute {
    /// Lengths of the output's axes and the input stride of each, padded in front with (1, 0) to six.
    pub fn strides(&self, input: &Shape) -> [(usize, usize); 6] {
        let mut all = [(1, 0); 6];
        let skip = 6 - self.axes.len();
        for (slot, &axis) in all[skip..].iter_mut().zip(&self.axes) {
            *slot = (input[axis], input[axis + 1..].iter().product());
        }
        all
    }
}

impl Operation for Permute {
    fn name(&self) -> &'static str {
        "permute"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 1)?;
        let x = inputs[0];
        let mut sorted = self.axes.clone();
        sorted.sort_unstable();
        let valid = sorted.iter().copied().eq(0..x.0.len()) && x.0.len() <= 6;
        ensure(valid, || format!("{:?} is no order of the axes of {x}", self.axes))?;
        Ok(Shape(self.axes.iter().map(|&a| x[a]).collect()))
    }
    fn flops(&self, _: &[&Shape], _: &Shape) -> u64 {
        0
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let strides = self.strides(args[0].shape);
        let (last, last_stride) = strides[5];
        debug_assert_eq!(last, shape.last(), "strides follow the output");
        for (row, out) in rows.zip(out.chunks_exact_mut(last)) {
            let (mut rest, mut at) = (row, 0);
            for &(length, stride) in strides[..5].iter().rev() {
                at += rest % length * stride;
                rest /= length;
            }
            for (c, o) in out.iter_mut().enumerate() {
                *o = args[0].data[at + c * last_stride];
            }
        }
    }
}
