//! `rms_norm`: widths around a workgroup's 64 threads.

use onelaunch_core::ops::RmsNorm;
use onelaunch_core::shape::DType;

use super::layer_norm::SHAPES;
use crate::case::Case;
use crate::operand::x;
use crate::oracle::{each, last, vector};

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, t, c) in SHAPES {
        let (op, a, weight) = (RmsNorm { eps: 1e-6 }, x(1, [n, t, c]), x(2, [c]));
        cases.push(Case::new(op, [a.clone(), weight.clone()]));
        cases.push(Case::new(op, [a.clone().map(|v| 1000.0 * v), weight.clone()]));
        cases.push(Case::new(op, [a.f16(), weight]).stored_in(DType::F16));
    }
    cases
}

/// x / √(mean(x²) + eps) · weight
#[must_use]
pub fn oracle(op: &RmsNorm, case: &Case) -> Vec<f64> {
    let (x, c) = (&case.inputs[0], case.shape[2]);
    each(&case.shape, |at| {
        let squares: f64 = (0..c).map(|k| x.at(&last(at, k)).powi(2)).sum();
        x.at(at) / (squares / c as f64 + f64::from(op.eps)).sqrt() * vector(&case.inputs[1], at[2])
    })
}
