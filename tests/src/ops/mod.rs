//! Cases and oracles, one op per file: `cases` on the shapes where kernels and slices have edges, `oracle` the op's formula once more.

pub mod activation;
pub mod attention;
pub mod binary;
pub mod conv2d;
pub mod embedding;
pub mod gate;
pub mod group_norm;
pub mod layer_norm;
pub mod linear;
pub mod load_row;
pub mod modulate;
pub mod permute;
pub mod repeat;
pub mod rms_norm;
pub mod sampler_step;
pub mod scale_input;
pub mod store_table;
pub mod timestep_embedding;
pub mod to_rgba8;
pub mod upsample;

use onelaunch_core::ops::Op;

use crate::case::Case;

macro_rules! ops {
    ($($stem:ident $variant:ident),+ $(,)?) => {
        /// The stem of every op and its cases.
        pub const ALL: &[(&str, fn() -> Vec<Case>)] = &[$((stringify!($stem), $stem::cases)),+];

        /// What a case should give, element by element.
        #[must_use]
        pub fn oracle(case: &Case) -> Vec<f64> {
            match &case.op {
                $(Op::$variant(op) => $stem::oracle(op, case)),+
            }
        }
    };
}

ops!(
    activation Activation,
    attention Attention,
    binary Binary,
    conv2d Conv2d,
    embedding Embedding,
    gate Gate,
    group_norm GroupNorm,
    layer_norm LayerNorm,
    linear Linear,
    load_row LoadRow,
    modulate Modulate,
    permute Permute,
    repeat Repeat,
    rms_norm RmsNorm,
    sampler_step SamplerStep,
    scale_input ScaleInput,
    store_table StoreTable,
    timestep_embedding TimestepEmbedding,
    to_rgba8 ToRgba8,
    upsample Upsample,
);
