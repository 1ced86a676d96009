//! Launch of `load_row`.

use onelaunch_core::ops::TAIL;

use super::{Launch, Site, word};

pub fn launch(site: &Site<'_>) -> Result<Launch, String> {
    let counter = site.inputs[1].shape.len() - TAIL;
    let params = vec![site.count()?, word(site.inputs[0].shape.lead())?, word(counter)?];
    site.pointwise("load_row", params, 2)
}
