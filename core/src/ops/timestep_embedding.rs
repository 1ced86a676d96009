//! `timestep_embedding`: sines and cosines of a timestep (Vaswani et al., arXiv 1706.03762; diffusers' `get_timestep_embedding`).

use std::ops::Range;

use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::shape::Shape;

/// Operands: t `[S]`; output `[S, dim]`: with f_i = exp(−ln(10000) · i / (dim/2 − shift)), i < dim/2, the sines of t·f and
/// then the cosines, or the other way round with `flip_sin_to_cos`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimestepEmbedding {
    /// Even width of the output.
    pub dim: usize,
    /// Cosines first.
    pub flip_sin_to_cos: bool,
    /// diffusers' `downscale_freq_shift`.
    pub downscale_freq_shift: f32,
}

impl Graph {
    /// Sinusoidal embedding of timesteps.
    #[track_caller]
    pub fn timestep_embedding(
        &mut self,
        t: ValueId,
        dim: usize,
        flip_sin_to_cos: bool,
        downscale_freq_shift: f32,
    ) -> ValueId {
        self.record(
            TimestepEmbedding { dim, flip_sin_to_cos, downscale_freq_shift }.into(),
            &[t],
            "time_proj",
        )
    }
}

impl TimestepEmbedding {
    /// −ln(10000) / (dim/2 − shift): the exponent of frequency 1.
    pub fn exponent(&self) -> f32 {
        -9.210_340_5 / (self.dim as f32 / 2.0 - self.downscale_freq_shift)
    }
}

impl Operation for TimestepEmbedding {
    fn name(&self) -> &'static str {
        "timestep_embedding"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 1)?;
        ensure(inputs[0].0.len() == 1 && self.dim.is_multiple_of(2), || {
            format!("takes [S] and an even width, got {} and {}", inputs[0], self.dim)
        })?;
        Ok([inputs[0].lead(), self.dim].into())
    }
    fn reference(&self, args: &[Arg<'_>], _: &Shape, rows: Range<usize>, out: &mut [f32]) {
        let half = self.dim / 2;
        for (row, out) in rows.zip(out.chunks_exact_mut(self.dim)) {
            let (first, second) = out.split_at_mut(half);
            for i in 0..half {
                let angle = args[0].data[row] * libm::expf(self.exponent() * i as f32);
                let (sin, cos) = (libm::sinf(angle), libm::cosf(angle));
                (first[i], second[i]) = if self.flip_sin_to_cos { (cos, sin) } else { (sin, cos) };
            }
        }
    }
}
