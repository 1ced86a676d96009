//! `repeat`: once and three times, one item and several.

use onelaunch_core::ops::Repeat;
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::{integers, x};
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (n, t, c) in [(1, 1, 1), (4, 5, 13), (2, 8, 64), (1, 1, 65)] {
        for times in [1, 3] {
            cases.push(Case::new(Repeat { times }, [x(1, [n, t, c])]));
            cases.push(Case::new(Repeat { times }, [x(1, [n, t, c]).f16()]));
            cases.push(Case::new(Repeat { times }, [x(1, [n, t, c])]).stored_in(DType::F16));
        }
    }
    // Lengths of prompts: one number an item.
    cases.push(Case::new(Repeat { times: 5 }, [integers([2], &[7, 16])]).stored_in(DType::U32));
    cases
}

/// The whole batch over and over
#[must_use]
pub fn oracle(_: &Repeat, case: &Case) -> Vec<f64> {
    let x = &case.inputs[0];
    each(&case.shape, |at| {
        let mut from = at.to_vec();
        from[0] %= x.shape[0];
        if x.dtype == DType::U32 { f64::from(x.word(&from)) } else { x.at(&from) }
    })
}
