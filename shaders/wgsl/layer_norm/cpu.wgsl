// Layer norm for software adapters: a thread per row, three passes over it (mean, variance of centred values, result).
#import layer_norm/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let row = gid.x + gid.y * groups.x * 8u;
    if (row >= p.rows) {
        return;
    }
    let at = row * p.channels;
    let start = p.x_base + at;
    var sum = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        sum += f32(x[start + c]);
    }
    let mean = sum / f32(p.channels);
    var squares = 0.0;
    for (var c = 0u; c < p.channels; c++) {
        let d = f32(x[start + c]) - mean;
        squares += d * d;
    }
    let scale = 1.0 / sqrt(squares / f32(p.channels) + p.eps);
    let mods_at = mods_item(row);
    for (var c = 0u; c < p.channels; c++) {
        out[at + c] = $out(finish((f32(x[start + c]) - mean) * scale, mods_at, c));
    }
}
