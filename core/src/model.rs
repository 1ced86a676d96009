//! A loaded model folder: classes, configs, tokenizer and defaults, and the recordings that they make. No weights yet.

use std::collections::BTreeMap;

use crate::files::{FileError, ModelFiles, open_component};
use crate::graph::{Graph, Slot, ValueId};
use crate::model_index::{IndexError, ModelIndex};
use crate::models::{Decoder, Denoiser, ModelError, Module, TextEncoder};
use crate::ops::{DENOISED, state_len};
use crate::schedule::{ROW_LEN, ScheduleError, SchedulerConfig};
use crate::shape::DType;
use crate::tokenizer::{Tokenizer, TokenizerError};
use crate::weights::{Leaves, Role, TensorSource};

/// Why a model folder cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file that cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file that is not there.
    #[error("{0} is missing: the folder is no complete diffusers model; download it again")]
    Missing(String),
    /// `model_index.json`.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// A class or config.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// `scheduler_config.json`.
    #[error("scheduler/scheduler_config.json: {0}")]
    Scheduler(#[from] ScheduleError),
    /// The tokenizer.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// Tensors.
    #[error(transparent)]
    Weights(#[from] crate::weights::WeightError),
    /// Components that do not fit each other.
    #[error("the components do not fit each other: {0}")]
    Mismatch(String),
    /// Precision f16 on a device that has none.
    #[error("{0} has no 16-bit floats: use --precision f32")]
    Precision(String),
    /// The device.
    #[error(transparent)]
    Device(#[from] crate::backend::DeviceError),
}

/// A model without its weights.
pub struct Model {
    /// `model_index.json`.
    pub index: ModelIndex,
    /// What its folder is called.
    pub name: String,
    /// Prompt to text.
    pub text_encoder: TextEncoder,
    /// Latent to output.
    pub denoiser: Denoiser,
    /// Latent to pixels.
    pub decoder: Decoder,
    /// Words to ids.
    pub tokenizer: Tokenizer,
    /// The scheduler's file.
    pub scheduler: SchedulerConfig,
    /// Tokens of a prompt, T.
    pub tokens: usize,
}

/// Largest side in pixels: attention over its tokens is far beyond any machine long before.
pub const MOST_PIXELS: usize = 8192;

/// Names of the components that hold weights.
const TEXT_ENCODER: &str = "text_encoder";
const TRANSFORMER: &str = "transformer";
const VAE: &str = "vae";

impl Model {
    /// Reads everything but the weights.
    pub async fn load(files: &dyn ModelFiles) -> Result<Self, LoadError> {
        let index = ModelIndex::parse(&read(files, "model_index.json").await?)?;
        let class = |component: &str| -> Result<String, LoadError> {
            let missing = || LoadError::Missing(format!("component `{component}` of model_index.json"));
            Ok(index.components.get(component).ok_or_else(missing)?.class.clone())
        };
        let config = read(files, "text_encoder/config.json").await?;
        let text_encoder = TextEncoder::from_class(TEXT_ENCODER, &class(TEXT_ENCODER)?, &config)?;
        let config = read(files, "transformer/config.json").await?;
        let denoiser = Denoiser::from_class(TRANSFORMER, &class(TRANSFORMER)?, &config)?;
        let config = read(files, "vae/config.json").await?;
        let decoder = Decoder::from_class(VAE, &class(VAE)?, &config)?;
        let scheduler = read(files, "scheduler/scheduler_config.json").await?;
        let scheduler = SchedulerConfig::from_json(&String::from_utf8_lossy(&scheduler))?;
        let tokenizer = files.read("tokenizer/tokenizer.json").await?.ok_or(TokenizerError::Missing)?;
        let settings = files.read("tokenizer/tokenizer_config.json").await?;
        let tokenizer = Tokenizer::from_bytes(&tokenizer, settings.as_deref())?;
        let tokens = tokenizer.max_length().unwrap_or(usize::MAX).min(denoiser.max_tokens());
        let model = Self {
            name: base_name(&files.describe()),
            index,
            text_encoder,
            denoiser,
            decoder,
            tokenizer,
            scheduler,
            tokens,
        };
        model.check()?;
        Ok(model)
    }

    fn check(&self) -> Result<(), LoadError> {
        let (made, read) = (self.denoiser.latent_channels(), self.decoder.latent_channels());
        if made != read {
            return Err(LoadError::Mismatch(format!(
                "the transformer makes {made} latent channels, the vae reads {read}"
            )));
        }
        let factors = self.index.onelaunch.as_ref().and_then(|own| own.latent_rgb_factors.as_ref());
        if let Some(factors) = factors.filter(|factors| factors.len() != made) {
            return Err(LoadError::Mismatch(format!(
                "latent_rgb_factors has {} rows for {made} latent channels",
                factors.len()
            )));
        }
        let ((width, height), (_, multiple)) = (self.default_size(), self.multiple());
        if [width, height]
            .iter()
            .any(|side| *side == 0 || *side > MOST_PIXELS || !side.is_multiple_of(multiple))
        {
            return Err(LoadError::Mismatch(format!(
                "the default size {width}×{height} is not made of multiples of {multiple} up to {MOST_PIXELS}"
            )));
        }
        let (ids, rows) = (self.tokenizer.vocabulary(), self.text_encoder.vocabulary());
        if ids > rows {
            return Err(LoadError::Mismatch(format!(
                "the tokenizer has {ids} pieces, the text encoder's table {rows} rows"
            )));
        }
        Ok(())
    }

    /// Opens the files of every component that holds weights.
    pub async fn open(
        &self,
        files: &dyn ModelFiles,
    ) -> Result<BTreeMap<String, Box<dyn TensorSource>>, LoadError> {
        let mut sources = BTreeMap::new();
        for (component, stems) in [
            (TEXT_ENCODER, self.text_encoder.stems()),
            (TRANSFORMER, self.denoiser.stems()),
            (VAE, self.decoder.stems()),
        ] {
            sources.insert(component.to_owned(), open_component(files, component, stems).await?);
        }
        Ok(sources)
    }

    /// Names in a component's files that no recording reads.
    pub fn unneeded(&self, component: &str, name: &str) -> bool {
        match component {
            TEXT_ENCODER => self.text_encoder.unneeded(name),
            TRANSFORMER => self.denoiser.unneeded(name),
            VAE => self.decoder.unneeded(name),
            _ => false,
        }
    }

    /// Pixels per latent pixel, and what height and width must be multiples of.
    pub fn multiple(&self) -> (usize, usize) {
        let scale = self.decoder.scale();
        (scale, scale * self.denoiser.multiple())
    }

    /// Width and height in pixels where nobody says otherwise.
    pub fn default_size(&self) -> (usize, usize) {
        let side = self.denoiser.sample_size() * self.decoder.scale();
        let own = self.index.onelaunch.as_ref().and_then(|o| o.size);
        own.map_or((side, side), |[width, height]| (width, height))
    }

    /// Shape of the latents of `n` pictures of `width × height` pixels.
    pub fn latent_shape(&self, n: usize, width: usize, height: usize) -> [usize; 4] {
        let scale = self.decoder.scale();
        [n, height / scale, width / scale, self.denoiser.latent_channels()]
    }

    /// Records prompt, one row of the sampler on P · n items, and the sampler; `rows` is R.
    pub fn record_step(&self, leaves: &mut Leaves, latent: [usize; 4], guided: bool, rows: usize) -> Graph {
        let mut g = Graph::new();
        let halves = if guided { 2 } else { 1 };
        let [n, h, w, c] = latent;
        let state = g.slot(Slot::State, [state_len(n * h * w * c)], DType::F32);
        let row = g.slot(Slot::Row, [ROW_LEN], DType::F32);
        let tables = g.slot(Slot::Rows, [rows, ROW_LEN], DType::F32);
        let ids = g.slot(Slot::Tokens(0), [halves, self.tokens], DType::U32);
        let lengths = g.slot(Slot::Lengths(0), [halves], DType::U32);
        let t = g.slot(Slot::Timestep, [1], DType::F32);
        let noise = g.slot(Slot::Noise, [1, n, h, w, c], DType::F32);

        let mut m = Module::new(&mut g, leaves, TEXT_ENCODER);
        let text = self.text_encoder.record(&mut m, ids, lengths);
        g.load_row(tables, state, row);
        let x = g.view(state, 0, latent);
        let x = g.scale_input(x, row, halves);
        let mut m = Module::new(&mut g, leaves, TRANSFORMER);
        let output = self.denoiser.record(&mut m, x, t, text, lengths);
        g.sampler_step(guided, [output, noise, row], state);
        g
    }

    /// Records denoised latent to a small picture, a pixel per latent pixel: linear in the latent, by the factors of the model's own entry.
    /// `None` where it has none.
    pub fn record_preview(&self, latent: [usize; 4]) -> Option<Graph> {
        let own = self.index.onelaunch.as_ref()?;
        let factors = own.latent_rgb_factors.as_ref()?;
        let [n, h, w, c] = latent;
        let mut g = Graph::new();
        let state = g.slot(Slot::State, [state_len(n * h * w * c)], DType::F32);
        let x = g.view(state, DENOISED * n * h * w * c, latent);
        // [C, 3] in the entry, [3, C] as a matrix.
        let matrix = (0..3).flat_map(|rgb| factors.iter().map(move |f| f[rgb])).collect();
        let matrix = g.constant("latent_rgb_factors", Role::Matrix, [3, c], matrix);
        let bias = own.latent_rgb_factors_bias.unwrap_or_default();
        let bias = g.constant("latent_rgb_factors_bias", Role::Vector, [3], bias.to_vec());
        let picture = g.scope("preview", |g| g.linear(x, matrix, Some(bias)));
        let pixels = g.slot(Slot::Preview, [n, h, w], DType::U32);
        g.to_rgba8(picture, 0.0, 1.0, pixels);
        Some(g)
    }

    /// Records latent to pixels.
    pub fn record_finish(&self, leaves: &mut Leaves, latent: [usize; 4]) -> Graph {
        let mut g = Graph::new();
        let state = g.slot(Slot::State, [state_len(latent.iter().product())], DType::F32);
        let x = g.view(state, 0, latent);
        let mut m = Module::new(&mut g, leaves, VAE);
        let picture = self.decoder.record(&mut m, x);
        let [low, high] = self.decoder.sample_range();
        let [n, h, w, _] = g.shape(picture)[..] else { panic!("the decoder makes [n, H, W, 3]") };
        let pixels: ValueId = g.slot(Slot::Pixels, [n, h, w], DType::U32);
        g.to_rgba8(picture, low, high, pixels);
        g
    }
}

/// The last part of a path or address: what a folder is called, wherever it lies.
fn base_name(place: &str) -> String {
    place.split(['/', '\\']).rfind(|part| !part.is_empty()).unwrap_or(place).to_owned()
}

async fn read(files: &dyn ModelFiles, path: &str) -> Result<Vec<u8>, LoadError> {
    files.read(path).await?.ok_or_else(|| LoadError::Missing(path.to_owned()))
}
