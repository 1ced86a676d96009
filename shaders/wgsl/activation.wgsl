// out = output_scale * act(input_scale * x).
struct Params { count: u32, x_base: u32, act: u32, input_scale: f32, output_scale: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read_write> out: array<$out>;
#import shared/act.wgsl

fn element(i: u32) {
    out[i] = $out(p.output_scale * act4(p.act, vec4<f32>(p.input_scale * f32(x[p.x_base + i]))).x);
}
#import shared/pointwise.wgsl
