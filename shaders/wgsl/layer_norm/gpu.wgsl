// Layer norm for GPUs: a workgroup per row, neighbouring threads on neighbouring channels, sums by a tree in workgroup memory. Two
// passes for the statistics, since E[x^2] - E[x]^2 cancels; the row is in cache by the second.
#import layer_norm/bindings.wgsl
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
    let start = p.x_base + at;
    var sum = 0.0;
    for (var c = thread; c < p.channels; c += 64u) {
        sum += f32(x[start + c]);
    }
    let mean = workgroup_sum(thread, sum) / f32(p.channels);
    var squares = 0.0;
    for (var c = thread; c < p.channels; c += 64u) {
        let d = f32(x[start + c]) - mean;
        squares += d * d;
    }
    let scale = 1.0 / sqrt(workgroup_sum(thread, squares) / f32(p.channels) + p.eps);
    let mods_at = mods_item(row);
    for (var c = thread; c < p.channels; c += 64u) {
        out[at + c] = $out(finish((f32(x[start + c]) - mean) * scale, mods_at, c));
    }
}
