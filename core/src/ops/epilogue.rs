//! What a matrix op does to an accumulator before it stores it. Not an op: the shared tail of `linear` and `conv2d`.

use pulp::Simd;

use crate::math::{self, Function};

/// Pointwise functions of the models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub enum Act {
    /// Identity.
    #[default]
    None,
    /// max(x, 0)
    Relu,
    /// x · σ(x)
    Silu,
    /// GELU by tanh: x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks & Gimpel, arXiv 1606.08415; `gelu_new` of
    /// transformers, `gelu-approximate` of diffusers).
    GeluTanh,
    /// GELU by the error function.
    GeluErf,
    /// x · σ(1.702 x), of CLIP.
    QuickGelu,
    /// tanh(x)
    Tanh,
}

impl Act {
    /// The number that kernels switch on; the same in `shaders/wgsl/shared/act.wgsl` (a test compares).
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The function of one number.
    pub fn apply(self, x: f32) -> f32 {
        let mut one = [x];
        self.apply_all(&mut one);
        one[0]
    }

    /// The function of every element, in place.
    pub fn apply_all(self, xs: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Relu => xs.iter_mut().for_each(|x| *x = if *x < 0.0 { 0.0 } else { *x }),
            Self::Silu => math::map(xs, Sigmoid(1.0)),
            Self::GeluTanh => math::map(xs, GeluTanh),
            Self::GeluErf => {
                xs.iter_mut()
                    .for_each(|x| *x = 0.5 * *x * (1.0 + libm::erff(*x * std::f32::consts::FRAC_1_SQRT_2)));
            }
            Self::QuickGelu => math::map(xs, Sigmoid(1.702)),
            Self::Tanh => xs.iter_mut().for_each(|x| *x = libm::tanhf(*x)),
        }
    }
}

/// x · σ(factor · x)
#[derive(Clone, Copy)]
struct Sigmoid(f32);

impl Function for Sigmoid {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let e = math::exp(simd, simd.mul_f32s(x, simd.splat_f32s(-self.0)));
        simd.div_f32s(x, simd.add_f32s(simd.splat_f32s(1.0), e))
    }
}

#[derive(Clone, Copy)]
struct GeluTanh;

impl Function for GeluTanh {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        const ROOT: f32 = 0.797_884_6; // √(2/π)
        // x/2 (1 + tanh u) = x σ(2u): one exponential and one division
        let cube = simd.mul_f32s(simd.mul_f32s(x, x), simd.mul_f32s(x, simd.splat_f32s(0.044_715)));
        let u = simd.mul_f32s(simd.splat_f32s(-2.0 * ROOT), simd.add_f32s(x, cube));
        simd.div_f32s(x, simd.add_f32s(simd.splat_f32s(1.0), math::exp(simd, u)))
    }
}

/// `last(act(acc + bias) · gate + residual)`; every part is optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Epilogue {
    /// Applied to the accumulator with its bias.
    pub act: Act,
    /// Columns come in pairs (g, v) and `act(g) · v` is stored: half as many outputs as columns. Only `linear`.
    pub glu: bool,
    /// Multiplies by row `gate` of the modulation operand `[L, K, C]`. Only `linear`.
    pub gate: Option<usize>,
    /// Adds an operand shaped as the output.
    pub residual: bool,
    /// Applied after the residual.
    pub last: Act,
}
