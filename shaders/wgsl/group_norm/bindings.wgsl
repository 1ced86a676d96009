// Parameters and operands of `group_norm`: x [N, pixels, C], weight and bias [C], out as x.
struct Params {
    batch: u32,
    pixels: u32,
    channels: u32,
    groups: u32,
    eps: f32,
    act: u32,
    x_base: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<$out>;
#import shared/act.wgsl

fn finish(at: u32, mean: f32, scale: f32, c: u32) {
    let y = (f32(x[p.x_base + at]) - mean) * scale * weight[c] + bias[c];
    out[at] = $out(act4(p.act, vec4<f32>(y)).x);
}
