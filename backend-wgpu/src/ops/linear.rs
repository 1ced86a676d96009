//! Launch of `linear`, and what it shares with `conv2d`.

use onelaunch_core::ops::Linear;

use super::{Bind, Launch, Site, word, words};

pub const HAS_BIAS: u32 = 1;
const HAS_GLU: u32 = 2;
const HAS_GATE: u32 = 4;
pub const HAS_RESIDUAL: u32 = 8;

/// Columns of a stored weight: rows of N are padded to two vec4.
pub fn padded(n: usize) -> usize {
    n.next_multiple_of(8)
}

/// Launch of a product of M × N outputs: a tile of 32 × 64 per subgroup or of 8 × 8 per thread on software adapters, of 64 × 64 per
/// workgroup on GPUs. There few rows take the flat tile, so that a product of one token does not compute 63 rows that nobody stores.
pub fn matrix_launch(
    op: &str,
    site: &Site<'_>,
    load: &str,
    [m, n]: [usize; 2],
    params: Vec<u32>,
    binds: Vec<Bind>,
) -> Result<Launch, String> {
    let types = format!("{load}.{}.{}.{}", site.storage(0), site.out(), site.weight(1));
    let fixed = [("FIXED_FLAGS", params[5]), ("FIXED_ACT", params[6]), ("FIXED_LAST", params[7])];
    // There 8 rows share a gate, so they must be of one item.
    let shared = params[5] & HAS_GATE == 0 || (m / site.output.shape.lead()).is_multiple_of(8);
    if site.lanes(load) && shared {
        let groups = m.div_ceil(32) * padded(n).div_ceil(64);
        return Ok(site.launch(&format!("{op}/lanes.{types}"), params, binds, groups)?.fixed(&fixed));
    }
    let (name, groups) = if site.caps.is_cpu {
        (format!("{op}/cpu.{types}"), (m.div_ceil(8) * (padded(n) / 8)).div_ceil(8))
    } else {
        let (rows, tile) = if m <= 32 { (1, 16) } else { (4, 64) };
        (format!("{op}/gpu.{types}.{rows}"), m.div_ceil(tile) * padded(n).div_ceil(64))
    };
    site.launch(&name, params, binds, groups)
}

pub fn launch(op: &Linear, site: &Site<'_>) -> Result<Launch, String> {
    let (x, w, out) = (&site.inputs[0].shape, &site.inputs[1].shape, &site.output.shape);
    let (m, n, k) = (x.rows(), w[0], w[1]);
    let mut flags = if op.epilogue.glu { HAS_GLU } else { 0 };
    let mut binds = vec![Bind::Input(0), Bind::Input(1), Bind::Dummy, Bind::Dummy, Bind::Dummy, Bind::Output];
    if op.bias {
        site.must_be_f32(2, "the bias")?;
        flags |= HAS_BIAS;
        binds[2] = Bind::Input(2);
    }
    let mut mods = [0, 0, 1];
    if let (Some(at), Some(row)) = (op.gate_input(), op.epilogue.gate) {
        site.must_be_f32(at, "the modulation")?;
        let shape = &site.inputs[at].shape;
        flags |= HAS_GATE;
        binds[3] = Bind::Input(at);
        let c = shape.last();
        mods = [site.bases[at] + word(row * c)?, word(shape[1] * c)?, word(shape.lead())?];
    }
    let mut residual_base = 0;
    if let Some(at) = op.residual_input() {
        if site.inputs[at].dtype != site.output.dtype {
            return Err("the residual is not stored as the output".into());
        }
        flags |= HAS_RESIDUAL;
        binds[4] = Bind::Input(at);
        residual_base = site.bases[at];
    }
    let mut params = words([m, n, k, padded(n) / 4, out.last()])?.to_vec();
    params.extend([flags, op.epilogue.act.code(), op.epilogue.last.code(), site.bases[0], residual_base]);
    params.extend(mods);
    params.extend(words([out.lead(), out.rows() / out.lead()])?);
    let load = if k.is_multiple_of(4) && site.bases[0].is_multiple_of(4) { "vec4" } else { "scalar" };
    matrix_launch("linear", site, load, [m, n], params, binds)
}
