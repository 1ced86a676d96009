// out = x * (1 + mods[scale]) + mods[shift].
#import shared/mods.wgsl

fn element(i: u32) {
    let at = mods_at(i);
    out[i] = $out(f32(x[p.x_base + i]) * (1.0 + mods[p.scale_base + at]) + mods[p.shift_base + at]);
}
#import shared/pointwise.wgsl
