//! `store_table`: columns at the front, in the middle and at the end of a table; everything beside them stays.

use onelaunch_core::ops::StoreTable;

use crate::case::Case;
use crate::operand::x;
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (rows, column, width) in [(1, 0, 1), (3, 7, 20), (3, 9, 20), (5, 64, 130), (2, 0, 11)] {
        let op = StoreTable { column, rows };
        let values = if rows == 1 { 1 } else { 11 };
        for input in [x(6, [rows, values]), x(6, [rows, values]).f16()] {
            cases.push(Case::slot(op, [input], [rows, width].into(), vec![0.25; rows * width]));
        }
        // Two prompts for every row, side by side.
        let input = x(6, [2 * rows, 3]);
        let width = column + 6;
        cases.push(Case::slot(op, [input], [rows, width].into(), vec![0.25; rows * width]));
    }
    cases
}

/// Row r of x from `column` on in row r of the table
#[must_use]
pub fn oracle(op: &StoreTable, case: &Case) -> Vec<f64> {
    let (x, before) = (&case.inputs[0], case.first());
    let per_row = x.shape.len() / op.rows;
    each(&case.shape, |at| {
        if at[1] < op.column || at[1] >= op.column + per_row {
            return f64::from(before[at[0] * case.shape[1] + at[1]]);
        }
        f64::from(x.values[at[0] * per_row + at[1] - op.column])
    })
}
