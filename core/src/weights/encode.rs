//! From the bytes of a file to the bytes of a device: decode, transform, transpose, pad, encode. Any range of the device's bytes can be
//! made alone, so that a large leaf needs no second copy of itself.
//! Elements are moved as byte groups of the target encoding, so neither alignment nor the host's byte order matters.

mod band;
mod convert;
mod encoder;

use safetensors::Dtype;

use super::{Encoding, Layout, Leaf, TensorEntry, WeightError};
pub use band::Band;
pub use encoder::Encoder;

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
/// # Errors
/// As [`Encoder::new`] and [`Encoder::encode`].
pub fn encode(
    leaf: &Leaf,
    layout: &Layout,
    source_bytes: &[(&TensorEntry, &[u8])],
) -> Result<Vec<u8>, WeightError> {
    let encoder = Encoder::new(leaf, layout, source_bytes)?;
    let mut out = vec![0; layout.bytes as usize];
    for range in encoder.pieces(PIECE) {
        encoder.encode(range.clone(), &mut out[range])?;
    }
    Ok(out)
}

/// Bytes of a device's memory that are made at once.
pub const PIECE: usize = 1 << 20;

/// The encoding and the bytes of each tensor.
fn check<'a>(
    leaf: &Leaf,
    source_bytes: &[(&TensorEntry, &'a [u8])],
) -> Result<Vec<(Encoding, &'a [u8])>, WeightError> {
    let name = || leaf.sources.first().map_or_else(String::new, |s| s.name.clone());
    if leaf.sources.len() != source_bytes.len() {
        let why = format!("made of {} tensors, got the bytes of {}", leaf.sources.len(), source_bytes.len());
        return Err(WeightError::Bytes { name: name(), why });
    }
    if leaf.transform.shape(&leaf.sources)? != leaf.shape {
        let why = format!("its sources do not make shape {:?}", leaf.shape);
        return Err(WeightError::Bytes { name: name(), why });
    }
    let mut sources = Vec::new();
    for (tensor, &(entry, bytes)) in leaf.sources.iter().zip(source_bytes) {
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
        sources.push((stored, bytes));
    }
    Ok(sources)
}

#[cfg(test)]
mod tests;
