//! `repeat`: the whole batch over and over, `[P, ..]` to `[times · P, ..]`. Put in by `hoist` where a part meets prompt values for
//! every row of a schedule at once.

use std::ops::Range;

use super::{Arg, Operation, arity};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: x `[P, ..]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Repeat {
    /// How often.
    pub times: usize,
}

impl Graph {
    /// The whole batch, `times` times.
    #[track_caller]
    pub fn repeat(&mut self, x: ValueId, times: usize) -> ValueId {
        self.record(Repeat { times }.into(), &[x], "repeat")
    }
}

impl Operation for Repeat {
    fn name(&self) -> &'static str {
        "repeat"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 1)?;
        Ok(inputs[0].with_lead(inputs[0].lead() * self.times))
    }
    fn flops(&self, _: &[&Shape], _: &Shape) -> u64 {
        0
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        // By element: a batch of single numbers (lengths) has no rows.
        let x = args[0].data;
        let first = rows.start * shape.last() % x.len();
        out.iter_mut().zip(x.iter().cycle().skip(first)).for_each(|(o, x)| *o = *x);
    }
}
