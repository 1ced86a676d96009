//! Launch of `permute`.

use onelaunch_core::ops::Permute;

use super::{Launch, Site, words};

pub fn launch(op: &Permute, site: &Site<'_>) -> Result<Launch, String> {
    let strides = op.strides(&site.inputs[0].shape);
    let mut params = vec![site.count()?, site.bases[0]];
    params.extend(words(strides.map(|(length, _)| length))?);
    params.extend(words(strides.map(|(_, stride)| stride))?);
    site.pointwise(&format!("permute.{}.{}", site.storage(0), site.out()), params, 1)
}
