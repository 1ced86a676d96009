//! `binary`: both kinds, both operands broadcasting over the batch, b over every axis behind it, up to rank 6.

use onelaunch_core::ops::{Binary, BinaryKind};
use onelaunch_core::shape::{DType, Shape};

use crate::case::Case;
use crate::operand::x;
use crate::oracle::{each, item};

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let shapes: [(Shape, Shape); 9] = [
        ([1].into(), [1].into()),
        ([63].into(), [1].into()),
        ([1, 5].into(), [1, 5].into()),
        ([4, 3, 7].into(), [2, 3, 7].into()),
        ([2, 3, 7].into(), [4, 1, 7].into()),
        ([2, 3, 7].into(), [1, 3, 1].into()),
        ([1, 13, 5].into(), [1, 13, 5].into()),
        ([2, 3, 4, 5].into(), [1, 1, 1, 5].into()),
        ([2, 2, 3, 2, 3, 2].into(), [2, 1, 3, 1, 3, 1].into()),
    ];
    let mut cases = Vec::new();
    for kind in [BinaryKind::Add, BinaryKind::Mul] {
        for (a, b) in &shapes {
            let (a, b) = (x(1, a.clone()), x(2, b.clone()));
            cases.push(Case::new(Binary { kind }, [a.clone(), b.clone()]));
            cases.push(Case::new(Binary { kind }, [a.clone().f16(), b.clone()]).stored_in(DType::F16));
            cases.push(Case::new(Binary { kind }, [a, b.f16()]));
        }
    }
    cases
}

/// a + b or a · b
#[must_use]
pub fn oracle(op: &Binary, case: &Case) -> Vec<f64> {
    let (a, b) = (&case.inputs[0], &case.inputs[1]);
    let n = case.shape[0];
    each(&case.shape, |at| {
        let [mut in_a, mut in_b] = [at.to_vec(), at.to_vec()];
        in_a[0] = item(at[0], a.shape[0], n);
        in_b[0] = item(at[0], b.shape[0], n);
        for (i, &length) in in_b.iter_mut().zip(&b.shape.0).skip(1) {
            if length == 1 {
                *i = 0;
            }
        }
        match op.kind {
            BinaryKind::Add => a.at(&in_a) + b.at(&in_b),
            BinaryKind::Mul => a.at(&in_a) * b.at(&in_b),
        }
    })
}
