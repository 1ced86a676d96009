//! `store_table`: puts a hoisted schedule value into its columns of the packed tables. Recorded by `hoist` only.

use std::ops::Range;

use super::{Arg, Operation, arity};
use crate::shape::Shape;

/// Operands: x `[R, ..]` (or `[R · P, ..]`). Writes columns `column ..` of the slot `Rows`, `[R, row]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreTable {
    /// First column.
    pub column: usize,
    /// Rows of the table.
    pub rows: usize,
}

impl Operation for StoreTable {
    fn name(&self) -> &'static str {
        "store_table"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 1)?;
        Ok([self.rows, self.column + inputs[0].len() / self.rows].into())
    }
    fn flops(&self, _: &[&Shape], _: &Shape) -> u64 {
        0
    }
    fn rows(&self, _: &Shape) -> usize {
        1
    }
    fn reference(&self, args: &[Arg<'_>], _: &Shape, _: Range<usize>, out: &mut [f32]) {
        let (stride, length) = (out.len() / self.rows, args[0].data.len() / self.rows);
        for (row, x) in out.chunks_exact_mut(stride).zip(args[0].data.chunks_exact(length)) {
            row[self.column..self.column + length].copy_from_slice(x);
        }
    }
}
