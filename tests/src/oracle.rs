//! What the oracles of the ops share: every index of an output, the batch rule, the pointwise functions. All of it in f64 and plain
//! loops, and on purpose without the helpers of the reference, which it checks.

use onelaunch_core::ops::Act;
use onelaunch_core::shape::Shape;

use crate::operand::Input;

/// One number for every index of `shape`, in row-major order.
pub fn each(shape: &Shape, mut f: impl FnMut(&[usize]) -> f64) -> Vec<f64> {
    let mut at = vec![0; shape.0.len()];
    let mut out = Vec::new();
    for flat in 0..shape.len() {
        let mut rest = flat;
        for axis in (0..at.len()).rev() {
            at[axis] = rest % shape.0[axis];
            rest /= shape.0[axis];
        }
        out.push(f(&at));
    }
    out
}

/// The item of a batch of `lead` that item `i` of a batch of `n` reads: neighbours share.
#[must_use]
pub fn item(i: usize, lead: usize, n: usize) -> usize {
    i / (n / lead)
}

/// Element c of row `row` of a modulation `[L, K, C]`, for item `i` of `n`.
#[must_use]
pub fn modulation(mods: &Input, i: usize, n: usize, row: usize, c: usize) -> f64 {
    mods.at(&[item(i, mods.shape.0[0], n), row, c])
}

/// Element c of a vector.
#[must_use]
pub fn vector(of: &Input, c: usize) -> f64 {
    of.at(&[c])
}

/// An index with another last axis.
#[must_use]
pub fn last(at: &[usize], c: usize) -> Vec<usize> {
    let mut at = at.to_vec();
    if let Some(end) = at.last_mut() {
        *end = c;
    }
    at
}

/// The pointwise functions, as their papers write them.
#[must_use]
pub fn act(act: Act, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    match act {
        Act::None => x,
        Act::Relu => x.max(0.0),
        Act::Silu => x * sigmoid(x),
        Act::GeluTanh => {
            let root = (2.0 / std::f64::consts::PI).sqrt();
            0.5 * x * (1.0 + (root * (x + 0.044715 * x * x * x)).tanh())
        }
        Act::GeluErf => 0.5 * x * (1.0 + libm::erf(x / 2.0f64.sqrt())),
        Act::QuickGelu => x * sigmoid(1.702 * x),
        Act::Tanh => x.tanh(),
    }
}
