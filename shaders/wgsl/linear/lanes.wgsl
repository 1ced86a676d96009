// out = epilogue(x w), for software adapters with subgroups of 8 lanes: one subgroup makes 32 rows by 64 columns. K is a multiple of 4.
#import linear/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32) {
#import shared/start_lanes.wgsl
    for (var k0 = 0u; k0 < p.k; k0 += 4u) {
#for q in 0..4
        let a${q} = vec4<f32>(x[(p.x_base + row${q} * p.k + k0) / 4u]);
#endfor
#import shared/tile_lanes.wgsl
    }
#import shared/store_lanes.wgsl
}
