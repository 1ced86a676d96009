// RMS norm for software adapters: a thread per row.
#import rms_norm/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = gid.x + gid.y * groups.x * 8u;
    if (row >= p.rows) {
        return;
    }
    let at = row * p.channels;
    var squares = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        let v = f32(x[p.x_base + at + c]);
        squares += v * v;
    }
    let scale = 1.0 / sqrt(squares / f32(p.channels) + p.eps);
    for (var c = 0u; c < p.channels; c++) {
        out[at + c] = $out(f32(x[p.x_base + at + c]) * scale * weight[c]);
    }
}
