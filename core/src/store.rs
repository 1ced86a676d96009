//! The weights of one model on one device, shared by all its programs.

mod fill;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{Backend, DeviceError};
use crate::maybe::Listener;
use crate::model::LoadError;
use crate::weights::{Encoding, Layout, Leaf, LeafId, TensorSource, WeightPlan};
use fill::Fill;
pub use fill::READ;

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
        let all: Vec<LeafId> = store.leaves.keys().copied().collect();
        let mut done = 0;
        let mut written = |bytes: u64| {
            done += bytes;
            progress((done, total));
        };
        store.fill(backend, &all, sources, &mut written).await?;
        Ok(store)
    }

    /// Fills one leaf again, out of other files, without moving its buffer. Parts computed from older weights are computed again. The
    /// caller lets images that have begun finish first.
    pub async fn replace(&self, backend: &B, leaf: LeafId, sources: &Sources) -> Result<(), LoadError> {
        self.fill(backend, &[leaf], sources, &mut |_| {}).await?;
        self.generation.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Fills leaves; `written` hears of the bytes of each write.
    async fn fill(
        &self,
        backend: &B,
        ids: &[LeafId],
        sources: &Sources,
        written: &mut impl FnMut(u64),
    ) -> Result<(), LoadError> {
        let mut filled = Vec::new();
        for id in ids {
            let missing = || DeviceError::Usage(format!("leaf {} is not part of this model", id.0));
            filled.push(self.leaves.get(id).ok_or_else(missing)?);
        }
        Fill::new(backend, &self.weights, sources, written).all(&filled).await
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

#[cfg(test)]
mod tests;
