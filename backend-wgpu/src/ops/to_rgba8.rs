//! Launch of `to_rgba8`.

use onelaunch_core::ops::ToRgba8;

use super::{Launch, Site};

pub fn launch(op: &ToRgba8, site: &Site<'_>) -> Result<Launch, String> {
    let scale = 255.0 / (op.high - op.low);
    let params = vec![site.count()?, site.bases[0], op.low.to_bits(), scale.to_bits()];
    site.pointwise(&format!("to_rgba8.{}", site.storage(0)), params, 1)
}
