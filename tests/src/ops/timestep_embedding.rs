//! `timestep_embedding`: both orders, both shifts, whole timesteps and fractions up to the end of training.

use onelaunch_core::ops::TimestepEmbedding;
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::{Input, x};
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (dim, flip_sin_to_cos, downscale_freq_shift) in
        [(2, false, 0.0), (2, true, 0.0), (256, true, 0.0), (38, false, 1.0), (64, true, 0.0)]
    {
        let op = TimestepEmbedding { dim, flip_sin_to_cos, downscale_freq_shift };
        let steps = |values: [f32; 5]| Input { values: values.to_vec(), ..x(1, [5]) };
        cases.push(Case::new(op, [steps([0.0, 1.0, 0.5, 2.75, 3.0])]));
        let late = steps([0.0, 1.0, 999.0, 500.25, 37.0]);
        cases.push(Case::new(op, [late.clone()]).large());
        cases.push(Case::new(op, [late]).large().stored_in(DType::F16));
    }
    cases
}

/// sin and cos of t · 10000^(−i / (dim/2 − shift))
#[must_use]
pub fn oracle(op: &TimestepEmbedding, case: &Case) -> Vec<f64> {
    let half = op.dim / 2;
    each(&case.shape, |at| {
        let (i, second) = (at[1] % half, at[1] >= half);
        let exponent = i as f64 / (half as f64 - f64::from(op.downscale_freq_shift));
        let angle = case.inputs[0].at(&at[..1]) / 10_000f64.powf(exponent);
        if second == op.flip_sin_to_cos { angle.sin() } else { angle.cos() }
    })
}
