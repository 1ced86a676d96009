//! PyTorch's `torch.randn` on the CPU for contiguous f32 (ATen's `normal_fill` and `normal_distribution<double>`).
//! Box–Muller in f32 on blocks of 16 uniforms, or element by element in f64 below 16 elements.

use super::mt19937::Mt19937;

/// Elements from which ATen fills in blocks, and the size of a block.
const BLOCK: usize = 16;

/// The generator of one seed.
#[derive(Debug, Clone)]
pub(super) struct TorchCpu {
    random: Mt19937,
    /// The second number of an f64 pair, kept for the next small draw; a draw in blocks leaves it alone.
    kept: Option<f64>,
}

impl TorchCpu {
    /// ATen's engine takes the low 32 bits of the seed.
    pub fn new(seed: u64) -> Self {
        Self { random: Mt19937::new(seed as u32), kept: None }
    }

    /// `n` standard normal numbers.
    pub fn randn(&mut self, n: usize) -> Vec<f32> {
        if n < BLOCK {
            return (0..n).map(|_| self.normal() as f32).collect();
        }
        let mut values: Vec<f32> = (0..n).map(|_| self.uniform()).collect();
        values.chunks_exact_mut(BLOCK).for_each(box_muller);
        if !n.is_multiple_of(BLOCK) {
            // The last 16 are made anew, over what the last whole block left there.
            let tail = &mut values[n - BLOCK..];
            tail.fill_with(|| self.uniform());
            box_muller(tail);
        }
        values
    }

    /// 24 random bits as an f32 in 0..1.
    fn uniform(&mut self) -> f32 {
        (self.random.random() & 0x00FF_FFFF) as f32 / 16_777_216.0
    }

    /// 53 random bits as an f64 in 0..1, the higher word drawn first.
    fn uniform_f64(&mut self) -> f64 {
        let high = u64::from(self.random.random());
        let bits = high << 32 | u64::from(self.random.random());
        (bits & ((1 << 53) - 1)) as f64 / 9_007_199_254_740_992.0
    }

    fn normal(&mut self) -> f64 {
        if let Some(kept) = self.kept.take() {
            return kept;
        }
        let theta = 2.0 * std::f64::consts::PI * self.uniform_f64();
        let radius = libm::sqrt(-2.0 * libm::log1p(-self.uniform_f64()));
        self.kept = Some(radius * libm::sin(theta));
        radius * libm::cos(theta)
    }
}

/// 16 uniforms to 16 normals: element j pairs with element j + 8.
fn box_muller(block: &mut [f32]) {
    let (first, second) = block.split_at_mut(BLOCK / 2);
    for (a, b) in first.iter_mut().zip(second) {
        let radius = libm::sqrtf(-2.0 * libm::logf(1.0 - *a));
        let theta = 2.0 * std::f32::consts::PI * *b;
        *a = radius * libm::cosf(theta);
        *b = radius * libm::sinf(theta);
    }
}
