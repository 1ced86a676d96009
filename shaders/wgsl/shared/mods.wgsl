// Operands of `gate` and `modulate`: x [N, T, C], mods [L, K, C], out [N, T, C].
struct Params {
    count: u32,
    channels: u32,
    x_base: u32,
    shift_base: u32,    // first element of the shift (or gate) row of item 0 of mods
    scale_base: u32,
    mods_stride: u32,   // elements of one item of mods
    mods_lead: u32,
    lead: u32,
    item: u32,          // elements of one item of x
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read> mods: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<$out>;

// Offset of element i's item and channel in mods.
fn mods_at(i: u32) -> u32 {
    return i / p.item * p.mods_lead / p.lead * p.mods_stride + i % p.channels;
}
