//! `model_index.json`: which classes a model folder is made of, and this project's own entry `onelaunch` with what the model likes.
//! Everything of diffusers stays as diffusers writes it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Why `model_index.json` cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// No JSON, or no object.
    #[error("model_index.json: not a JSON object ({0}): download it again")]
    Json(String),
    /// No pipeline class.
    #[error(
        "model_index.json: `_class_name` is missing: this is not the folder of a diffusers pipeline; give the folder that holds unet/ or transformer/"
    )]
    Class,
    /// A component that is not `[library, class]`.
    #[error(
        "model_index.json: component `{name}` must be [\"library\", \"class\"] or [null, null], not {found}"
    )]
    Component {
        /// The component.
        name: String,
        /// What is there.
        found: String,
    },
    /// The entry `onelaunch`.
    #[error("model_index.json, entry onelaunch: {0}: correct it, or remove the entry to use the defaults")]
    Onelaunch(String),
}

/// A parsed `model_index.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelIndex {
    /// Class of the pipeline, as diffusers calls it: `PixArtAlphaPipeline`.
    pub class: String,
    /// Components by folder name; those that are `[null, null]` are left out.
    pub components: BTreeMap<String, ComponentClass>,
    /// Plain settings beside the components: `force_zeros_for_empty_prompt`.
    pub settings: BTreeMap<String, Value>,
    /// This project's own entry.
    pub onelaunch: Option<OnelaunchEntry>,
}

/// Where a component's class comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentClass {
    /// `diffusers`, `transformers`, `onelaunch`.
    pub library: String,
    /// `AutoencoderKL`.
    pub class: String,
}

/// What a model likes, where nobody says otherwise. All of it may be missing; a name that is not known is an error.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnelaunchEntry {
    /// Steps.
    pub steps: Option<usize>,
    /// Guidance weight; 1 and less is none.
    pub guidance: Option<f64>,
    /// Name of the sampler.
    pub sampler: Option<String>,
    /// Width and height in pixels, in this order.
    pub size: Option<[usize; 2]>,
    /// Preview: per latent channel its share of red, green and blue in 0…1.
    pub latent_rgb_factors: Option<Vec<[f32; 3]>>,
    /// Preview: red, green and blue of a latent of zeros.
    pub latent_rgb_factors_bias: Option<[f32; 3]>,
}

impl ModelIndex {
    /// Reads the file's bytes.
    ///
    /// # Errors
    /// [`IndexError`] for what is not a diffusers index.
    pub fn parse(bytes: &[u8]) -> Result<Self, IndexError> {
        let object: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(|e| IndexError::Json(e.to_string()))?;
        let class = object.get("_class_name").and_then(Value::as_str).ok_or(IndexError::Class)?.to_owned();
        let mut index =
            Self { class, components: BTreeMap::new(), settings: BTreeMap::new(), onelaunch: None };
        for (name, value) in object {
            match value {
                _ if name.starts_with('_') => {}
                value if name == "onelaunch" => index.onelaunch = Some(entry(value)?),
                Value::Array(pair) => match &pair[..] {
                    [Value::String(library), Value::String(class)] => {
                        let component = ComponentClass { library: library.clone(), class: class.clone() };
                        index.components.insert(name, component);
                    }
                    [Value::Null, Value::Null] => {}
                    _ => return Err(IndexError::Component { name, found: Value::Array(pair).to_string() }),
                },
                value => drop(index.settings.insert(name, value)),
            }
        }
        Ok(index)
    }
}

fn entry(value: Value) -> Result<OnelaunchEntry, IndexError> {
    let entry: OnelaunchEntry =
        serde_json::from_value(value).map_err(|e| IndexError::Onelaunch(e.to_string()))?;
    let fail = |why: &str| Err(IndexError::Onelaunch(why.into()));
    if entry.steps == Some(0) {
        return fail("steps must be at least 1");
    }
    if entry.size.is_some_and(|size| size.contains(&0)) {
        return fail("size is [width, height] in pixels, neither of them 0");
    }
    if entry.latent_rgb_factors_bias.is_some() && entry.latent_rgb_factors.is_none() {
        return fail("latent_rgb_factors_bias needs latent_rgb_factors");
    }
    Ok(entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_model_that_ships() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/emoji-mini/model_index.json");
        let index = ModelIndex::parse(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(index.class, "PixArtAlphaPipeline");
        let names: Vec<_> = index.components.keys().map(String::as_str).collect();
        assert_eq!(names, ["scheduler", "text_encoder", "tokenizer", "transformer", "vae"]);
        let vae = ComponentClass { library: "onelaunch".into(), class: "AutoencoderTinyFlux2".into() };
        assert_eq!(index.components["vae"], vae);
        let own = index.onelaunch.unwrap();
        assert_eq!((own.steps, own.guidance, own.size), (Some(20), Some(3.5), Some([128, 128])));
        assert_eq!(own.sampler.as_deref(), Some("dpmpp_2m"));
        let factors = own.latent_rgb_factors.unwrap();
        assert_eq!((factors.len(), factors[3]), (32, [0.0421, 0.08714, 0.12143]));
        assert_eq!(own.latent_rgb_factors_bias, Some([0.76609, 0.70255, 0.66173]));
    }

    #[test]
    fn absent_components_and_settings() {
        let text = br#"{"_class_name": "P", "_diffusers_version": "1", "safety_checker": [null, null],
            "force_zeros_for_empty_prompt": true, "unet": ["diffusers", "U"]}"#;
        let index = ModelIndex::parse(text).unwrap();
        assert_eq!(index.components.keys().collect::<Vec<_>>(), ["unet"]);
        assert_eq!(index.settings["force_zeros_for_empty_prompt"], Value::Bool(true));
        assert_eq!(index.onelaunch, None);
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (text, word) in [
            ("[]", "not a JSON object"),
            ("{", "not a JSON object"),
            ("{}", "_class_name"),
            (r#"{"_class_name": 3}"#, "_class_name"),
            (r#"{"_class_name": "P", "vae": ["x"]}"#, "component `vae`"),
            (r#"{"_class_name": "P", "vae": [null, "x"]}"#, "component `vae`"),
            (r#"{"_class_name": "P", "onelaunch": 3}"#, "entry onelaunch"),
            (r#"{"_class_name": "P", "onelaunch": {"step": 3}}"#, "`step`"),
            (r#"{"_class_name": "P", "onelaunch": {"steps": 0}}"#, "at least 1"),
            (r#"{"_class_name": "P", "onelaunch": {"size": [128]}}"#, "length 1"),
            (r#"{"_class_name": "P", "onelaunch": {"size": [128, 0]}}"#, "[width, height]"),
            (
                r#"{"_class_name": "P", "onelaunch": {"latent_rgb_factors_bias": [0, 0, 0]}}"#,
                "needs latent_rgb",
            ),
        ] {
            let error = ModelIndex::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
