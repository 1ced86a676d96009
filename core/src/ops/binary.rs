//! `binary`: out = a + b or a · b, with the batch rule on the first axis and lengths of 1 broadcast on the others.

use std::ops::Range;

use super::{Arg, Operation, arity, broadcasts, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::{Shape, batch_index};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BinaryKind {
    /// a + b
    Add,
    /// a · b
    Mul,
}

/// Operands: a `[L, ..]`, b `[M, ..]` of the same rank. One batch divides the other; behind it, b's axes equal a's or are 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Binary {
    /// Sum or product.
    pub kind: BinaryKind,
}

impl Graph {
    /// a + b.
    #[track_caller]
    pub fn add(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.record(Binary { kind: BinaryKind::Add }.into(), &[a, b], "add")
    }
    /// a · b.
    #[track_caller]
    pub fn mul(&mut self, a: ValueId, b: ValueId) -> ValueId {
        self.record(Binary { kind: BinaryKind::Mul }.into(), &[a, b], "mul")
    }
}

impl Operation for Binary {
    fn name(&self) -> &'static str {
        "binary"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 2)?;
        let (a, b) = (inputs[0], inputs[1]);
        let lead = a.lead().max(b.lead());
        let inner = a.len() == b.len() || a.inner().iter().zip(b.inner()).all(|(x, y)| x == y || *y == 1);
        ensure(
            (**a).len() == (**b).len() && inner && broadcasts(a.lead(), lead) && broadcasts(b.lead(), lead),
            || format!("{b} does not broadcast to {a}"),
        )?;
        Ok(a.with_lead(lead))
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (a, b) = (args[0], args[1]);
        let (n, inner) = (shape.lead(), shape.inner());
        let item: usize = inner.iter().product();
        let b_item: usize = b.shape.inner().iter().product();
        let last = shape.last();
        // Strides of b behind the batch axis, 0 where it broadcasts.
        let mut strides = vec![0; inner.len()];
        let mut step = 1;
        for axis in (0..inner.len()).rev() {
            let length = b.shape.inner()[axis];
            strides[axis] = if length == 1 { 0 } else { step };
            step *= length;
        }
        let b_last = strides.last().copied().unwrap_or(0);
        for (row, out) in rows.zip(out.chunks_exact_mut(last)) {
            let (i, mut rest) = (row * last / item, row * last % item);
            let a_at = batch_index(i, a.shape.lead(), n) * item + rest;
            let mut b_at = batch_index(i, b.shape.lead(), n) * b_item;
            for axis in (0..inner.len()).rev() {
                b_at += rest % inner[axis] * strides[axis];
                rest /= inner[axis];
            }
            for (c, o) in out.iter_mut().enumerate() {
                let (x, y) = (a.data[a_at + c], b.data[b_at + c * b_last]);
                *o = match self.kind {
                    BinaryKind::Add => x + y,
                    BinaryKind::Mul => x * y,
                };
            }
        }
    }
}
