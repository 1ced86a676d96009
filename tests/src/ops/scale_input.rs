//! `scale_input`: one half and two.

use onelaunch_core::ops::ScaleInput;
use onelaunch_core::schedule::{ROW_INPUT_SCALE, ROW_LEN};
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::x;
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 1, 1, 1], [1, 3, 3, 7], [1, 4, 4, 4], [2, 3, 3, 4], [1, 13, 5, 1]] {
        for halves in [1, 2] {
            let inputs = [x(1, shape), x(2, [ROW_LEN])];
            cases.push(Case::new(ScaleInput { halves }, inputs.clone()));
            cases.push(Case::new(ScaleInput { halves }, inputs).stored_in(DType::F16));
        }
    }
    cases
}

/// x · input_scale, once per half
#[must_use]
pub fn oracle(_: &ScaleInput, case: &Case) -> Vec<f64> {
    let (x, row) = (&case.inputs[0], &case.inputs[1]);
    each(&case.shape, |at| x.at(&[at[0] % x.shape[0], at[1], at[2], at[3]]) * row.at(&[ROW_INPUT_SCALE]))
}
