//! The choices that a schedule is made of, and the names people use for them: ours, diffusers', A1111's and ComfyUI's.
//! A name that is not known is an error that lists the known ones.

use std::fmt;
use std::str::FromStr;

use super::ScheduleError;

/// How the latent moves from one noise level to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sampler {
    /// DDIM with eta (Song et al., arXiv 2010.02502).
    Ddim,
    /// Euler's method on the probability-flow ODE (Karras et al., arXiv 2206.00364, Algorithm 2 without churn).
    Euler,
    /// Euler with ancestral noise (k-diffusion's `sample_euler_ancestral`).
    EulerA,
    /// DPM-Solver++ 2M, midpoint (Lu et al., arXiv 2211.01095, Algorithm 2).
    Dpmpp2m,
    /// Multistep consistency sampling (Luo et al., arXiv 2310.04378).
    Lcm,
}

/// A sampler with the noise levels that some of its names imply (`DPM++ 2M Karras`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplerName {
    /// The sampler.
    pub sampler: Sampler,
    /// Noise levels, where the name says which.
    pub sigmas: Option<Sigmas>,
}

/// Where the steps lie on the training timesteps (arXiv 2305.08891, Table 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spacing {
    /// From 0 upwards in whole strides, moved up by `steps_offset`: the last timestep is never visited.
    Leading,
    /// From the last timestep downwards.
    Trailing,
    /// From the first to the last timestep, both visited.
    Linspace,
}

/// Which noise levels the steps visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sigmas {
    /// Those of the spaced timesteps.
    Default,
    /// Karras et al., arXiv 2206.00364, equation 5 with rho 7.
    Karras,
}

/// What the network's output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Prediction {
    /// The noise.
    Epsilon,
    /// The velocity `sqrt(a) noise - sqrt(1 - a) x0` (arXiv 2202.00512).
    V,
    /// The clean latent x0 (diffusers' `sample`).
    Sample,
}

impl Sampler {
    /// Every sampler.
    pub const ALL: [Self; 5] = [Self::Ddim, Self::Euler, Self::EulerA, Self::Dpmpp2m, Self::Lcm];

    /// Our name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ddim => "ddim",
            Self::Euler => "euler",
            Self::EulerA => "euler_a",
            Self::Dpmpp2m => "dpmpp_2m",
            Self::Lcm => "lcm",
        }
    }

    /// Whether diffusers' scheduler of this sampler has Karras sigmas.
    #[must_use]
    pub const fn has_karras(self) -> bool {
        matches!(self, Self::Euler | Self::Dpmpp2m)
    }
}

impl Spacing {
    /// diffusers' name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leading => "leading",
            Self::Trailing => "trailing",
            Self::Linspace => "linspace",
        }
    }
}

impl Sigmas {
    /// Our name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Karras => "karras",
        }
    }
}

impl Prediction {
    /// diffusers' name of it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epsilon => "epsilon",
            Self::V => "v_prediction",
            Self::Sample => "sample",
        }
    }
}

/// `DPM++ 2M` → `dpmpp_2m`: case, spaces and the pluses are what the tools differ in.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace("++", "pp").replace([' ', '-'], "_")
}

impl FromStr for SamplerName {
    type Err = ScheduleError;

    /// Accepts our names, A1111's (`Euler a`, `DPM++ 2M`, `DPM++ 2M Karras`) and ComfyUI's (`euler_ancestral`).
    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        let plain = plain(name);
        let (base, sigmas) = match plain.strip_suffix("_karras") {
            Some(base) => (base, Some(Sigmas::Karras)),
            None => (plain.as_str(), None),
        };
        let sampler = match base {
            "ddim" => Sampler::Ddim,
            "euler" => Sampler::Euler,
            "euler_a" | "euler_ancestral" => Sampler::EulerA,
            "dpmpp_2m" => Sampler::Dpmpp2m,
            "lcm" => Sampler::Lcm,
            _ => return Err(unknown("sampler", name, KNOWN_SAMPLERS)),
        };
        Ok(Self { sampler, sigmas })
    }
}

const KNOWN_SAMPLERS: &str =
    "ddim, euler, euler_a (Euler a, euler_ancestral), dpmpp_2m (DPM++ 2M, DPM++ 2M Karras), lcm";

impl FromStr for Sampler {
    type Err = ScheduleError;

    /// As [`SamplerName`], but a name that also says which sigmas is refused, since they would be lost.
    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        let parsed: SamplerName = name.parse()?;
        match parsed.sigmas {
            None => Ok(parsed.sampler),
            Some(_) => Err(ScheduleError::Refused {
                what: format!("the sampler name `{name}`"),
                instead: "name the sampler alone and ask for the sigmas `karras`",
            }),
        }
    }
}

impl FromStr for Spacing {
    type Err = ScheduleError;

    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        match plain(name).as_str() {
            "leading" => Ok(Self::Leading),
            "trailing" => Ok(Self::Trailing),
            "linspace" => Ok(Self::Linspace),
            _ => Err(unknown("timestep spacing", name, "leading, trailing, linspace")),
        }
    }
}

impl FromStr for Sigmas {
    type Err = ScheduleError;

    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        match plain(name).as_str() {
            "default" => Ok(Self::Default),
            "karras" => Ok(Self::Karras),
            _ => Err(unknown("sigmas", name, "default, karras")),
        }
    }
}

impl FromStr for Prediction {
    type Err = ScheduleError;

    fn from_str(name: &str) -> Result<Self, ScheduleError> {
        match name {
            "epsilon" => Ok(Self::Epsilon),
            "v_prediction" => Ok(Self::V),
            "sample" => Ok(Self::Sample),
            _ => Err(unknown("prediction_type", name, "epsilon, v_prediction, sample")),
        }
    }
}

/// A name that is not one of `known`.
pub(super) fn unknown(what: &'static str, name: &str, known: &'static str) -> ScheduleError {
    ScheduleError::Unknown { what, name: name.to_owned(), known }
}

macro_rules! display_as_name {
    ($($name:ty),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    )*};
}
display_as_name!(Sampler, Spacing, Sigmas, Prediction);
