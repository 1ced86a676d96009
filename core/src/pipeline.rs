//! What callers hold: load a model, generate pictures, hear of progress, cancel. The CLI, embedders and the web package wrap this
//! and write nothing of it again.

mod drive;
mod generate;
mod meter;
mod prepare;
mod resolve;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::backend::{Backend, CompileError, DeviceError, Planned};
use crate::compile::{Precision, ProgramKey, planned, program};
use crate::files::ModelFiles;
use crate::image::Pixels;
use crate::maybe::Listener;
use crate::model::{LoadError, Model};
use crate::program::PartKind;
use crate::request::Recipe;
use crate::store::WeightStore;
use crate::weights::{LeafId, Leaves};
pub use drive::{Shown, Viewer};
pub use prepare::{Inspection, Prepared};
pub use resolve::{RequestError, Resolved, resolve};

/// Something that callers may show.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// Bytes of weights on the device, and of how many.
    Weights(u64, u64),
    /// Kernels ready, and of how many.
    Kernels(usize, usize),
    /// Rows of the sampler done, of how many, and pictures in this launch.
    Step(usize, usize, usize),
    /// Rows of the sampler done when this was the denoised latent, and small pictures of it, one of each picture of this launch.
    Preview(usize, Pixels),
    /// Something the caller should know: a prompt that was cut.
    Warning(String),
}

/// Where events go.
pub type Watch<'a> = Listener<'a, Event>;

/// Stops a generation from another task or thread.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A fresh one.
    pub fn new() -> Self {
        Self::default()
    }
    /// Asks to stop: takes effect within the chunks that are in flight.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    /// Whether it was asked to.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// What was asked cannot be made.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A prompt that cannot be tokenized.
    #[error(transparent)]
    Tokenizer(#[from] crate::tokenizer::TokenizerError),
    /// The program cannot be compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Cancelled by the caller.
    #[error("cancelled")]
    Cancelled,
    /// NaN or infinity reached the pixels.
    #[error("picture {0} came out with NaN or infinity; try --precision f32 or another sampler")]
    NotFinite(usize),
}

/// Pictures with what made them.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// RGBA8 of each picture.
    pub images: Vec<Vec<u8>>,
    /// Recipe of each picture.
    pub recipes: Vec<Recipe>,
    /// What it took.
    pub timings: Timings,
}

/// What a generation took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timings {
    /// Seconds to make programs ready that were not yet.
    pub compile: f64,
    /// Seconds from `begin` to pixels.
    pub image: f64,
    /// Chunks that the policy cut.
    pub chunks: u64,
    /// Queue submits, as the backend counted them.
    pub submits: u64,
    /// Dispatches, as the backend counted them.
    pub dispatches: u64,
    /// Readbacks, as the backend counted them.
    pub readbacks: u64,
    /// Launches (batches of pictures).
    pub launches: u64,
}

/// A program made ready, and sessions that wait for images.
pub(crate) struct Compiled<B: Backend> {
    pub executable: Arc<B::Executable>,
    /// Idle sessions with the draws each was opened for.
    pub idle: Mutex<Vec<(usize, B::Session)>>,
    /// Whether the program makes previews.
    pub previews: bool,
    /// Measured cost per second, as bits; 0 while none was measured.
    pub rate: AtomicU64,
}

/// A model on a device.
pub struct Pipeline<B: Backend> {
    backend: B,
    model: Model,
    store: WeightStore<B>,
    leaves: Mutex<Leaves>,
    programs: Mutex<BTreeMap<ProgramKey, Arc<Compiled<B>>>>,
    precision: Precision,
}

impl<B: Backend> Pipeline<B> {
    /// Loads a model onto a device. Files are checked completely before the device allocates anything.
    ///
    /// # Errors
    /// As [`Prepared::new`] and [`Prepared::load`].
    pub async fn load(
        backend: B,
        files: &dyn ModelFiles,
        precision: Precision,
        watch: Watch<'_>,
    ) -> Result<Self, LoadError> {
        Prepared::new(files).await?.load(backend, precision, watch).await
    }

    /// The device.
    pub const fn backend(&self) -> &B {
        &self.backend
    }
    /// The model.
    pub const fn model(&self) -> &Model {
        &self.model
    }
    /// Storage of its activations.
    pub const fn precision(&self) -> Precision {
        self.precision
    }
    /// Its weights on the device.
    pub const fn store(&self) -> &WeightStore<B> {
        &self.store
    }

    /// Fills the leaf that holds a tensor again, out of other files of the same model. It takes the pipeline for itself, so that no image is
    /// made of two models: whoever shares one between tasks holds it behind a lock.
    ///
    /// # Errors
    /// [`LoadError`] for a tensor that the model has not, or that does not fit; a device that fails.
    pub async fn replace(
        &mut self,
        component: &str,
        name: &str,
        files: &dyn ModelFiles,
    ) -> Result<(), LoadError> {
        let missing = || LoadError::Missing(format!("tensor {component}/{name}"));
        let leaf: LeafId = self.store.leaf_of(component, name).ok_or_else(missing)?;
        let sources = self.model.open(files).await?;
        self.store.replace(&self.backend, leaf, &sources).await
    }

    /// Compiles a program, which may be planned, or finds it compiled.
    pub(crate) async fn compiled(
        &self,
        key: ProgramKey,
        plan: Option<Planned>,
        watch: Watch<'_>,
    ) -> Result<Arc<Compiled<B>>, CompileError> {
        if let Some(known) = self.programs.lock().ok().and_then(|p| p.get(&key).cloned()) {
            return Ok(known);
        }
        let planned = plan.map_or_else(|| self.plan(key), Ok)?;
        let previews = planned.program.part(PartKind::Preview).is_some();
        let progress = |(done, of)| watch(Event::Kernels(done, of));
        let executable = Arc::new(self.backend.compile(planned, &progress).await?);
        let compiled =
            Arc::new(Compiled { executable, idle: Mutex::default(), previews, rate: AtomicU64::new(0) });
        if let Ok(mut programs) = self.programs.lock() {
            programs.insert(key, compiled.clone());
        }
        Ok(compiled)
    }

    /// The planned program of a key: what `compile` takes.
    pub fn plan(&self, key: ProgramKey) -> Result<Planned, CompileError> {
        let encodings = self.store.encodings();
        let mut leaves = self.leaves.lock().map_err(|_| DeviceError::Other("a recording panicked".into()))?;
        let (program, _) = program(&self.model, &mut leaves, key);
        drop(leaves);
        planned(&self.backend, program, &encodings)
    }
}
