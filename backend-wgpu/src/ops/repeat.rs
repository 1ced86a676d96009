//! Launch of `repeat`.

use super::{Launch, Site, word};

pub fn launch(site: &Site<'_>) -> Result<Launch, String> {
    let params = vec![site.count()?, site.bases[0], word(site.inputs[0].shape.len())?];
    site.pointwise(&format!("repeat.{}.{}", site.storage(0), site.out()), params, 1)
}
