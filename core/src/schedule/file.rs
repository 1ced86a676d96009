//! `scheduler_config.json` as it lies on disk, every field optional, before any default is chosen.
//! Python writes infinities as bare words, which are not JSON, so they become strings first.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::ScheduleError;

/// The fields that some scheduler of ours reads or must refuse; `null` and absent are the same.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct File {
    #[serde(rename = "_class_name")]
    pub class_name: Option<String>,
    pub num_train_timesteps: Option<usize>,
    pub beta_start: Option<f64>,
    pub beta_end: Option<f64>,
    pub beta_schedule: Option<String>,
    pub trained_betas: Option<Value>,
    pub prediction_type: Option<String>,
    pub rescale_betas_zero_snr: Option<bool>,
    pub timestep_spacing: Option<String>,
    pub steps_offset: Option<usize>,
    pub set_alpha_to_one: Option<bool>,
    pub clip_sample: Option<bool>,
    pub thresholding: Option<bool>,
    pub variance_type: Option<String>,
    pub use_karras_sigmas: Option<bool>,
    pub use_exponential_sigmas: Option<bool>,
    pub use_beta_sigmas: Option<bool>,
    pub use_lu_lambdas: Option<bool>,
    pub use_flow_sigmas: Option<bool>,
    pub use_dynamic_shifting: Option<bool>,
    pub sigma_min: Option<f64>,
    pub sigma_max: Option<f64>,
    pub final_sigmas_type: Option<String>,
    pub interpolation_type: Option<String>,
    pub timestep_type: Option<String>,
    pub lambda_min_clipped: Option<Value>,
    pub solver_order: Option<usize>,
    pub solver_type: Option<String>,
    pub algorithm_type: Option<String>,
    pub lower_order_final: Option<bool>,
    pub euler_at_final: Option<bool>,
    pub original_inference_steps: Option<usize>,
    pub timestep_scaling: Option<f64>,
    #[serde(flatten)]
    pub rest: BTreeMap<String, Value>,
}

/// Fields of diffusers' schedulers that change nothing here: limits of clipping and shifting that are off, and options of
/// schedulers whose file may carry them along but that are not ours.
const WITHOUT_EFFECT: [&str; 10] = [
    "clip_sample_range",
    "sample_max_value",
    "dynamic_thresholding_ratio",
    "flow_shift",
    "time_shift_type",
    "skip_prk_steps",
    "predict_x0",
    "solver_p",
    "disable_corrector",
    "use_clipped_model_output",
];

impl File {
    /// Reads the file's text.
    ///
    /// # Errors
    /// [`ScheduleError::Json`] where it is not JSON or a field has the wrong type, [`ScheduleError::Refused`] for a field
    /// that no scheduler of ours knows and that is neither null nor false.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let file: Self = serde_json::from_str(&infinities_as_strings(text))
            .map_err(|error| ScheduleError::Json { detail: error.to_string() })?;
        let off = |value: &Value| matches!(value, Value::Null | Value::Bool(false));
        let strange = file.rest.iter().find(|(key, value)| {
            !key.starts_with('_') && !off(value) && !WITHOUT_EFFECT.contains(&key.as_str())
        });
        match strange {
            None => Ok(file),
            Some((key, value)) => Err(ScheduleError::Refused {
                what: format!("`{key}: {value}` in scheduler_config.json"),
                instead: "no sampler here has this option; remove it from the file if the model does not need it",
            }),
        }
    }
}

/// Quotes `Infinity`, `-Infinity` and `NaN` where they stand outside strings, as Python's `json.dumps` writes them.
fn infinities_as_strings(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let word =
            ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| !in_string && rest.starts_with(word));
        let taken = if let Some(word) = word {
            quoted.push('"');
            quoted.push_str(word);
            quoted.push('"');
            word.len()
        } else if in_string && c == '\\' {
            // An escape is two characters, of which the second may be a quote.
            c.len_utf8() + rest[1..].chars().next().map_or(0, char::len_utf8)
        } else {
            in_string ^= c == '"';
            c.len_utf8()
        };
        if word.is_none() {
            quoted.push_str(&rest[..taken]);
        }
        rest = &rest[taken..];
    }
    quoted
}
