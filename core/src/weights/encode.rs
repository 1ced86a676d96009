//! From the bytes of a file to the bytes of a device: decode, transform, transpose, pad, encode.
//! Elements are moved as byte groups of the target encoding, so neither alignment nor the host's byte order matters.

mod convert;

use safetensors::Dtype;

use super::{Encoding, Layout, Leaf, TensorEntry, Transform, WeightError};

/// The encoding that keeps a file's values as they are; `None` where the dtype is not decoded.
pub fn natural_encoding(dtype: Dtype) -> Option<Encoding> {
    match dtype {
        Dtype::F32 => Some(Encoding::F32),
        Dtype::F16 => Some(Encoding::F16),
        Dtype::BF16 => Some(Encoding::Bf16),
        _ => None,
    }
}

/// The bytes of `leaf` in `layout`, made of its source tensors in the order of `leaf.sources`.
///
/// Rounds to nearest even where the encoding is narrower than the file's.
///
/// # Errors
/// [`WeightError::Unsupported`] for a dtype that is not decoded, [`WeightError::Overflow`] for a finite value that the encoding
/// would make infinite, [`WeightError::Bytes`] where `source_bytes` do not fit the leaf.
pub fn encode(
    leaf: &Leaf,
    layout: &Layout,
    source_bytes: &[(&TensorEntry, &[u8])],
) -> Result<Vec<u8>, WeightError> {
    match layout.encoding.size() {
        2 => encode_elements::<2>(leaf, layout, source_bytes),
        _ => encode_elements::<4>(leaf, layout, source_bytes),
    }
}

fn encode_elements<const E: usize>(
    leaf: &Leaf,
    layout: &Layout,
    source_bytes: &[(&TensorEntry, &[u8])],
) -> Result<Vec<u8>, WeightError> {
    check(leaf, source_bytes)?;
    let [n, k] = leaf.matrix();
    let stored = layout.stored(leaf);
    let mut out = vec![0; layout.bytes as usize];
    let as_is = !layout.transpose && stored == [n, k];
    if as_is && leaf.transform == Transform::Concat {
        convert_all(leaf, layout.encoding, source_bytes, &mut out[..n * k * E])?;
        return Ok(out);
    }
    let mut flat = vec![0; n * k * E];
    convert_all(leaf, layout.encoding, source_bytes, &mut flat)?;
    let (flat, _) = flat.as_chunks::<E>();
    let (target, _) = out.as_chunks_mut::<E>();
    let moved;
    let flat = match &leaf.transform {
        Transform::Concat => flat,
        Transform::InterleaveRows => {
            moved = interleave(flat, leaf.sources.len(), leaf.shape[0]);
            &moved
        }
        Transform::Permute(axes) => {
            moved = permute(flat, &leaf.sources[0].shape, axes);
            &moved
        }
    };
    if layout.transpose {
        transpose(flat, n, k, target, stored[1]);
    } else if k > 0 {
        for (from, to) in flat.chunks_exact(k).zip(target.chunks_exact_mut(stored[1])) {
            to[..k].copy_from_slice(from);
        }
    }
    Ok(out)
}

fn check(leaf: &Leaf, source_bytes: &[(&TensorEntry, &[u8])]) -> Result<(), WeightError> {
    let name = || leaf.sources.first().map_or_else(String::new, |s| s.name.clone());
    if leaf.sources.len() != source_bytes.len() {
        let why = format!("made of {} tensors, got the bytes of {}", leaf.sources.len(), source_bytes.len());
        return Err(WeightError::Bytes { name: name(), why });
    }
    if leaf.transform.shape(&leaf.sources)? != leaf.shape {
        let why = format!("its sources do not make shape {:?}", leaf.shape);
        return Err(WeightError::Bytes { name: name(), why });
    }
    for (tensor, (entry, bytes)) in leaf.sources.iter().zip(source_bytes) {
        let Some(stored) = natural_encoding(entry.dtype) else {
            return Err(WeightError::Unsupported { name: tensor.name.clone(), dtype: entry.dtype });
        };
        let wanted = tensor.shape.iter().product::<usize>() * stored.size();
        if bytes.len() != wanted || tensor.shape != entry.shape {
            let why = format!(
                "{} bytes of shape {:?}, not {wanted} of {:?}",
                bytes.len(),
                entry.shape,
                tensor.shape
            );
            return Err(WeightError::Bytes { name: tensor.name.clone(), why });
        }
    }
    Ok(())
}

/// All sources end to end.
fn convert_all(
    leaf: &Leaf,
    encoding: Encoding,
    source_bytes: &[(&TensorEntry, &[u8])],
    out: &mut [u8],
) -> Result<(), WeightError> {
    let mut rest = out;
    for (tensor, (entry, bytes)) in leaf.sources.iter().zip(source_bytes) {
        let stored = natural_encoding(entry.dtype).expect("`check` refused what is not decoded");
        let (to, after) = rest.split_at_mut(bytes.len() / stored.size() * encoding.size());
        convert::convert(stored, bytes, encoding, to).map_err(|value| WeightError::Overflow {
            name: tensor.name.clone(),
            value,
            encoding: encoding.name(),
        })?;
        rest = after;
    }
    Ok(())
}

/// Rows of `parts` equal blocks, one of each in turn.
fn interleave<T: Copy>(flat: &[T], parts: usize, rows: usize) -> Vec<T> {
    let per_part = rows / parts.max(1);
    let width = flat.len() / rows.max(1);
    let mut out = Vec::with_capacity(flat.len());
    for row in 0..per_part {
        for part in 0..parts {
            let at = (part * per_part + row) * width;
            out.extend_from_slice(&flat[at..at + width]);
        }
    }
    out
}

/// `out[i…] = flat[…]` with axis a of the result being axis `axes[a]` of `shape`: an odometer over all axes but the last,
/// and a strided run along the last.
fn permute<T: Copy>(flat: &[T], shape: &[usize], axes: &[usize]) -> Vec<T> {
    let stride = |axis: usize| shape[axis + 1..].iter().product::<usize>();
    let dims: Vec<(usize, usize)> = axes.iter().map(|&a| (shape[a], stride(a))).collect();
    let Some((&(run, step), outer)) = dims.split_last() else { return flat.to_vec() };
    let mut out = Vec::with_capacity(flat.len());
    let mut at = vec![0; outer.len()];
    while out.len() < flat.len() {
        let base: usize = at.iter().zip(outer).map(|(&i, &(_, stride))| i * stride).sum();
        out.extend(flat[base..].iter().step_by(step).take(run));
        for (i, &(size, _)) in at.iter_mut().zip(outer).rev() {
            *i += 1;
            if *i < size {
                break;
            }
            *i = 0;
        }
    }
    out
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

#[cfg(test)]
mod tests;
