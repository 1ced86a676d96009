//! Noise levels in k-diffusion's terms, `sigma = sqrt((1 - a) / a)`: the table of training, values between its timesteps,
//! and Karras' levels with the timesteps they stand for.

use super::timesteps::linspace;

/// Karras et al., arXiv 2206.00364: larger rho, more steps at low noise. 7 is the paper's value and diffusers'.
const RHO: f64 = 7.0;

/// Sigma of every training timestep, ascending.
pub(super) struct SigmaTable {
    sigmas: Vec<f64>,
    logs: Vec<f64>,
}

impl SigmaTable {
    pub fn new(alphas_cumprod: &[f64]) -> Self {
        let sigmas: Vec<f64> = alphas_cumprod.iter().map(|a| libm::sqrt((1.0 - a) / a)).collect();
        let logs = sigmas.iter().map(|sigma| libm::log(*sigma)).collect();
        Self { sigmas, logs }
    }

    /// Sigma of timestep 0.
    pub fn first(&self) -> f64 {
        self.sigmas[0]
    }

    /// Sigma of the last timestep of training.
    pub fn last(&self) -> f64 {
        self.sigmas[self.sigmas.len() - 1]
    }

    /// Sigma of a timestep in range, linear between whole ones.
    pub fn at(&self, timestep: f64) -> f64 {
        let low = (timestep as usize).min(self.sigmas.len() - 2);
        let slope = self.sigmas[low + 1] - self.sigmas[low];
        slope * (timestep - low as f64) + self.sigmas[low]
    }

    /// The timestep whose sigma this is, linear in log sigma, held at the ends of the table.
    pub fn timestep(&self, sigma: f64) -> f64 {
        let log = libm::log(sigma.max(1e-10));
        let low = self.logs.partition_point(|l| *l <= log).saturating_sub(1).min(self.logs.len() - 2);
        let w = (self.logs[low] - log) / (self.logs[low] - self.logs[low + 1]);
        let w = w.clamp(0.0, 1.0);
        (1.0 - w) * low as f64 + w * (low + 1) as f64
    }
}

/// `steps` levels from `max` down to `min`, evenly spaced in `sigma^(1 / rho)`.
pub(super) fn karras(max: f64, min: f64, steps: usize) -> Vec<f64> {
    let (high, low) = (libm::pow(max, 1.0 / RHO), libm::pow(min, 1.0 / RHO));
    let ramp = linspace(0.0, 1.0, steps);
    ramp.into_iter().map(|r| libm::pow(high + r * (low - high), RHO)).collect()
}
