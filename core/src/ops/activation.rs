//! `activation`: out = output_scale · act(input_scale · x), pointwise.

use std::ops::Range;

use super::{Act, Arg, Operation, arity};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: x, any shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activation {
    /// The function.
    pub act: Act,
    /// Multiplies x before.
    pub input_scale: f32,
    /// Multiplies the result.
    pub output_scale: f32,
}

impl Graph {
    /// act(x).
    #[track_caller]
    pub fn activation(&mut self, x: ValueId, act: Act) -> ValueId {
        self.scaled_activation(x, act, 1.0, 1.0)
    }

    /// output_scale · act(input_scale · x).
    #[track_caller]
    pub fn scaled_activation(
        &mut self,
        x: ValueId,
        act: Act,
        input_scale: f32,
        output_scale: f32,
    ) -> ValueId {
        self.record(Activation { act, input_scale, output_scale }.into(), &[x], "act")
    }
}

impl Operation for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 1)?;
        Ok(inputs[0].clone())
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let x = &args[0].data[rows.start * shape.last()..][..out.len()];
        for (o, x) in out.iter_mut().zip(x) {
            *o = self.input_scale * x;
        }
        self.act.apply_all(out);
        out.iter_mut().for_each(|o| *o *= self.output_scale);
    }
}
