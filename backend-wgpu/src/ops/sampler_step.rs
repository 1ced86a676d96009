//! Launch of `sampler_step`: a thread per latent element.

use onelaunch_core::ops::{PLANES, SamplerStep, TAIL};
use onelaunch_core::schedule::{ROW_DENOISED, ROW_GUIDANCE, ROW_MATRIX, ROW_NOISE_SLOT};

use super::{Launch, Site, word, words};

pub fn launch(op: &SamplerStep, site: &Site<'_>) -> Result<Launch, String> {
    site.must_be_f32(1, "the noise")?;
    let latent = (site.output.shape.len() - TAIL) / PLANES;
    let mut params = vec![word(latent)?, site.bases[0], site.bases[2], u32::from(op.guided)];
    params.extend(words([ROW_GUIDANCE, ROW_NOISE_SLOT, ROW_MATRIX, ROW_DENOISED])?);
    site.pointwise(&format!("sampler_step.{}", site.storage(0)), params, 3)
}
