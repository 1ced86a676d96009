//! Any range of a leaf's bytes on a device, out of its tensors: only what the range needs is converted, and moved at most twice.

use std::ops::Range;

use super::{check, convert};
use crate::weights::{Encoding, Layout, Leaf, TensorEntry, Transform, WeightError};

/// Elements that are gathered before they are converted.
const BLOCK: usize = 1024;

/// A leaf with all its tensors at hand.
#[derive(Clone, Debug)]
pub struct Encoder<'a> {
    leaf: &'a Leaf,
    layout: &'a Layout,
    /// Encoding and bytes of each tensor.
    sources: Vec<(Encoding, &'a [u8])>,
}

impl<'a> Encoder<'a> {
    /// Checks the tensors, given in the order of `leaf.sources`.
    ///
    /// # Errors
    /// [`WeightError::Unsupported`] for a dtype that is not decoded, [`WeightError::Bytes`] where the tensors do not fit the leaf.
    pub fn new(
        leaf: &'a Leaf,
        layout: &'a Layout,
        source_bytes: &[(&TensorEntry, &'a [u8])],
    ) -> Result<Self, WeightError> {
        let sources = check(leaf, source_bytes)?;
        Ok(Self { leaf, layout, sources })
    }

    /// Ranges of at most `most` bytes that make up the layout: whole rows (of a panel) where one fits, and always multiples of 4 but for
    /// the end.
    pub fn pieces(&self, most: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let bytes = self.layout.bytes as usize;
        let columns = self.layout.stored(self.leaf)[1];
        let row = self.panel(columns) * self.layout.encoding.size();
        // An odd number of halves makes two rows the smallest unit.
        let unit = if row.is_multiple_of(4) { row } else { 2 * row };
        let most = (most & !3).max(4);
        let piece = most.checked_div(unit).filter(|&n| n > 0).map_or(most, |n| n * unit);
        (0..bytes).step_by(piece).map(move |at| at..(at + piece).min(bytes))
    }

    /// Makes a range of the layout's bytes, padding included. Rounds to nearest even where the encoding is narrower than the file's.
    ///
    /// # Errors
    /// [`WeightError::Overflow`] for a finite value that the encoding would make infinite.
    ///
    /// # Panics
    /// Where `out` has another length than `range`, or an element is cut.
    pub fn encode(&self, range: Range<usize>, out: &mut [u8]) -> Result<(), WeightError> {
        assert!(range.len() == out.len(), "{} bytes for a range of {}", out.len(), range.len());
        let size = self.layout.encoding.size();
        assert!(range.start.is_multiple_of(size), "byte {} is inside an element", range.start);
        out.fill(0);
        match size {
            2 => self.elements(range.start / 2, out.as_chunks_mut::<2>().0),
            _ => self.elements(range.start / 4, out.as_chunks_mut::<4>().0),
        }
    }

    /// Columns of a panel of a stored matrix of so many columns.
    fn panel(&self, columns: usize) -> usize {
        self.layout.panel.unwrap_or(columns).clamp(1, columns.max(1))
    }

    /// Elements of the stored matrix from number `start` on: of each panel whole rows at once, and parts of rows at both ends.
    fn elements<const E: usize>(&self, start: usize, out: &mut [[u8; E]]) -> Result<(), WeightError> {
        let [rows, columns] = self.layout.stored(self.leaf);
        let panel = self.panel(columns);
        let end = (start + out.len()).min(rows * columns);
        let mut at = start;
        while at < end {
            let first = at / (rows * panel) * panel;
            let panel = panel.min(columns - first);
            let (row, column) = ((at - rows * first) / panel, (at - rows * first) % panel);
            let (height, width) = match (end - at) / panel {
                whole @ 1.. if column == 0 => (whole.min(rows - row), panel),
                _ => (1, (panel - column).min(end - at)),
            };
            let column = first + column;
            let out = &mut out[at - start..][..height * width];
            self.tile(row..row + height, column..column + width, out)?;
            at += height * width;
        }
        Ok(())
    }

    /// A tile of the stored matrix, which may reach into the padding.
    fn tile<const E: usize>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        out: &mut [[u8; E]],
    ) -> Result<(), WeightError> {
        let [n, k] = self.leaf.matrix();
        let within = |range: &Range<usize>, most: usize| range.start.min(most)..range.end.min(most);
        let width = columns.len();
        if self.layout.transpose {
            let (ks, ns) = (within(&rows, k), within(&columns, n));
            let mut strip = vec![[0; E]; ns.len() * ks.len()];
            self.rows(ns.clone(), ks.clone(), ks.len(), &mut strip)?;
            transpose(&strip, ns.len(), ks.len(), out, width);
            return Ok(());
        }
        self.rows(within(&rows, n), within(&columns, k), width, out)
    }

    /// Columns `ks` of rows `ns` of the leaf into rows of `width` elements.
    fn rows<const E: usize>(
        &self,
        ns: Range<usize>,
        ks: Range<usize>,
        width: usize,
        out: &mut [[u8; E]],
    ) -> Result<(), WeightError> {
        let [_, k] = self.leaf.matrix();
        if ns.is_empty() || ks.is_empty() {
            return Ok(());
        }
        if ks.len() == k && width == k {
            return self.run(ns.start * k, &mut out[..ns.len() * k]);
        }
        for (n, row) in ns.zip(out.chunks_mut(width)) {
            self.run(n * k + ks.start, &mut row[..ks.len()])?;
        }
        Ok(())
    }

    /// Elements of the leaf, row-major, from number `start` on.
    fn run<const E: usize>(&self, mut start: usize, mut out: &mut [[u8; E]]) -> Result<(), WeightError> {
        match &self.leaf.transform {
            Transform::Concat => {
                for (source, (stored, bytes)) in self.sources.iter().enumerate() {
                    let length = bytes.len() / stored.size();
                    let take = length.saturating_sub(start).min(out.len());
                    let (now, rest) = out.split_at_mut(take);
                    self.convert(source, start, now)?;
                    (start, out) = ((start + take).saturating_sub(length), rest);
                }
            }
            Transform::InterleaveRows => {
                let width = self.leaf.shape[1..].iter().product::<usize>();
                while !out.is_empty() {
                    let (row, column) = (start / width, start % width);
                    let (now, rest) = out.split_at_mut((width - column).min(out.len()));
                    let parts = self.sources.len();
                    self.convert(row % parts, row / parts * width + column, now)?;
                    (start, out) = (start + now.len(), rest);
                }
            }
            Transform::Permute(axes) => match self.sources[0].0.size() {
                2 => self.gather::<2, E>(axes, start, out)?,
                _ => self.gather::<4, E>(axes, start, out)?,
            },
        }
        Ok(())
    }

    /// As [`Self::run`] for permuted axes: a strided run along the last axis at a time.
    fn gather<const S: usize, const E: usize>(
        &self,
        axes: &[usize],
        start: usize,
        out: &mut [[u8; E]],
    ) -> Result<(), WeightError> {
        let shape = &self.leaf.sources[0].shape;
        let dims: Vec<(usize, usize)> =
            axes.iter().map(|&a| (shape[a], shape[a + 1..].iter().product())).collect();
        let (&(run, step), outer) = dims.split_last().unwrap_or((&(1, 1), &[]));
        let (flat, _) = self.sources[0].1.as_chunks::<S>();
        let mut block = Vec::with_capacity(BLOCK);
        for (at, out) in out.chunks_mut(BLOCK).enumerate() {
            block.clear();
            while block.len() < out.len() {
                let at = start + at * BLOCK + block.len();
                let (mut rest, column) = (at / run, at % run);
                let base = outer.iter().rev().fold(column * step, |base, &(size, stride)| {
                    let index = rest % size;
                    rest /= size;
                    base + index * stride
                });
                let take = (run - column).min(out.len() - block.len());
                block.extend(flat[base..].iter().step_by(step).take(take));
            }
            self.converted(0, block.as_flattened(), out)?;
        }
        Ok(())
    }

    /// Elements of a tensor from number `start` on.
    fn convert<const E: usize>(
        &self,
        source: usize,
        start: usize,
        out: &mut [[u8; E]],
    ) -> Result<(), WeightError> {
        if out.is_empty() {
            return Ok(());
        }
        let (stored, bytes) = self.sources[source];
        self.converted(source, &bytes[start * stored.size()..][..out.len() * stored.size()], out)
    }

    fn converted<const E: usize>(
        &self,
        source: usize,
        from: &[u8],
        out: &mut [[u8; E]],
    ) -> Result<(), WeightError> {
        let (stored, encoding) = (self.sources[source].0, self.layout.encoding);
        convert::convert(stored, from, encoding, out.as_flattened_mut()).map_err(|value| {
            let name = self.leaf.sources[source].name.clone();
            WeightError::Overflow { name, value, encoding: encoding.name() }
        })
    }
}

/// `[rows, columns]` → `[columns, rows]` with rows of `width` elements. Blocks pass through a tile of their own, so that both
/// memories are walked along rows: columns a power of two apart would evict each other.
fn transpose<T: Copy>(from: &[T], rows: usize, columns: usize, to: &mut [T], width: usize) {
    const BLOCK: usize = 32;
    let Some(&any) = from.first() else { return };
    let mut tile = [[any; BLOCK]; BLOCK];
    for top in (0..rows).step_by(BLOCK) {
        for left in (0..columns).step_by(BLOCK) {
            let (bottom, right) = ((top + BLOCK).min(rows), (left + BLOCK).min(columns));
            for (row, tile) in (top..bottom).zip(&mut tile) {
                tile[..right - left].copy_from_slice(&from[row * columns + left..row * columns + right]);
            }
            for column in left..right {
                let to = &mut to[column * width + top..column * width + bottom];
                for (to, tile) in to.iter_mut().zip(&tile) {
                    *to = tile[column - left];
                }
            }
        }
    }
}
