// out = epilogue(a w), tiled through workgroup memory: a workgroup of 16 x 16 threads makes a tile of 16*TM rows by 64 columns, K in
// steps of 16, each thread TM rows by 4 columns in registers. The scheme of every fast GEMM since Volkov & Demmel (SC 2008): each
// value that is fetched from memory is used 64 (or 16*TM) times, each that is fetched from workgroup memory TM (or 4) times.
// `load_a(row, k)` is the op's: a plain row for linear, a gathered patch for conv2d (implicit GEMM). 4 KiB + TM KiB of workgroup memory.
const ROWS: u32 = 16u * ${rows}u;
// One column of padding keeps the transposed writes of a vec4 on different banks.
const A_STRIDE: u32 = ROWS + 1u;
var<workgroup> tile_a: array<f32, 16u * A_STRIDE>; // transposed: [k][row]; scalars, since threads write single components
var<workgroup> tile_w: array<vec4<f32>, 256>;      // [k][4 columns]

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32) {
    let index = group.x + group.y * groups.x;
    let column_tiles = (p.ldw + 15u) / 16u;
    let row0 = index / column_tiles * ROWS;
    let tile4 = index % column_tiles * 16u;
    // Uniform over the workgroup, so no barrier is left waiting.
    if (row0 >= p.m) {
        return;
    }
    let ty = thread / 16u;
    let tx = thread % 16u;
    let col4 = tile4 + tx;
    // What this thread fetches: 4 values of K of one row of a, and one vec4 of w.
    let fetch_row = thread / 4u;
    let fetch_k = thread % 4u * 4u;
    let last_row = p.m - 1u;
    let fetch_col4 = min(col4, p.ldw - 1u);
    let w_row = panel_row(fetch_col4);
    let w_at = panel_at(fetch_col4);
#for r in 0..$rows
    var acc${r} = vec4<f32>(0.0);
#endfor
    for (var k0 = 0u; k0 < p.k; k0 += 16u) {
        if (fetch_row < ROWS) {
            let v = load_a(min(row0 + fetch_row, last_row), k0 + fetch_k);
#for c,j in x,0 y,1 z,2 w,3
            tile_a[(fetch_k + ${j}u) * A_STRIDE + fetch_row] = v.$c;
#endfor
        }
        // Rows of w behind the end meet zeros of a; they are still read inside the leaf.
        tile_w[thread] = weight(w_at + min(k0 + ty, p.k - 1u) * w_row);
        workgroupBarrier();
#for k in 0..16
        {
            let wv = tile_w[${k}u * 16u + tx];
#for r in 0..$rows
            acc${r} = fma(vec4<f32>(tile_a[${k}u * A_STRIDE + ty * ${rows}u + ${r}u]), wv, acc${r});
#endfor
        }
#endfor
        workgroupBarrier();
    }
    var all = array<vec4<f32>, $rows>(
#for r in 0..$rows
        acc${r},
#endfor
    );
    let bias_0 = bias4(4u * col4);
    for (var i = 0u; i < ${rows}u; i++) {
        let row = row0 + ty * ${rows}u + i;
        store4(row, 4u * col4, all[i] + bias_0, gate4(min(row, last_row), 4u * col4));
    }
}
