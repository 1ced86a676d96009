//! How far results may be off: one table, by op and storage, with the reason. It holds for the reference against the oracle and for
//! kernels against the reference alike; what both sides only round is equal to the bit.

use onelaunch_core::shape::DType;

use crate::case::Case;

/// The most that a difference may be, in both measures of [`compare`](crate::compare::compare).
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Of the largest magnitude (or 1).
    pub max: f64,
    /// Of the norm.
    pub l2: f64,
    /// Why not less.
    pub why: &'static str,
}

/// What a result in 32-bit words went through. All of f16 has one tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    /// Numbers of about 1.
    F32,
    /// Large intermediate values, as the case says.
    Large,
}
use Storage::{F32, Large};

const EXACT: &str = "copied, or rounded once on either side";
const SUMS: &str = "sums of products in another order, with and without fused multiply-add";
const HALF: &str = "one unit of f16: a conversion may round to either neighbour";

/// Op, storage, largest difference, L2 of the difference, why.
const TABLE: &[(&str, Storage, f64, f64, &str)] = &[
    ("activation", F32, 1e-6, 1e-6, "exp, tanh and erf to a few units, times the slope of what follows"),
    ("attention", F32, 2e-6, 2e-6, SUMS),
    (
        "attention",
        Large,
        1e-5,
        1e-5,
        "scores reach 100: half a unit of them, twice, is 1e-5 of their exponentials",
    ),
    ("binary", F32, 0.0, 0.0, EXACT),
    ("conv2d", F32, 2e-6, 2e-6, SUMS),
    ("embedding", F32, 0.0, 0.0, EXACT),
    ("gate", F32, 0.0, 0.0, EXACT),
    ("group_norm", F32, 3e-6, 3e-6, SUMS),
    ("group_norm", Large, 1e-5, 1e-5, "the mean is 10: half a unit of it is 1e-6 of the deviation"),
    ("layer_norm", F32, 3e-6, 3e-6, SUMS),
    ("layer_norm", Large, 1e-5, 1e-5, "the mean is 10: half a unit of it is 1e-6 of the deviation"),
    ("linear", F32, 2e-6, 2e-6, SUMS),
    (
        "linear",
        Large,
        1e-5,
        1e-5,
        "a thousand additions to sums near 10: half a unit of those is 5e-7, times the root of 1000",
    ),
    ("load_row", F32, 0.0, 0.0, EXACT),
    ("modulate", F32, 1e-6, 1e-6, SUMS),
    ("permute", F32, 0.0, 0.0, EXACT),
    ("repeat", F32, 0.0, 0.0, EXACT),
    ("rms_norm", F32, 3e-6, 3e-6, SUMS),
    ("sampler_step", F32, 2e-6, 2e-6, SUMS),
    ("scale_input", F32, 0.0, 0.0, EXACT),
    ("store_table", F32, 0.0, 0.0, EXACT),
    ("timestep_embedding", F32, 2e-6, 2e-6, "exp, sin and cos to a few units"),
    ("timestep_embedding", Large, 2e-4, 2e-4, "a unit of the frequency's exponent, times t = 999"),
    ("to_rgba8", F32, 0.0, 0.0, EXACT),
    ("upsample", F32, 0.0, 0.0, EXACT),
];

/// The tolerance for a case whose result is stored in `output`.
///
/// # Panics
/// Where the table has no line for it.
#[must_use]
pub fn of(case: &Case, output: DType) -> Tolerance {
    let storage = match output {
        DType::F16 => return Tolerance { max: 1e-3, l2: 1e-3, why: HALF },
        DType::F32 | DType::U32 if case.large => Large,
        DType::F32 | DType::U32 => F32,
    };
    let line = TABLE.iter().find(|line| line.0 == case.op.name() && line.1 == storage);
    let (_, _, max, l2, why) =
        line.unwrap_or_else(|| panic!("no tolerance for {} {storage:?}", case.op.name()));
    Tolerance { max: *max, l2: *l2, why }
}
