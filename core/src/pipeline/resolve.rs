//! From a wish to a recipe: the model's defaults filled in, everything checked before any long work.

use crate::compile::Precision;
use crate::model::{MOST_PIXELS, Model};
use crate::models::pipeline_defaults;
use crate::request::{Recipe, Request};
use crate::schedule::{Sampler, SamplerRequest, Schedule, ScheduleError};

/// What cannot be made, and what could.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The sampler's numbers.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A size the model cannot make.
    #[error(
        "{width}×{height} cannot be made: sizes are multiples of {multiple} from {multiple} to {most}; nearest: {near_width}×{near_height}"
    )]
    Size {
        /// Asked for.
        width: usize,
        /// Asked for.
        height: usize,
        /// Of what sizes are multiples.
        multiple: usize,
        /// Largest side.
        most: usize,
        /// The nearest that can be made.
        near_width: usize,
        /// The nearest that can be made.
        near_height: usize,
    },
    /// No pictures, or too many.
    #[error("count must be 1 to {most}, not {count}")]
    Count {
        /// Asked for.
        count: usize,
        /// Most at once.
        most: usize,
    },
    /// The model's own default sampler is not known.
    #[error("model_index.json, entry onelaunch: {0}")]
    Default(String),
}

/// Most pictures of one request.
const MOST_PICTURES: usize = 10_000;

/// A checked wish.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Recipe of the first picture.
    pub recipe: Recipe,
    /// Its table.
    pub schedule: Schedule,
    /// Pictures.
    pub count: usize,
}

/// Checks a request against a model and fills in what it leaves open.
pub fn resolve(model: &Model, request: &Request, precision: Precision) -> Result<Resolved, RequestError> {
    let own = model.index.onelaunch.as_ref();
    let sampler = match (request.sampler, own.and_then(|o| o.sampler.as_deref())) {
        (Some(sampler), _) => sampler,
        (None, Some(name)) => name.parse::<Sampler>().map_err(|e| RequestError::Default(e.to_string()))?,
        (None, None) => model.scheduler.default_sampler()?,
    };
    let (default_steps, default_guidance) = pipeline_defaults(&model.index.class);
    let steps = request.steps.or(own.and_then(|o| o.steps)).unwrap_or(default_steps);
    let guidance = request.guidance.or(own.and_then(|o| o.guidance)).unwrap_or(default_guidance);
    let (width, height) = size(model, request)?;
    let count = request.count.unwrap_or(1);
    if count == 0 || count > MOST_PICTURES {
        return Err(RequestError::Count { count, most: MOST_PICTURES });
    }
    let guidance_interval = request.guidance_interval.unwrap_or((0.0, 1.0));
    let eta = request.eta.unwrap_or(0.0);
    let asked = SamplerRequest {
        sampler,
        steps,
        eta,
        sigmas: request.sigmas,
        spacing: request.spacing,
        guidance,
        guidance_interval,
    };
    let schedule = Schedule::new(&model.scheduler, &asked)?;
    let recipe = Recipe {
        prompt: request.prompt.clone(),
        negative: request.negative.clone(),
        steps,
        guidance,
        guidance_interval,
        sampler: sampler.name().into(),
        eta,
        sigmas: schedule.sigmas.name().into(),
        spacing: request.spacing.map(|s| s.name().into()),
        seed: request.seed,
        noise: request.noise.name().into(),
        width,
        height,
        precision: precision.name().into(),
        model: model.name.clone(),
    };
    Ok(Resolved { recipe, schedule, count })
}

fn size(model: &Model, request: &Request) -> Result<(usize, usize), RequestError> {
    let (default_width, default_height) = model.default_size();
    let width = request.width.unwrap_or(default_width);
    let height = request.height.unwrap_or(default_height);
    let (_, multiple) = model.multiple();
    let most = MOST_PIXELS / multiple * multiple;
    let near = |side: usize| (side.saturating_add(multiple / 2) / multiple * multiple).clamp(multiple, most);
    let (near_width, near_height) = (near(width), near(height));
    if (width, height) != (near_width, near_height) {
        return Err(RequestError::Size { width, height, multiple, most, near_width, near_height });
    }
    Ok((width, height))
}
