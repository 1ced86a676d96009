//! What a caller asks for, and the recipe it becomes: every value that decides the picture, none left to a default.

use serde::{Deserialize, Serialize};

use crate::noise::Noise;
use crate::schedule::{Sampler, Sigmas, Spacing};

/// How a launch is cut into submits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pace {
    /// By what the device did before, and by whether somebody watches.
    #[default]
    Measured,
    /// Not at all: one submit, whoever watches.
    Whole,
    /// As if the device did this much [cost](crate::image::Work::cost) per second, whatever it takes: the same cut every time.
    Rate(f64),
}

/// A wish. What is `None` comes from the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// What the picture shows.
    pub prompt: String,
    /// What it should not show.
    pub negative: String,
    /// Steps, 1 to 256 rows.
    pub steps: Option<usize>,
    /// Guidance weight; at most 1 is the plain conditional picture.
    pub guidance: Option<f64>,
    /// Fractions of the schedule between which guidance is on.
    pub guidance_interval: Option<(f64, f64)>,
    /// Sampler.
    pub sampler: Option<Sampler>,
    /// Noise of DDIM, 0 to 1.
    pub eta: Option<f64>,
    /// Sigmas.
    pub sigmas: Option<Sigmas>,
    /// Spacing of timesteps.
    pub spacing: Option<Spacing>,
    /// Seed of the first picture; picture i uses seed + i.
    pub seed: u64,
    /// Noise generator.
    pub noise: Noise,
    /// Number of pictures, at least 1.
    pub count: Option<usize>,
    /// Pixels across.
    pub width: Option<usize>,
    /// Pixels down.
    pub height: Option<usize>,
    /// Pictures of what is denoised so far, as [`Event::Preview`](crate::Event::Preview): of models that say how to make them, in
    /// launches that are cut. Each is a readback.
    pub previews: bool,
    /// How launches are cut into submits.
    pub pace: Pace,
}

/// Everything that decides one picture. Written into its file, and enough to make it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// What the picture shows.
    pub prompt: String,
    /// What it should not show.
    pub negative: String,
    /// Steps.
    pub steps: usize,
    /// Guidance weight.
    pub guidance: f64,
    /// Fractions of the schedule between which guidance is on.
    pub guidance_interval: (f64, f64),
    /// Sampler, by our name.
    pub sampler: String,
    /// Noise of DDIM.
    pub eta: f64,
    /// Sigmas, by our name.
    pub sigmas: String,
    /// Spacing of timesteps, by our name; the sampler's own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing: Option<String>,
    /// Seed of this picture.
    pub seed: u64,
    /// Noise generator, by our name.
    pub noise: String,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Storage of activations, `f32` or `f16`.
    pub precision: String,
    /// The model, as its folder is called.
    pub model: String,
}
