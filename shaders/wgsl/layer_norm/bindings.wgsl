// Parameters and operands of `layer_norm`: x [rows, C], weight and bias [C], mods [L, K, C], out [rows, C].
struct Params {
    rows: u32,
    channels: u32,
    eps: f32,
    flags: u32,
    x_base: u32,
    shift_base: u32,    // first element of the shift row of item 0 of mods
    scale_base: u32,
    mods_stride: u32,   // elements of one item of mods
    mods_lead: u32,
    lead: u32,
    rows_per_item: u32,
}
const AFFINE: u32 = 1u;
const MODULATE: u32 = 2u;
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> mods: array<f32>;
@group(0) @binding(5) var<storage, read_write> out: array<$out>;

// Weight, bias and modulation of a channel as one factor and one summand. `mods_at` is the row's item of mods.
fn affine(mods_at: u32, c: u32) -> vec2<f32> {
    var y = vec2<f32>(1.0, 0.0);
    if ((p.flags & AFFINE) != 0u) {
        y = vec2<f32>(weight[c], bias[c]);
    }
    if ((p.flags & MODULATE) != 0u) {
        y = y * (1.0 + mods[p.scale_base + mods_at + c]) + vec2<f32>(0.0, mods[p.shift_base + mods_at + c]);
    }
    return y;
}

fn finish(normed: f32, mods_at: u32, c: u32) -> f32 {
    let y = affine(mods_at, c);
    return normed * y.x + y.y;
}

fn mods_item(row: u32) -> u32 {
    return row / p.rows_per_item * p.mods_lead / p.lead * p.mods_stride;
}
