// The network's input: x times the row's input scale, once per batch half.
struct Params { count: u32, x_base: u32, length: u32, scale_at: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> row: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<$out>;

fn element(i: u32) {
    out[i] = $out(x[p.x_base + i % p.length] * row[p.scale_at]);
}
#import shared/pointwise.wgsl
