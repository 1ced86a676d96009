//! The CPU reference against the oracles. The reference is fast, through matrix products, slices and threads that each take some rows:
//! so it is checked whole, cut in every way that matters, and with both ways to store a matrix.

use std::ops::Range;

use onelaunch_core::ops::{Arg, Op};
use onelaunch_core::shape::DType;
use onelaunch_core::weights::Role;

use crate::case::Case;
use crate::compare::{Difference, compare};
use crate::operand::Input;
use crate::{ops, tolerance};

/// How far the reference is from the oracle, however it is cut. Other than native products, cuts change no bit.
///
/// # Errors
/// Where a tolerance does not hold, or the bits differ.
pub fn check_reference(case: &Case) -> Result<Difference, String> {
    let want: Vec<f64> = ops::oracle(case).into_iter().map(|v| rounded(v, case.output)).collect();
    let tolerance = tolerance::of(case, DType::F32);
    let mut found = Vec::new();
    for transposed in [false, true] {
        let what = |why| format!("reference, transposed {transposed}, {}: {why}", case.name());
        let whole = evaluate(case, transposed, usize::MAX);
        found.push(compare(&numbers(&whole, case.output), &want).within(&tolerance).map_err(what)?);
        for rows in [1, 3, 16] {
            let cut = evaluate(case, transposed, rows);
            let apart = compare(&numbers(&cut, case.output), &want).within(&tolerance);
            found.push(apart.map_err(|why| what(format!("{rows} rows at a time: {why}")))?);
            let differs = cut.iter().zip(&whole).position(|(c, w)| c.to_bits() != w.to_bits());
            if let Some(at) = differs.filter(|_| !cuts_change_bits(&case.op)) {
                let why = format!("{rows} rows at a time give {}, not {} at {at}", cut[at], whole[at]);
                return Err(what(why));
            }
        }
    }
    Ok(Difference::worst_of(&found))
}

/// Whether the op goes through the `gemm` crate, whose kernel depends on the number of rows: another order of the same sum. The
/// tiles that stand in for it in a page have one order.
fn cuts_change_bits(op: &Op) -> bool {
    !cfg!(target_arch = "wasm32") && matches!(op, Op::Attention(_) | Op::Conv2d(_) | Op::Linear(_))
}

/// A number of the oracle as 32 bits hold it, so that what is rounded once is equal.
fn rounded(value: f64, dtype: DType) -> f64 {
    if dtype == DType::U32 { value } else { f64::from(value as f32) }
}

/// The reference's output, computed `rows` rows at a time.
#[must_use]
pub fn evaluate(case: &Case, transposed: bool, rows: usize) -> Vec<f32> {
    let stored: Vec<_> = case.inputs.iter().map(|i| values(i, transposed)).collect();
    let args = case.inputs.iter().zip(&stored);
    let args: Vec<_> = args
        .map(|(i, (data, transposed))| Arg { transposed: *transposed, ..Arg::new(&i.shape, data) })
        .collect();
    let op = case.op.get();
    let (all, mut out) = (op.rows(&case.shape), case.first());
    let width = out.len() / all;
    let mut part = |rows: Range<usize>| {
        let out = &mut out[rows.start * width..rows.end * width];
        op.reference(&args, &case.shape, rows, out);
    };
    let mut start = 0;
    while start < all {
        let end = all.min(start.saturating_add(rows));
        part(start..end);
        start = end;
    }
    out
}

/// An operand's values, `[K.., N]` if it is a matrix and they are to be transposed, and whether they are.
fn values(input: &Input, transposed: bool) -> (Vec<f32>, bool) {
    if !transposed || !matches!(input.weight, Some((Role::Matrix, _))) {
        return (input.values.clone(), false);
    }
    let n = input.shape.lead();
    let k = input.values.len() / n;
    ((0..n * k).map(|i| input.values[i % n * k + i / n]).collect(), true)
}

/// Words of storage as numbers.
#[must_use]
pub fn numbers(words: &[f32], dtype: DType) -> Vec<f64> {
    let number = |w: &f32| if dtype == DType::U32 { f64::from(w.to_bits()) } else { f64::from(*w) };
    words.iter().map(number).collect()
}
