// A picture of packed RGBA8 words onto a target of its size. The one shader that is not a kernel.
struct Params { width: u32, height: u32, first: u32, unused: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> pixels: array<u32>;

// One triangle that covers the target: its corners are (-1, -1), (3, -1), (-1, 3).
@vertex
fn corner(@builtin(vertex_index) i: u32) -> @builtin(position) vec4<f32> {
    let at = vec2<f32>(f32((i & 1u) * 4u), f32((i >> 1u) * 4u));
    return vec4<f32>(at - vec2<f32>(1.0, 1.0), 0.0, 1.0);
}

// Alpha marks what was not finite, and is not shown.
@fragment
fn color(@builtin(position) at: vec4<f32>) -> @location(0) vec4<f32> {
    let x = min(u32(at.x), p.width - 1u);
    let y = min(u32(at.y), p.height - 1u);
    let rgba = unpack4x8unorm(pixels[p.first + y * p.width + x]);
    return vec4<f32>(rgba.rgb, 1.0);
}
