//! `activation`: every function, around a workgroup's 64 elements, far into saturation, from and to both storages.

use onelaunch_core::ops::{Act, Activation};
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::x;
use crate::oracle::{act, each};

/// Every function there is.
pub const ACTS: [Act; 7] =
    [Act::None, Act::Relu, Act::Silu, Act::GeluTanh, Act::GeluErf, Act::QuickGelu, Act::Tanh];

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for act in ACTS {
        for n in [1, 63, 64, 65] {
            let wide = Activation { act, input_scale: 30.0, output_scale: 0.5 };
            cases.push(Case::new(wide, [x(1, [n])]));
        }
        let op = Activation { act, input_scale: 2.0, output_scale: 1.0 };
        cases.push(Case::new(op, [x(1, [3, 37])]));
        cases.push(Case::new(op, [x(1, [3, 37]).f16()]).stored_in(DType::F16));
        // Beyond what e^x can hold, in both directions.
        let values = [-1e30, -100.0, -88.5, -0.0, 0.0, 88.5, 100.0, 1e30];
        let far = values.iter().enumerate().fold(x(1, [8]), |far, (at, &v)| far.with(at, v));
        cases.push(Case::new(Activation { input_scale: 1.0, ..op }, [far]));
    }
    cases
}

/// output_scale · act(input_scale · x)
#[must_use]
pub fn oracle(op: &Activation, case: &Case) -> Vec<f64> {
    each(&case.shape, |at| {
        f64::from(op.output_scale) * act(op.act, f64::from(op.input_scale) * case.inputs[0].at(at))
    })
}
