//! Where tensors come from: a trait over whatever holds the bytes (a mapped file, HTTP ranges, a browser's private files), and the
//! source for bytes that are already in memory.

use std::collections::BTreeMap;
use std::ops::Range;

use safetensors::Dtype;

use super::{SourceError, header};
use crate::maybe::{MaybeFuture, WasmNotSendSync};

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorEntry {
    /// Element type in the file.
    pub dtype: Dtype,
    /// Shape in the file.
    pub shape: Vec<usize>,
    /// First byte, counted from the beginning of the file.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl TensorEntry {
    /// Bytes of the tensor.
    pub fn bytes(&self) -> u64 {
        self.end - self.start
    }
}

/// Tensors by name, read on demand.
pub trait TensorSource: WasmNotSendSync {
    /// Every tensor there is.
    fn entries(&self) -> &BTreeMap<String, TensorEntry>;

    /// Which of the source's files holds tensor `name`, numbered in the order in which they are to be read. One file by default.
    fn file(&self, _name: &str) -> usize {
        0
    }

    /// Fills `into` with `range` (bytes, counted from the tensor's first) of tensor `name`.
    ///
    /// # Errors
    /// [`SourceError`] for an unknown name, a range outside of the tensor or of another length than `into`, or a failed read.
    fn read<'a>(
        &'a self,
        name: &'a str,
        range: Range<u64>,
        into: &'a mut [u8],
    ) -> MaybeFuture<'a, Result<(), SourceError>>;
}

/// A safetensors file whose bytes are at hand: a `Vec`, an `Arc<[u8]>`, a mapped file.
#[derive(Debug)]
pub struct BytesSource<B> {
    file: String,
    bytes: B,
    entries: BTreeMap<String, TensorEntry>,
}

impl<B: AsRef<[u8]>> BytesSource<B> {
    /// Reads the header; `file` is what messages call the file.
    ///
    /// # Errors
    /// [`SourceError`] where the bytes are not exactly one safetensors file.
    pub fn new(file: impl Into<String>, bytes: B) -> Result<Self, SourceError> {
        let file = file.into();
        let entries = header::parse_file(&file, bytes.as_ref())?;
        Ok(Self { file, bytes, entries })
    }

    fn slice(&self, name: &str, range: Range<u64>, buffer: usize) -> Result<&[u8], SourceError> {
        let bytes = self.bytes.as_ref();
        let at = locate(&self.file, &self.entries, name, range, buffer)?;
        // The entries fit the bytes at `new`; an owner whose bytes shrink since then gets an error.
        let missing = at.end.saturating_sub(bytes.len() as u64);
        let short = || SourceError::Short { file: self.file.clone(), missing };
        let (Ok(start), Ok(end)) = (usize::try_from(at.start), usize::try_from(at.end)) else {
            return Err(short());
        };
        bytes.get(start..end).ok_or_else(short)
    }
}

impl<B: AsRef<[u8]> + WasmNotSendSync> TensorSource for BytesSource<B> {
    fn entries(&self) -> &BTreeMap<String, TensorEntry> {
        &self.entries
    }

    fn read<'a>(
        &'a self,
        name: &'a str,
        range: Range<u64>,
        into: &'a mut [u8],
    ) -> MaybeFuture<'a, Result<(), SourceError>> {
        let done = self.slice(name, range, into.len()).map(|bytes| into.copy_from_slice(bytes));
        Box::pin(std::future::ready(done))
    }
}

/// Where `range` of tensor `name` lies in its file, checked against the tensor and the length of the buffer.
///
/// # Errors
/// [`SourceError::NoTensor`] and [`SourceError::Range`].
pub fn locate(
    file: &str,
    entries: &BTreeMap<String, TensorEntry>,
    name: &str,
    range: Range<u64>,
    buffer: usize,
) -> Result<Range<u64>, SourceError> {
    let Some(entry) = entries.get(name) else {
        return Err(SourceError::NoTensor { file: file.into(), name: name.into() });
    };
    let len = entry.bytes();
    if range.start > range.end || range.end > len || range.end - range.start != buffer as u64 {
        let Range { start, end } = range;
        return Err(SourceError::Range { file: file.into(), name: name.into(), len, start, end, buffer });
    }
    Ok(entry.start + range.start..entry.start + range.end)
}
