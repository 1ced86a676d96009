//! `layer_norm`: widths around a workgroup's 64 threads, with and without weights and modulation, means far from zero.

use onelaunch_core::ops::{LayerNorm, ModulateRows};
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::x;
use crate::oracle::{each, last, modulation, vector};

/// (N, T, C) of the norms over the last axis.
pub const SHAPES: [(usize, usize, usize); 7] =
    [(1, 1, 1), (2, 7, 3), (4, 5, 63), (1, 3, 64), (2, 2, 65), (2, 9, 257), (4, 1, 8)];

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let plain = LayerNorm { eps: 1e-5, affine: false, modulate: None };
    let modulate = Some(ModulateRows { shift: 1, scale: 0 });
    for (n, t, c) in SHAPES {
        for dtype in [DType::F32, DType::F16] {
            let a = if dtype == DType::F16 { x(1, [n, t, c]).f16() } else { x(1, [n, t, c]) };
            let mut push = |op, inputs: Vec<_>| cases.push(Case::new(op, inputs).stored_in(dtype));
            push(plain, vec![a.clone()]);
            let [weight, bias] = [x(2, [c]), x(3, [c])];
            push(LayerNorm { affine: true, ..plain }, vec![a.clone(), weight.clone(), bias.clone()]);
            for lead in [1, 2, 4].into_iter().filter(|&lead| lead <= n) {
                let mods = x(4, [lead, 3, c]);
                push(LayerNorm { modulate, ..plain }, vec![a.clone(), mods.clone()]);
                let all = vec![a.clone(), weight.clone(), bias.clone(), mods];
                push(LayerNorm { affine: true, modulate, ..plain }, all);
            }
        }
        if c > 8 {
            // Of few channels the deviation can be as small as the rounding of such a mean.
            cases.push(Case::new(plain, [x(1, [n, t, c]).map(|v| v + 10.0)]).large());
        }
    }
    cases
}

/// (x − mean) / √(var + eps) · weight + bias, then times 1 + scale plus shift
#[must_use]
pub fn oracle(op: &LayerNorm, case: &Case) -> Vec<f64> {
    let (x, n, c) = (&case.inputs[0], case.shape[0], case.shape[2]);
    each(&case.shape, |at| {
        let row: Vec<f64> = (0..c).map(|k| x.at(&last(at, k))).collect();
        let mean = row.iter().sum::<f64>() / c as f64;
        let var = row.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / c as f64;
        let mut out = (x.at(at) - mean) / (var + f64::from(op.eps)).sqrt();
        if op.affine {
            out = out * vector(&case.inputs[1], at[2]) + vector(&case.inputs[2], at[2]);
        }
        if let Some(rows) = op.modulate {
            let mods = |row| modulation(&case.inputs[case.inputs.len() - 1], at[0], n, row, at[2]);
            out = out * (1.0 + mods(rows.scale)) + mods(rows.shift);
        }
        out
    })
}
