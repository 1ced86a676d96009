//! Element types and shapes. A shape is a list of lengths; its first axis is the batch, and every op broadcasts over it
//! by one rule (see [`batch_index`]).

use std::fmt;

/// What one element of a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// 32-bit float: sampler state, tables, statistics, and activations unless f16 was asked for.
    F32,
    /// 16-bit float: activations only; arithmetic still accumulates in f32.
    F16,
    /// Unsigned integer: token ids, lengths, packed pixels.
    U32,
}

impl DType {
    /// Bytes of one element.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F32 | Self::U32 => 4,
            Self::F16 => 2,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::U32 => "u32",
        })
    }
}

/// Lengths of the axes of a value, outermost first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shape(pub Vec<usize>);

impl Shape {
    /// Elements in all.
    pub fn len(&self) -> usize {
        self.0.iter().product()
    }
    /// Whether an axis is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Length of the first (batch) axis; 1 for a scalar.
    pub fn lead(&self) -> usize {
        self.0.first().copied().unwrap_or(1)
    }
    /// Length of the last (channel) axis; 1 for a scalar.
    pub fn last(&self) -> usize {
        self.0.last().copied().unwrap_or(1)
    }
    /// Elements divided by the last axis: the rows a per-row op works on.
    pub fn rows(&self) -> usize {
        self.len() / self.last().max(1)
    }
    /// Everything behind the batch axis.
    pub fn inner(&self) -> &[usize] {
        self.0.get(1..).unwrap_or(&[])
    }
    /// The same shape with another last axis.
    pub fn with_last(&self, last: usize) -> Self {
        let mut dims = self.0.clone();
        if let Some(end) = dims.last_mut() {
            *end = last;
        }
        Self(dims)
    }
    /// The same shape with another batch.
    pub fn with_lead(&self, lead: usize) -> Self {
        let mut dims = self.0.clone();
        if let Some(first) = dims.first_mut() {
            *first = lead;
        }
        Self(dims)
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    fn from(dims: [usize; N]) -> Self {
        Self(dims.to_vec())
    }
}

impl std::ops::Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// The one broadcasting rule of the batch axis: item `i` of a batch of `n` reads item `⌊i · lead / n⌋` of an operand whose
/// batch is `lead`. With `lead = 1` all items share it, with `lead = n` each has its own, and with `lead = P` prompts the
/// batch order `[cond × n, uncond × n]` makes every image of a half read that half's prompt.
pub const fn batch_index(i: usize, lead: usize, n: usize) -> usize {
    i * lead / n
}
