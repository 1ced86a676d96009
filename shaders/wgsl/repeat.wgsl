// The whole of x over and over.
struct Params { count: u32, x_base: u32, length: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read_write> out: array<$out>;

fn element(i: u32) {
    out[i] = $out(x[p.x_base + i % p.length]);
}
#import shared/pointwise.wgsl
