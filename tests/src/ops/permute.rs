//! `permute`: ranks 1 to 6, the last axis kept and moved, from and to both storages.

use onelaunch_core::ops::Permute;
use onelaunch_core::shape::{DType, Shape};

use crate::case::Case;
use crate::operand::x;
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, axes) in [
        (vec![3], vec![0]),
        (vec![65, 64], vec![0, 1]),
        (vec![1, 63], vec![1, 0]),
        (vec![2, 3, 5], vec![0, 2, 1]),
        (vec![2, 5, 3, 7], vec![0, 3, 1, 2]),
        (vec![2, 1, 3, 5], vec![0, 3, 1, 2]),
        (vec![2, 5, 3, 7, 2], vec![0, 2, 1, 3, 4]),
        (vec![2, 3, 2, 3, 2, 2], vec![0, 3, 1, 5, 4, 2]),
    ] {
        let (op, input) = (Permute { axes }, x(1, Shape(shape)));
        cases.push(Case::new(op.clone(), [input.clone()]));
        cases.push(Case::new(op.clone(), [input.clone()]).stored_in(DType::F16));
        cases.push(Case::new(op, [input.f16()]));
    }
    cases
}

/// Output axis i is input axis `axes[i]`
#[must_use]
pub fn oracle(op: &Permute, case: &Case) -> Vec<f64> {
    each(&case.shape, |at| {
        let mut from = vec![0; at.len()];
        for (i, &axis) in op.axes.iter().enumerate() {
            from[axis] = at[i];
        }
        case.inputs[0].at(&from)
    })
}
