// RMS norm for GPUs: a workgroup per row, the sum by a tree in workgroup memory.
#import rms_norm/bindings.wgsl
#define threads 64
#import shared/reduce.wgsl

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32) {
    let row = group.x + group.y * groups.x;
    // Uniform over the workgroup.
    if (row >= p.rows) {
        return;
    }
    let at = row * p.channels;
    var squares = 0.0;
    for (var c = thread; c < p.channels; c += 64u) {
        let v = f32(x[p.x_base + at + c]);
        squares += v * v;
    }
    let scale = 1.0 / sqrt(workgroup_sum(thread, squares) / f32(p.channels) + p.eps);
    for (var c = thread; c < p.channels; c += 64u) {
        out[at + c] = $out(f32(x[p.x_base + at + c]) * scale * weight[c]);
    }
}
