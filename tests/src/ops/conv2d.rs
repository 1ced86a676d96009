//! `conv2d`: kernels from 1×1 to 3×3, strides, padding and upsampling, around the tiles of channels and pixels, in every encoding and
//! with every epilogue that it has.

use onelaunch_core::ops::{Act, Conv2d, Epilogue, Operation};
use onelaunch_core::shape::DType;

use crate::case::Case;
use crate::operand::{ENCODINGS, matrix, x};
use crate::oracle::{act, each, vector};

/// (image `[N, H, W, I]`, `[O, kh, kw]`, stride, padding, upsample)
type Geometry = ([usize; 4], [usize; 3], usize, usize, bool);

const SHAPES: [Geometry; 10] = [
    ([1, 1, 1, 1], [1, 1, 1], 1, 0, false),
    ([2, 5, 7, 3], [3, 3, 3], 1, 1, false),
    ([1, 8, 8, 4], [8, 3, 3], 1, 1, false),
    ([2, 7, 5, 8], [9, 3, 3], 2, 1, false),
    ([1, 6, 5, 12], [72, 3, 3], 1, 1, true),
    ([1, 9, 9, 7], [65, 2, 2], 2, 0, false),
    ([1, 5, 11, 5], [17, 1, 2], 1, 0, false),
    ([2, 4, 4, 72], [24, 1, 1], 1, 0, true),
    ([2, 3, 11, 20], [63, 1, 1], 1, 0, false),
    ([1, 2, 1, 6], [5, 3, 3], 1, 2, false),
];

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, (image, [o, kh, kw], stride, padding, upsample)) in SHAPES.into_iter().enumerate() {
        for encoding in [ENCODINGS[i % 3], ENCODINGS[(i + 1) % 3]] {
            let (image, w) = (x(1, image), matrix(2, [o, kh, kw, image[3]], encoding));
            let op = Conv2d { stride, padding, upsample, bias: false, epilogue: Epilogue::default() };
            cases.push(Case::new(op, [image.clone(), w.clone()]));
            cases.push(Case::new(op, [image.clone().f16(), w.clone()]));
            let out = op.output_shape(&[&image.shape, &w.shape]);
            let residual = x(4, out.expect("the shape rule has just held"));
            let biased = Conv2d { bias: true, ..op };
            cases.push(Case::new(biased, [image.clone(), w.clone(), x(3, [o])]));
            let epilogue = Epilogue { act: Act::Relu, residual: true, last: Act::GeluTanh, ..op.epilogue };
            let op = Conv2d { epilogue, ..biased };
            let all = [image.clone(), w.clone(), x(3, [o]), residual.clone()];
            cases.push(Case::new(op, all));
            let all = [image.f16(), w, x(3, [o]), residual.f16()];
            cases.push(Case::new(op, all).stored_in(DType::F16));
        }
    }
    cases
}

/// last(act(Σ w · in + bias) + residual), the input zero outside
#[must_use]
pub fn oracle(op: &Conv2d, case: &Case) -> Vec<f64> {
    let (image, w) = (&case.inputs[0], &case.inputs[1]);
    let times = if op.upsample { 2 } else { 1 };
    let [height, width] = [image.shape[1] * times, image.shape[2] * times];
    each(&case.shape, |at| {
        let mut sum = if op.bias { vector(&case.inputs[2], at[3]) } else { 0.0 };
        for dy in 0..w.shape[1] {
            for dx in 0..w.shape[2] {
                let y = (at[1] * op.stride + dy) as i64 - op.padding as i64;
                let x = (at[2] * op.stride + dx) as i64 - op.padding as i64;
                if y < 0 || x < 0 || y >= height as i64 || x >= width as i64 {
                    continue;
                }
                let (y, x) = (y as usize / times, x as usize / times);
                for i in 0..w.shape[3] {
                    sum += w.at(&[at[3], dy, dx, i]) * image.at(&[at[0], y, x, i]);
                }
            }
        }
        let mut out = act(op.epilogue.act, sum);
        if op.epilogue.residual {
            out += case.inputs[case.inputs.len() - 1].at(at);
        }
        act(op.epilogue.last, out)
    })
}
