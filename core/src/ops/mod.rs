//! The ops. One op is one file here: its struct, its formula, its shape rule, the method that records it and its CPU
//! reference; kernels, launch code and test cases have files of the same stem in the other crates (a layout test checks).

mod activation;
mod attention;
mod binary;
mod conv2d;
mod embedding;
mod epilogue;
mod gate;
mod group_norm;
mod layer_norm;
mod linear;
mod load_row;
mod modulate;
mod permute;
mod repeat;
mod rms_norm;
mod sampler_step;
mod scale_input;
mod store_table;
mod timestep_embedding;
mod to_rgba8;
mod upsample;

use std::ops::Range;

pub use activation::Activation;
pub use attention::{Attention, Mask};
pub use binary::{Binary, BinaryKind};
pub use conv2d::Conv2d;
pub use embedding::Embedding;
pub use epilogue::{Act, Epilogue};
pub use gate::Gate;
pub use group_norm::GroupNorm;
pub use layer_norm::{LayerNorm, ModulateRows};
pub use linear::Linear;
pub use load_row::LoadRow;
pub use modulate::Modulate;
pub use permute::Permute;
pub use repeat::Repeat;
pub use rms_norm::RmsNorm;
pub use sampler_step::{DENOISED, PLANES, SamplerStep, TAIL, state_len};
pub use scale_input::ScaleInput;
pub use store_table::StoreTable;
pub use timestep_embedding::TimestepEmbedding;
pub use to_rgba8::ToRgba8;
pub use upsample::Upsample;

use crate::shape::{DType, Shape};

/// An operand as the reference sees it. Storage is always 32-bit words.
#[derive(Clone, Copy, Debug)]
pub struct Arg<'a> {
    /// Its shape.
    pub shape: &'a Shape,
    /// Its content, row-major; integers are the same words reinterpreted.
    pub data: &'a [f32],
    /// A matrix `[N, K..]` whose content is `[K.., N]`: products read their weights faster this way round.
    pub transposed: bool,
}

impl<'a> Arg<'a> {
    /// An operand as its shape says.
    pub const fn new(shape: &'a Shape, data: &'a [f32]) -> Self {
        Self { shape, data, transposed: false }
    }
    /// Distances between consecutive k and consecutive n of a matrix `[N, K..]`.
    pub(crate) fn matrix_strides(&self) -> [usize; 2] {
        let n = self.shape.lead();
        if self.transposed { [n, 1] } else { [1, self.shape.len() / n] }
    }
    /// The content as integers.
    pub fn words(&self) -> &[u32] {
        bytemuck::cast_slice(self.data)
    }
}

/// What every op can say about itself. All of it is pure.
pub trait Operation: Send + Sync {
    /// The stem of the op's files.
    fn name(&self) -> &'static str;
    /// The shape rule: the output's shape, or what is wrong with the operands.
    fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String>;
    /// Storage type of the output while nothing is fused or narrowed.
    fn output_dtype(&self) -> DType {
        DType::F32
    }
    /// Multiplications and additions of one evaluation (2 per multiply-add); 0 for ops that only move data.
    fn flops(&self, inputs: &[&Shape], output: &Shape) -> u64 {
        let _ = inputs;
        output.len() as u64
    }
    /// Output rows: the unit in which the reference can be cut. Each row is `output.len() / rows` elements.
    fn rows(&self, output: &Shape) -> usize {
        output.rows()
    }
    /// Computes output rows `rows` in f32. `out` holds exactly these rows; for an op that writes a slot it is the whole
    /// slot with its old content, and `rows` is all of them.
    fn reference(&self, args: &[Arg<'_>], shape: &Shape, rows: Range<usize>, out: &mut [f32]);
}

macro_rules! ops {
    ($($name:ident),+ $(,)?) => {
        /// Every op there is. Closed on purpose: a new one does not compile until each consumer says what to do with it.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each variant is documented at its struct")]
        pub enum Op { $($name($name)),+ }

        impl Op {
            /// The op behind the variant.
            pub fn get(&self) -> &dyn Operation {
                match self { $(Self::$name(op) => op),+ }
            }
        }

        $(impl From<$name> for Op {
            fn from(op: $name) -> Self { Self::$name(op) }
        })+
    };
}

ops!(
    Activation,
    Attention,
    Binary,
    Conv2d,
    Embedding,
    Gate,
    GroupNorm,
    LayerNorm,
    Linear,
    LoadRow,
    Modulate,
    Permute,
    Repeat,
    RmsNorm,
    SamplerStep,
    ScaleInput,
    StoreTable,
    TimestepEmbedding,
    ToRgba8,
    Upsample,
);

impl Op {
    /// Stem of the op's files.
    pub fn name(&self) -> &'static str {
        self.get().name()
    }
    /// See [`Operation::output_shape`].
    pub fn output_shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        self.get().output_shape(inputs)
    }
    /// See [`Operation::output_dtype`].
    pub fn output_dtype(&self) -> DType {
        self.get().output_dtype()
    }
    /// Whether the op writes session memory rather than a value of its own.
    pub fn writes_slot(&self) -> bool {
        matches!(self, Self::LoadRow(_) | Self::SamplerStep(_) | Self::StoreTable(_) | Self::ToRgba8(_))
    }
}

/// Fails a shape rule with a message unless the condition holds.
pub(crate) fn ensure(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}

/// The number of operands an op takes.
pub(crate) fn arity(inputs: &[&Shape], want: usize) -> Result<(), String> {
    ensure(inputs.len() == want, || format!("takes {want} operands, got {}", inputs.len()))
}

/// Whether an operand with batch `lead` broadcasts to batch `n`.
pub(crate) fn broadcasts(lead: usize, n: usize) -> bool {
    lead > 0 && n.is_multiple_of(lead)
}
