//! Weights: what a recording asks for ([`Leaf`]), where it comes from ([`TensorSource`]), and the bytes a device gets ([`encode`]).
//! Every tensor name of a file is used, known and unneeded, or an error ([`account`]).

mod encode;
mod error;
pub mod header;
mod leaf;
mod plan;
mod reading;
mod sharded;
mod source;

pub use encode::{Band, Encoder, PIECE, encode, natural_encoding};
pub use error::{SourceError, WeightError};
pub use leaf::{Encoding, Layout, Leaf, LeafId, Role, SourceTensor, Transform};
pub use plan::{Accounting, Leaves, WeightPlan, account};
pub use reading::{Stop, reading_order};
pub use safetensors::Dtype;
pub use sharded::ShardedSource;
pub use source::{BytesSource, TensorEntry, TensorSource, locate};
