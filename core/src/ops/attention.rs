//! `attention`: out = softmax(scale · q kᵀ + bias) v per head (Vaswani et al., arXiv 1706.03762).

use std::ops::Range;

use super::{Arg, Operation, arity, broadcasts, ensure};
use crate::gemm;
use crate::graph::{Graph, ValueId};
use crate::math::{self, ExpFrom, Same, Times};
use crate::shape::{Shape, batch_index};

/// Which keys a query sees, and what is added to its scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mask {
    /// All.
    None,
    /// Keys up to its own position.
    Causal,
    /// The first `lengths[⌊n⌋]` keys; an operand `[N|P]` u32.
    KeyLengths,
    /// An operand `[1|N, 1|H, Tq, Tk]` f32 is added.
    Bias,
    /// Both: the bias comes first among the operands.
    BiasKeyLengths,
}

impl Mask {
    /// Whether there is a bias operand.
    pub const fn has_bias(self) -> bool {
        matches!(self, Self::Bias | Self::BiasKeyLengths)
    }
    /// Whether there is a lengths operand.
    pub const fn has_lengths(self) -> bool {
        matches!(self, Self::KeyLengths | Self::BiasKeyLengths)
    }
}

/// Operands: q `[N, Tq, *]`, k `[P, Tk, *]`, v `[P, Tk, *]`, then bias and lengths as the mask says. Head h of q is its columns
/// `q_col + h·D ..`, and so on, so that q, k and v may be columns of one product. Output `[N, Tq, heads·D]`. A query that
/// sees no key gets zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Number of heads.
    pub heads: usize,
    /// Width of a head, D.
    pub head_dim: usize,
    /// Multiplies the scores (1/√D; 1 for T5).
    pub scale: f32,
    /// First column of q, k and v in their operands.
    pub columns: [usize; 3],
    /// Which keys are seen.
    pub mask: Mask,
}

impl Graph {
    /// Attention over operands whose last axis is heads · D. `masks` holds the bias and lengths that `mask` names, in that order.
    #[track_caller]
    pub fn attention(
        &mut self,
        [q, k, v]: [ValueId; 3],
        heads: usize,
        scale: f32,
        mask: Mask,
        masks: &[ValueId],
    ) -> ValueId {
        let head_dim = self.shape(q).last() / heads.max(1);
        let inputs: Vec<_> = [q, k, v].iter().chain(masks).copied().collect();
        self.record(Attention { heads, head_dim, scale, columns: [0; 3], mask }.into(), &inputs, "attention")
    }
}

impl Operation for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 3 + usize::from(self.mask.has_bias()) + usize::from(self.mask.has_lengths()))?;
        let (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        let width = self.heads * self.head_dim;
        ensure(width > 0 && [q, k, v].iter().all(|s| s.0.len() == 3), || {
            format!("takes [N, T, heads·D], got {q}, {k}, {v}")
        })?;
        for (s, at) in [q, k, v].iter().zip(self.columns) {
            ensure(at + width <= s.last(), || format!("{s} has no columns {at}..{}", at + width))?;
        }
        ensure(k[..2] == v[..2] && broadcasts(k.lead(), q.lead()), || {
            format!("k {k} and v {v} do not fit q {q}")
        })?;
        if self.mask.has_bias() {
            let b = inputs[3];
            let fits = b.0.len() == 4 && [1, q[0]].contains(&b[0]) && [1, self.heads].contains(&b[1]);
            ensure(fits && b[2] == q[1] && b[3] == k[1], || {
                format!("bias {b} does not fit q {q} and k {k}")
            })?;
        }
        if self.mask.has_lengths() {
            let l = inputs[inputs.len() - 1];
            ensure(l.0.len() == 1 && broadcasts(l.lead(), q.lead()), || {
                format!("lengths {l} do not fit q {q}")
            })?;
        }
        ensure(self.mask != Mask::Causal || q[1] == k[1], || {
            format!("causal needs Tq = Tk, got {q} and {k}")
        })?;
        Ok([q[0], q[1], width].into())
    }
    fn flops(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        4 * output.len() as u64 * inputs[1][1] as u64
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (tq, width) = (shape[1], shape[2]);
        let mut done = rows.start;
        while done < rows.end {
            // Rows of one item at a time: they share its keys.
            let end = rows.end.min((done / tq + 1) * tq);
            let part = &mut out[(done - rows.start) * width..(end - rows.start) * width];
            self.item(args, shape, done / tq, done % tq..done % tq + (end - done), part);
            done = end;
        }
    }
}

impl Attention {
    /// Queries `queries` of batch item `n`.
    fn item(&self, args: &[Arg<'_>], shape: &Shape, n: usize, queries: Range<usize>, out: &mut [f32]) {
        let (batch, d, width) = (shape[0], self.head_dim, shape[2]);
        let (q, k, v) = (args[0], args[1], args[2]);
        let tk = k.shape[1];
        let kv = batch_index(n, k.shape.lead(), batch) * tk;
        let (q_row, k_row, v_row) = (q.shape.last(), k.shape.last(), v.shape.last());
        let lengths = self.mask.has_lengths().then(|| args[args.len() - 1]);
        let seen =
            lengths.map_or(tk, |l| (l.words()[batch_index(n, l.shape.lead(), batch)] as usize).min(tk));
        let mut scores = vec![0.0; queries.len() * tk];
        for head in 0..self.heads {
            let q_at = (n * shape[1] + queries.start) * q_row + self.columns[0] + head * d;
            let k_at = kv * k_row + self.columns[1] + head * d;
            let dims = [queries.len(), tk, d];
            gemm::product(&mut scores, tk, &q.data[q_at..], q_row, &k.data[k_at..], [1, k_row], dims);
            for (query, row) in queries.clone().zip(scores.chunks_exact_mut(tk)) {
                math::map(row, Times(self.scale));
                if self.mask.has_bias() {
                    let b = args[3];
                    let item = if b.shape[0] == 1 { 0 } else { n };
                    let at = ((item * b.shape[1] + head % b.shape[1]) * shape[1] + query) * tk;
                    row.iter_mut().zip(&b.data[at..]).for_each(|(s, b)| *s += b);
                }
                let sees = if self.mask == Mask::Causal { query + 1 } else { seen };
                softmax(&mut row[..sees]);
                row[sees..].fill(0.0);
            }
            let v_at = kv * v_row + self.columns[2] + head * d;
            let dims = [queries.len(), d, tk];
            gemm::product(&mut out[head * d..], width, &scores, tk, &v.data[v_at..], [v_row, 1], dims);
        }
    }
}

/// exp(s − max) / Σ, in place.
fn softmax(row: &mut [f32]) {
    math::map(row, ExpFrom(math::max(row)));
    math::map(row, Times(1.0 / math::sum(row, Same)));
}
