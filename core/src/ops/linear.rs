//! `linear`: out[.., n] = Σ_k x[.., k] · w[n, k], then the epilogue.

use std::ops::Range;

use super::gate::{check_mods, mods_row};
use super::{Arg, Epilogue, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;
use crate::{gemm, math};

/// Operands: x `[.., K]`, weight `[N, K]`; then, as the flags say, bias `[N]`, mods `[L, M, N]` (gate), residual
/// shaped as the output. With `glu` the output has N/2 channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Linear {
    /// Has a bias.
    pub bias: bool,
    /// What follows.
    pub epilogue: Epilogue,
}

impl Graph {
    /// x wᵀ + b.
    #[track_caller]
    pub fn linear(&mut self, x: ValueId, weight: ValueId, bias: Option<ValueId>) -> ValueId {
        let op = Linear { bias: bias.is_some(), epilogue: Epilogue::default() };
        let inputs: Vec<_> = [x, weight].into_iter().chain(bias).collect();
        self.record(op.into(), &inputs, "")
    }
}

impl Linear {
    /// Position of the gate's operand.
    pub fn gate_input(&self) -> Option<usize> {
        self.epilogue.gate.map(|_| 2 + usize::from(self.bias))
    }
    fn add_bias(&self, out: &mut [f32], args: &[Arg<'_>]) {
        if self.bias {
            add_rows(out, args[2].data);
        }
    }
    /// Position of the residual's operand.
    pub fn residual_input(&self) -> Option<usize> {
        let at = 2 + usize::from(self.bias) + usize::from(self.epilogue.gate.is_some());
        self.epilogue.residual.then_some(at)
    }
}

impl Operation for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        let e = &self.epilogue;
        arity(inputs, 2 + usize::from(self.bias) + usize::from(e.gate.is_some()) + usize::from(e.residual))?;
        let (x, w) = (inputs[0], inputs[1]);
        ensure(w.0.len() == 2 && w.last() == x.last(), || format!("weight {w} does not fit x {x}"))?;
        ensure(!self.bias || inputs[2].len() == w.lead(), || {
            format!("bias {} does not fit weight {w}", inputs[2])
        })?;
        ensure(!e.glu || w.lead().is_multiple_of(2), || {
            format!("glu needs pairs of columns, weight is {w}")
        })?;
        let out = x.with_last(w.lead() / if e.glu { 2 } else { 1 });
        if let (Some(at), Some(row)) = (self.gate_input(), e.gate) {
            check_mods(&out, inputs[at], &[row])?;
        }
        if let Some(at) = self.residual_input() {
            ensure(*inputs[at] == out, || {
                format!("residual {} is not shaped as the output {out}", inputs[at])
            })?;
        }
        Ok(out)
    }
    fn flops(&self, inputs: &[&Shape], _: &Shape) -> u64 {
        2 * inputs[0].len() as u64 * inputs[1].lead() as u64
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (x, w) = (args[0], args[1]);
        let (m, k, n) = (rows.len(), w.shape.last(), w.shape.lead());
        let x = &x.data[rows.start * k..][..m * k];
        let e = &self.epilogue;
        let dims = [m, n, k];
        if e.glu {
            let mut wide = vec![0.0; m * n];
            gemm::product(&mut wide, n, x, k, w.data, w.matrix_strides(), dims);
            self.add_bias(&mut wide, args);
            // Activations work on whole slices, so the gates go first and the values are multiplied in.
            out.iter_mut().zip(wide.iter().step_by(2)).for_each(|(o, g)| *o = *g);
            e.act.apply_all(out);
            out.iter_mut().zip(wide.iter().skip(1).step_by(2)).for_each(|(o, v)| *o *= v);
        } else {
            gemm::product(out, n, x, k, w.data, w.matrix_strides(), dims);
            self.add_bias(out, args);
            e.act.apply_all(out);
        }
        let (c, per_item) = (shape.last(), shape.rows() / shape.lead());
        if let (Some(at), Some(gate)) = (self.gate_input(), e.gate) {
            for (row, out) in rows.clone().zip(out.chunks_exact_mut(c)) {
                let gate = mods_row(&args[at], row / per_item, shape.lead(), gate);
                math::multiply(out, gate);
            }
        }
        if let Some(at) = self.residual_input() {
            let residual = &args[at].data[rows.start * c..];
            math::add(out, residual);
        }
        e.last.apply_all(out);
    }
}

/// Adds `row` to every row of `out`.
pub(super) fn add_rows(out: &mut [f32], row: &[f32]) {
    for out in out.chunks_exact_mut(row.len()) {
        math::add(out, row);
    }
}
