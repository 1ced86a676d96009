//! Rows of a leaf that one tensor makes alone, and that are one run of the device's bytes: such a tensor need not wait for the others, and
//! need not be held whole.

use std::ops::Range;

use crate::weights::{Layout, Leaf, SourceTensor, Transform};

/// What one tensor makes of a leaf, along axis 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Rows of the leaf before it.
    first: usize,
    /// Rows of the tensor.
    rows: usize,
    /// Rows that are whole runs of bytes: a panel, or what makes whole words.
    unit: usize,
}

impl Band {
    /// The band of `tensor` in `leaf`; `None` where its rows are not a run of bytes.
    #[must_use]
    pub fn new(leaf: &Leaf, layout: &Layout, tensor: &SourceTensor) -> Option<Self> {
        let one = leaf.sources.len() == 1;
        let in_order = match &leaf.transform {
            Transform::Concat => true,
            Transform::InterleaveRows => one,
            Transform::Permute(axes) => one && axes.first() == Some(&0),
        };
        let mut places = leaf.sources.iter().enumerate().filter(|(_, source)| *source == tensor);
        let (Some((at, _)), None, true) = (places.next(), places.next(), in_order) else { return None };
        let unit = if layout.transpose {
            layout.panel.filter(|panel| leaf.shape.len() > 1 && panel.is_multiple_of(layout.pad[1]))?
        } else if layout.panel.is_none() && layout.stored(leaf) == leaf.matrix() {
            // Devices are written in words of 4 bytes.
            let row = leaf.shape.get(1..)?.iter().product::<usize>() * layout.encoding.size();
            if row.is_multiple_of(4) { 1 } else { 2 }
        } else {
            return None;
        };
        let rows = |source: &SourceTensor| source.shape.first().copied().unwrap_or(0);
        let first = leaf.sources[..at].iter().map(rows).sum::<usize>();
        let band = Self { first, rows: rows(tensor), unit };
        let whole = band.rows.is_multiple_of(unit) || at + 1 == leaf.sources.len();
        (first.is_multiple_of(unit) && whole).then_some(band)
    }

    /// Its rows in parts of at least a unit, and of at most `most` rows where that is more.
    pub fn parts(self, most: usize) -> impl Iterator<Item = Range<usize>> {
        let each = (most / self.unit).max(1) * self.unit;
        (0..self.rows).step_by(each).map(move |at| at..(at + each).min(self.rows))
    }

    /// Some rows as a leaf of their own, with the layout of its bytes, and where these begin among those of the whole leaf.
    #[must_use]
    pub fn part(
        self,
        leaf: &Leaf,
        layout: &Layout,
        tensor: &SourceTensor,
        rows: Range<usize>,
    ) -> (Leaf, Layout, u64) {
        let cut = |shape: &[usize]| [&[rows.len()], shape.get(1..).unwrap_or(&[])].concat();
        let source = SourceTensor { shape: cut(&tensor.shape), ..tensor.clone() };
        // The tensors of one leaf have one length of rows.
        let transform = if leaf.sources.len() == 1 { leaf.transform.clone() } else { Transform::Concat };
        let part = Leaf { shape: cut(&leaf.shape), sources: vec![source], transform, ..leaf.clone() };
        // Whole units have no padding but that of K.
        let width = if layout.transpose { layout.stored(leaf)[0] } else { part.shape[1..].iter().product() };
        let at = |row: usize| (row * width * layout.encoding.size()) as u64;
        let (first, end) = (self.first + rows.start, self.first + rows.end);
        let start = at(first);
        let last = leaf.shape.first() == Some(&end);
        let length = if last { layout.bytes } else { at(end) } - start;
        (part, Layout { bytes: length, ..*layout }, start)
    }
}
