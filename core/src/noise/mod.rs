//! Host noise: the standard normal numbers of a seed, the same bits on every backend and target.
//! Drawn in NCHW order, as the tools whose streams these are do, and handed out channels-last.
//!
//! All arithmetic is integer, IEEE basic operations and the `libm` crate, whose functions are plain Rust on every target
//! (std's `ln` and `cos` come from the platform and differ).

mod mt19937;
mod philox;
#[cfg(test)]
mod tests;
mod torch_cpu;

use std::fmt;
use std::str::FromStr;

/// Whose stream of numbers a seed names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Noise {
    /// A1111's "NV" generator: PyTorch's CUDA `randn` for tensors that fit one wave of the card.
    #[default]
    Philox,
    /// PyTorch's `randn` on the CPU, to 4e-6 (PyTorch's own is not bit-stable across CPUs). The seed counts modulo 2³².
    TorchCpu,
}

/// A name that is no generator of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown noise `{0}`; known: philox, torch-cpu")]
pub struct UnknownNoise(pub String);

/// A stream of draws.
#[derive(Debug, Clone)]
pub struct Generator {
    stream: Stream,
}

#[derive(Debug, Clone)]
enum Stream {
    Philox(philox::Philox),
    TorchCpu(Box<torch_cpu::TorchCpu>),
}

impl Noise {
    /// Every generator.
    pub const ALL: [Self; 2] = [Self::Philox, Self::TorchCpu];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Philox => "philox",
            Self::TorchCpu => "torch-cpu",
        }
    }
}

impl fmt::Display for Noise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Noise {
    type Err = UnknownNoise;

    fn from_str(name: &str) -> Result<Self, UnknownNoise> {
        let known = Self::ALL.into_iter().find(|noise| noise.name() == name);
        known.ok_or_else(|| UnknownNoise(name.to_owned()))
    }
}

impl Generator {
    /// The stream of a seed, at its beginning.
    #[must_use]
    pub fn new(kind: Noise, seed: u64) -> Self {
        let stream = match kind {
            Noise::Philox => Stream::Philox(philox::Philox::new(seed)),
            Noise::TorchCpu => Stream::TorchCpu(Box::new(torch_cpu::TorchCpu::new(seed))),
        };
        Self { stream }
    }

    /// The next draw of one picture, drawn as `[C, H, W]` and returned as `[H, W, C]`. The stream advances by one draw.
    #[must_use]
    pub fn draw(&mut self, c: usize, h: usize, w: usize) -> Vec<f32> {
        let drawn = match &mut self.stream {
            Stream::Philox(philox) => philox.randn(c * h * w),
            Stream::TorchCpu(torch) => torch.randn(c * h * w),
        };
        let space = h * w;
        let at = |i: usize| drawn[i % c * space + i / c];
        (0..drawn.len()).map(at).collect()
    }
}
