//! Launch of `conv2d`: direct on software adapters, an implicit GEMM on GPUs.

use onelaunch_core::ops::Conv2d;

use super::linear::{HAS_BIAS, HAS_RESIDUAL, matrix_launch, padded};
use super::{Bind, Launch, Site, words};

pub fn launch(op: &Conv2d, site: &Site<'_>) -> Result<Launch, String> {
    let (x, w, out) = (&site.inputs[0].shape, &site.inputs[1].shape, &site.output.shape);
    let (m, n, k) = (out.rows(), w[0], w[1] * w[2] * w[3]);
    let mut flags = 0;
    let mut binds = vec![Bind::Input(0), Bind::Input(1), Bind::Dummy, Bind::Dummy, Bind::Output];
    if op.bias {
        site.must_be_f32(2, "the bias")?;
        flags |= HAS_BIAS;
        binds[2] = Bind::Input(2);
    }
    let mut residual_base = 0;
    if let Some(at) = op.residual_input() {
        if site.inputs[at].dtype != site.output.dtype {
            return Err("the residual is not stored as the output".into());
        }
        flags |= HAS_RESIDUAL;
        binds[3] = Bind::Input(at);
        residual_base = site.bases[at];
    }
    let mut params = words([m, n, k, padded(n) / 4, n])?.to_vec();
    params.extend([flags, op.epilogue.act.code(), op.epilogue.last.code(), site.bases[0], residual_base]);
    params.extend(words([x[3], x[1], x[2], out[1], out[2], w[1], w[2], op.stride, op.padding])?);
    params.push(u32::from(op.upsample));
    let load = if x[3].is_multiple_of(4) && site.bases[0].is_multiple_of(4) { "vec4" } else { "scalar" };
    matrix_launch("conv2d", site, load, [m, n], params, binds)
}
