// Puts rows of x into their columns of the packed tables.
struct Params { count: u32, x_base: u32, length: u32, stride: u32, column: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read_write> rows: array<f32>;

fn element(i: u32) {
    rows[i / p.length * p.stride + p.column + i % p.length] = f32(x[p.x_base + i]);
}
#import shared/pointwise.wgsl
