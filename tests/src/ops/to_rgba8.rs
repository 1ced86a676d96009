//! `to_rgba8`: both ranges of pictures, values beyond them, halves to round, and what is no number.

use onelaunch_core::ops::ToRgba8;
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::x;
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for shape in [[1, 1, 1, 3], [1, 7, 9, 3], [1, 8, 8, 3], [2, 3, 5, 3], [1, 5, 13, 3]] {
        for (low, high) in [(-1.0, 1.0), (0.0, 1.0)] {
            let picture = x(7, shape).map(|v| 1.3 * v);
            cases.push(Case::new(ToRgba8 { low, high }, [picture.clone()]).stored_in(DType::U32));
            cases.push(Case::new(ToRgba8 { low, high }, [picture.f16()]).stored_in(DType::U32));
        }
    }
    let mut broken = x(7, [2, 3, 5, 3]);
    for (at, value) in [(10, f32::NAN), (33, f32::INFINITY), (50, f32::NEG_INFINITY), (60, f32::NAN)] {
        broken = broken.with(at, value);
    }
    cases.push(Case::new(ToRgba8 { low: -1.0, high: 1.0 }, [broken]).stored_in(DType::U32));
    let halves = (0..256).fold(x(1, [1, 16, 16, 3]), |x, at| x.with(at, at as f32 - 0.5));
    cases.push(Case::new(ToRgba8 { low: 0.0, high: 255.0 }, [halves]).stored_in(DType::U32));
    cases
}

/// Red in the low byte, halves rounded up; NaN is 0, and a pixel that is not all finite has alpha 0
#[must_use]
pub fn oracle(op: &ToRgba8, case: &Case) -> Vec<f64> {
    let (low, high) = (f64::from(op.low), f64::from(op.high));
    each(&case.shape, |at| {
        let channels = [0, 1, 2].map(|c| case.inputs[0].at(&[at[0], at[1], at[2], c]));
        let byte = |x: f64| match (x - low) / (high - low) * 255.0 {
            v if v.is_nan() || v <= 0.0 => 0.0,
            v if v >= 255.0 => 255.0,
            v => (v + 0.5).floor(),
        };
        let alpha = if channels.iter().all(|x| x.is_finite()) { 255.0 } else { 0.0 };
        let [red, green, blue] = channels.map(byte);
        ((alpha * 256.0 + blue) * 256.0 + green) * 256.0 + red
    })
}
