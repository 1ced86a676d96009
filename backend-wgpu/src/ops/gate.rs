//! Launch of `gate`, and the parameters of all ops that read modulation rows.

use onelaunch_core::ops::Gate;

use super::{Launch, Site, word, words};

pub fn launch(op: &Gate, site: &Site<'_>) -> Result<Launch, String> {
    mods_launch("gate", site, op.row, op.row)
}

/// A pointwise kernel over x `[N, T, C]` and mods `[L, K, C]`.
pub fn mods_launch(stem: &str, site: &Site<'_>, shift: usize, scale: usize) -> Result<Launch, String> {
    site.must_be_f32(1, "the modulation")?;
    let (x, mods) = (&site.inputs[0].shape, &site.inputs[1].shape);
    let c = x.last();
    let mut params = vec![site.count()?, word(c)?, site.bases[0]];
    params.extend([site.bases[1] + word(shift * c)?, site.bases[1] + word(scale * c)?]);
    params.extend(words([mods[1] * c, mods.lead(), x.lead(), x.len() / x.lead()])?);
    site.pointwise(&format!("{stem}.{}.{}", site.storage(0), site.out()), params, 2)
}
