//! What can be wrong with a scheduler file or with a request for a schedule.
//! Every message says what to change; an option we do not have is refused by its name, never ignored.

/// Why there is no [`Schedule`](super::Schedule).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScheduleError {
    /// `scheduler_config.json` is not JSON, or a field has the wrong type.
    #[error("scheduler_config.json cannot be read: {detail}; download the file again or correct that field")]
    Json {
        /// The parser's message, with line and column.
        detail: String,
    },
    /// A name (scheduler class, sampler, spacing, ..) that is not one of ours.
    #[error("unknown {what} `{name}`; known: {known}")]
    Unknown {
        /// What the name should have been, e.g. `sampler`.
        what: &'static str,
        /// The name given.
        name: String,
        /// The names that would do, separated by commas.
        known: &'static str,
    },
    /// A value in `scheduler_config.json` that no scheduler can have.
    #[error("scheduler_config.json: `{field}` is {value}, but must be {must}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        must: &'static str,
    },
    /// An option that would change the picture and that this runtime does not have.
    #[error("{what} is not supported: {instead}")]
    Refused {
        /// The option and its value.
        what: String,
        /// Why, and what to do instead.
        instead: &'static str,
    },
    /// Zero steps, or more than the sampler can place.
    #[error("{steps} steps are not possible with {sampler} here; ask for 1 to {most}")]
    Steps {
        /// Steps asked for.
        steps: usize,
        /// Our name of the sampler.
        sampler: &'static str,
        /// The most steps that work.
        most: usize,
    },
    /// Guidance is not a finite number.
    #[error("guidance is {0}; it must be a finite number (1 or less means no guidance)")]
    Guidance(f64),
    /// Eta is outside 0..=1 or not a number.
    #[error("eta is {0}; it must be a number from 0 (deterministic) to 1 (as much noise as DDPM)")]
    Eta(f64),
    /// The guidance interval is not `0 ≤ start ≤ end ≤ 1`.
    #[error(
        "the guidance interval {start}-{end} must be two fractions of the schedule with 0 <= start <= end <= 1"
    )]
    Interval {
        /// Where guidance starts.
        start: f64,
        /// Where it ends.
        end: f64,
    },
    /// A timestep that the model was not trained on.
    #[error(
        "step {step} falls on timestep {timestep}, but the model was trained on 0 to {last}; \
         ask for fewer steps or another spacing (`steps_offset` of the file moves `leading` timesteps up)"
    )]
    Timestep {
        /// Number of the step, from 0.
        step: usize,
        /// Where it falls.
        timestep: f64,
        /// The last timestep of training.
        last: usize,
    },
    /// Two neighbouring steps share a noise level, so that the sampler divides by zero.
    #[error(
        "step {step} has no finite coefficients, because two steps share one noise level; \
         ask for fewer steps or another spacing"
    )]
    NotFinite {
        /// Number of the step, from 0.
        step: usize,
    },
}
