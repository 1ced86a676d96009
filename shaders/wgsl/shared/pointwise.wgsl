// Entry point of kernels that make one output element per thread: `element(index)` for every index below p.count.
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let index = gid.x + gid.y * groups.x * 64u;
    if (index < p.count) {
        element(index);
    }
}
