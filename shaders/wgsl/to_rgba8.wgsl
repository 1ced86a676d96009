// A picture in [low, high] to RGBA8, rounded to nearest; alpha is 0 where a channel is NaN or infinite.
struct Params { count: u32, x_base: u32, low: f32, scale: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

// Comparisons and not clamp(), whose result for NaN is open.
fn byte(x: f32) -> u32 {
    let scaled = (x - p.low) * p.scale;
    if (!(scaled > 0.0)) {
        return 0u;
    }
    if (scaled >= 255.0) {
        return 255u;
    }
    return u32(scaled + 0.5);
}

fn element(i: u32) {
    let at = p.x_base + 3u * i;
    let rgb = vec3<f32>(f32(x[at]), f32(x[at + 1u]), f32(x[at + 2u]));
    // By bits: compilers may assume that floats are finite.
    let finite = (bitcast<vec3<u32>>(rgb) & vec3<u32>(0x7f800000u)) != vec3<u32>(0x7f800000u);
    let alpha = select(0u, 255u, all(finite));
    out[i] = byte(rgb.x) | (byte(rgb.y) << 8u) | (byte(rgb.z) << 16u) | (alpha << 24u);
}
#import shared/pointwise.wgsl
