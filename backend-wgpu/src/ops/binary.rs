//! Launch of `binary`.

use onelaunch_core::ops::{Binary, BinaryKind};

use super::{Launch, Site, word};

pub fn launch(op: &Binary, site: &Site<'_>) -> Result<Launch, String> {
    let (a, b) = (&site.inputs[0].shape, &site.inputs[1].shape);
    let (inner, b_inner) = (site.output.shape.inner(), b.inner());
    if inner.len() > 5 {
        return Err(format!("{a} has more than six axes"));
    }
    // Lengths of the output's axes and strides of b, 0 where it broadcasts, padded in front.
    let (mut lengths, mut strides) = ([1u32; 5], [0u32; 5]);
    let skip = 5 - inner.len();
    let mut step = 1;
    for axis in (0..inner.len()).rev() {
        lengths[skip + axis] = word(inner[axis])?;
        strides[skip + axis] = if b_inner[axis] == 1 { 0 } else { word(step)? };
        step *= b_inner[axis];
    }
    let mut params = vec![
        site.count()?,
        u32::from(op.kind == BinaryKind::Mul),
        site.bases[0],
        site.bases[1],
        word(site.output.shape.lead())?,
        word(a.lead())?,
        word(b.lead())?,
        word(inner.iter().product())?,
        word(step)?,
    ];
    params.extend(lengths);
    params.extend(strides);
    site.pointwise(&format!("binary.{}.{}.{}", site.storage(0), site.storage(1), site.out()), params, 2)
}
