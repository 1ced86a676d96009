// Direct convolution for software adapters: one thread makes 8 pixels by 8 output channels. Addresses are made once per tap; the loop
// over channels is the register tile of linear/cpu.
#import conv2d/bindings.wgsl
#import conv2d/load.wgsl

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
#import shared/start8x8.wgsl
    var tap = 0u;
    for (var dy = 0u; dy < p.kernel_height; dy++) {
        for (var dx = 0u; dx < p.kernel_width; dx++) {
#for r in 0..8
            let at${r} = pixel(row${r}, dy, dx);
#endfor
            for (var i = 0u; i < p.channels; i += 4u) {
                let k0 = tap + i;
#for r in 0..8
                let a${r} = load_pixel(at${r}, i);
#endfor
#import shared/tile8x8.wgsl
            }
            tap += p.channels;
        }
    }
#import shared/store8x8.wgsl
}
