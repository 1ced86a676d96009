//! `load_row`: first, middle and last row, and a counter behind the table.

use onelaunch_core::ops::{LoadRow, PLANES, state_len};

use crate::case::Case;
use crate::operand::x;
use crate::oracle::each;

const LATENT: usize = 30;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, width) in [(1, 64), (4, 100), (5, 65)] {
        for counter in [0.0, 2.0, 4.0, 300.0] {
            let state = x(1, [state_len(LATENT)]).with(PLANES * LATENT, counter);
            cases.push(Case::new(LoadRow, [x(2, [rows, width]), state]));
        }
    }
    cases
}

/// The row that the counter, behind the six planes, says; the last where there are fewer
#[must_use]
pub fn oracle(_: &LoadRow, case: &Case) -> Vec<f64> {
    let (rows, state) = (&case.inputs[0], &case.inputs[1]);
    let mut row = state.at(&[6 * LATENT]) as usize;
    if row >= rows.shape[0] {
        row = rows.shape[0] - 1;
    }
    each(&case.shape, |at| rows.at(&[row, at[0]]))
}
