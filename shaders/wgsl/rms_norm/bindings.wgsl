// Parameters and operands of `rms_norm`: x [rows, C], weight [C], out [rows, C].
struct Params {
    rows: u32,
    channels: u32,
    eps: f32,
    x_base: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<$x>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<$out>;
