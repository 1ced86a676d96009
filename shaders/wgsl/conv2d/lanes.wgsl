// Direct convolution for software adapters with subgroups of 8 lanes: one subgroup makes 32 output pixels by 64 channels, an implicit
// product over taps and input channels. Input channels are a multiple of 4.
#import conv2d/bindings.wgsl
#import conv2d/load.wgsl

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32) {
#import shared/start_lanes.wgsl
    var tap = 0u;
    for (var dy = 0u; dy < p.kernel_height; dy++) {
        for (var dx = 0u; dx < p.kernel_width; dx++) {
#for q in 0..4
            let at${q} = pixel(row${q}, dy, dx);
#endfor
            for (var i = 0u; i < p.channels; i += 4u) {
                let k0 = tap + i;
#for q in 0..4
                let a${q} = load_pixel(at${q}, i);
#endfor
#import shared/tile_lanes.wgsl
            }
            tap += p.channels;
        }
    }
#import shared/store_lanes.wgsl
}
