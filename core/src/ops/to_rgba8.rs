//! `to_rgba8`: a picture in [low, high] to packed RGBA8, rounded to nearest. Alpha is 255, or 0 where a channel is NaN or infinite: so
//! the flag that something overflowed travels with the pixels.

use std::ops::Range;

use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: x `[n, H, W, 3]`. Writes the slot `Pixels` or `Preview`, `[n, H, W]`, red in the low byte.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ToRgba8 {
    /// The value that becomes 0.
    pub low: f32,
    /// The value that becomes 255.
    pub high: f32,
}

impl Graph {
    /// Packs a picture.
    #[track_caller]
    pub fn to_rgba8(&mut self, x: ValueId, low: f32, high: f32, pixels: ValueId) {
        self.record_into(ToRgba8 { low, high }.into(), &[x], pixels, "to_rgba8");
    }
}

impl Operation for ToRgba8 {
    fn name(&self) -> &'static str {
        "to_rgba8"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 1)?;
        ensure(inputs[0].0.len() == 4 && inputs[0].last() == 3, || {
            format!("takes [n, H, W, 3], got {}", inputs[0])
        })?;
        Ok(Shape(inputs[0][..3].to_vec()))
    }
    fn rows(&self, _: &Shape) -> usize {
        1
    }
    fn reference(&self, args: &[Arg<'_>], _: &Shape, _: Range<usize>, out: &mut [f32]) {
        let scale = 255.0 / (self.high - self.low);
        let out: &mut [u32] = bytemuck::cast_slice_mut(out);
        for (pixel, rgb) in out.iter_mut().zip(args[0].data.chunks_exact(3)) {
            let byte = |x: f32| (((x - self.low) * scale).clamp(0.0, 255.0) + 0.5) as u32;
            let finite = rgb.iter().all(|x| x.is_finite());
            let alpha = if finite { 255 } else { 0 };
            *pixel = byte(rgb[0]) | byte(rgb[1]) << 8 | byte(rgb[2]) << 16 | alpha << 24;
        }
    }
}
