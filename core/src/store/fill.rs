//! From files to the device: they are read once, from front to back, in pieces. A tensor whose rows are a run of the device's bytes is written
//! while it comes; any other is held until its leaf is complete. Beyond those, only bounded buffers exist.

use std::collections::{BTreeMap, BTreeSet};

use super::Sources;
use crate::backend::Backend;
use crate::model::LoadError;
use crate::weights::{
    Band, Encoder, Layout, Leaf, PIECE, SourceError, SourceTensor, Stop, TensorEntry, WeightError,
    reading_order,
};

/// Bytes asked of a source at once.
pub const READ: usize = 512 << 10;

/// A filling of leaves.
pub struct Fill<'a, B: Backend, W> {
    backend: &'a B,
    weights: &'a B::Weights,
    sources: &'a Sources,
    /// Hears of the bytes of each write.
    written: W,
    /// What was read of a tensor that is not held; used again and again.
    bytes: Vec<u8>,
    /// What is written; used again and again.
    out: Vec<u8>,
}

impl<'a, B: Backend, W: FnMut(u64)> Fill<'a, B, W> {
    pub const fn new(backend: &'a B, weights: &'a B::Weights, sources: &'a Sources, written: W) -> Self {
        Self { backend, weights, sources, written, bytes: Vec::new(), out: Vec::new() }
    }

    /// Fills all of them.
    pub async fn all(mut self, filled: &[&(Leaf, Layout)]) -> Result<(), LoadError> {
        let leaves: Vec<&Leaf> = filled.iter().map(|(leaf, _)| leaf).collect();
        let order = reading_order(&leaves, self.sources)?;
        let bands: Vec<Option<Band>> = order.iter().map(|stop| band(filled, stop)).collect();
        // Leaves of which each tensor makes rows of its own, and nothing else.
        let mut poured = vec![true; filled.len()];
        for (stop, band) in order.iter().zip(&bands) {
            stop.leaves.iter().for_each(|&at| poured[at] &= band.is_some());
        }
        let mut held: BTreeMap<&SourceTensor, (&TensorEntry, Vec<u8>)> = BTreeMap::new();
        // Leaves that still wait for each tensor.
        let mut readers: BTreeMap<&SourceTensor, usize> = BTreeMap::new();
        for (stop, band) in order.iter().zip(bands) {
            if let (Some(band), Some(&only)) = (band, stop.leaves.first())
                && poured[only]
            {
                self.pour(filled[only], band, stop).await?;
                continue;
            }
            let mut bytes = vec![0; stop.entry.bytes() as usize];
            self.read(stop.tensor, 0, &mut bytes).await?;
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
                self.write(leaf, layout, 0, &tensors).await?;
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

    /// Fills the rows that a tensor makes of a leaf while it is read.
    async fn pour(
        &mut self,
        (leaf, layout): &(Leaf, Layout),
        band: Band,
        stop: &Stop<'_>,
    ) -> Result<(), LoadError> {
        let length = stop.entry.bytes() / stop.entry.shape.first().map_or(1, |&rows| rows.max(1) as u64);
        let mut bytes = std::mem::take(&mut self.bytes);
        for rows in band.parts(READ / length.max(1) as usize) {
            bytes.resize(rows.len() * length as usize, 0);
            self.read(stop.tensor, rows.start as u64 * length, &mut bytes).await?;
            let (part, laid, start) = band.part(leaf, layout, stop.tensor, rows);
            let entry = TensorEntry { shape: part.sources[0].shape.clone(), ..stop.entry.clone() };
            self.write(&part, &laid, start, &[(&entry, &bytes)]).await?;
        }
        self.bytes = bytes;
        Ok(())
    }

    /// Encodes a leaf, or rows of one, and writes it from byte `start` on.
    async fn write(
        &mut self,
        leaf: &Leaf,
        layout: &Layout,
        start: u64,
        tensors: &[(&TensorEntry, &[u8])],
    ) -> Result<(), LoadError> {
        let encoder = Encoder::new(leaf, layout, tensors)?;
        for range in encoder.pieces(PIECE) {
            self.out.resize(range.len(), 0);
            encoder.encode(range.clone(), &mut self.out)?;
            self.backend.write(self.weights, leaf.id, start + range.start as u64, &self.out).await?;
            (self.written)(range.len() as u64);
        }
        Ok(())
    }

    /// Bytes of a tensor from number `at` on.
    async fn read(&self, tensor: &SourceTensor, mut at: u64, into: &mut [u8]) -> Result<(), WeightError> {
        let none = || SourceError::NoTensor { file: tensor.component.clone(), name: tensor.name.clone() };
        let source = self.sources.get(&tensor.component).ok_or_else(none)?;
        for piece in into.chunks_mut(READ) {
            let range = at..at + piece.len() as u64;
            at = range.end;
            source.read(&tensor.name, range, piece).await?;
        }
        Ok(())
    }
}

/// The rows that a stop's tensor makes of its one leaf. What does not fit has none: it is told by the encoder, which sees it whole.
fn band(filled: &[&(Leaf, Layout)], stop: &Stop<'_>) -> Option<Band> {
    let only =
        stop.leaves.first().filter(|_| stop.leaves.len() == 1 && stop.entry.shape == stop.tensor.shape)?;
    let (leaf, layout) = filled[*only];
    Band::new(leaf, layout, stop.tensor)
}
