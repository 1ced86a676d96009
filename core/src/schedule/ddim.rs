//! DDIM and LCM: samplers on the variance-preserving latent `sqrt(a) x0 + sqrt(1 - a) noise`.
//! Both first turn the output into x0, whose coefficients on {x, output} depend on the prediction type.

use super::row::{NOISE, OUTPUT, Row, X};
use super::{Prediction, SchedulerConfig};

/// Standard deviation of the data in LCM's boundary scalings (Luo et al., arXiv 2310.04378).
const LCM_SIGMA_DATA: f64 = 0.5;

/// Coefficients of {x, output} in x0 where the latent holds signal `sqrt(a)` and noise `sqrt(1 - a)`.
fn x0(prediction: Prediction, a: f64) -> [f64; 2] {
    let (signal, noise) = (libm::sqrt(a), libm::sqrt(1.0 - a));
    match prediction {
        Prediction::Epsilon => [1.0 / signal, -noise / signal],
        Prediction::V => [signal, -noise],
        Prediction::Sample => [0.0, 1.0],
    }
}

/// Coefficients of {x, output} in the noise.
fn epsilon(prediction: Prediction, a: f64) -> [f64; 2] {
    let (signal, noise) = (libm::sqrt(a), libm::sqrt(1.0 - a));
    match prediction {
        Prediction::Epsilon => [0.0, 1.0],
        Prediction::V => [noise, signal],
        Prediction::Sample => [1.0 / noise, -signal / noise],
    }
}

/// DDIM, equation 12 of arXiv 2010.02502:
/// `x' = sqrt(a') x0 + sqrt(1 - a' - s²) epsilon + s noise`, `s = eta sqrt((1 - a') / (1 - a)) sqrt(1 - a / a')`.
pub(super) fn ddim_rows(config: &SchedulerConfig, alphas: &[f64], grid: &[f64], eta: f64) -> Vec<Row> {
    let after_last = if config.set_alpha_to_one.unwrap_or(true) { 1.0 } else { alphas[0] };
    // diffusers goes down by a whole stride, whatever the spacing: the next timestep may lie elsewhere.
    let stride = (config.num_train_timesteps / grid.len()) as f64;
    let row = |(step, &t): (usize, &f64)| {
        let a = alphas[t as usize];
        let next = if t >= stride { alphas[(t - stride) as usize] } else { after_last };
        let variance = (1.0 - next) / (1.0 - a) * (1.0 - a / next);
        let std = eta * libm::sqrt(variance);
        // 0 in exact arithmetic for eta 1 from zero SNR; rounding may leave it just below.
        let direction = libm::sqrt((1.0 - next - std * std).max(0.0));
        let (x0, epsilon) = (x0(config.prediction, a), epsilon(config.prediction, a));
        let mut row = Row::new(step, t);
        for (column, i) in [(X, 0), (OUTPUT, 1)] {
            row.matrix[X][column] = libm::sqrt(next) * x0[i] + direction * epsilon[i];
        }
        row.matrix[X][NOISE] = std;
        row.denoised = x0;
        row
    };
    grid.iter().enumerate().map(row).collect()
}

/// LCM: `d = c_out x0 + c_skip x`, then `x' = sqrt(a') d + sqrt(1 - a') noise`, and `x' = d` at the end.
pub(super) fn lcm_rows(config: &SchedulerConfig, alphas: &[f64], grid: &[f64]) -> Vec<Row> {
    let row = |(step, &t): (usize, &f64)| {
        let scaled = t * config.timestep_scaling;
        let square = LCM_SIGMA_DATA * LCM_SIGMA_DATA;
        let c_skip = square / (scaled * scaled + square);
        let c_out = scaled / libm::sqrt(scaled * scaled + square);
        let x0 = x0(config.prediction, alphas[t as usize]);
        let denoised = [c_out * x0[0] + c_skip, c_out * x0[1]];
        let next = grid.get(step + 1).map_or(1.0, |next| alphas[*next as usize]);
        let mut row = Row::new(step, t);
        row.matrix[X][X] = libm::sqrt(next) * denoised[0];
        row.matrix[X][OUTPUT] = libm::sqrt(next) * denoised[1];
        row.matrix[X][NOISE] = libm::sqrt(1.0 - next);
        row.denoised = denoised;
        row
    };
    grid.iter().enumerate().map(row).collect()
}
