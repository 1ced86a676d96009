//! Launch of `store_table`: a thread per element of x.

use onelaunch_core::ops::StoreTable;

use super::{Launch, Site, words};

pub fn launch(op: &StoreTable, site: &Site<'_>) -> Result<Launch, String> {
    let x = &site.inputs[0].shape;
    let mut params = words([x.len()])?.to_vec();
    params.push(site.bases[0]);
    params.extend(words([x.len() / op.rows, site.output.shape.last(), op.column])?);
    site.pointwise(&format!("store_table.{}", site.storage(0)), params, 1)
}
