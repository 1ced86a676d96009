//! Samplers as data: a request and the model's scheduler file become a table of rows, one per network evaluation.
//! Every sampler is a linear recurrence on the state {x, h1, h2, h3, s}, so one device op serves them all.
//!
//! Everything is computed on the host in f64 with `libm`, so every target makes the same rows; they are rounded to f32
//! when they are packed for the device ([`Row::to_f32`]). Where diffusers computes in f32, the f64 value counts.

mod alphas;
mod config;
mod ddim;
mod dpmpp;
mod error;
mod euler;
mod file;
mod names;
mod row;
mod sigmas;
#[cfg(test)]
mod tests;
mod timesteps;

pub use config::{BetaSchedule, FinalSigma, SchedulerClass, SchedulerConfig};
pub use error::ScheduleError;
pub use names::{Prediction, Sampler, SamplerName, Sigmas, Spacing};
pub use row::{
    H1, NOISE, OUTPUT, ROW_DENOISED, ROW_GUIDANCE, ROW_INPUT_SCALE, ROW_LEN, ROW_MASK_BLEND, ROW_MATRIX,
    ROW_NOISE_SLOT, ROW_TIMESTEP, ROW_USED, Row, X, apply_row,
};

use sigmas::SigmaTable;

/// The most rows a schedule has: the largest row bucket that programs are made for.
pub const MAX_ROWS: usize = 256;

/// What the user asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct SamplerRequest {
    /// The sampler.
    pub sampler: Sampler,
    /// Steps, 1 to [`MAX_ROWS`] and at most the timesteps of training.
    pub steps: usize,
    /// `ddim` only: 0 is deterministic, 1 adds as much noise as DDPM.
    pub eta: f64,
    /// Noise levels; `None` is what the file says, where the sampler has it.
    pub sigmas: Option<Sigmas>,
    /// Where the steps lie; `None` is what the file says, else the default of the sampler's diffusers class.
    pub spacing: Option<Spacing>,
    /// Guidance weight; 1 or less is the plain conditional picture.
    pub guidance: f64,
    /// Fractions of the schedule between which steps are guided: step i of S is iff `start <= i / S < end`.
    pub guidance_interval: (f64, f64),
}

/// A table of rows and what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// One row per network evaluation, in order.
    pub rows: Vec<Row>,
    /// The initial latent is standard normal noise times this.
    pub init_noise_sigma: f64,
    /// Noise draws that the rows read, beyond the initial one; slot k is draw k.
    pub draws: usize,
    /// Noise levels that were taken: those asked for, else the file's.
    pub sigmas: Sigmas,
}

impl SamplerRequest {
    /// A request with the sampler's defaults: no eta, the file's noise levels and spacing, guidance over the whole schedule.
    #[must_use]
    pub const fn new(sampler: Sampler, steps: usize, guidance: f64) -> Self {
        Self {
            sampler,
            steps,
            eta: 0.0,
            sigmas: None,
            spacing: None,
            guidance,
            guidance_interval: (0.0, 1.0),
        }
    }
}

impl Schedule {
    /// Builds the table.
    ///
    /// # Errors
    /// [`ScheduleError::Steps`], [`ScheduleError::Guidance`], [`ScheduleError::Eta`] and [`ScheduleError::Interval`] for
    /// numbers out of range, [`ScheduleError::Refused`] for what diffusers' scheduler of that sampler does not have either,
    /// [`ScheduleError::Timestep`] and [`ScheduleError::NotFinite`] where the steps do not fit the training schedule.
    pub fn new(config: &SchedulerConfig, request: &SamplerRequest) -> Result<Self, ScheduleError> {
        check_numbers(config, request)?;
        let sigmas = choose_sigmas(config, request)?;
        check_combination(config, request, sigmas)?;
        let (mut rows, init_noise_sigma) = match request.sampler {
            Sampler::Ddim | Sampler::Lcm => (variance_preserving(config, request)?, 1.0),
            Sampler::Euler | Sampler::EulerA | Sampler::Dpmpp2m => by_sigma(config, request, sigmas)?,
        };
        if let Some(row) = rows.iter().find(|row| !row.is_finite()) {
            return Err(ScheduleError::NotFinite { step: row.step });
        }
        let draws = assign_noise(&mut rows);
        guide(&mut rows, request);
        Ok(Self { rows, init_noise_sigma, draws, sigmas })
    }
}

fn variance_preserving(
    config: &SchedulerConfig,
    request: &SamplerRequest,
) -> Result<Vec<Row>, ScheduleError> {
    let alphas = alphas::alphas_cumprod(config, false);
    let train = config.num_train_timesteps;
    if request.sampler == Sampler::Lcm {
        let grid = timesteps::lcm(train, config.original_inference_steps, request.steps)?;
        return Ok(ddim::lcm_rows(config, &alphas, &grid));
    }
    let spacing = spacing(config, request);
    let grid = timesteps::spaced(spacing, train, request.steps, config.steps_offset, true);
    timesteps::check(&grid, train)?;
    Ok(ddim::ddim_rows(config, &alphas, &grid, request.eta))
}

/// Rows and initial sigma of the samplers that step from sigma to sigma.
fn by_sigma(
    config: &SchedulerConfig,
    request: &SamplerRequest,
    kind: Sigmas,
) -> Result<(Vec<Row>, f64), ScheduleError> {
    let (train, steps, offset) = (config.num_train_timesteps, request.steps, config.steps_offset);
    let table = SigmaTable::new(&alphas::alphas_cumprod(config, true));
    let spacing = spacing(config, request);
    let dpmpp = request.sampler == Sampler::Dpmpp2m;
    let mut grid = if dpmpp {
        timesteps::spaced_with_end(spacing, train, steps, offset)
    } else {
        timesteps::spaced(spacing, train, steps, offset, false)
    };
    timesteps::check(&grid, train)?;
    let mut sigmas: Vec<f64> = grid.iter().map(|t| table.at(*t)).collect();
    if kind == Sigmas::Karras {
        // diffusers takes the ends from the whole table for DPM-Solver++, from the spaced sigmas for Euler.
        let (most, least) =
            if dpmpp { (table.last(), table.first()) } else { (sigmas[0], sigmas[steps - 1]) };
        sigmas = sigmas::karras(config.sigma_max.unwrap_or(most), config.sigma_min.unwrap_or(least), steps);
        let timestep = |sigma: &f64| table.timestep(*sigma);
        grid = sigmas.iter().map(timestep).map(|t| if dpmpp { libm::rint(t) } else { t }).collect();
    }
    let last = match config.final_sigma {
        FinalSigma::SigmaMin if request.sampler != Sampler::EulerA => table.first(),
        _ => 0.0,
    };
    let highest = sigmas.iter().copied().fold(last, f64::max);
    sigmas.push(last);
    if dpmpp {
        return Ok((dpmpp::dpmpp_rows(config, &grid, &sigmas), 1.0));
    }
    let init = match spacing {
        Spacing::Leading => libm::sqrt(highest * highest + 1.0),
        Spacing::Trailing | Spacing::Linspace => highest,
    };
    Ok((euler::euler_rows(config.prediction, &grid, &sigmas, request.sampler == Sampler::EulerA), init))
}

/// The spacing asked for, else the file's, else that of the sampler's diffusers class.
fn spacing(config: &SchedulerConfig, request: &SamplerRequest) -> Spacing {
    let default = match request.sampler {
        Sampler::Ddim | Sampler::Lcm => Spacing::Leading,
        Sampler::Euler | Sampler::EulerA | Sampler::Dpmpp2m => Spacing::Linspace,
    };
    request.spacing.or(config.timestep_spacing).unwrap_or(default)
}

fn check_numbers(config: &SchedulerConfig, request: &SamplerRequest) -> Result<(), ScheduleError> {
    let most = config.num_train_timesteps.min(MAX_ROWS);
    if !(1..=most).contains(&request.steps) {
        return Err(ScheduleError::Steps { steps: request.steps, sampler: request.sampler.name(), most });
    }
    if !request.guidance.is_finite() {
        return Err(ScheduleError::Guidance(request.guidance));
    }
    if !(0.0..=1.0).contains(&request.eta) {
        return Err(ScheduleError::Eta(request.eta));
    }
    let (start, end) = request.guidance_interval;
    if !(0.0 <= start && start <= end && end <= 1.0) {
        return Err(ScheduleError::Interval { start, end });
    }
    Ok(())
}

/// The sigmas asked for, else the file's where the sampler has them.
fn choose_sigmas(config: &SchedulerConfig, request: &SamplerRequest) -> Result<Sigmas, ScheduleError> {
    if let Some(sigmas) = request.sigmas {
        return Ok(sigmas);
    }
    match config.other_sigmas {
        Some(option) if request.sampler.has_karras() => Err(ScheduleError::Refused {
            what: format!("`{option}: true` in scheduler_config.json"),
            instead: "ask for the sigmas `default` or `karras`",
        }),
        _ if config.use_karras_sigmas && request.sampler.has_karras() => Ok(Sigmas::Karras),
        _ => Ok(Sigmas::Default),
    }
}

/// Combinations that diffusers does not have either.
fn check_combination(
    config: &SchedulerConfig,
    request: &SamplerRequest,
    sigmas: Sigmas,
) -> Result<(), ScheduleError> {
    let sampler = request.sampler;
    let refused = |what: String, instead| Err(ScheduleError::Refused { what, instead });
    if let Some(error) = &config.own_sampler_refused
        && config.class.sampler() == Some(sampler)
    {
        return Err(error.clone());
    }
    if request.eta != 0.0 && sampler != Sampler::Ddim {
        return refused(format!("eta {} with {sampler}", request.eta), "only ddim has it; leave eta at 0");
    }
    if sigmas == Sigmas::Karras && !sampler.has_karras() {
        return refused(format!("karras sigmas with {sampler}"), "only euler and dpmpp_2m have them");
    }
    if request.spacing.is_some() && sampler == Sampler::Lcm {
        let instead = "lcm takes its timesteps from its distillation; leave the spacing out";
        return refused("a timestep spacing with lcm".to_owned(), instead);
    }
    if sampler == Sampler::EulerA && config.prediction == Prediction::Sample {
        let instead = "use ddim, euler, dpmpp_2m or lcm with a model that predicts x0";
        return refused("euler_a with prediction_type `sample`".to_owned(), instead);
    }
    if config.rescale_betas_zero_snr && config.prediction == Prediction::Epsilon {
        let instead = "pure noise holds no x0 that epsilon could give; such a model must predict v or x0";
        return refused("rescale_betas_zero_snr with prediction_type `epsilon`".to_owned(), instead);
    }
    if config.rescale_betas_zero_snr && sigmas == Sigmas::Karras {
        let instead = "the largest sigma has no bound to start from; ask for the sigmas `default`";
        return refused("karras sigmas with rescale_betas_zero_snr".to_owned(), instead);
    }
    Ok(())
}

/// Numbers the draws. A row that could draw but whose noise coefficient is zero reads none, yet its draw is made when a
/// later row reads one, so that the stream stays aligned with diffusers', which always draws.
fn assign_noise(rows: &mut [Row]) -> usize {
    let reads = |row: &Row| row.matrix[X][NOISE] != 0.0;
    let draws = rows.iter().rposition(reads).map_or(0, |last| last + 1);
    for (slot, row) in (0..).zip(rows) {
        row.noise_slot = reads(row).then_some(slot);
    }
    draws
}

/// Marks the rows that compute the uncond half.
fn guide(rows: &mut [Row], request: &SamplerRequest) {
    let (start, end) = request.guidance_interval;
    for row in rows {
        let at = row.step as f64 / request.steps as f64;
        row.guided = request.guidance > 1.0 && start <= at && at < end;
        row.guidance = if row.guided { request.guidance } else { 1.0 };
    }
}
