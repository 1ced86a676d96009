//! Operands of test cases: a shape, values that the storage can hold exactly, and how they are stored. The reference, the oracle and a
//! device get the same numbers.

use onelaunch_core::backend::Operand;
use onelaunch_core::shape::{DType, Shape};
use onelaunch_core::weights::{Encoding, Role};

/// An operand with its values.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its shape.
    pub shape: Shape,
    /// Row-major; integers are the same words reinterpreted.
    pub values: Vec<f32>,
    /// How it is stored.
    pub dtype: DType,
    /// What kind of weight it is and how it is encoded, if it is one.
    pub weight: Option<(Role, Encoding)>,
}

/// The encodings of weights.
pub const ENCODINGS: [Encoding; 3] = [Encoding::F32, Encoding::F16, Encoding::Bf16];

/// Values in [-1, 1) that repeat with no tile; the same everywhere.
#[must_use]
pub fn noise(seed: u32, n: usize) -> Vec<f32> {
    let mut s = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
    (0..n)
        .map(|_| {
            s = s.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (s >> 8) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

/// Noise in f32.
#[must_use]
pub fn x(seed: u32, shape: impl Into<Shape>) -> Input {
    let shape = shape.into();
    Input { values: noise(seed, shape.len()), shape, dtype: DType::F32, weight: None }
}

/// A matrix `[N, K..]` of noise, as `linear` and `conv2d` read it.
#[must_use]
pub fn matrix(seed: u32, shape: impl Into<Shape>, encoding: Encoding) -> Input {
    Input { weight: Some((Role::Matrix, encoding)), ..x(seed, shape) }.rounded()
}

/// A table of noise, as `embedding` reads it.
#[must_use]
pub fn table(seed: u32, shape: impl Into<Shape>, encoding: Encoding) -> Input {
    Input { weight: Some((Role::Table, encoding)), ..x(seed, shape) }.rounded()
}

/// Integers.
#[must_use]
pub fn integers(shape: impl Into<Shape>, words: &[u32]) -> Input {
    let values = words.iter().map(|&w| f32::from_bits(w)).collect();
    Input { shape: shape.into(), values, dtype: DType::U32, weight: None }
}

impl Input {
    /// The same, stored in f16.
    #[must_use]
    pub fn f16(mut self) -> Self {
        self.dtype = DType::F16;
        self.rounded()
    }

    /// Every value replaced.
    #[must_use]
    pub fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        self.values.iter_mut().for_each(|v| *v = f(*v));
        self.rounded()
    }

    /// One value replaced.
    #[must_use]
    pub fn with(mut self, at: usize, value: f32) -> Self {
        self.values[at] = value;
        self
    }

    /// Values as the storage can hold them.
    fn rounded(mut self) -> Self {
        let encoding = self.weight.map(|(_, encoding)| encoding);
        for v in &mut self.values {
            *v = match (self.dtype, encoding) {
                (DType::F16, _) | (_, Some(Encoding::F16)) => half::f16::from_f32(*v).to_f32(),
                (_, Some(Encoding::Bf16)) => half::bf16::from_f32(*v).to_f32(),
                _ => *v,
            };
        }
        self
    }

    /// As kernel choice sees it.
    #[must_use]
    pub fn operand(&self) -> Operand {
        let encoding = self.weight.map(|(_, encoding)| encoding);
        Operand { shape: self.shape.clone(), dtype: self.dtype, encoding }
    }

    fn offset(&self, at: &[usize]) -> usize {
        assert_eq!(at.len(), self.shape.0.len(), "{at:?} is no index into {}", self.shape);
        at.iter().zip(&self.shape.0).fold(0, |offset, (&i, &length)| {
            assert!(i < length, "{at:?} lies outside of {}", self.shape);
            offset * length + i
        })
    }

    /// One element.
    ///
    /// # Panics
    /// Outside of the shape.
    #[must_use]
    pub fn at(&self, at: &[usize]) -> f64 {
        f64::from(self.values[self.offset(at)])
    }

    /// One integer.
    ///
    /// # Panics
    /// Outside of the shape.
    #[must_use]
    pub fn word(&self, at: &[usize]) -> u32 {
        self.values[self.offset(at)].to_bits()
    }
}
