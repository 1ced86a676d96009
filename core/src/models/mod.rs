//! Model code: one file per class, with diffusers' and transformers' names, recording small ops and knowing no backend. Which class a folder
//! names decides which code runs.

mod autoencoder_tiny_flux2;
mod bounds;
mod embeddings;
mod module;
mod pixart_transformer_2d;
mod registry;
mod t5;

pub use autoencoder_tiny_flux2::AutoencoderTinyFlux2;
pub use module::Module;
pub use pixart_transformer_2d::PixArtTransformer2DModel;
pub(crate) use registry::pipeline_defaults;
pub use registry::{Decoder, Denoiser, ModelError, TextEncoder};
pub use t5::T5EncoderModel;
