// Group norm for GPUs: a workgroup of 256 threads per item and group. Each thread strides over the group's elements, so its own sum stays
// short; threads of a warp read runs of C/groups neighbours. Centred second pass, as in layer_norm.
#import group_norm/bindings.wgsl
#define threads 256
#import shared/reduce.wgsl

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32) {
    let index = group.x + group.y * groups.x;
    // Uniform over the workgroup.
    if (index >= p.batch * p.groups) {
        return;
    }
    let width = p.channels / p.groups;
    let first = index % p.groups * width;
    let item = index / p.groups * p.pixels * p.channels + first;
    let elements = p.pixels * width;
    var sum = 0.0;
    for (var i = thread; i < elements; i += 256u) {
        sum += f32(x[p.x_base + item + i / width * p.channels + i % width]);
    }
    let mean = workgroup_sum(thread, sum) / f32(elements);
    var squares = 0.0;
    for (var i = thread; i < elements; i += 256u) {
        let d = f32(x[p.x_base + item + i / width * p.channels + i % width]) - mean;
        squares += d * d;
    }
    let scale = 1.0 / sqrt(workgroup_sum(thread, squares) / f32(elements) + p.eps);
    for (var i = thread; i < elements; i += 256u) {
        finish(item + i / width * p.channels + i % width, mean, scale, first + i % width);
    }
}
