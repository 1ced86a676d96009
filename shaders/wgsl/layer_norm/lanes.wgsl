// Layer norm for software adapters with subgroups of 8 lanes: a subgroup takes 8 rows of one item, one after the other. A row stays in
// registers (at most 256 channels, 32 per lane), so it is read once, and weight, bias and modulation are read once for the 8 rows: reading
// memory, lane by lane, is what costs there.
#import layer_norm/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32) {
    let first_row = (group.x + group.y * groups.x) * 8u;
    if (first_row >= p.rows) {
        return;
    }
    let mods_at = mods_item(first_row);
    let last = p.channels - 1u;
    // y = normed * factor + offset
#for i in 0..32
    let c${i} = 8u * ${i}u + lane;
    let affine${i} = affine(mods_at, min(c${i}, last));
#endfor
    for (var row = first_row; row < min(first_row + 8u, p.rows); row++) {
        let at = row * p.channels;
        var sum = 0.0;
#for i in 0..32
        let x${i} = f32(x[p.x_base + at + min(c${i}, last)]);
        sum += select(0.0, x${i}, c${i} <= last);
#endfor
        let mean = subgroupAdd(sum) / f32(p.channels);
        var squares = 0.0;
#for i in 0..32
        let d${i} = x${i} - mean;
        squares += select(0.0, d${i} * d${i}, c${i} <= last);
#endfor
        let scale = 1.0 / sqrt(subgroupAdd(squares) / f32(p.channels) + p.eps);
#for i in 0..32
        if (c${i} <= last) { out[at + c${i}] = $out(d${i} * scale * affine${i}.x + affine${i}.y); }
#endfor
    }
}
