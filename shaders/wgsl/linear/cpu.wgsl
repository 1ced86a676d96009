// out = epilogue(x w), for software adapters: one thread makes 8 rows by 8 columns, reading both operands straight from memory.
// Workgroup memory and barriers cost 2 to 4 times the time there (lanes are emulated), and vec4 loads a quarter.
#import linear/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let index = gid.x + gid.y * groups.x * 8u;
    let column_tiles = p.ldw / 2u;
    let first_row = index / column_tiles * 8u;
    let col4 = index % column_tiles * 2u;
    if (first_row >= p.m) {
        return;
    }
    let last_row = p.m - 1u;
#for r in 0..8
    let row${r} = min(first_row + ${r}u, last_row); // rows behind the end are computed again and not stored
    var acc${r}_0 = vec4<f32>(0.0);
    var acc${r}_1 = vec4<f32>(0.0);
#endfor
    for (var k0 = 0u; k0 < p.k; k0 += 4u) {
#for r in 0..8
        let a${r} = load_a(row${r}, k0);
#endfor
#import shared/tile8x8.wgsl
    }
#import shared/store8x8.wgsl
}
