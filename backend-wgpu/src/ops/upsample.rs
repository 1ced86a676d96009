//! Launch of `upsample`.

use super::{Launch, Site, words};

pub fn launch(site: &Site<'_>) -> Result<Launch, String> {
    let x = &site.inputs[0].shape;
    let mut params = vec![site.count()?, site.bases[0]];
    params.extend(words([x[1], x[2], x[3]])?);
    site.pointwise(&format!("upsample.{}.{}", site.storage(0), site.out()), params, 1)
}
