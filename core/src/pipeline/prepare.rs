//! A model before it is on a device: files opened and accounted for, recordings made. What is to be refused is refused here.

use std::sync::Mutex;

use super::{Event, Pipeline, Watch};
use crate::backend::{Backend, CompileError, Planned};
use crate::compile::{Precision, ProgramKey, leaves_of, planned, program, row_bucket};
use crate::files::ModelFiles;
use crate::memory::Region;
use crate::model::{LoadError, Model};
use crate::passes::fuse::FuseReport;
use crate::store::{Sources, WeightStore, lay_out};
use crate::weights::{Accounting, Leaf, Leaves, WeightPlan, account};

/// Everything about a model that needs no device memory.
pub struct Prepared {
    model: Model,
    sources: Sources,
    leaves: Leaves,
    used: WeightPlan,
    accounting: Accounting,
}

/// A plan of everything, before anything is allocated.
pub struct Inspection {
    /// Program, memory, kernels.
    pub planned: Planned,
    /// What was fused and what not.
    pub fused: FuseReport,
    /// Everything that a session allocates.
    pub regions: Vec<Region>,
    /// Bytes of weights on the device.
    pub weight_bytes: u64,
    /// Leaves, with the bytes of each.
    pub leaves: Vec<(Leaf, u64)>,
}

impl Prepared {
    /// Reads configs and headers, and no weights.
    ///
    /// # Errors
    /// [`LoadError`] for a folder that is no model, or whose tensors are not those that its classes need.
    pub async fn new(files: &dyn ModelFiles) -> Result<Self, LoadError> {
        let model = Model::load(files).await?;
        let sources = model.open(files).await?;
        let mut leaves = Leaves::default();
        let (width, height) = model.default_size();
        let key = ProgramKey { n: 1, width, height, rows: row_bucket(1), precision: Precision::F32 };
        let (program, _) = program(&model, &mut leaves, key);
        let used = leaves.plan(leaves_of(&program));
        let accounting = account(&used, &sources, &|component, name| model.unneeded(component, name))?;
        Ok(Self { model, sources, leaves, used, accounting })
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &Model {
        &self.model
    }

    /// Plans it on a backend without allocating anything there; a session has room for `draws` step noises.
    ///
    /// # Errors
    /// [`CompileError`] for a node that the backend cannot run.
    pub fn inspect<B: Backend>(
        &mut self,
        backend: &B,
        key: ProgramKey,
        draws: usize,
    ) -> Result<Inspection, CompileError> {
        let laid = lay_out(backend, self.used.clone(), &self.accounting.encodings);
        let encodings = laid.iter().map(|(leaf, layout)| (leaf.id, layout.encoding)).collect();
        let leaves: Vec<_> = laid.into_iter().map(|(leaf, layout)| (leaf, layout.bytes)).collect();
        let (program, fused) = program(&self.model, &mut self.leaves, key);
        let planned = planned(backend, program, &encodings)?;
        let regions = backend.regions(&planned, draws)?;
        let weight_bytes = leaves.iter().map(|(_, bytes)| bytes).sum();
        Ok(Inspection { planned, fused, regions, weight_bytes, leaves })
    }

    /// Loads it onto a device.
    ///
    /// # Errors
    /// [`LoadError`] for a precision that the device has not, files that change or end, a device that fails.
    pub async fn load<B: Backend>(
        self,
        backend: B,
        precision: Precision,
        watch: Watch<'_>,
    ) -> Result<Pipeline<B>, LoadError> {
        if precision == Precision::F16 && !backend.caps().f16 {
            return Err(LoadError::Precision(backend.caps().name.clone()));
        }
        let Self { model, sources, leaves, used, accounting } = self;
        let progress = |(done, of)| watch(Event::Weights(done, of));
        let store = WeightStore::load(&backend, used, &accounting.encodings, &sources, &progress).await?;
        let (leaves, programs) = (Mutex::new(leaves), Mutex::default());
        Ok(Pipeline { backend, model, store, leaves, programs, precision })
    }
}
