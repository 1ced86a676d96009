//! Launch of `layer_norm`: a thread per row on software adapters, a workgroup on GPUs.

use onelaunch_core::ops::LayerNorm;

use super::{Bind, Launch, Site, word, words};

const AFFINE: u32 = 1;
const MODULATE: u32 = 2;

pub fn launch(op: &LayerNorm, site: &Site<'_>) -> Result<Launch, String> {
    let x = &site.inputs[0].shape;
    let c = x.last();
    let mut flags = 0;
    let mut binds = vec![Bind::Input(0), Bind::Dummy, Bind::Dummy, Bind::Dummy, Bind::Output];
    if op.affine {
        site.must_be_f32(1, "the weight")?;
        site.must_be_f32(2, "the bias")?;
        flags |= AFFINE;
        (binds[1], binds[2]) = (Bind::Input(1), Bind::Input(2));
    }
    let mut mods = [0, 0, 0, 1];
    if let Some(which) = op.modulate {
        let at = site.inputs.len() - 1;
        site.must_be_f32(at, "the modulation")?;
        let shape = &site.inputs[at].shape;
        flags |= MODULATE;
        binds[3] = Bind::Input(at);
        let base = site.bases[at];
        mods = [
            base + word(which.shift * c)?,
            base + word(which.scale * c)?,
            word(shape[1] * c)?,
            word(shape.lead())?,
        ];
    }
    let mut params = words([x.rows(), c])?.to_vec();
    params.extend([op.eps.to_bits(), flags, site.bases[0]]);
    params.extend(mods);
    params.extend(words([x.lead(), x.rows() / x.lead()])?);
    // The 8 rows that share a modulation must be of one item.
    let shared = op.modulate.is_none() || (x.rows() / x.lead()).is_multiple_of(8);
    if site.lanes("vec4") && c <= 256 && shared {
        return site.launch("layer_norm/lanes.f32.f32", params, binds, x.rows().div_ceil(8));
    }
    site.sums("layer_norm", params, binds, x.rows())
}
