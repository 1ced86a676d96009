//! `load_row`: copies row `counter` of the packed tables to a fixed place, so that no other kernel indexes tables.

use std::ops::Range;

use super::{Arg, Operation, arity};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: rows `[R, row]`, state (its counter). Writes the slot `Row`, `[row]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LoadRow;

impl Graph {
    /// Copies the current row.
    #[track_caller]
    pub fn load_row(&mut self, rows: ValueId, state: ValueId, row: ValueId) {
        self.record_into(LoadRow.into(), &[rows, state], row, "load_row");
    }
}

impl Operation for LoadRow {
    fn name(&self) -> &'static str {
        "load_row"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 2)?;
        Ok([inputs[0].last()].into())
    }
    fn flops(&self, _: &[&Shape], _: &Shape) -> u64 {
        0
    }
    fn rows(&self, _: &Shape) -> usize {
        1
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, _: Range<usize>, out: &mut [f32]) {
        let state = args[1].data;
        let row = (state[state.len() - super::sampler_step::TAIL] as usize).min(args[0].shape.lead() - 1);
        out.copy_from_slice(&args[0].data[row * shape.len()..][..shape.len()]);
    }
}
