//! Which training timesteps the steps fall on, highest first, exactly as diffusers' `set_timesteps` places them.
//! Its roundings are numpy's, so numpy's `arange` and `linspace` are followed to the last bit.

use super::{ScheduleError, Spacing};

/// The grid of DDIM (whole timesteps) and of the two Euler samplers (`linspace` stays fractional).
pub(super) fn spaced(spacing: Spacing, train: usize, steps: usize, offset: usize, whole: bool) -> Vec<f64> {
    match spacing {
        Spacing::Leading => leading(train / steps, steps, offset),
        Spacing::Trailing => trailing(train, steps),
        Spacing::Linspace => {
            let mut grid = linspace(0.0, (train - 1) as f64, steps);
            if whole {
                grid.iter_mut().for_each(|t| *t = libm::rint(*t));
            }
            grid.reverse();
            grid
        }
    }
}

/// The grid of DPM-Solver++: `steps + 1` points of which the lowest is the end of the last step.
pub(super) fn spaced_with_end(spacing: Spacing, train: usize, steps: usize, offset: usize) -> Vec<f64> {
    match spacing {
        Spacing::Leading => {
            let ratio = train / (steps + 1);
            leading(ratio, steps, offset + ratio)
        }
        Spacing::Trailing => trailing(train, steps),
        Spacing::Linspace => {
            let grid = linspace(0.0, (train - 1) as f64, steps + 1);
            grid[1..].iter().rev().map(|t| libm::rint(*t)).collect()
        }
    }
}

/// The grid of LCM: `steps` evenly spaced ones of the `original` steps of its distillation.
///
/// # Errors
/// [`ScheduleError::Invalid`] for `original` outside 1 to `train`, [`ScheduleError::Steps`] for more steps than that.
pub(super) fn lcm(train: usize, original: usize, steps: usize) -> Result<Vec<f64>, ScheduleError> {
    if !(1..=train).contains(&original) {
        return Err(ScheduleError::Invalid {
            field: "original_inference_steps",
            value: original.to_string(),
            must: "1 to num_train_timesteps",
        });
    }
    if steps > original {
        return Err(ScheduleError::Steps { steps, sampler: "lcm", most: original });
    }
    let stride = train / original;
    let every = original as f64 / steps as f64;
    // floor of numpy's linspace without its end point.
    let picked = (0..steps).map(|i| (i as f64 * every) as usize);
    Ok(picked.map(|i| ((original - i) * stride - 1) as f64).collect())
}

/// Every timestep must be one of training.
///
/// # Errors
/// [`ScheduleError::Timestep`] naming the first that is not.
pub(super) fn check(grid: &[f64], train: usize) -> Result<(), ScheduleError> {
    let last = train - 1;
    match grid.iter().position(|t| !(0.0..=last as f64).contains(t)) {
        None => Ok(()),
        Some(step) => Err(ScheduleError::Timestep { step, timestep: grid[step], last }),
    }
}

fn leading(ratio: usize, steps: usize, offset: usize) -> Vec<f64> {
    (0..steps).rev().map(|i| (i * ratio + offset) as f64).collect()
}

/// `np.arange(train, 0, -train / steps).round() - 1`, cut to `steps` values.
///
/// For some counts (61, 103, 121, .. of 1000) arange rounds to one value too many, and diffusers evaluates the network once
/// more at timestep -1. That is a slip, not a schedule: S steps are S rows here.
fn trailing(train: usize, steps: usize) -> Vec<f64> {
    let start = train as f64;
    let ratio = start / steps as f64;
    // arange adds multiples of the difference of its first two values, which is `-ratio` but for rounding.
    let delta = (start - ratio) - start;
    (0..steps).map(|i| libm::rint(start + i as f64 * delta) - 1.0).collect()
}

/// `np.linspace(start, end, n)`.
pub(super) fn linspace(start: f64, end: f64, n: usize) -> Vec<f64> {
    if n == 1 {
        return vec![start];
    }
    let step = (end - start) / (n - 1) as f64;
    let mut values: Vec<f64> = (0..n).map(|i| i as f64 * step + start).collect();
    values[n - 1] = end;
    values
}
