//! `conv2d`: out[n, y, x, o] = Σ w[o, dy, dx, i] · in[n, y·stride + dy − padding, x·stride + dx − padding, i], then the epilogue. Zeros outside.

use std::ops::Range;

use super::linear::add_rows;
use super::{Arg, Epilogue, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;
use crate::{gemm, math};

/// Operands: x `[N, H, W, I]`, weight `[O, kh, kw, I]`; then, as the flags say, bias `[O]` and residual shaped as the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// Distance of output pixels in the input.
    pub stride: usize,
    /// Rows and columns of zeros around the input.
    pub padding: usize,
    /// Reads the input as if `upsample` stood before.
    pub upsample: bool,
    /// Has a bias.
    pub bias: bool,
    /// What follows; `glu` and `gate` are not for convolutions.
    pub epilogue: Epilogue,
}

impl Graph {
    /// Convolution of a channels-last value.
    #[track_caller]
    pub fn conv2d(
        &mut self,
        x: ValueId,
        weight: ValueId,
        bias: Option<ValueId>,
        stride: usize,
        padding: usize,
    ) -> ValueId {
        let op =
            Conv2d { stride, padding, upsample: false, bias: bias.is_some(), epilogue: Epilogue::default() };
        let inputs: Vec<_> = [x, weight].into_iter().chain(bias).collect();
        self.record(op.into(), &inputs, "")
    }
}

impl Conv2d {
    /// Position of the residual's operand.
    pub fn residual_input(&self) -> Option<usize> {
        self.epilogue.residual.then_some(2 + usize::from(self.bias))
    }
    /// Height and width of the input as the convolution sees it.
    pub fn seen(&self, x: &Shape) -> (usize, usize) {
        let times = if self.upsample { 2 } else { 1 };
        (x[1] * times, x[2] * times)
    }
}

impl Operation for Conv2d {
    fn name(&self) -> &'static str {
        "conv2d"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 2 + usize::from(self.bias) + usize::from(self.epilogue.residual))?;
        let (x, w) = (inputs[0], inputs[1]);
        ensure(x.0.len() == 4 && w.0.len() == 4 && x.last() == w.last(), || {
            format!("weight {w} does not fit x {x}")
        })?;
        ensure(!self.epilogue.glu && self.epilogue.gate.is_none(), || {
            "convolutions have no glu and no gate".into()
        })?;
        ensure(!self.bias || inputs[2].len() == w.lead(), || {
            format!("bias {} does not fit weight {w}", inputs[2])
        })?;
        let (h, wide) = self.seen(x);
        let length = |size: usize, kernel: usize| (size + 2 * self.padding).checked_sub(kernel);
        let (Some(h), Some(wide)) = (length(h, w[1]), length(wide, w[2])) else {
            return Err(format!("kernel {w} is larger than x {x}"));
        };
        ensure(self.stride > 0, || "stride 0".into())?;
        let out: Shape = [x[0], h / self.stride + 1, wide / self.stride + 1, w[0]].into();
        if let Some(at) = self.residual_input() {
            ensure(*inputs[at] == out, || {
                format!("residual {} is not shaped as the output {out}", inputs[at])
            })?;
        }
        Ok(out)
    }
    fn flops(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        2 * output.rows() as u64 * inputs[1].len() as u64
    }
    fn rows(&self, output: &Shape) -> usize {
        output[0] * output[1]
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let (w, wide, o) = (args[1], shape[2], shape[3]);
        let k = w.shape.len() / o;
        // Strips of whole rows whose patches stay in the second-level cache.
        let strip = (STRIP / (wide * k)).max(1);
        let mut patches = vec![0.0; strip.min(rows.len()) * wide * k];
        let mut first = rows.start;
        for out in out.chunks_mut(strip * wide * o) {
            let count = out.len() / (wide * o);
            let m = count * wide;
            if k == args[0].shape.last() && self.stride == 1 && !self.upsample && self.padding == 0 {
                let x = &args[0].data[first * wide * k..];
                gemm::product(out, o, x, k, w.data, w.matrix_strides(), [m, o, k]);
            } else {
                for (row, patches) in (first..first + count).zip(patches.chunks_exact_mut(wide * k)) {
                    self.patches(args[0], w.shape, shape, row, patches);
                }
                gemm::product(out, o, &patches, k, w.data, w.matrix_strides(), [m, o, k]);
            }
            if self.bias {
                add_rows(out, args[2].data);
            }
            self.epilogue.act.apply_all(out);
            if let Some(at) = self.residual_input() {
                math::add(out, &args[at].data[first * wide * o..]);
            }
            self.epilogue.last.apply_all(out);
            first += count;
        }
    }
}

/// Elements of patches made at once: 768 KiB.
const STRIP: usize = 192 * 1024;

impl Conv2d {
    /// Writes the patch of every pixel of output row `row` (of all N·H rows): `[W, kh, kw, I]`.
    fn patches(&self, x: Arg<'_>, w: &Shape, out: &Shape, row: usize, patches: &mut [f32]) {
        let (h, wide) = self.seen(x.shape);
        let (kh, kw, c) = (w[1], w[2], w[3]);
        let halve = usize::from(self.upsample);
        let (n, y) = (row / out[1], row % out[1]);
        for dy in 0..kh {
            let from = (y * self.stride + dy).checked_sub(self.padding).filter(|&y| y < h);
            let line = from.map(|y| &x.data[(n * x.shape[1] + (y >> halve)) * x.shape[2] * c..]);
            for (px, patch) in patches.chunks_exact_mut(kh * kw * c).enumerate() {
                let patch = &mut patch[dy * kw * c..(dy + 1) * kw * c];
                let Some(line) = line else {
                    patch.fill(0.0);
                    continue;
                };
                let left = (px * self.stride).wrapping_sub(self.padding);
                if halve == 0 && left < wide && left + kw <= wide {
                    patch.copy_from_slice(&line[left * c..(left + kw) * c]); // inside: one run of memory
                    continue;
                }
                for (dx, pixel) in patch.chunks_exact_mut(c).enumerate() {
                    let at = left.wrapping_add(dx); // wraps below zero to above `wide`
                    if at < wide {
                        pixel.copy_from_slice(&line[(at >> halve) * c..][..c]);
                    } else {
                        pixel.fill(0.0);
                    }
                }
            }
        }
    }
}
