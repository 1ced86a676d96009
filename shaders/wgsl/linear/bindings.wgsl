// Parameters and operands of `linear`: x [M, K], weight [K, N] (transposed and padded), bias [N], mods, residual, out.
struct Params {
    m: u32,
    n: u32,
    k: u32,
    ldw: u32,           // vec4 in a row of the padded weight, even
    n_out: u32,         // columns of the output: n, or n/2 with glu
    flags: u32,
    act: u32,
    last: u32,
    x_base: u32,        // first element of x in its binding
    residual_base: u32,
    mods_base: u32,     // first element of the gate's row of item 0
    mods_stride: u32,   // elements of one item of mods
    mods_lead: u32,     // items of mods
    lead: u32,          // items of the batch
    rows_per_item: u32,
}
@group(0) @binding(0) var<uniform> p: Params;
#ifdef LOAD_VEC4
@group(0) @binding(1) var<storage, read> x: array<vec4<$x>>;
#else
@group(0) @binding(1) var<storage, read> x: array<$x>;
#endif
#ifdef W_F32
@group(0) @binding(2) var<storage, read> w: array<vec4<f32>>;
#else
@group(0) @binding(2) var<storage, read> w: array<vec2<u32>>;
#endif
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> mods: array<f32>;
@group(0) @binding(5) var<storage, read> residual: array<$out>;
@group(0) @binding(6) var<storage, read_write> out: array<$out>;

// First element of the gate's row for an output row, by the batch rule (item i of n reads item i * lead / n).
fn gate_row(row: u32) -> u32 {
    let item = row / p.rows_per_item;
    return p.mods_base + item * p.mods_lead / p.lead * p.mods_stride;
}
fn gate_value(at: u32) -> f32 {
    return mods[at];
}

// Elements k .. k + 3 (k a multiple of 4) of a row; zeros behind the row's end, and not what lies there, which may be NaN.
fn load_a(row: u32, k: u32) -> vec4<f32> {
#ifdef LOAD_VEC4
    if (k >= p.k) {
        return vec4<f32>(0.0);
    }
    return vec4<f32>(x[(p.x_base + row * p.k + k) / 4u]);
#else
    let at = p.x_base + row * p.k + k;
    var v = vec4<f32>(0.0);
#for c,j in x,0 y,1 z,2 w,3
    if (k + ${j}u < p.k) { v.$c = f32(x[at + ${j}u]); }
#endfor
    return v;
#endif
}
#import shared/weight.wgsl
#import shared/epilogue.wgsl
