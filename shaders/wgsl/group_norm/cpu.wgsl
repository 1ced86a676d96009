// Group norm for software adapters: a thread per item and group, without workgroup memory. Sums are made per pixel and then per block of
// 64 pixels: a single running sum over a large picture would lose bits.
#import group_norm/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let index = gid.x + gid.y * groups.x * 8u;
    if (index >= p.batch * p.groups) {
        return;
    }
    let width = p.channels / p.groups;
    let first = index % p.groups * width;
    let item = index / p.groups * p.pixels * p.channels + first;
    let count = f32(p.pixels) * f32(width);
    var sum = 0.0;
    for (var block = 0u; block < p.pixels; block += 64u) {
        var part = 0.0;
        for (var pixel = block; pixel < min(block + 64u, p.pixels); pixel++) {
            var small = 0.0;
            for (var c = 0u; c < width; c++) {
                small += f32(x[p.x_base + item + pixel * p.channels + c]);
            }
            part += small;
        }
        sum += part;
    }
    let mean = sum / count;
    var squares = 0.0;
    for (var block = 0u; block < p.pixels; block += 64u) {
        var part = 0.0;
        for (var pixel = block; pixel < min(block + 64u, p.pixels); pixel++) {
            var small = 0.0;
            for (var c = 0u; c < width; c++) {
                let d = f32(x[p.x_base + item + pixel * p.channels + c]) - mean;
                small += d * d;
            }
            part += small;
        }
        squares += part;
    }
    let scale = 1.0 / sqrt(squares / count + p.eps);
    for (var pixel = 0u; pixel < p.pixels; pixel++) {
        for (var c = 0u; c < width; c++) {
            finish(item + pixel * p.channels + c, mean, scale, first + c);
        }
    }
}
