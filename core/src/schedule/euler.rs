//! Euler and Euler ancestral on k-diffusion's latent `x0 + sigma noise`, which the network reads scaled to unit variance.

use super::Prediction;
use super::row::{NOISE, OUTPUT, Row, X};

/// Rows for `sigmas` of one more entry than `timesteps`.
///
/// One step is `x' = x + (x - x0) / sigma · (to - sigma)`. Ancestral steps go further down, to
/// `to = sqrt(next² - up²)`, and add `up · noise`, `up² = next² (sigma² - next²) / sigma²` (k-diffusion).
pub(super) fn euler_rows(
    prediction: Prediction,
    timesteps: &[f64],
    sigmas: &[f64],
    ancestral: bool,
) -> Vec<Row> {
    let levels = timesteps.iter().zip(sigmas.windows(2));
    let row = |(step, (&t, pair)): (usize, (&f64, &[f64]))| {
        let (sigma, next) = (pair[0], pair[1]);
        let (s2, n2) = (sigma * sigma, next * next);
        let up = if ancestral { libm::sqrt(n2 * (s2 - n2) / s2) } else { 0.0 };
        let to = if ancestral { libm::sqrt(n2 - up * up) } else { next };
        let x0 = match prediction {
            Prediction::Epsilon => [1.0, -sigma],
            Prediction::V => [1.0 / (s2 + 1.0), -sigma / libm::sqrt(s2 + 1.0)],
            Prediction::Sample => [0.0, 1.0],
        };
        let slope = (to - sigma) / sigma;
        let mut row = Row::new(step, t);
        row.input_scale = 1.0 / libm::sqrt(s2 + 1.0);
        row.matrix[X][X] = 1.0 + slope * (1.0 - x0[0]);
        row.matrix[X][OUTPUT] = -slope * x0[1];
        row.matrix[X][NOISE] = up;
        row.denoised = x0;
        row
    };
    levels.enumerate().map(row).collect()
}
