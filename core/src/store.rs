//! The weights of one model on one device, shared by all its programs: filled tensor by tensor, so that no whole file is ever in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{Backend, DeviceError};
use crate::maybe::Listener;
use crate::model::LoadError;
use crate::weights::{
    Encoding, Layout, Leaf, LeafId, SourceError, TensorSource, WeightError, WeightPlan, encode,
};

/// Bytes handed to the device at once.
const CHUNK: usize = 8 << 20;

/// Sources of tensors by component.
pub type Sources = BTreeMap<String, Box<dyn TensorSource>>;

/// Weights on a device.
pub struct WeightStore<B: Backend> {
    weights: Arc<B::Weights>,
    leaves: BTreeMap<LeafId, (Leaf, Layout)>,
    generation: AtomicU64,
}

impl<B: Backend> WeightStore<B> {
    /// Allocates and fills. `stored` is the files' encoding of each leaf, as accounting found it; `progress` hears bytes done and of
    /// how many.
    pub async fn load(
        backend: &B,
        plan: WeightPlan,
        stored: &BTreeMap<LeafId, Encoding>,
        sources: &Sources,
        progress: Listener<'_, (u64, u64)>,
    ) -> Result<Self, LoadError> {
        let laid = lay_out(backend, plan, stored);
        let weights = Arc::new(backend.weights(&laid).await?);
        let total = laid.iter().map(|(_, l)| l.bytes).sum();
        let leaves = laid.into_iter().map(|pair| (pair.0.id, pair)).collect();
        let store = Self { weights, leaves, generation: AtomicU64::new(0) };
        let mut done = 0;
        for (id, (_, layout)) in &store.leaves {
            store.fill(backend, *id, sources).await?;
            done += layout.bytes;
            progress((done, total));
        }
        Ok(store)
    }

    /// Fills one leaf again, out of other files, without moving its buffer. Parts computed from older weights are computed again. The
    /// caller lets images that have begun finish first.
    pub async fn replace(&self, backend: &B, leaf: LeafId, sources: &Sources) -> Result<(), LoadError> {
        self.fill(backend, leaf, sources).await?;
        self.generation.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn fill(&self, backend: &B, id: LeafId, sources: &Sources) -> Result<(), LoadError> {
        let missing = || DeviceError::Usage(format!("leaf {} is not part of this model", id.0));
        let (leaf, layout) = self.leaves.get(&id).ok_or_else(missing)?;
        let mut tensors = Vec::new();
        for tensor in &leaf.sources {
            let none = || SourceError::NoTensor { file: tensor.component.clone(), name: tensor.name.clone() };
            let source = sources.get(&tensor.component).ok_or_else(none).map_err(WeightError::from)?;
            let entry = source.entries().get(&tensor.name).ok_or_else(none).map_err(WeightError::from)?;
            let mut bytes = vec![0; entry.bytes() as usize];
            source.read(&tensor.name, 0..entry.bytes(), &mut bytes).await.map_err(WeightError::from)?;
            tensors.push((entry, bytes));
        }
        let borrowed: Vec<_> = tensors.iter().map(|(e, b)| (*e, b.as_slice())).collect();
        let bytes = encode(leaf, layout, &borrowed)?;
        for (at, chunk) in bytes.chunks(CHUNK).enumerate() {
            backend.write(&self.weights, id, (at * CHUNK) as u64, chunk).await?;
        }
        Ok(())
    }

    /// The device's buffers.
    pub const fn weights(&self) -> &Arc<B::Weights> {
        &self.weights
    }
    /// How often weights were replaced.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }
    /// Encoding of each leaf on the device.
    pub fn encodings(&self) -> BTreeMap<LeafId, Encoding> {
        self.leaves.iter().map(|(id, (_, layout))| (*id, layout.encoding)).collect()
    }
    /// The leaf that a tensor of a file is part of.
    pub fn leaf_of(&self, component: &str, name: &str) -> Option<LeafId> {
        let has = |l: &Leaf| l.sources.iter().any(|s| s.component == component && s.name == name);
        self.leaves.values().find(|(leaf, _)| has(leaf)).map(|(leaf, _)| leaf.id)
    }
    /// Bytes on the device.
    pub fn bytes(&self) -> u64 {
        self.leaves.values().map(|(_, l)| l.bytes).sum()
    }
}

/// The layout of each leaf on a device.
pub fn lay_out<B: Backend>(
    backend: &B,
    plan: WeightPlan,
    stored: &BTreeMap<LeafId, Encoding>,
) -> Vec<(Leaf, Layout)> {
    let encoding = |leaf: &Leaf| stored.get(&leaf.id).copied().unwrap_or(Encoding::F32);
    let lay = |leaf: Leaf| {
        let layout = backend.layout(&leaf, encoding(&leaf));
        (leaf, layout)
    };
    plan.leaves.into_iter().map(lay).collect()
}
