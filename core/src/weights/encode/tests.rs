//! Encoded bytes against plain indexing in f64: every element of the device's matrix is looked up in its source by its indices.

use half::{bf16, f16};
use proptest::prelude::*;

use super::*;
use crate::weights::{LeafId, Role, SourceTensor, Transform};

const DTYPES: [Dtype; 3] = [Dtype::F32, Dtype::F16, Dtype::BF16];
const ENCODINGS: [Encoding; 3] = [Encoding::F32, Encoding::F16, Encoding::Bf16];

/// A value that f32, f16 and bf16 all hold exactly: an integer of at most 8 bits.
fn value(source: usize, at: usize) -> f32 {
    ((at * 37 + source * 101 + 11) % 255) as f32 - 127.0
}

fn stored(dtype: Dtype, value: f32) -> Vec<u8> {
    match dtype {
        Dtype::F32 => value.to_le_bytes().to_vec(),
        Dtype::F16 => f16::from_f32(value).to_le_bytes().to_vec(),
        _ => bf16::from_f32(value).to_le_bytes().to_vec(),
    }
}

fn read(encoding: Encoding, bytes: &[u8], at: usize) -> f32 {
    let half = || [bytes[2 * at], bytes[2 * at + 1]];
    match encoding {
        Encoding::F32 => f32::from_le_bytes(bytes[4 * at..4 * at + 4].try_into().unwrap()),
        Encoding::F16 => f16::from_le_bytes(half()).to_f32(),
        Encoding::Bf16 => bf16::from_le_bytes(half()).to_f32(),
    }
}

fn leaf(shapes: &[Vec<usize>], transform: Transform) -> Leaf {
    let source = |(i, s): (usize, &Vec<usize>)| SourceTensor {
        component: "c".into(),
        name: format!("t{i}"),
        shape: s.clone(),
    };
    let sources: Vec<_> = shapes.iter().enumerate().map(source).collect();
    let shape = transform.shape(&sources).unwrap();
    Leaf { id: LeafId(0), shape, sources, transform, role: Role::Matrix }
}

fn entry(dtype: Dtype, shape: &[usize]) -> TensorEntry {
    let bytes = shape.iter().product::<usize>() * dtype.bitsize() / 8;
    TensorEntry { dtype, shape: shape.to_vec(), start: 0, end: bytes as u64 }
}

/// Which source, and which element of it, is at `[row, column]` of the leaf's `[N, K]`.
fn origin(leaf: &Leaf, row: usize, column: usize) -> (usize, usize) {
    let [_, k] = leaf.matrix();
    let mut flat = row * k + column;
    match &leaf.transform {
        Transform::Concat => {
            for (source, tensor) in leaf.sources.iter().enumerate() {
                let size: usize = tensor.shape.iter().product();
                if flat < size {
                    return (source, flat);
                }
                flat -= size;
            }
            panic!("out of range")
        }
        Transform::InterleaveRows => {
            let width = flat_width(&leaf.shape);
            let (r, c) = (flat / width, flat % width);
            (r % leaf.sources.len(), r / leaf.sources.len() * width + c)
        }
        Transform::Permute(axes) => {
            let mut index = vec![0; axes.len()];
            for axis in (0..axes.len()).rev() {
                index[axes[axis]] = flat % leaf.shape[axis];
                flat /= leaf.shape[axis];
            }
            let shape = &leaf.sources[0].shape;
            (0, index.iter().zip(shape).fold(0, |at, (i, size)| at * size + i))
        }
    }
}

fn flat_width(shape: &[usize]) -> usize {
    shape[1..].iter().product()
}

fn sources_and_transform() -> impl Strategy<Value = (Vec<Vec<usize>>, Transform)> {
    let dims = || prop::collection::vec(1..40usize, 0..3);
    let concat = (prop::collection::vec(1..40usize, 1..4), dims()).prop_map(|(rows, rest)| {
        let shapes = rows.iter().map(|&r| [&[r], &rest[..]].concat()).collect();
        (shapes, Transform::Concat)
    });
    let interleave = (1..40usize, dims(), 1..4usize)
        .prop_map(|(rows, rest, n)| (vec![[&[rows], &rest[..]].concat(); n], Transform::InterleaveRows));
    let permute = prop::collection::vec(1..9usize, 1..5).prop_flat_map(|shape| {
        let axes: Vec<usize> = (0..shape.len()).collect();
        (Just(vec![shape]), Just(axes).prop_shuffle().prop_map(Transform::Permute))
    });
    prop_oneof![concat, interleave, permute]
}

proptest! {
    #[test]
    fn same_as_indexing(
        (shapes, transform) in sources_and_transform(),
        dtypes in prop::array::uniform3(0..3usize),
        encoding in 0..3usize,
        transpose: bool,
        pad in [1..20usize, 1..20usize],
        panel in prop::option::of(1..50usize),
        most in 1..300usize,
    ) {
        let leaf = leaf(&shapes, transform);
        let entries: Vec<_> = shapes.iter().enumerate().map(|(i, s)| entry(DTYPES[dtypes[i]], s)).collect();
        let data: Vec<Vec<u8>> = entries.iter().enumerate().map(|(source, e)| {
            let elements = e.shape.iter().product::<usize>();
            // One byte in front: nothing may lean on alignment.
            [vec![0], (0..elements).flat_map(|at| stored(e.dtype, value(source, at))).collect()].concat()
        }).collect();
        let bytes: Vec<_> = entries.iter().zip(&data).map(|(e, d)| (e, &d[1..])).collect();
        let encoding = ENCODINGS[encoding];
        let layout = Layout { panel, ..Layout::new(&leaf, encoding, transpose, pad) };
        let out = encode(&leaf, &layout, &bytes).unwrap();
        prop_assert_eq!(out.len() as u64, layout.bytes);
        let encoder = Encoder::new(&leaf, &layout, &bytes).unwrap();
        let mut end = 0;
        for range in encoder.pieces(most) {
            prop_assert!(range.start == end && range.len() <= most.max(4) && range.start % 4 == 0, "{:?}", range);
            let mut piece = vec![0xaa; range.len()];
            encoder.encode(range.clone(), &mut piece).unwrap();
            prop_assert_eq!(&piece, &out[range.clone()], "{:?}", range);
            end = range.end;
        }
        prop_assert_eq!(end, out.len());
        let [n, k] = leaf.matrix();
        let [rows, columns] = layout.stored(&leaf);
        for row in 0..rows {
            for column in 0..columns {
                let (i, j) = if transpose { (column, row) } else { (row, column) };
                let expected = if i < n && j < k {
                    let (source, at) = origin(&leaf, i, j);
                    value(source, at)
                } else {
                    0.0
                };
                let panel = panel.unwrap_or(columns);
                let first = column / panel * panel;
                let at = first * rows + row * panel.min(columns - first) + column - first;
                let got = read(encoding, &out, at);
                prop_assert!(got == expected, "[{row}, {column}]: {got}, not {expected}");
            }
        }
        prop_assert!(out[rows * columns * encoding.size()..].iter().all(|&b| b == 0));
    }
}

proptest! {
    #[test]
    fn bands_make_up_the_leaf(
        (shapes, transform) in sources_and_transform(),
        encoding in 0..3usize,
        transpose: bool,
        wide: bool,
        pad in [1..20usize, 1..4usize],
        panel in 1..4usize,
        most in 1..50usize,
    ) {
        let leaf = leaf(&shapes, transform);
        let entries: Vec<_> = shapes.iter().map(|s| entry(Dtype::BF16, s)).collect();
        let data: Vec<Vec<u8>> = entries.iter().enumerate().map(|(source, e)| {
            (0..e.shape.iter().product()).flat_map(|at| stored(e.dtype, value(source, at))).collect()
        }).collect();
        let bytes: Vec<_> = entries.iter().zip(&data).map(|(e, d)| (e, &d[..])).collect();
        // Half of the cases have rows that need no padding, as tables do.
        let pad = if transpose { pad } else { [1, 1] };
        let plain = Layout::new(&leaf, ENCODINGS[encoding], transpose, pad);
        let layout = Layout { panel: (transpose && !wide).then_some(panel * pad[1]), ..plain };
        let whole = encode(&leaf, &layout, &bytes).unwrap();
        let bands: Vec<_> = leaf.sources.iter().map(|tensor| Band::new(&leaf, &layout, tensor)).collect();
        // Whole rows of all columns are no run of bytes for the rows of a part; and pairs of rows need both tensors.
        prop_assert!(!(transpose && wide) || bands.iter().all(Option::is_none));
        let pairs = leaf.transform == Transform::InterleaveRows && leaf.sources.len() > 1;
        prop_assert!(!pairs || bands.iter().all(Option::is_none));
        let alone = leaf.sources.len() == 1 && leaf.transform == Transform::Concat;
        prop_assert!(!alone || leaf.shape.len() == 1 || (transpose && wide) || bands[0].is_some());
        for (at, band) in bands.into_iter().enumerate() {
            let Some(band) = band else { continue };
            let (tensor, mut next) = (&leaf.sources[at], 0);
            for rows in band.parts(most) {
                prop_assert!(rows.start == next && rows.end > next);
                next = rows.end;
                let row = data[at].len() / tensor.shape[0];
                let (part, laid, start) = band.part(&leaf, &layout, tensor, rows.clone());
                let entry = entry(Dtype::BF16, &part.sources[0].shape);
                let made = encode(&part, &laid, &[(&entry, &data[at][rows.start * row..rows.end * row])]).unwrap();
                prop_assert!(start % 4 == 0 || transpose, "starts at {start}");
                prop_assert_eq!(&made[..], &whole[start as usize..][..made.len()]);
                if rows.end == tensor.shape[0] && at + 1 == leaf.sources.len() {
                    prop_assert_eq!(start + laid.bytes, layout.bytes);
                }
            }
            prop_assert_eq!(next, tensor.shape[0]);
        }
    }
}

fn single(dtype: Dtype, encoding: Encoding, data: &[u8]) -> Result<Vec<u8>, WeightError> {
    let n = data.len() * 8 / dtype.bitsize();
    let leaf = leaf(&[vec![n]], Transform::Concat);
    encode(&leaf, &Layout::new(&leaf, encoding, false, [1, 1]), &[(&entry(dtype, &[n]), data)])
}

#[test]
fn every_half_survives() {
    let all: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    assert_eq!(single(Dtype::F16, Encoding::F16, &all).unwrap(), all);
    assert_eq!(single(Dtype::BF16, Encoding::Bf16, &all).unwrap(), all);
    let wide = single(Dtype::F16, Encoding::F32, &all).unwrap();
    for bits in 0..=u16::MAX {
        let (got, half) = (read(Encoding::F32, &wide, usize::from(bits)), f16::from_bits(bits));
        let value = f64::from(half);
        assert!(f64::from(got) == value || (got.is_nan() && half.is_nan()), "{bits:#x}: {got} {value}");
    }
}

#[test]
fn rounds_to_nearest_even_and_keeps_what_is_not_finite() {
    let floats =
        [1.0 + 1.0 / 2048.0, 1.0 + 3.0 / 2048.0, 65519.0, 1e-8, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    let bytes: Vec<u8> = floats.iter().flat_map(|f| f.to_le_bytes()).collect();
    let out = single(Dtype::F32, Encoding::F16, &bytes).unwrap();
    let got: Vec<f32> = (0..7).map(|at| read(Encoding::F16, &out, at)).collect();
    assert_eq!(got[..6], [1.0, 1.0 + 1.0 / 512.0, 65504.0, 0.0, f32::INFINITY, f32::NEG_INFINITY]);
    assert!(got[6].is_nan());
}

#[test]
fn overflow_names_the_tensor() {
    let at = |value: f32, encoding| {
        let bytes: Vec<u8> = [1.0; 3000].into_iter().chain([value]).flat_map(f32::to_le_bytes).collect();
        single(Dtype::F32, encoding, &bytes)
    };
    assert!(at(65519.0, Encoding::F16).is_ok());
    let error = at(-70000.0, Encoding::F16).unwrap_err().to_string();
    assert!(error.contains("tensor `t0` has a value (-7e4) that f16 cannot hold"), "{error}");
    assert!(matches!(at(f32::MAX, Encoding::Bf16), Err(WeightError::Overflow { .. })));
}

#[test]
fn what_does_not_fit_is_an_error() {
    let error = single(Dtype::F8_E4M3, Encoding::F16, &[0; 4]).unwrap_err().to_string();
    assert!(error.contains("`t0` is stored as F8_E4M3, which is not supported"), "{error}");
    let leaf = leaf(&[vec![2, 2]], Transform::Concat);
    let layout = Layout::new(&leaf, Encoding::F16, false, [1, 1]);
    let bad = |entry: &TensorEntry, bytes: &[u8]| {
        matches!(encode(&leaf, &layout, &[(entry, bytes)]), Err(WeightError::Bytes { .. }))
    };
    assert!(!bad(&entry(Dtype::F16, &[2, 2]), &[0; 8]));
    assert!(bad(&entry(Dtype::F16, &[2, 2]), &[0; 7]));
    assert!(bad(&entry(Dtype::F16, &[4]), &[0; 8]));
    assert!(matches!(encode(&leaf, &layout, &[]), Err(WeightError::Bytes { .. })));
}
