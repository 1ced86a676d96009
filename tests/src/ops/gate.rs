//! `gate`: every batch of modulations, first and last row of them.

use onelaunch_core::ops::Gate;
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
            for row in [0, 2] {
                let mods = x(2, [lead, 3, c]);
                cases.push(Case::new(Gate { row }, [x(1, [n, t, c]), mods.clone()]));
                let half = [x(1, [n, t, c]).f16(), mods];
                cases.push(Case::new(Gate { row }, half).stored_in(DType::F16));
            }
        }
    }
    cases
}

/// `x · mods[row]`
#[must_use]
pub fn oracle(op: &Gate, case: &Case) -> Vec<f64> {
    let n = case.shape[0];
    each(&case.shape, |at| case.inputs[0].at(at) * modulation(&case.inputs[1], at[0], n, op.row, at[2]))
}
