// Nearest neighbour, twice the height and width.
struct Params { count: u32, x_base: u32, height: u32, width: u32, channels: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read_write> out: array<$out>;

fn element(i: u32) {
    let c = i % p.channels;
    let pixel = i / p.channels;
    let across = pixel % (2u * p.width);
    let line = pixel / (2u * p.width);
    let item = line / (2u * p.height);
    let start = (item * p.height + line % (2u * p.height) / 2u) * p.width + across / 2u;
    out[i] = $out(x[p.x_base + start * p.channels + c]);
}
#import shared/pointwise.wgsl
