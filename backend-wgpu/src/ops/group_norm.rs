//! Launch of `group_norm`: a thread per item and group on software adapters, a workgroup on GPUs.

use onelaunch_core::ops::GroupNorm;

use super::{Bind, Launch, Site, words};

pub fn launch(op: &GroupNorm, site: &Site<'_>) -> Result<Launch, String> {
    site.must_be_f32(1, "the weight")?;
    site.must_be_f32(2, "the bias")?;
    let x = &site.inputs[0].shape;
    let mut params = words([x.lead(), x.len() / x.lead() / x.last(), x.last(), op.groups])?.to_vec();
    params.extend([op.eps.to_bits(), op.act.code(), site.bases[0]]);
    let binds = vec![Bind::Input(0), Bind::Input(1), Bind::Input(2), Bind::Output];
    site.sums("group_norm", params, binds, x.lead() * op.groups)
}
