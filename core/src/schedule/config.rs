//! What a model's `scheduler_config.json` says, with the defaults of the diffusers class that it names.
//! Options that would change the picture and that are not ours are refused here, by name.

use serde_json::Value;

use super::ScheduleError;
use super::file::File;
use super::names::{Prediction, Sampler, Spacing, unknown};

/// The diffusers classes whose files can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SchedulerClass {
    /// `DDIMScheduler`.
    Ddim,
    /// `EulerDiscreteScheduler`.
    Euler,
    /// `EulerAncestralDiscreteScheduler`.
    EulerAncestral,
    /// `DPMSolverMultistepScheduler`.
    DpmSolverMultistep,
    /// `LCMScheduler`.
    Lcm,
    /// `PNDMScheduler`, the file of Stable Diffusion 1: readable, but without a sampler of its own here.
    Pndm,
}

/// Spacing of the betas between `beta_start` and `beta_end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BetaSchedule {
    /// Evenly spaced betas.
    Linear,
    /// Evenly spaced square roots of the betas (latent diffusion).
    ScaledLinear,
}

/// The noise level after the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FinalSigma {
    /// No noise.
    Zero,
    /// That of training timestep 0.
    SigmaMin,
}

/// A model's scheduler file, understood. `None` where the file is silent and the default is the sampler's, not the model's.
#[derive(Debug, Clone, PartialEq)]
pub struct SchedulerConfig {
    /// The class the file names; it decides what a missing field means.
    pub class: SchedulerClass,
    /// Timesteps of training, 2 to 100 000.
    pub num_train_timesteps: usize,
    /// First beta.
    pub beta_start: f64,
    /// Last beta.
    pub beta_end: f64,
    /// How the betas lie between the two.
    pub beta_schedule: BetaSchedule,
    /// What the network's output is.
    pub prediction: Prediction,
    /// Whether the betas are rescaled so that the last timestep is pure noise (arXiv 2305.08891, Algorithm 1).
    pub rescale_betas_zero_snr: bool,
    /// Where the steps lie, if the file says.
    pub timestep_spacing: Option<Spacing>,
    /// Added to `leading` timesteps.
    pub steps_offset: usize,
    /// Whether the last DDIM step ends without noise, if the file says.
    pub set_alpha_to_one: Option<bool>,
    /// Whether the file asks for Karras sigmas.
    pub use_karras_sigmas: bool,
    /// Smallest Karras sigma, if the file says.
    pub sigma_min: Option<f64>,
    /// Largest Karras sigma, if the file says.
    pub sigma_max: Option<f64>,
    /// The noise level after the last step of `euler` and `dpmpp_2m`.
    pub final_sigma: FinalSigma,
    /// `dpmpp_2m` below 15 steps: whether the last step is of first order.
    pub lower_order_final: bool,
    /// `dpmpp_2m`: whether the last step is always of first order.
    pub euler_at_final: bool,
    /// `lcm`: steps of the distillation, of which ours are a subset.
    pub original_inference_steps: usize,
    /// `lcm`: factor on the timestep in the boundary scalings.
    pub timestep_scaling: f64,
    /// The file asks for noise levels that are not ours: which option. A request that names its sigmas overrides it.
    pub other_sigmas: Option<&'static str>,
    /// Options of the file's own sampler that are not ours. Another sampler does not have them.
    pub own_sampler_refused: Option<ScheduleError>,
}

impl SchedulerClass {
    /// The class of diffusers' name.
    fn parse(name: &str) -> Result<Self, ScheduleError> {
        Ok(match name {
            "DDIMScheduler" => Self::Ddim,
            "EulerDiscreteScheduler" => Self::Euler,
            "EulerAncestralDiscreteScheduler" => Self::EulerAncestral,
            "DPMSolverMultistepScheduler" => Self::DpmSolverMultistep,
            "LCMScheduler" => Self::Lcm,
            "PNDMScheduler" => Self::Pndm,
            _ => return Err(unknown("scheduler class", name, KNOWN_CLASSES)),
        })
    }

    /// The sampler that diffusers' class is; `None` for PNDM, which is none of ours.
    #[must_use]
    pub const fn sampler(self) -> Option<Sampler> {
        match self {
            Self::Ddim => Some(Sampler::Ddim),
            Self::Euler => Some(Sampler::Euler),
            Self::EulerAncestral => Some(Sampler::EulerA),
            Self::DpmSolverMultistep => Some(Sampler::Dpmpp2m),
            Self::Lcm => Some(Sampler::Lcm),
            Self::Pndm => None,
        }
    }
}

const KNOWN_CLASSES: &str = "DDIMScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, \
                             DPMSolverMultistepScheduler, LCMScheduler, PNDMScheduler";
/// Bound on the tables that a damaged file could ask for; diffusers' models use 1000.
const MOST_TRAIN_TIMESTEPS: usize = 100_000;

impl SchedulerConfig {
    /// Reads the text of a diffusers `scheduler_config.json` (also with Python's bare `Infinity`).
    ///
    /// A missing field is the default of the class that the file names, except those documented as the sampler's: diffusers'
    /// `from_config` takes these from the new class. Class defaults never cause a refusal, only what the file states does.
    ///
    /// # Errors
    /// [`ScheduleError::Json`], [`ScheduleError::Unknown`], [`ScheduleError::Invalid`], and [`ScheduleError::Refused`] for
    /// clipping, thresholding, learned variance, trained betas, flow matching and continuous timesteps.
    pub fn from_json(text: &str) -> Result<Self, ScheduleError> {
        let file = File::parse(text)?;
        let class = SchedulerClass::parse(file.class_name.as_deref().unwrap_or(""))?;
        refuse(&file, class)?;
        let lcm = class == SchedulerClass::Lcm;
        let config = Self {
            class,
            num_train_timesteps: file.num_train_timesteps.unwrap_or(1000),
            beta_start: file.beta_start.unwrap_or(if lcm { 0.00085 } else { 0.0001 }),
            beta_end: file.beta_end.unwrap_or(if lcm { 0.012 } else { 0.02 }),
            beta_schedule: match file.beta_schedule.as_deref() {
                None if lcm => BetaSchedule::ScaledLinear,
                None | Some("linear") => BetaSchedule::Linear,
                Some("scaled_linear") => BetaSchedule::ScaledLinear,
                Some(other) => return Err(unknown("beta_schedule", other, "linear, scaled_linear")),
            },
            prediction: file.prediction_type.as_deref().map_or(Ok(Prediction::Epsilon), str::parse)?,
            rescale_betas_zero_snr: file.rescale_betas_zero_snr == Some(true),
            timestep_spacing: file.timestep_spacing.as_deref().map(str::parse).transpose()?,
            steps_offset: file.steps_offset.unwrap_or(0),
            set_alpha_to_one: file.set_alpha_to_one,
            use_karras_sigmas: file.use_karras_sigmas == Some(true),
            sigma_min: file.sigma_min,
            sigma_max: file.sigma_max,
            final_sigma: match file.final_sigmas_type.as_deref() {
                None | Some("zero") => FinalSigma::Zero,
                Some("sigma_min") => FinalSigma::SigmaMin,
                Some(other) => return Err(unknown("final_sigmas_type", other, "zero, sigma_min")),
            },
            lower_order_final: file.lower_order_final != Some(false),
            euler_at_final: file.euler_at_final == Some(true),
            original_inference_steps: file.original_inference_steps.unwrap_or(50),
            timestep_scaling: file.timestep_scaling.unwrap_or(10.0),
            other_sigmas: other_sigmas(&file),
            own_sampler_refused: own_sampler_refused(&file, class),
        };
        config.check()?;
        Ok(config)
    }

    /// The sampler of the class that the file names.
    ///
    /// # Errors
    /// [`ScheduleError::Refused`] where that class has no sampler here; another sampler can be asked for.
    pub fn default_sampler(&self) -> Result<Sampler, ScheduleError> {
        self.class.sampler().ok_or_else(|| ScheduleError::Refused {
            what: "the sampler of PNDMScheduler, which scheduler_config.json names,".to_owned(),
            instead: "ask for one of ddim, euler, euler_a, dpmpp_2m, lcm",
        })
    }

    fn check(&self) -> Result<(), ScheduleError> {
        let invalid = |field, value: String, must| Err(ScheduleError::Invalid { field, value, must });
        if !(2..=MOST_TRAIN_TIMESTEPS).contains(&self.num_train_timesteps) {
            return invalid("num_train_timesteps", self.num_train_timesteps.to_string(), "2 to 100000");
        }
        if !(self.beta_start > 0.0 && self.beta_start < 1.0) {
            return invalid("beta_start", self.beta_start.to_string(), "between 0 and 1");
        }
        if !(self.beta_end >= self.beta_start && self.beta_end < 1.0) {
            return invalid("beta_end", self.beta_end.to_string(), "at least beta_start and below 1");
        }
        if self.steps_offset >= self.num_train_timesteps {
            return invalid("steps_offset", self.steps_offset.to_string(), "below num_train_timesteps");
        }
        if !self.timestep_scaling.is_finite() {
            return invalid("timestep_scaling", self.timestep_scaling.to_string(), "a finite number");
        }
        for (field, sigma) in [("sigma_min", self.sigma_min), ("sigma_max", self.sigma_max)] {
            if let Some(sigma) = sigma.filter(|sigma| !(*sigma > 0.0 && sigma.is_finite())) {
                return invalid(field, sigma.to_string(), "null or above 0");
            }
        }
        Ok(())
    }
}

fn refused(what: String, instead: &'static str) -> ScheduleError {
    ScheduleError::Refused { what: format!("`{what}` in scheduler_config.json"), instead }
}

/// What the model itself needs and we do not have, whichever sampler is asked for.
fn refuse(file: &File, class: SchedulerClass) -> Result<(), ScheduleError> {
    use SchedulerClass::{Ddim, DpmSolverMultistep, Euler, Lcm};
    // A file may carry keys of other schedulers along; they count only where the class it names reads them.
    if file.clip_sample == Some(true) && matches!(class, Ddim | Lcm) {
        return Err(refused(
            "clip_sample: true".into(),
            "samplers here are linear; the model needs clipping",
        ));
    }
    if file.thresholding == Some(true) && matches!(class, Ddim | Lcm | DpmSolverMultistep) {
        return Err(refused(
            "thresholding: true".into(),
            "samplers here are linear; the model needs thresholding",
        ));
    }
    if let Some(kind @ ("learned" | "learned_range")) = file.variance_type.as_deref() {
        return Err(refused(format!("variance_type: {kind}"), "use a model whose variance is fixed"));
    }
    if file.trained_betas.is_some() {
        return Err(refused(
            "trained_betas".into(),
            "use a model whose betas follow a linear or scaled_linear schedule",
        ));
    }
    let flow =
        file.use_flow_sigmas == Some(true) || file.prediction_type.as_deref() == Some("flow_prediction");
    if flow && class == DpmSolverMultistep {
        return Err(refused(
            "use_flow_sigmas / flow_prediction".into(),
            "flow matching models are not supported",
        ));
    }
    if file.timestep_type.as_deref() == Some("continuous") && class == Euler {
        return Err(refused(
            "timestep_type: continuous".into(),
            "use a model that was trained on discrete timesteps",
        ));
    }
    Ok(())
}

/// The first of diffusers' noise levels that are not ours, where the file asks for one.
fn other_sigmas(file: &File) -> Option<&'static str> {
    let asked = [
        ("use_exponential_sigmas", file.use_exponential_sigmas),
        ("use_beta_sigmas", file.use_beta_sigmas),
        ("use_lu_lambdas", file.use_lu_lambdas),
    ];
    asked.into_iter().find(|(_, value)| *value == Some(true)).map(|(name, _)| name)
}

/// What the file says about its own sampler and we do not have.
fn own_sampler_refused(file: &File, class: SchedulerClass) -> Option<ScheduleError> {
    const INSTEAD: &str = "ask for another sampler, or correct the file if the model does not need it";
    let differs = |name: &str, value: &Option<String>, ours: &str| {
        let value = value.as_deref().filter(|value| *value != ours)?;
        Some(refused(format!("{name}: {value}"), INSTEAD))
    };
    match class {
        SchedulerClass::Euler => differs("interpolation_type", &file.interpolation_type, "linear"),
        SchedulerClass::DpmSolverMultistep => differs("solver_type", &file.solver_type, "midpoint")
            .or_else(|| differs("algorithm_type", &file.algorithm_type, "dpmsolver++"))
            .or_else(|| {
                let order = file.solver_order.filter(|order| *order != 2)?;
                Some(refused(format!("solver_order: {order}"), INSTEAD))
            })
            .or_else(|| {
                let on = file.use_dynamic_shifting == Some(true);
                on.then(|| refused("use_dynamic_shifting: true".into(), INSTEAD))
            })
            .or_else(|| {
                let least = file.lambda_min_clipped.as_ref()?;
                let unclipped = *least == Value::String("-Infinity".to_owned());
                (!unclipped).then(|| refused(format!("lambda_min_clipped: {least}"), INSTEAD))
            }),
        _ => None,
    }
}
