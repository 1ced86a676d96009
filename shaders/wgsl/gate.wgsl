// out = x * mods[row].
#import shared/mods.wgsl

fn element(i: u32) {
    out[i] = $out(f32(x[p.x_base + i]) * mods[p.shift_base + mods_at(i)]);
}
#import shared/pointwise.wgsl
