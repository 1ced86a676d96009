//! The noise schedule of training: how much signal and how much noise each training timestep holds.
//! All of it in f64 with `libm`, so that every target computes the same bits.

use super::SchedulerConfig;
use super::config::BetaSchedule;

/// What zero-SNR schedules put in place of the last 0, so that its sigma is finite (diffusers; the smallest f16).
const LAST_ALPHA_OF_ZERO_SNR: f64 = 1.0 / 16_777_216.0;

/// `a_t = prod (1 - beta)` for every training timestep (diffusers' `alphas_cumprod`).
///
/// Zero-SNR schedules end in exactly 0, or in 2⁻²⁴ where `finite_sigma` says that sigmas are made of it.
pub(super) fn alphas_cumprod(config: &SchedulerConfig, finite_sigma: bool) -> Vec<f64> {
    let n = config.num_train_timesteps;
    let betas = match config.beta_schedule {
        BetaSchedule::Linear => linspace(config.beta_start, config.beta_end, n),
        BetaSchedule::ScaledLinear => linspace(libm::sqrt(config.beta_start), libm::sqrt(config.beta_end), n)
            .into_iter()
            .map(|root| root * root)
            .collect(),
    };
    let mut alphas = cumprod(betas.iter().map(|beta| 1.0 - beta));
    if config.rescale_betas_zero_snr {
        alphas = rescaled_to_zero_snr(&alphas);
        if finite_sigma {
            alphas[n - 1] = LAST_ALPHA_OF_ZERO_SNR;
        }
    }
    alphas
}

/// Algorithm 1 of arXiv 2305.08891: shifts and scales `sqrt(a)` so that it ends in 0 and starts where it did.
fn rescaled_to_zero_snr(alphas: &[f64]) -> Vec<f64> {
    let roots: Vec<f64> = alphas.iter().map(|a| libm::sqrt(*a)).collect();
    let (first, last) = (roots[0], roots[roots.len() - 1]);
    let scale = first / (first - last);
    roots.iter().map(|root| (root - last) * scale).map(|root| root * root).collect()
}

fn cumprod(factors: impl Iterator<Item = f64>) -> Vec<f64> {
    let running = factors.scan(1.0, |product, factor| {
        *product *= factor;
        Some(*product)
    });
    running.collect()
}

/// `n ≥ 2` values from `start` to `end`, computed from the nearer end as `torch.linspace` does.
fn linspace(start: f64, end: f64, n: usize) -> Vec<f64> {
    let step = (end - start) / (n - 1) as f64;
    let at = |i: usize| {
        if i < n / 2 { start + step * i as f64 } else { end - step * (n - 1 - i) as f64 }
    };
    (0..n).map(at).collect()
}
