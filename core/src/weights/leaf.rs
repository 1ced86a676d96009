//! A leaf is a weight as a recording reads it: made of one or several tensors of the files by a transform.
//! How its bytes lie on a device is a [`Layout`], which the backend picks.

use super::WeightError;

/// Number of a leaf within its [`Leaves`](super::Leaves).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeafId(pub u32);

/// From source tensors to a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transform {
    /// One source after the other along axis 0; the identity for a single source.
    Concat,
    /// Row 0 of every source, row 1 of every source, and so on. All sources have one shape.
    InterleaveRows,
    /// The axes of the single source in this order: OIHW → OHWI is `[0, 2, 3, 1]`.
    Permute(Vec<usize>),
}

/// A tensor as the file has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceTensor {
    /// Component of the model, a folder: `transformer`.
    pub component: String,
    /// Name within the component's files.
    pub name: String,
    /// Shape in the file.
    pub shape: Vec<usize>,
}

/// A weight as a recording reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Its number.
    pub id: LeafId,
    /// Shape after the transform.
    pub shape: Vec<usize>,
    /// What it is made of, at least one.
    pub sources: Vec<SourceTensor>,
    /// How.
    pub transform: Transform,
    /// How it is read.
    pub role: Role,
}

/// How a leaf is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// `[N, K…]`, read by linear and conv; K is flattened row-major.
    Matrix,
    /// Rows of an embedding.
    Table,
    /// Norms, biases and other small things.
    Vector,
}

/// How one element is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encoding {
    /// IEEE binary32, 4 bytes.
    F32,
    /// IEEE binary16, 2 bytes.
    F16,
    /// bfloat16, 2 bytes.
    Bf16,
}

/// How a leaf lies in device memory: row-major, little-endian, padding zero; or in panels, see [`Layout::in_panels`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Of an element.
    pub encoding: Encoding,
    /// Stored as `[K, N]` instead of `[N, K]`.
    pub transpose: bool,
    /// Each of the two stored dimensions is rounded up to a multiple of this.
    pub pad: [usize; 2],
    /// Columns of a panel; `None` where rows are whole.
    pub panel: Option<usize>,
    /// Bytes in all, rounded up to 4.
    pub bytes: u64,
}

impl Encoding {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Encoding::F32 => 4,
            Encoding::F16 | Encoding::Bf16 => 2,
        }
    }

    /// As messages call it.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::F32 => "f32",
            Encoding::F16 => "f16",
            Encoding::Bf16 => "bf16",
        }
    }
}

impl Leaf {
    /// The leaf as rows and columns `[N, K]`: axis 0 and all others flattened. A leaf of one axis is a single row `[1, n]`.
    pub fn matrix(&self) -> [usize; 2] {
        match self.shape[..] {
            [] => [1, 1],
            [n] => [1, n],
            [n, ref rest @ ..] => [n, rest.iter().product()],
        }
    }
}

impl Layout {
    /// Layout of `leaf`; `pad` counts elements and belongs to the stored dimensions (after `transpose`), 1 = none.
    pub fn new(leaf: &Leaf, encoding: Encoding, transpose: bool, pad: [usize; 2]) -> Self {
        let mut layout = Self { encoding, transpose, pad: pad.map(|p| p.max(1)), panel: None, bytes: 0 };
        let [rows, columns] = layout.stored(leaf).map(|d| d as u64);
        let bytes = rows.saturating_mul(columns).saturating_mul(encoding.size() as u64);
        layout.bytes = bytes.checked_next_multiple_of(4).unwrap_or(u64::MAX);
        layout
    }

    /// The same matrix cut into panels of so many stored columns, each row-major and one behind the other; the last may be narrower. What
    /// a tile of a product reads is then one run of memory, which prefetchers see (the packing of Goto & van de Geijn, TOMS 34(3), 2008).
    #[must_use]
    pub const fn in_panels(self, columns: usize) -> Self {
        Self { panel: Some(columns), ..self }
    }

    /// The two stored dimensions of `leaf`, padding included: `[N, K]`, or `[K, N]` where transposed.
    pub fn stored(&self, leaf: &Leaf) -> [usize; 2] {
        let [n, k] = leaf.matrix();
        let [rows, columns] = if self.transpose { [k, n] } else { [n, k] };
        [rows.next_multiple_of(self.pad[0]), columns.next_multiple_of(self.pad[1])]
    }
}

impl Transform {
    /// Shape of the leaf that `sources` make.
    ///
    /// # Errors
    /// [`WeightError::Transform`] where the shapes do not fit.
    pub fn shape(&self, sources: &[SourceTensor]) -> Result<Vec<usize>, WeightError> {
        let Some(first) = sources.first() else {
            let why = "a weight needs at least one tensor".to_owned();
            return Err(WeightError::Transform { component: String::new(), name: String::new(), why });
        };
        let fail = |why: String| WeightError::Transform {
            component: first.component.clone(),
            name: first.name.clone(),
            why,
        };
        if let Transform::Permute(axes) = self {
            let mut sorted = axes.clone();
            sorted.sort_unstable();
            let all = (0..first.shape.len()).collect::<Vec<_>>();
            if sources.len() != 1 || sorted != all {
                let n = sources.len();
                return Err(fail(format!(
                    "axes {axes:?} do not permute {n} tensor(s) of shape {:?}",
                    first.shape
                )));
            }
            return Ok(axes.iter().map(|&a| first.shape[a]).collect());
        }
        if sources.len() == 1 {
            return Ok(first.shape.clone());
        }
        let equal = *self == Transform::InterleaveRows;
        let fits = |s: &SourceTensor| match (&s.shape[..], &first.shape[..]) {
            ([rows, rest @ ..], [first_rows, first_rest @ ..]) => {
                rest == first_rest && (!equal || rows == first_rows)
            }
            _ => false,
        };
        if let Some(other) = sources.iter().find(|s| !fits(s)) {
            return Err(fail(format!(
                "{:?} does not go with `{}` {:?}",
                first.shape, other.name, other.shape
            )));
        }
        let mut shape = first.shape.clone();
        shape[0] = sources.iter().map(|s| s.shape[0]).sum();
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(shape: &[usize]) -> Leaf {
        let sources = vec![SourceTensor { component: "c".into(), name: "n".into(), shape: shape.to_vec() }];
        Leaf {
            id: LeafId(0),
            shape: shape.to_vec(),
            sources,
            transform: Transform::Concat,
            role: Role::Matrix,
        }
    }

    #[test]
    fn layouts_know_their_bytes() {
        for (shape, encoding, transpose, pad, stored, bytes) in [
            (&[3, 5][..], Encoding::F32, false, [1, 1], [3, 5], 60),
            (&[3, 5], Encoding::F16, false, [1, 1], [3, 5], 32),
            (&[3, 5], Encoding::F16, true, [4, 8], [8, 8], 128),
            (&[3, 5, 2, 2], Encoding::Bf16, false, [2, 16], [4, 32], 256),
            (&[5], Encoding::F16, false, [1, 1], [1, 5], 12),
            (&[5], Encoding::F16, false, [1, 8], [1, 8], 16),
            (&[], Encoding::F16, false, [1, 1], [1, 1], 4),
        ] {
            let layout = Layout::new(&leaf(shape), encoding, transpose, pad);
            assert_eq!(layout.stored(&leaf(shape)), stored, "{shape:?}");
            assert_eq!(layout.bytes, bytes, "{shape:?}");
        }
    }

    #[test]
    fn transforms_check_shapes() {
        let source = |shape: &[usize]| leaf(shape).sources[0].clone();
        let two = |a: &[usize], b: &[usize]| [source(a), source(b)];
        assert_eq!(Transform::Concat.shape(&two(&[2, 3], &[4, 3])).unwrap(), [6, 3]);
        assert_eq!(Transform::InterleaveRows.shape(&two(&[2, 3], &[2, 3])).unwrap(), [4, 3]);
        let permute = Transform::Permute(vec![0, 2, 3, 1]);
        assert_eq!(permute.shape(&[source(&[8, 4, 3, 2])]).unwrap(), [8, 3, 2, 4]);
        assert!(Transform::Concat.shape(&two(&[2, 3], &[4, 5])).is_err());
        assert!(Transform::Concat.shape(&two(&[], &[])).is_err());
        assert!(Transform::InterleaveRows.shape(&two(&[2, 3], &[4, 3])).is_err());
        assert!(permute.shape(&[source(&[8, 4, 3])]).is_err());
        assert!(Transform::Concat.shape(&[]).is_err());
    }
}
