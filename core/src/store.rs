//! The weights of one model on one device, shared by all its programs. Files are read once, from front to back, in pieces; a leaf is
//! written as soon as its last tensor has come. So beyond the tensors of leaves that are not complete, only bounded buffers exist.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::backend::{Backend, DeviceError};
use crate::maybe::Listener;
use crate::model::LoadError;
use crate::weights::{
    Encoder, Encoding, Layout, Leaf, LeafId, PIECE, SourceError, SourceTensor, TensorEntry, TensorSource,
    Transform, WeightError, WeightPlan, natural_encoding, reading_order,
};

/// Bytes asked of a source at once.
pub const READ: usize = 512 << 10;

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
        let leaves: Vec<&Leaf> = filled.iter().map(|(leaf, _)| leaf).collect();
        let mut held: BTreeMap<&SourceTensor, (&TensorEntry, Vec<u8>)> = BTreeMap::new();
        // Leaves that still wait for each tensor.
        let mut readers: BTreeMap<&SourceTensor, usize> = BTreeMap::new();
        let mut out = Vec::new();
        for stop in reading_order(&leaves, sources)? {
            if let Some(&only) = stop.leaves.first().filter(|_| stop.leaves.len() == 1)
                && straight(&filled[only].0, &filled[only].1, stop.entry)
            {
                self.pour(backend, filled[only], stop.entry, sources, written).await?;
                continue;
            }
            let bytes = read(sources, stop.tensor, stop.entry).await?;
            held.insert(stop.tensor, (stop.entry, bytes));
            readers.insert(stop.tensor, stop.leaves.len());
            for &at in &stop.leaves {
                let (leaf, layout) = filled[at];
                let tensors: Vec<_> = leaf.sources.iter().map_while(|t| held.get(t)).collect();
                if tensors.len() < leaf.sources.len() {
                    continue;
                }
                let tensors: Vec<_> =
                    tensors.iter().map(|(entry, bytes)| (*entry, bytes.as_slice())).collect();
                let encoder = Encoder::new(leaf, layout, &tensors)?;
                for range in encoder.pieces(PIECE) {
                    out.resize(range.len(), 0);
                    encoder.encode(range.clone(), &mut out)?;
                    backend.write(&self.weights, leaf.id, range.start as u64, &out).await?;
                    written(range.len() as u64);
                }
                for tensor in leaf.sources.iter().collect::<BTreeSet<_>>() {
                    match readers.get_mut(tensor) {
                        Some(left @ 2..) => *left -= 1,
                        _ => drop(held.remove(tensor)),
                    }
                }
            }
        }
        Ok(())
    }

    /// Fills a [`straight`] leaf while its tensor is read.
    async fn pour(
        &self,
        backend: &B,
        (leaf, layout): &(Leaf, Layout),
        entry: &TensorEntry,
        sources: &Sources,
        written: &mut impl FnMut(u64),
    ) -> Result<(), LoadError> {
        let (element, size) = (entry.dtype.bitsize() / 8, layout.encoding.size());
        let each = READ / element;
        let all = entry.bytes() as usize / element;
        let (mut bytes, mut out) = (Vec::new(), Vec::new());
        for first in (0..all).step_by(each) {
            let count = each.min(all - first);
            bytes.resize(count * element, 0);
            let from = (first * element) as u64;
            let source = source(sources, &leaf.sources[0])?;
            source
                .read(&leaf.sources[0].name, from..from + bytes.len() as u64, &mut bytes)
                .await
                .map_err(WeightError::from)?;
            // A piece is a small leaf of its own.
            let shape = vec![count];
            let tensor = SourceTensor { shape: shape.clone(), ..leaf.sources[0].clone() };
            let piece = Leaf { shape: shape.clone(), sources: vec![tensor], ..leaf.clone() };
            let end = if first + count == all { layout.bytes as usize } else { (first + count) * size };
            let range = 0..end - first * size;
            out.resize(range.len(), 0);
            let bytes_of_piece = Layout { pad: [1, 1], bytes: range.len() as u64, ..*layout };
            let entry = TensorEntry { shape, ..entry.clone() };
            Encoder::new(&piece, &bytes_of_piece, &[(&entry, bytes.as_slice())])?.encode(range, &mut out)?;
            backend.write(&self.weights, leaf.id, (first * size) as u64, &out).await?;
            written(out.len() as u64);
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

/// Whether a leaf is one tensor from front to back, as embeddings are: then it need not be held.
fn straight(leaf: &Leaf, layout: &Layout, entry: &TensorEntry) -> bool {
    leaf.sources.len() == 1
        && !matches!(leaf.transform, Transform::Permute(_))
        && !layout.transpose
        && layout.panel.is_none()
        && layout.stored(leaf) == leaf.matrix()
        // What does not fit is told by the encoder.
        && entry.shape == leaf.sources[0].shape
        && natural_encoding(entry.dtype).is_some()
}

/// Where a tensor comes from.
fn source<'a>(sources: &'a Sources, tensor: &SourceTensor) -> Result<&'a dyn TensorSource, WeightError> {
    let none = || SourceError::NoTensor { file: tensor.component.clone(), name: tensor.name.clone() };
    Ok(sources.get(&tensor.component).ok_or_else(none)?.as_ref())
}

/// All bytes of a tensor.
async fn read(sources: &Sources, tensor: &SourceTensor, entry: &TensorEntry) -> Result<Vec<u8>, WeightError> {
    let source = source(sources, tensor)?;
    let mut bytes = vec![0; entry.bytes() as usize];
    let mut at = 0;
    for piece in bytes.chunks_mut(READ) {
        let range = at..at + piece.len() as u64;
        at = range.end;
        source.read(&tensor.name, range, piece).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
