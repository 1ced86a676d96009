//! Launch of `embedding`.

use super::{Launch, Site, word};

pub fn launch(site: &Site<'_>) -> Result<Launch, String> {
    let table = &site.inputs[1].shape;
    let params = vec![site.count()?, word(table.last())?, word(table.lead())?, site.bases[0]];
    site.pointwise(&format!("embedding.{}.{}", site.weight(1), site.out()), params, 2)
}
