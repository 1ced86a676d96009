//! Launch of `attention`: fused in both variants, so there is no scratch.

use onelaunch_core::ops::{Attention, Mask};

use super::{Bind, Launch, Site, word, words};

const CAUSAL: u32 = 1;
const HAS_BIAS: u32 = 2;
const HAS_LENGTHS: u32 = 4;

pub fn launch(op: &Attention, site: &Site<'_>) -> Result<Launch, String> {
    let (q, k) = (&site.inputs[0].shape, &site.inputs[1].shape);
    let rows = [0, 1, 2].map(|i| site.inputs[i].shape.last());
    if op.head_dim > 128 {
        return Err(format!("heads of {} are wider than 128", op.head_dim));
    }
    if site.storage(0) != site.storage(1) || site.storage(0) != site.storage(2) {
        return Err("q, k and v are not stored alike".into());
    }
    let mut bases = [0; 3];
    for (i, base) in bases.iter_mut().enumerate() {
        *base = site.bases[i] + word(op.columns[i])?;
    }
    let fours =
        bases.iter().all(|b| b % 4 == 0) && rows.iter().all(|r| r % 4 == 0) && op.head_dim.is_multiple_of(4);
    let load = if fours { "vec4" } else { "scalar" };
    let mut flags = if op.mask == Mask::Causal { CAUSAL } else { 0 };
    let (mut bias, mut lengths) = (Bind::Dummy, Bind::Dummy);
    let (mut bias_at, mut lengths_at) = ([1, 1, 0], [1, 0]);
    if op.mask.has_bias() {
        site.must_be_f32(3, "the attention bias")?;
        let shape = &site.inputs[3].shape;
        flags |= HAS_BIAS;
        bias = Bind::Input(3);
        bias_at = [word(shape[0])?, word(shape[1])?, site.bases[3]];
    }
    if op.mask.has_lengths() {
        let last = site.inputs.len() - 1;
        flags |= HAS_LENGTHS;
        lengths = Bind::Input(last);
        lengths_at = [word(site.inputs[last].shape.lead())?, site.bases[last]];
    }
    let mut params = words([q[0], op.heads, op.head_dim, q[1], k[1]])?.to_vec();
    params.push(op.scale.to_bits());
    params.extend(words(rows)?);
    params.extend(bases);
    params.extend([word(k.lead())?, flags]);
    params.extend(bias_at);
    params.extend(lengths_at);
    let binds = vec![Bind::Input(0), Bind::Input(1), Bind::Input(2), bias, lengths, Bind::Output];
    let name = format!("attention/{}.{load}.{}.{}", site.device(), site.storage(0), site.out());
    let heads = q[0] * op.heads;
    let quarter = if op.head_dim <= 64 { 16 } else { 32 };
    if site.lanes(load) {
        let name = format!("attention/lanes.vec4.f32.f32.{quarter}");
        let launch = site.launch(&name, params, binds, heads * q[1].div_ceil(32))?;
        return Ok(launch.fixed(&[("FIXED_FLAGS", flags)]));
    }
    if site.caps.is_cpu {
        // A thread takes 4 queries, a workgroup has 8 threads; heads follow each other without a gap.
        let groups = (heads * q[1].div_ceil(4)).div_ceil(8);
        return site.launch(&format!("{name}.{quarter}"), params, binds, groups);
    }
    let quarter = match op.head_dim {
        ..=32 => 8,
        33..=64 => 16,
        _ => 32,
    };
    site.launch(&format!("{name}.{quarter}"), params, binds, heads * q[1].div_ceil(64))
}
