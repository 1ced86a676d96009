//! Launch of `timestep_embedding`.

use onelaunch_core::ops::TimestepEmbedding;

use super::{Launch, Site, word};

pub fn launch(op: &TimestepEmbedding, site: &Site<'_>) -> Result<Launch, String> {
    site.must_be_f32(0, "the timestep")?;
    let mut params = vec![site.count()?, site.bases[0], word(op.dim / 2)?];
    params.extend([u32::from(op.flip_sin_to_cos), op.exponent().to_bits()]);
    site.pointwise(&format!("timestep_embedding.{}", site.out()), params, 1)
}
