//! `group_norm`: groups of one channel and of all, images from one pixel on, and means far from zero, which show cancelling variances.

use onelaunch_core::ops::{Act, GroupNorm};
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::x;
use crate::oracle::{act, each, vector};

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (shape, groups) in [
        ([1, 1, 1, 1], 1),
        ([2, 3, 5, 6], 3),
        ([1, 17, 13, 32], 32),
        ([2, 8, 8, 72], 8),
        ([1, 5, 7, 15], 5),
        ([3, 1, 1, 8], 1),
    ] {
        let [weight, bias] = [2, 3].map(|seed| x(seed, [shape[3]]));
        for act in [Act::None, Act::Silu, Act::Relu] {
            let op = GroupNorm { groups, eps: 1e-5, act };
            let given = |x| [x, weight.clone(), bias.clone()];
            cases.push(Case::new(op, given(x(1, shape))));
            cases.push(Case::new(op, given(x(1, shape).map(|v| v + 10.0))).large());
            cases.push(Case::new(op, given(x(1, shape).f16())).stored_in(DType::F16));
        }
    }
    cases
}

/// act((x − mean) / √(var + eps) · weight + bias), mean and variance over a group's channels and all pixels of an item
#[must_use]
pub fn oracle(op: &GroupNorm, case: &Case) -> Vec<f64> {
    let x = &case.inputs[0];
    let [_, h, w, c] = x.shape[..] else { panic!("group_norm is tested on images") };
    let per_group = c / op.groups;
    let mut statistics = Vec::new();
    for n in 0..x.shape[0] {
        for group in 0..op.groups {
            let mut values = Vec::new();
            for pixel in 0..h * w {
                for k in group * per_group..(group + 1) * per_group {
                    values.push(x.at(&[n, pixel / w, pixel % w, k]));
                }
            }
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
            statistics.push((mean, var));
        }
    }
    each(&case.shape, |at| {
        let (mean, var) = statistics[at[0] * op.groups + at[3] / per_group];
        let normed = (x.at(at) - mean) / (var + f64::from(op.eps)).sqrt();
        act(op.act, normed * vector(&case.inputs[1], at[3]) + vector(&case.inputs[2], at[3]))
    })
}
