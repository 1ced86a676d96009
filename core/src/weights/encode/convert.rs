//! From one encoding of floats to another, a block at a time so that the conversions of the `half` crate see whole slices.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use crate::weights::Encoding;
use crate::weights::error::Value;

/// Elements per block: three blocks of f32 fit the first cache.
const BLOCK: usize = 1024;

/// Encodes `from` into `to`, which has as many elements; rounds to nearest even.
///
/// # Errors
/// The first finite value that `to`'s encoding would make infinite.
pub(super) fn convert(stored: Encoding, from: &[u8], encoding: Encoding, to: &mut [u8]) -> Result<(), Value> {
    if stored == encoding {
        to.copy_from_slice(from);
        return Ok(());
    }
    let mut floats = [0f32; BLOCK];
    for (from, to) in from.chunks(BLOCK * stored.size()).zip(to.chunks_mut(BLOCK * encoding.size())) {
        let floats = &mut floats[..from.len() / stored.size()];
        decode(stored, from, floats);
        store(encoding, floats, to)?;
    }
    Ok(())
}

fn decode(stored: Encoding, from: &[u8], floats: &mut [f32]) {
    match stored {
        Encoding::F32 => {
            for (float, bytes) in floats.iter_mut().zip(from.as_chunks().0) {
                *float = f32::from_le_bytes(*bytes);
            }
        }
        Encoding::F16 => {
            let mut halves = [f16::ZERO; BLOCK];
            for (half, bytes) in halves.iter_mut().zip(from.as_chunks().0) {
                *half = f16::from_le_bytes(*bytes);
            }
            halves[..floats.len()].convert_to_f32_slice(floats);
        }
        Encoding::Bf16 => {
            for (float, bytes) in floats.iter_mut().zip(from.as_chunks().0) {
                *float = bf16::from_le_bytes(*bytes).to_f32();
            }
        }
    }
}

fn store(encoding: Encoding, floats: &[f32], to: &mut [u8]) -> Result<(), Value> {
    match encoding {
        Encoding::F32 => {
            for (bytes, float) in to.as_chunks_mut().0.iter_mut().zip(floats) {
                *bytes = float.to_le_bytes();
            }
            Ok(())
        }
        Encoding::F16 => {
            let mut halves = [f16::ZERO; BLOCK];
            let halves = &mut halves[..floats.len()];
            halves.convert_from_f32_slice(floats);
            for (bytes, half) in to.as_chunks_mut().0.iter_mut().zip(halves.iter()) {
                *bytes = half.to_le_bytes();
            }
            overflow(floats, halves.iter().map(|h| h.is_infinite()))
        }
        Encoding::Bf16 => {
            let halves = || floats.iter().map(|&f| bf16::from_f32(f));
            for (bytes, half) in to.as_chunks_mut().0.iter_mut().zip(halves()) {
                *bytes = half.to_le_bytes();
            }
            overflow(floats, halves().map(|h| h.is_infinite()))
        }
    }
}

fn overflow(floats: &[f32], infinite: impl Iterator<Item = bool>) -> Result<(), Value> {
    let bad = floats.iter().zip(infinite).find(|(float, infinite)| float.is_finite() && *infinite);
    bad.map_or(Ok(()), |(&float, _)| Err(Value(float)))
}
