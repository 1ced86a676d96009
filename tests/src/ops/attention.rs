//! `attention`: around the kernels' blocks of 64 queries and 16 keys and their head widths of 32, 64 and 128, with every mask and every
//! batch of keys, also where nothing is seen.

use onelaunch_core::ops::{Attention, Mask};
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::{Input, integers, x};
use crate::oracle::{each, item};

/// (heads, D, Tq, Tk)
const SHAPES: [(usize, usize, usize, usize); 8] = [
    (1, 1, 1, 1),
    (2, 24, 3, 5),
    (3, 8, 63, 15),
    (1, 64, 64, 16),
    (2, 65, 65, 17),
    (1, 128, 5, 33),
    (2, 13, 31, 77),
    (1, 32, 130, 4),
];

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in SHAPES {
        unmasked(&mut cases, shape);
        masked(&mut cases, shape);
    }
    // Every item of a batch of four with one prompt, two prompts and four.
    for p in [1, 2, 4] {
        let qkv = [x(1, [4, 3, 8]), x(2, [p, 5, 8]), x(3, [p, 5, 8])];
        cases.push(Case::new(op(2, 4, Mask::None), qkv.clone()));
        let lengths = integers([p], &[2, 5, 1, 0][..p]);
        cases.push(Case::new(op(2, 4, Mask::KeyLengths), with(&qkv, [lengths])));
    }
    // Columns of one product.
    let packed = x(1, [2, 9, 3 * 16]);
    for columns in [[0, 16, 32], [3, 20, 32]] {
        let op = Attention { columns, scale: 1.0, ..op(2, 8, Mask::None) };
        cases.push(Case::new(op, [packed.clone(), packed.clone(), packed.clone()]));
    }
    cases
}

fn op(heads: usize, head_dim: usize, mask: Mask) -> Attention {
    Attention { heads, head_dim, scale: 0.3, columns: [0; 3], mask }
}

fn with(qkv: &[Input; 3], masks: impl Into<Vec<Input>>) -> Vec<Input> {
    qkv.iter().cloned().chain(masks.into()).collect()
}

fn unmasked(cases: &mut Vec<Case>, (heads, d, tq, tk): (usize, usize, usize, usize)) {
    let c = heads * d;
    let qkv = |p| [x(1, [2, tq, c]), x(2, [p, tk, c]), x(3, [p, tk, c])];
    for p in [1, 2] {
        cases.push(Case::new(op(heads, d, Mask::None), qkv(p).map(|i| i.map(|v| 4.0 * v))).large());
    }
    cases.push(Case::new(op(heads, d, Mask::None), qkv(2).map(Input::f16)).stored_in(DType::F16));
    cases.push(Case::new(op(heads, d, Mask::None), qkv(2).map(Input::f16)));
    let same = [1, 2, 3].map(|seed| x(seed, [2, tq, c]));
    cases.push(Case::new(op(heads, d, Mask::Causal), same));
}

fn masked(cases: &mut Vec<Case>, (heads, d, tq, tk): (usize, usize, usize, usize)) {
    let c = heads * d;
    let qkv = [x(1, [2, tq, c]), x(2, [2, tk, c]), x(3, [2, tk, c])];
    for lengths in [[0, tk as u32], [tk as u32 / 2, 1]] {
        let lengths = integers([2], &lengths);
        cases.push(Case::new(op(heads, d, Mask::KeyLengths), with(&qkv, [lengths.clone()])));
        for [items, per] in [[1, 1], [2, heads]] {
            let bias = x(5, [items, per, tq, tk]);
            cases.push(Case::new(op(heads, d, Mask::Bias), with(&qkv, [bias.clone()])));
            let both = with(&qkv, [bias, lengths.clone()]);
            cases.push(Case::new(op(heads, d, Mask::BiasKeyLengths), both));
        }
    }
}

/// Σ over the keys seen of softmax(scale · q·k + bias) · v
#[must_use]
pub fn oracle(op: &Attention, case: &Case) -> Vec<f64> {
    let [q, k, v] = [0, 1, 2].map(|i| &case.inputs[i]);
    let (n, prompts, tk) = (case.shape[0], k.shape[0], k.shape[1]);
    each(&case.shape, |at| {
        let (i, query, head, channel) = (at[0], at[1], at[2] / op.head_dim, at[2] % op.head_dim);
        let keys = item(i, prompts, n);
        let column = |of: usize, d: usize| op.columns[of] + head * op.head_dim + d;
        let score = |key: usize| {
            let dot =
                (0..op.head_dim).map(|d| q.at(&[i, query, column(0, d)]) * k.at(&[keys, key, column(1, d)]));
            let mut score = f64::from(op.scale) * dot.sum::<f64>();
            if op.mask.has_bias() {
                let bias = &case.inputs[3];
                let [items, heads] = [bias.shape[0], bias.shape[1]];
                score +=
                    bias.at(&[if items == 1 { 0 } else { i }, if heads == 1 { 0 } else { head }, query, key]);
            }
            score
        };
        let seen = (0..tk).filter(|&key| match op.mask {
            Mask::None | Mask::Bias => true,
            Mask::Causal => key <= query,
            Mask::KeyLengths | Mask::BiasKeyLengths => {
                let lengths = &case.inputs[case.inputs.len() - 1];
                (key as u32) < lengths.word(&[item(i, lengths.shape[0], n)])
            }
        });
        let seen: Vec<(usize, f64)> = seen.map(|key| (key, score(key))).collect();
        let top = seen.iter().map(|s| s.1).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = seen.iter().map(|s| (s.1 - top).exp()).sum();
        seen.iter().map(|s| (s.1 - top).exp() / sum * v.at(&[keys, s.0, column(2, channel)])).sum()
    })
}
