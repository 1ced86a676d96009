//! Flags that several verbs share, and the request they become.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use onelaunch::core::noise::Noise;
use onelaunch::core::schedule::{SamplerName, ScheduleError, Sigmas, Spacing};
use onelaunch::{AnyBackend, BackendName, Chosen, Folder, Pace, Precision, Recipe, Request, find_model};

use super::failure::Failure;

/// Which model on which device.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Model and device")]
pub(crate) struct DeviceArgs {
    /// Folder of a model in diffusers' layout [default: $ONELAUNCH_MODEL, else the model that ships with onelaunch]
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// auto, wgpu or cpu; auto takes a hardware GPU, else the CPU
    #[arg(long, default_value = "auto", value_name = "NAME")]
    pub backend: BackendName,
    /// Part of the name of an adapter that `devices` lists
    #[arg(long, value_name = "NAME")]
    pub adapter: Option<String>,
    /// Storage of activations: f32 or f16
    #[arg(long, value_name = "TYPE")]
    pub precision: Option<PrecisionName>,
}

/// What decides a picture, besides the prompt.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Picture (what is not given comes from the model)")]
pub(crate) struct PictureArgs {
    /// What the picture should not show
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub negative: Option<String>,
    /// Steps of the sampler
    #[arg(long, value_name = "N")]
    pub steps: Option<usize>,
    /// Guidance weight; 1 or less is the plain picture of the prompt
    #[arg(long, value_name = "WEIGHT", allow_hyphen_values = true)]
    pub guidance: Option<f64>,
    /// Fractions of the steps between which guidance is on, such as 0..0.5
    #[arg(long, value_name = "A..B")]
    pub guidance_interval: Option<Interval>,
    /// ddim, euler, euler_a, dpmpp_2m or lcm; names of A1111 and ComfyUI are understood
    #[arg(long, value_name = "NAME")]
    pub sampler: Option<SamplerName>,
    /// Noise of ddim, 0 to 1
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    pub eta: Option<f64>,
    /// Noise levels: default or karras
    #[arg(long, value_name = "NAME")]
    pub sigmas: Option<Sigmas>,
    /// Spacing of the timesteps: leading, trailing or linspace
    #[arg(long, value_name = "NAME")]
    pub spacing: Option<Spacing>,
    /// Seed of the first picture; picture i has seed + i [default: random, and printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Generator of the noise: philox (as A1111 on NVIDIA) or torch-cpu (as diffusers)
    #[arg(long, value_name = "NAME")]
    pub noise: Option<Noise>,
    /// Pixels across
    #[arg(long, value_name = "PIXELS")]
    pub width: Option<usize>,
    /// Pixels down
    #[arg(long, value_name = "PIXELS")]
    pub height: Option<usize>,
    /// Submit each launch whole: no cut for progress, and Ctrl-C waits for it
    #[arg(long)]
    pub whole: bool,
}

/// Storage of activations as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PrecisionName(pub Precision);

/// Two fractions, `A..B` or `A,B`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval(pub f64, pub f64);

impl FromStr for PrecisionName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "f32" => Ok(Self(Precision::F32)),
            "f16" => Ok(Self(Precision::F16)),
            _ => Err(format!("unknown precision `{name}`; known: f32, f16")),
        }
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (start, end) = text
            .split_once("..")
            .or_else(|| text.split_once(','))
            .ok_or_else(|| "write two fractions of the steps, such as 0..0.5".to_owned())?;
        let fraction = |part: &str| part.trim().parse().map_err(|_| format!("`{part}` is not a number"));
        Ok(Self(fraction(start)?, fraction(end)?))
    }
}

impl DeviceArgs {
    /// The model's folder.
    pub(crate) fn folder(&self) -> Result<Folder, Failure> {
        Ok(find_model(self.model.as_deref())?)
    }

    /// The device, with the reason.
    pub(crate) async fn open(&self) -> Result<Chosen, Failure> {
        Ok(AnyBackend::open(self.backend, self.adapter.as_deref()).await?)
    }

    /// The precision that was given, else the recipe's, else f32.
    pub(crate) fn precision(&self, recipe: Option<&Recipe>) -> Result<Precision, Failure> {
        let recipe = recipe.map(|r| r.precision.parse().map_err(Failure::BadInput)).transpose()?;
        Ok(self.precision.or(recipe).map_or(Precision::F32, |name: PrecisionName| name.0))
    }
}

impl PictureArgs {
    /// The request for a prompt. Flags win over the recipe; with another sampler than the recipe's, its eta, sigmas and spacing, which
    /// belong to its sampler, do not count. Without a seed in either, `seed` is taken.
    pub(crate) fn request(
        &self,
        prompt: Option<&str>,
        recipe: Option<&Recipe>,
        seed: impl FnOnce() -> u64,
    ) -> Result<Request, Failure> {
        let base = recipe.map(|r| self.base(r)).transpose().map_err(|e| Failure::BadInput(e.to_string()))?;
        let base = base.unwrap_or_default();
        let seed = self.seed.or(recipe.map(|r| r.seed)).unwrap_or_else(seed);
        let noise = match (self.noise, recipe) {
            (Some(noise), _) => noise,
            (None, Some(recipe)) => {
                recipe.noise.parse().map_err(|e| Failure::BadInput(format!("--from: {e}")))?
            }
            (None, None) => Noise::default(),
        };
        Ok(Request {
            prompt: prompt.map_or(base.prompt, str::to_owned),
            negative: self.negative.clone().unwrap_or(base.negative),
            steps: self.steps.or(base.steps),
            guidance: self.guidance.or(base.guidance),
            guidance_interval: self.guidance_interval.map(|i| (i.0, i.1)).or(base.guidance_interval),
            sampler: self.sampler.map(|s| s.sampler).or(base.sampler),
            eta: self.eta.or(base.eta),
            sigmas: self.sigmas.or(self.sampler.and_then(|s| s.sigmas)).or(base.sigmas),
            spacing: self.spacing.or(base.spacing),
            seed,
            noise,
            count: None,
            width: self.width.or(base.width),
            height: self.height.or(base.height),
            previews: false,
            pace: if self.whole { Pace::Whole } else { Pace::Measured },
        })
    }

    /// What of a recipe counts.
    fn base(&self, recipe: &Recipe) -> Result<Request, ScheduleError> {
        let sampler: SamplerName = recipe.sampler.parse()?;
        let same = self.sampler.is_none_or(|given| given.sampler == sampler.sampler);
        let spacing = recipe.spacing.as_deref().map(str::parse).transpose()?;
        Ok(Request {
            prompt: recipe.prompt.clone(),
            negative: recipe.negative.clone(),
            steps: Some(recipe.steps),
            guidance: Some(recipe.guidance),
            guidance_interval: Some(recipe.guidance_interval),
            sampler: Some(sampler.sampler),
            eta: same.then_some(recipe.eta),
            sigmas: if same { Some(recipe.sigmas.parse()?) } else { None },
            spacing: if same { spacing } else { None },
            width: Some(recipe.width),
            height: Some(recipe.height),
            ..Request::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        Recipe {
            prompt: "a fox".into(),
            negative: "blurry".into(),
            steps: 9,
            guidance: 2.5,
            guidance_interval: (0.0, 0.5),
            sampler: "ddim".into(),
            eta: 0.25,
            sigmas: "default".into(),
            spacing: Some("trailing".into()),
            seed: 7,
            noise: "torch-cpu".into(),
            width: 96,
            height: 160,
            precision: "f32".into(),
            model: "m".into(),
        }
    }

    #[test]
    fn intervals_are_two_fractions() {
        assert_eq!("0..0.5".parse(), Ok(Interval(0.0, 0.5)));
        assert_eq!("0.25,1".parse(), Ok(Interval(0.25, 1.0)));
        assert_eq!(".1...9".parse(), Ok(Interval(0.1, 0.9)));
        for bad in ["", "0.5", "a..b", "0..", "0-1"] {
            assert!(bad.parse::<Interval>().is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_win_over_the_recipe() {
        let args = PictureArgs { steps: Some(4), seed: Some(8), ..PictureArgs::default() };
        let request = args.request(Some("a cat"), Some(&recipe()), || 1).expect("a good recipe");
        assert_eq!((request.prompt.as_str(), request.negative.as_str()), ("a cat", "blurry"));
        assert_eq!((request.steps, request.seed, request.eta), (Some(4), 8, Some(0.25)));
        assert_eq!((request.width, request.height, request.noise), (Some(96), Some(160), Noise::TorchCpu));
    }

    #[test]
    fn another_sampler_leaves_what_belonged_to_the_first() {
        let sampler = Some("DPM++ 2M Karras".parse().expect("a known name"));
        let args = PictureArgs { sampler, ..PictureArgs::default() };
        let request = args.request(None, Some(&recipe()), || 1).expect("a good recipe");
        assert_eq!((request.eta, request.spacing, request.sigmas), (None, None, Some(Sigmas::Karras)));
        assert_eq!((request.prompt.as_str(), request.seed), ("a fox", 7));
    }

    #[test]
    fn a_recipe_of_another_version_is_refused() {
        let odd = Recipe { sampler: "magic".into(), ..recipe() };
        let error = PictureArgs::default().request(None, Some(&odd), || 1).expect_err("unknown sampler");
        assert_eq!(error.code(), 2);
        assert!(error.to_string().contains("magic"), "{error}");
    }
}
