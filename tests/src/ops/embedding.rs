//! `embedding`: tables in every encoding and of odd widths, where packed halves of two rows share a word; ids behind the table.

use onelaunch_core::ops::Embedding;
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::{ENCODINGS, integers, table};
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for encoding in ENCODINGS {
        for c in [1, 7, 63, 64, 65] {
            let inputs = [integers([2, 3], &[0, 8, 3, 1, 99, 7]), table(1, [9, c], encoding)];
            cases.push(Case::new(Embedding, inputs.clone()));
            cases.push(Case::new(Embedding, inputs).stored_in(DType::F16));
        }
        let one = [integers([1], &[u32::MAX]), table(1, [1, 1], encoding)];
        cases.push(Case::new(Embedding, one));
    }
    cases
}

/// `table[ids]`, the last row for ids behind it
#[must_use]
pub fn oracle(_: &Embedding, case: &Case) -> Vec<f64> {
    let (ids, table) = (&case.inputs[0], &case.inputs[1]);
    each(&case.shape, |at| {
        let (token, c) = (&at[..at.len() - 1], at[at.len() - 1]);
        let behind = table.shape[0] as u32;
        let id = ids.word(token);
        table.at(&[if id < behind { id } else { behind - 1 } as usize, c])
    })
}
