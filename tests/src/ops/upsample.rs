//! `upsample`: odd and even images.

use onelaunch_core::ops::Upsample;
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::x;
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 1, 1, 1], [2, 3, 5, 7], [1, 2, 2, 4], [1, 1, 13, 5]] {
        cases.push(Case::new(Upsample, [x(1, shape)]));
        cases.push(Case::new(Upsample, [x(1, shape).f16()]));
        cases.push(Case::new(Upsample, [x(1, shape)]).stored_in(DType::F16));
    }
    cases
}

/// Every pixel four times
#[must_use]
pub fn oracle(_: &Upsample, case: &Case) -> Vec<f64> {
    each(&case.shape, |at| case.inputs[0].at(&[at[0], at[1] / 2, at[2] / 2, at[3]]))
}
