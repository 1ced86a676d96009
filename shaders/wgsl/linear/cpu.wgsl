// out = epilogue(x w), for software adapters: one thread makes 8 rows by 8 columns, reading both operands straight from memory.
// Workgroup memory and barriers cost 2 to 4 times the time there (lanes are emulated), and vec4 loads a quarter.
#import linear/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
#import shared/start8x8.wgsl
    for (var k0 = 0u; k0 < p.k; k0 += 4u) {
#for r in 0..8
        let a${r} = load_a(row${r}, k0);
#endfor
#import shared/tile8x8.wgsl
    }
#import shared/store8x8.wgsl
}
