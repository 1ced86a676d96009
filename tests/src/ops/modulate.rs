//! `modulate`: every batch of modulations, shift and scale in either order.

use onelaunch_core::ops::{Modulate, ModulateRows};
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::x;
use crate::oracle::{each, modulation};

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, t, c) in [(1, 1, 1), (4, 5, 13), (2, 8, 64), (4, 3, 65)] {
        for lead in [1, 2, 4].into_iter().filter(|&lead| lead <= n) {
            for [shift, scale] in [[2, 0], [0, 1]] {
                let op = Modulate { rows: ModulateRows { shift, scale } };
                let mods = x(2, [lead, 3, c]);
                cases.push(Case::new(op, [x(1, [n, t, c]), mods.clone()]));
                cases.push(Case::new(op, [x(1, [n, t, c]).f16(), mods]).stored_in(DType::F16));
            }
        }
    }
    cases
}

/// `x · (1 + mods[scale]) + mods[shift]`
#[must_use]
pub fn oracle(op: &Modulate, case: &Case) -> Vec<f64> {
    let n = case.shape[0];
    each(&case.shape, |at| {
        let mods = |row| modulation(&case.inputs[1], at[0], n, row, at[2]);
        case.inputs[0].at(at) * (1.0 + mods(op.rows.scale)) + mods(op.rows.shift)
    })
}
