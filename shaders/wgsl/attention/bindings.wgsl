// Parameters and operands of `attention`: q [N, Tq, *], k and v [P, Tk, *], bias [1|N, 1|H, Tq, Tk], lengths [L], out [N, Tq, H*D].
// The bases include the first column of each operand.
struct Params {
    batch: u32,
    heads: u32,
    head_dim: u32,
    tq: u32,
    tk: u32,
    scale: f32,
    q_row: u32,         // elements of a row of q
    k_row: u32,
    v_row: u32,
    q_base: u32,
    k_base: u32,
    v_base: u32,
    kv_lead: u32,       // P
    flags: u32,
    bias_lead: u32,     // 1 or N
    bias_heads: u32,    // 1 or H
    bias_base: u32,
    lengths_lead: u32,
    lengths_base: u32,
}
const CAUSAL: u32 = 1u;
const HAS_BIAS: u32 = 2u;
const HAS_LENGTHS: u32 = 4u;
// Lower than any score that matters; -infinity is no WGSL constant.
const LOWEST: f32 = -3.4e38;

// As in shared/epilogue.wgsl: a software adapter gets a pipeline for each kind of mask.
override FIXED: bool = false;
override FIXED_FLAGS: u32 = 0u;
fn has(flag: u32) -> bool {
    return (select(p.flags, FIXED_FLAGS, FIXED) & flag) != 0u;
}

@group(0) @binding(0) var<uniform> p: Params;
#ifdef LOAD_VEC4
@group(0) @binding(1) var<storage, read> q: array<vec4<$x>>;
@group(0) @binding(2) var<storage, read> k: array<vec4<$x>>;
@group(0) @binding(3) var<storage, read> v: array<vec4<$x>>;
#else
@group(0) @binding(1) var<storage, read> q: array<$x>;
@group(0) @binding(2) var<storage, read> k: array<$x>;
@group(0) @binding(3) var<storage, read> v: array<$x>;
#endif
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> lengths: array<u32>;
@group(0) @binding(6) var<storage, read_write> out: array<$out>;

#for name in q k v
// Elements d .. d + 3 (d a multiple of 4) of the head at element `at`; zeros behind the head's end.
fn load_${name}(at: u32, d: u32) -> vec4<f32> {
#ifdef LOAD_VEC4
    if (d >= p.head_dim) {
        return vec4<f32>(0.0);
    }
    return vec4<f32>(${name}[(at + d) / 4u]);
#else
    var r = vec4<f32>(0.0);
#for c,j in x,0 y,1 z,2 w,3
    if (d + ${j}u < p.head_dim) { r.$c = f32(${name}[at + d + ${j}u]); }
#endfor
    return r;
#endif
}
#endfor

// Keys that item `n` sees, before causality.
fn keys_of(n: u32) -> u32 {
    if (!has(HAS_LENGTHS)) {
        return p.tk;
    }
    return min(lengths[p.lengths_base + n * p.lengths_lead / p.batch], p.tk);
}

// Scaled score with its bias.
fn score(dot: f32, n: u32, head: u32, query: u32, key: u32) -> f32 {
    var s = dot * p.scale;
    if (has(HAS_BIAS)) {
        let item = select(n, 0u, p.bias_lead == 1u);
        let plane = item * p.bias_heads + select(head, 0u, p.bias_heads == 1u);
        s += bias[p.bias_base + (plane * p.tq + query) * p.tk + key];
    }
    return s;
}

fn store_head(n: u32, head: u32, query: u32, d: u32, r: vec4<f32>) {
    let at = ((n * p.tq + query) * p.heads + head) * p.head_dim;
#for c,j in x,0 y,1 z,2 w,3
    if (d + ${j}u < p.head_dim) { out[at + d + ${j}u] = $out(r.$c); }
#endfor
}
