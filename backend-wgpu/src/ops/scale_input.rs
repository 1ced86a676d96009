//! Launch of `scale_input`.

use onelaunch_core::schedule::ROW_INPUT_SCALE;

use super::{Launch, Site, word};

pub fn launch(site: &Site<'_>) -> Result<Launch, String> {
    site.must_be_f32(0, "the state")?;
    let scale_at = site.bases[1] + word(ROW_INPUT_SCALE)?;
    let params = vec![site.count()?, site.bases[0], word(site.inputs[0].shape.len())?, scale_at];
    site.pointwise(&format!("scale_input.{}", site.out()), params, 2)
}
