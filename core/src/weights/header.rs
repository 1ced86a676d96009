//! The header of a safetensors file: a length (8 bytes, little-endian), then JSON, then the tensors without gaps.
//! Format: <https://github.com/huggingface/safetensors#format>. Input is hostile until checked: nothing here panics, and nothing is
//! allocated beyond what the header's own bytes ask for.

use std::collections::BTreeMap;

use safetensors::tensor::Metadata;

use super::{SourceError, TensorEntry};

/// Longest header that is read, bytes; the format's own limit.
pub const MAX_HEADER: u64 = 100_000_000;

/// Bytes of the JSON that follows the first eight.
///
/// `first` are the first eight bytes of the file, or all of them where it has fewer.
///
/// # Errors
/// [`SourceError`] where the file is too short for it or the length is absurd.
pub fn header_length(file: &str, first: &[u8], file_length: u64) -> Result<u64, SourceError> {
    let Some(first) = first.first_chunk::<8>().filter(|_| file_length >= 8) else {
        let missing = 8u64.saturating_sub(file_length.min(first.len() as u64));
        return Err(SourceError::Short { file: file.into(), missing });
    };
    let length = u64::from_le_bytes(*first);
    if first.starts_with(b"version ") {
        let why = "it is a Git LFS pointer, not the file itself: run `git lfs pull`";
        return Err(SourceError::Header { file: file.into(), why: why.into() });
    }
    if length > MAX_HEADER {
        let why =
            format!("its length says {length} bytes, more than the {MAX_HEADER} that the format allows");
        return Err(SourceError::Header { file: file.into(), why });
    }
    match (8 + length).checked_sub(file_length) {
        None | Some(0) => Ok(length),
        Some(missing) => Err(SourceError::Short { file: file.into(), missing }),
    }
}

/// Checks the JSON `header` of a file of `file_length` bytes: dtypes, shapes, offsets without gap or overlap, total length.
///
/// # Errors
/// [`SourceError`] for whatever does not hold.
pub fn parse(
    file: &str,
    header: &[u8],
    file_length: u64,
) -> Result<BTreeMap<String, TensorEntry>, SourceError> {
    let fail = |why: String| SourceError::Header { file: file.into(), why };
    // Deserialising validates order, sizes and overflow: safetensors does that itself.
    let metadata: Metadata = serde_json::from_slice(header).map_err(|e| fail(e.to_string()))?;
    let begin = 8 + header.len() as u64;
    let end = begin.checked_add(metadata.data_len() as u64).ok_or_else(|| fail("offsets overflow".into()))?;
    if end > file_length {
        return Err(SourceError::Short { file: file.into(), missing: end - file_length });
    }
    if end < file_length {
        return Err(SourceError::Trailing { file: file.into(), extra: file_length - end });
    }
    let entry = |info: &safetensors::tensor::TensorInfo| TensorEntry {
        dtype: info.dtype,
        shape: info.shape.clone(),
        start: begin + info.data_offsets.0 as u64,
        end: begin + info.data_offsets.1 as u64,
    };
    Ok(metadata.tensors().into_iter().map(|(name, info)| (name, entry(info))).collect())
}

/// Both of the above for a whole file.
///
/// # Errors
/// [`SourceError`] where the bytes are not exactly one safetensors file.
pub fn parse_file(file: &str, bytes: &[u8]) -> Result<BTreeMap<String, TensorEntry>, SourceError> {
    let length = header_length(file, bytes, bytes.len() as u64)?;
    let header = usize::try_from(length).ok().and_then(|n| bytes.get(8..8 + n));
    let header = header.ok_or_else(|| SourceError::Short { file: file.into(), missing: length })?;
    parse(file, header, bytes.len() as u64)
}

#[cfg(test)]
mod tests;
