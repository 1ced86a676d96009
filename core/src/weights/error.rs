//! What can go wrong between a file of tensors and the bytes on a device.
//! Messages name the file or tensor and say what to do.

use safetensors::Dtype;

/// Why tensors cannot be read from their source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The file ends before the data its header announces.
    #[error("{file}: the file is {missing} bytes short: download it again")]
    Short {
        /// The file.
        file: String,
        /// Bytes that are not there.
        missing: u64,
    },
    /// The file goes on after its last tensor.
    #[error(
        "{file}: {extra} bytes follow the last tensor, so header and data do not belong together: download it again"
    )]
    Trailing {
        /// The file.
        file: String,
        /// Bytes too many.
        extra: u64,
    },
    /// The header is no safetensors header.
    #[error(
        "{file}: the safetensors header cannot be used ({why}): download the file again, or export it again as safetensors"
    )]
    Header {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// A tensor was asked for that the file does not have.
    #[error("{file}: there is no tensor `{name}`: check that the file belongs to this model")]
    NoTensor {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
    },
    /// Bytes were asked for outside of a tensor.
    #[error(
        "{file}: tensor `{name}` has {len} bytes; bytes {start}..{end} were asked for a buffer of {buffer}: this is a bug"
    )]
    Range {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// Bytes of the tensor.
        len: u64,
        /// First byte asked for.
        start: u64,
        /// One past the last byte asked for.
        end: u64,
        /// Bytes of the buffer that was to receive them.
        buffer: usize,
    },
    /// The index and its shards disagree.
    #[error("{index}: {why}: index and shards are not of one download; download all of them again")]
    Shards {
        /// The index file.
        index: String,
        /// What is wrong.
        why: String,
    },
    /// The source failed while reading.
    #[error("{file}: cannot be read: {why}")]
    Read {
        /// The file.
        file: String,
        /// What the source said, with what to do about it.
        why: String,
    },
}

/// Why a model's weights cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightError {
    /// A recording asked for one tensor in two shapes.
    #[error(
        "{component}: tensor `{name}` was recorded as {first:?} and now as {now:?}: the model code or its config is wrong"
    )]
    Conflict {
        /// Component of the model.
        component: String,
        /// The tensor.
        name: String,
        /// Shape at first.
        first: Vec<usize>,
        /// Shape asked for now.
        now: Vec<usize>,
    },
    /// A transform that does not fit the shapes of its sources.
    #[error("{component}: tensor `{name}`: {why}: the model code or its config is wrong")]
    Transform {
        /// Component of the model.
        component: String,
        /// The first source.
        name: String,
        /// What does not fit.
        why: String,
    },
    /// Files and recording do not fit each other: every problem, one per line.
    #[error(
        "the weights do not fit the model ({count} problems): check that config.json and weights are of one model\n{lines}"
    )]
    Mismatch {
        /// Number of problems.
        count: usize,
        /// The first of them, one per line.
        lines: String,
    },
    /// A dtype that is not decoded.
    #[error(
        "tensor `{name}` is stored as {dtype:?}, which is not supported: convert the file to F16, BF16 or F32"
    )]
    Unsupported {
        /// The tensor.
        name: String,
        /// Its dtype.
        dtype: Dtype,
    },
    /// A value that the encoding cannot hold.
    #[error("tensor `{name}` has a value ({value:e}) that {encoding} cannot hold: load it as bf16 or f32")]
    Overflow {
        /// The tensor.
        name: String,
        /// The first such value, as text of a float.
        value: Value,
        /// The encoding.
        encoding: &'static str,
    },
    /// Source bytes that are not what the leaf says.
    #[error("tensor `{name}`: {why}: this is a bug, or the file changed while it was read")]
    Bytes {
        /// The tensor.
        name: String,
        /// What does not fit.
        why: String,
    },
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
}

/// A float in an error; equal when its bits are.
#[derive(Clone, Copy, Debug)]
pub struct Value(pub f32);

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Value {}

impl std::fmt::LowerExp for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
