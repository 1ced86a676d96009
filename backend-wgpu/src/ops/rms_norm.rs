//! Launch of `rms_norm`: a thread per row on software adapters, a workgroup on GPUs.

use onelaunch_core::ops::RmsNorm;

use super::{Bind, Launch, Site, words};

pub fn launch(op: &RmsNorm, site: &Site<'_>) -> Result<Launch, String> {
    site.must_be_f32(1, "the weight")?;
    let x = &site.inputs[0].shape;
    let mut params = words([x.rows(), x.last()])?.to_vec();
    params.extend([op.eps.to_bits(), site.bases[0]]);
    let binds = vec![Bind::Input(0), Bind::Input(1), Bind::Output];
    site.sums("rms_norm", params, binds, x.rows())
}
