// Parameters and operands of `conv2d`, seen as a product: M = N*H*W output pixels, K = kh*kw*I, N = O. x [N, H, W, I],
// weight [K, O] (transposed and padded), bias [O], residual and out [N, H, W, O].
struct Params {
    m: u32,
    n: u32,
    k: u32,
    ldw: u32,           // vec4 in a row of the padded weight, even
    n_out: u32,
    flags: u32,
    act: u32,
    last: u32,
    x_base: u32,
    residual_base: u32,
    channels: u32,      // I
    height: u32,        // of x as stored
    width: u32,
    out_height: u32,
    out_width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride: u32,
    padding: u32,
    upsample: u32,      // 1: x is seen at twice its size, nearest neighbour
}
@group(0) @binding(0) var<uniform> p: Params;
#ifdef LOAD_VEC4
@group(0) @binding(1) var<storage, read> x: array<vec4<$x>>;
#else
@group(0) @binding(1) var<storage, read> x: array<$x>;
#endif
#ifdef W_F32
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
#else
@group(0) @binding(2) var<storage, read> w: array<vec2<u32>>;
#endif
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<$out>;
@group(0) @binding(5) var<storage, read_write> out: array<$out>;

// Convolutions have no gate.
fn gate_row(row: u32) -> u32 {
    return 0u;
}
fn gate_value(at: u32) -> f32 {
    return 1.0;
}

const OUTSIDE: u32 = 0xffffffffu;

// First element of the input pixel that output pixel `row` meets at tap (dy, dx), or OUTSIDE where it is padding.
fn pixel(row: u32, dy: u32, dx: u32) -> u32 {
    let item = row / (p.out_height * p.out_width);
    let within = row % (p.out_height * p.out_width);
    // Wraps below zero to a number above every height.
    let iy = within / p.out_width * p.stride + dy - p.padding;
    let ix = within % p.out_width * p.stride + dx - p.padding;
    if ((iy >= (p.height << p.upsample)) || (ix >= (p.width << p.upsample))) {
        return OUTSIDE;
    }
    return p.x_base + ((item * p.height + (iy >> p.upsample)) * p.width + (ix >> p.upsample)) * p.channels;
}
#import shared/weight.wgsl
#import shared/epilogue.wgsl
