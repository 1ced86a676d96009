//! DPM-Solver++ 2M (arXiv 2211.01095, Algorithm 2, midpoint form): the x0 of the step before is kept in `h1`.
//! With `sigma` in k-diffusion's sense, `exp(-h)` is just the ratio of two sigmas, so no exponential is needed.

use super::Prediction;
use super::config::{FinalSigma, SchedulerConfig};
use super::row::{H1, OUTPUT, Row, X};

/// Fewer steps than this end in a first-order one where the file has `lower_order_final` (diffusers).
const FEW_STEPS: usize = 15;

/// Rows for `sigmas` of one more entry than `timesteps`.
///
/// With `e = next / sigma`, `h = ln(sigma / next)` and `a', s'` the signal and noise of the next level:
/// `x' = s'/s x + a' (1 - e) (x0 + (h / h_before) (x0 - x0_before) / 2)`, the last term only in second-order steps.
pub(super) fn dpmpp_rows(config: &SchedulerConfig, timesteps: &[f64], sigmas: &[f64]) -> Vec<Row> {
    let steps = timesteps.len();
    let first_order_at_end = config.euler_at_final
        || (config.lower_order_final && steps < FEW_STEPS)
        || config.final_sigma == FinalSigma::Zero;
    let row = |step: usize| {
        let (sigma, next) = (sigmas[step], sigmas[step + 1]);
        let (signal, noise) = signal_and_noise(sigma);
        let (next_signal, next_noise) = signal_and_noise(next);
        let x0 = match config.prediction {
            Prediction::Epsilon => [1.0 / signal, -noise / signal],
            Prediction::V => [signal, -noise],
            Prediction::Sample => [0.0, 1.0],
        };
        let toward = next_signal * (1.0 - next / sigma);
        let first_order = step == 0 || (step + 1 == steps && first_order_at_end);
        let change = if first_order {
            0.0
        } else {
            let (h, h_before) = (libm::log(sigma / next), libm::log(sigmas[step - 1] / sigma));
            0.5 * toward * (h / h_before)
        };
        let mut row = Row::new(step, timesteps[step]);
        for (column, i) in [(X, 0), (OUTPUT, 1)] {
            row.matrix[X][column] = (toward + change) * x0[i];
            row.matrix[H1][column] = x0[i];
        }
        row.matrix[X][X] += next_noise / noise;
        row.matrix[X][H1] = -change;
        row.denoised = x0;
        row
    };
    (0..steps).map(row).collect()
}

/// `sqrt(a)` and `sqrt(1 - a)` of a level.
fn signal_and_noise(sigma: f64) -> (f64, f64) {
    let signal = 1.0 / libm::sqrt(sigma * sigma + 1.0);
    (signal, sigma * signal)
}
