//! `sampler_step`: guidance and the sampler's linear recurrence, one row of the table for every sampler.
//!
//! With o = uncond + w (cond − uncond) (Ho & Salimans, arXiv 2207.12598; o = cond where the row is not guided), each of x, h1, h2, h3 and s becomes
//! a row of the 5 × 7 matrix times (x, h1, h2, h3, s, o, noise). A zero coefficient skips its term: what it would multiply may be NaN.

use std::ops::Range;

use super::{Arg, Operation, arity, ensure};
use crate::graph::{Graph, ValueId};
use crate::schedule::{ROW_DENOISED, ROW_GUIDANCE, ROW_MATRIX, ROW_NOISE_SLOT};
use crate::shape::Shape;

/// Planes of the state: x, h1, h2, h3, s and denoised.
pub const PLANES: usize = 6;
/// The plane of the denoised latent.
pub const DENOISED: usize = 5;
/// Elements behind the planes; the first is the row counter, as a number.
pub const TAIL: usize = 64;

/// Operands: network output `[halves · n, H, W, C]`, noise `[draws, n, H, W, C]`, row `[row]`. Writes the slot `State` and adds 1 to its counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SamplerStep {
    /// The output holds cond and uncond.
    pub guided: bool,
}

/// Elements of the state of a latent of `latent` elements.
pub const fn state_len(latent: usize) -> usize {
    PLANES * latent + TAIL
}

impl Graph {
    /// Guidance and sampler.
    #[track_caller]
    pub fn sampler_step(&mut self, guided: bool, [output, noise, row]: [ValueId; 3], state: ValueId) {
        self.record_into(SamplerStep { guided }.into(), &[output, noise, row], state, "sampler_step");
    }
}

impl Operation for SamplerStep {
    fn name(&self) -> &'static str {
        "sampler_step"
    }
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        arity(inputs, 3)?;
        let halves = if self.guided { 2 } else { 1 };
        let latent = inputs[0].len() / halves;
        ensure(inputs[1].len() == latent * inputs[1].lead(), || {
            format!("noise {} does not fit the output {}", inputs[1], inputs[0])
        })?;
        Ok([state_len(latent)].into())
    }
    fn flops(&self, inputs: &[&Shape], _: &Shape) -> u64 {
        2 * 7 * 5 * inputs[0].len() as u64
    }
    fn rows(&self, _: &Shape) -> usize {
        1
    }
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, _: Range<usize>, out: &mut [f32]) {
        let (output, noise, row) = (args[0].data, args[1].data, args[2].data);
        let latent = (shape.len() - TAIL) / PLANES;
        let slot = row[ROW_NOISE_SLOT];
        for at in 0..latent {
            let cond = output[at];
            let guided = if self.guided {
                output[latent + at] + row[ROW_GUIDANCE] * (cond - output[latent + at])
            } else {
                cond
            };
            let drawn = if slot >= 0.0 { noise[slot as usize * latent + at] } else { 0.0 };
            let mut terms = [0.0; 7];
            for (plane, term) in terms[..5].iter_mut().enumerate() {
                *term = out[plane * latent + at];
            }
            (terms[5], terms[6]) = (guided, drawn);
            for plane in 0..5 {
                let coefficients = &row[ROW_MATRIX + plane * 7..][..7];
                out[plane * latent + at] = combine(coefficients, &terms);
            }
            let denoised = [row[ROW_DENOISED], row[ROW_DENOISED + 1]];
            out[DENOISED * latent + at] = combine(&denoised, &[terms[0], terms[5]]);
        }
        out[PLANES * latent] += 1.0;
    }
}

/// Σ cᵢ tᵢ over the non-zero coefficients.
fn combine(coefficients: &[f32], terms: &[f32]) -> f32 {
    coefficients.iter().zip(terms).filter(|(c, _)| **c != 0.0).map(|(c, t)| c * t).sum()
}
