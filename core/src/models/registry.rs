//! Which class runs which code. The only place that knows class names; one that is not here is an error that lists those that are.

use serde::de::DeserializeOwned;

use super::{AutoencoderTinyFlux2, Module, PixArtTransformer2DModel, T5EncoderModel};
use crate::graph::ValueId;

/// Why a model's code cannot be picked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A class that there is no code for.
    #[error("{component}: class `{class}` is not known; known: {known}")]
    UnknownClass {
        /// Component of the folder.
        component: String,
        /// What `model_index.json` names.
        class: String,
        /// What there is.
        known: String,
    },
    /// A config that cannot be read.
    #[error("{component}/config.json: {why}")]
    Config {
        /// Component of the folder.
        component: String,
        /// What is wrong.
        why: String,
    },
}

/// Steps and guidance weight of a pipeline class in diffusers, where neither the request nor the model says. Components decide whether a
/// model runs; of a class that is not here the more common values are taken.
pub fn pipeline_defaults(class: &str) -> (usize, f64) {
    match class {
        "PixArtAlphaPipeline" | "PixArtSigmaPipeline" => (20, 4.5),
        _ => (50, 7.5),
    }
}

fn parse<T: DeserializeOwned>(
    component: &str,
    config: &[u8],
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<T, ModelError> {
    let error = |why: String| ModelError::Config { component: component.into(), why };
    let model: T = serde_json::from_slice(config).map_err(|e| error(e.to_string()))?;
    check(&model).map_err(error)?;
    Ok(model)
}

fn unknown(component: &str, class: &str, known: &[&str]) -> ModelError {
    ModelError::UnknownClass { component: component.into(), class: class.into(), known: known.join(", ") }
}

/// Text encoders.
#[derive(Clone, Debug)]
pub enum TextEncoder {
    /// T5.
    T5(T5EncoderModel),
}

impl TextEncoder {
    /// By class name.
    pub fn from_class(component: &str, class: &str, config: &[u8]) -> Result<Self, ModelError> {
        match class {
            "T5EncoderModel" => Ok(Self::T5(parse(component, config, T5EncoderModel::check)?)),
            _ => Err(unknown(component, class, &["T5EncoderModel"])),
        }
    }
    /// Files that may hold the weights, without ending.
    pub const fn stems(&self) -> &'static [&'static str] {
        &["model"]
    }
    /// Rows of the embedding table: no token id may reach it.
    pub const fn vocabulary(&self) -> usize {
        match self {
            Self::T5(model) => model.vocab_size,
        }
    }
    /// `[P, T]` ids and `[P]` lengths to `[P, T, C]`.
    pub fn record(&self, m: &mut Module<'_>, ids: ValueId, lengths: ValueId) -> ValueId {
        match self {
            Self::T5(model) => model.record(m, ids, lengths),
        }
    }
    /// Names in the file that are no leaf of this recording.
    pub fn unneeded(&self, name: &str) -> bool {
        match self {
            // The table under its second name.
            Self::T5(_) => name == "encoder.embed_tokens.weight",
        }
    }
}

/// Networks that denoise.
#[derive(Clone, Debug)]
pub enum Denoiser {
    /// PixArt.
    PixArt(PixArtTransformer2DModel),
}

impl Denoiser {
    /// By class name.
    pub fn from_class(component: &str, class: &str, config: &[u8]) -> Result<Self, ModelError> {
        match class {
            "PixArtTransformer2DModel" => {
                Ok(Self::PixArt(parse(component, config, PixArtTransformer2DModel::check)?))
            }
            _ => Err(unknown(component, class, &["PixArtTransformer2DModel"])),
        }
    }
    /// Files that may hold the weights, without ending.
    pub const fn stems(&self) -> &'static [&'static str] {
        &["diffusion_pytorch_model"]
    }
    /// Channels of the latent.
    pub const fn latent_channels(&self) -> usize {
        match self {
            Self::PixArt(model) => model.in_channels,
        }
    }
    /// Height and width of a latent are multiples of this.
    pub const fn multiple(&self) -> usize {
        match self {
            Self::PixArt(model) => model.patch_size,
        }
    }
    /// Side of the latents it was trained on.
    pub const fn sample_size(&self) -> usize {
        match self {
            Self::PixArt(model) => model.sample_size,
        }
    }
    /// Most tokens of a prompt by default: `max_sequence_length` of diffusers' pipeline class.
    pub const fn max_tokens(&self) -> usize {
        match self {
            Self::PixArt(_) => 120,
        }
    }
    /// Latent, timestep, text and its lengths to the network's output.
    pub fn record(
        &self,
        m: &mut Module<'_>,
        x: ValueId,
        t: ValueId,
        text: ValueId,
        lengths: ValueId,
    ) -> ValueId {
        match self {
            Self::PixArt(model) => model.record(m, x, t, text, lengths),
        }
    }
    /// Names in the file that are no leaf of this recording.
    pub fn unneeded(&self, name: &str) -> bool {
        match self {
            // Buffers of old exports: the table is computed.
            Self::PixArt(_) => name == "pos_embed.pos_embed",
        }
    }
}

/// Autoencoders.
#[derive(Clone, Debug)]
pub enum Decoder {
    /// TAEF2.
    TinyFlux2(AutoencoderTinyFlux2),
}

impl Decoder {
    /// By class name.
    pub fn from_class(component: &str, class: &str, config: &[u8]) -> Result<Self, ModelError> {
        match class {
            "AutoencoderTinyFlux2" => {
                Ok(Self::TinyFlux2(parse(component, config, AutoencoderTinyFlux2::check)?))
            }
            _ => Err(unknown(component, class, &["AutoencoderTinyFlux2"])),
        }
    }
    /// Files that may hold the decoder's weights, without ending.
    pub const fn stems(&self) -> &'static [&'static str] {
        match self {
            Self::TinyFlux2(_) => &["taef2_decoder"],
        }
    }
    /// Channels of the latent.
    pub const fn latent_channels(&self) -> usize {
        match self {
            Self::TinyFlux2(model) => model.latent_channels,
        }
    }
    /// Pixels per latent pixel.
    pub fn scale(&self) -> usize {
        match self {
            Self::TinyFlux2(model) => model.scale(),
        }
    }
    /// What the decoder's black and white are.
    pub const fn sample_range(&self) -> [f32; 2] {
        match self {
            Self::TinyFlux2(model) => model.sample_range,
        }
    }
    /// Latent of the sampler to a picture.
    pub fn record(&self, m: &mut Module<'_>, x: ValueId) -> ValueId {
        match self {
            Self::TinyFlux2(model) => model.record_decoder(m, x),
        }
    }
    /// Names in the file that are no leaf of this recording.
    pub const fn unneeded(&self, _: &str) -> bool {
        match self {
            Self::TinyFlux2(_) => false,
        }
    }
}
