//! The `parameters` text of A1111 (stable-diffusion-webui, `modules/processing.py`, `create_infotext`), which viewers and galleries
//! understand: the prompt, the negative prompt, then one line of `Key: value` pairs.

use crate::Recipe;

/// The text for a recipe.
///
/// ```
/// # use onelaunch_core::{Recipe, picture::parameters};
/// # let recipe = Recipe { prompt: "a red apple".into(), negative: String::new(), steps: 20, guidance: 3.5,
/// #     guidance_interval: (0.0, 1.0), sampler: "dpmpp_2m".into(), eta: 0.0, sigmas: "karras".into(), spacing: None, seed: 7,
/// #     noise: "philox".into(), width: 128, height: 128, precision: "f32".into(), model: "emoji-mini".into() };
/// let text = parameters(&recipe);
/// assert!(text.starts_with("a red apple\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 3.5, Seed: 7, Size: 128x128"));
/// ```
#[must_use]
pub fn parameters(recipe: &Recipe) -> String {
    let mut pairs =
        vec![("Steps", recipe.steps.to_string()), ("Sampler", sampler(&recipe.sampler).to_owned())];
    if recipe.sigmas == "karras" {
        pairs.push(("Schedule type", "Karras".to_owned()));
    }
    pairs.push(("CFG scale", recipe.guidance.to_string()));
    pairs.push(("Seed", recipe.seed.to_string()));
    pairs.push(("Size", format!("{}x{}", recipe.width, recipe.height)));
    pairs.push(("Model", recipe.model.clone()));
    if recipe.eta != 0.0 {
        pairs.push(("Eta", recipe.eta.to_string()));
    }
    let (start, end) = recipe.guidance_interval;
    if (start, end) != (0.0, 1.0) {
        pairs.push(("Guidance interval", format!("{start}-{end}")));
    }
    if let Some(spacing) = &recipe.spacing {
        pairs.push(("Timestep spacing", spacing.clone()));
    }
    // A1111 names the generator whenever it is not the machine's own.
    pairs.push(("RNG", if recipe.noise == "torch-cpu" { "CPU" } else { "NV" }.to_owned()));
    pairs.push(("Precision", recipe.precision.clone()));
    pairs.push(("Version", concat!("onelaunch ", env!("CARGO_PKG_VERSION")).to_owned()));

    let mut text = recipe.prompt.clone();
    if !recipe.negative.is_empty() {
        text.push_str("\nNegative prompt: ");
        text.push_str(&recipe.negative);
    }
    text.push('\n');
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}: {}", quoted(value))).collect();
    text.push_str(&pairs.join(", "));
    text
}

/// A1111's name of a sampler of ours; the name itself where it has none.
fn sampler(ours: &str) -> &str {
    match ours {
        "ddim" => "DDIM",
        "euler" => "Euler",
        "euler_a" => "Euler a",
        "dpmpp_2m" => "DPM++ 2M",
        "lcm" => "LCM",
        other => other,
    }
}

/// A value that holds what separates pairs is written as a JSON string.
fn quoted(value: &str) -> String {
    if value.contains([',', ':', '\n', '"']) {
        serde_json::json!(value).to_string()
    } else {
        value.to_owned()
    }
}
