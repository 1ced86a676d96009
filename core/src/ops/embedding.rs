//! `embedding`: out[.., c] = table[ids[..], c].

use std::ops::Range;

use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: ids `[..]` u32, table `[V, C]`. Ids at or above V read row V − 1 (tokenizer and table are checked at loading).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Embedding;

impl Graph {
    /// Rows of a table by index.
    #[track_caller]
    pub fn embedding(&mut self, ids: ValueId, table: ValueId) -> ValueId {
        self.record(Embedding.into(), &[ids, table], "embedding")
    }
}

impl Operation for Embedding {
    fn name(&self) -> &'static str {
        "embedding"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 2)?;
        ensure(inputs[1].0.len() == 2, || format!("table must be [V, C], got {}", inputs[1]))?;
        let mut dims = inputs[0].0.clone();
        dims.push(inputs[1].last());
        Ok(Shape(dims))
    }
    fn flops(&self, _: &[&Shape], _: &Shape) -> u64 {
        0
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (ids, table) = (args[0].words(), args[1]);
        let c = shape.last();
        for (row, out) in rows.zip(out.chunks_exact_mut(c)) {
            let id = (ids[row] as usize).min(table.shape.lead() - 1);
            out.copy_from_slice(&table.data[id * c..][..c]);
        }
    }
}
