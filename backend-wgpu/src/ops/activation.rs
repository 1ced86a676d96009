//! Launch of `activation`.

use onelaunch_core::ops::Activation;

use super::{Launch, Site};

pub fn launch(op: &Activation, site: &Site<'_>) -> Result<Launch, String> {
    let params = vec![
        site.count()?,
        site.bases[0],
        op.act.code(),
        op.input_scale.to_bits(),
        op.output_scale.to_bits(),
    ];
    site.pointwise(&format!("activation.{}.{}", site.storage(0), site.out()), params, 1)
}
