// Sum over the workgroup's threads (a power of two, $threads) by a tree in workgroup memory; every thread gets the result.
var<workgroup> partial: array<f32, $threads>;

fn workgroup_sum(thread: u32, value: f32) -> f32 {
    partial[thread] = value;
    workgroupBarrier();
    for (var half = ${threads}u / 2u; half > 0u; half /= 2u) {
        if (thread < half) {
            partial[thread] += partial[thread + half];
        }
        workgroupBarrier();
    }
    let total = partial[0];
    workgroupBarrier(); // the next sum writes where others still read
    return total;
}
