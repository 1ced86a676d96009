// Fused attention for GPUs after FlashAttention-2 (Dao, arXiv 2307.08691): the score matrix never exists. A workgroup takes 64 queries of
// one head, a query per thread; tiles of 16 keys and values pass through workgroup memory, where all threads read the same address
// (a broadcast), and the softmax is kept online (running maximum and sum, section 2.3 there: one division at the very end). Query
// and accumulator stay in registers: D/4 vec4 each, unrolled, because WGSL compilers put indexed arrays into memory.
// Workgroup memory: 2 * 16 * D * 4 bytes, 16 KiB at D = 128.
#import attention/bindings.wgsl
const TILE: u32 = 16u;
const D4: u32 = ${quarter}u;
var<workgroup> tile_k: array<vec4<f32>, TILE * D4>;
var<workgroup> tile_v: array<vec4<f32>, TILE * D4>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) thread: u32) {
    let index = group.x + group.y * groups.x;
    let query_tiles = (p.tq + 63u) / 64u;
    let head = index / query_tiles % p.heads;
    let n = index / query_tiles / p.heads;
    // Uniform over the workgroup.
    if (n >= p.batch) {
        return;
    }
    let query0 = index % query_tiles * 64u;
    // Threads behind the last query compute it again: they are needed for fetching and for the barriers.
    let query = min(query0 + thread, p.tq - 1u);
    let column = head * p.head_dim;
    let kv_item = n * p.kv_lead / p.batch * p.tk;
    let causal = has(CAUSAL);
    let most = keys_of(n);
    let seen = select(most, query + 1u, causal);
    // Uniform: the keys that any query of the workgroup sees. Tiles behind them are skipped, half of all for a causal mask.
    let end = select(most, min(query0 + 64u, p.tq), causal);
    let q_at = p.q_base + (n * p.tq + query) * p.q_row + column;
#for i in 0..$quarter
    let q${i} = load_q(q_at, 4u * ${i}u);
    var acc${i} = vec4<f32>(0.0);
#endfor
    var top = LOWEST;
    var sum = 0.0;
    for (var key0 = 0u; key0 < end; key0 += TILE) {
        // Keys behind the end are fetched as the last one, finite; their weight is 0.
        for (var i = thread; i < TILE * D4; i += 64u) {
            let row = kv_item + min(key0 + i / D4, p.tk - 1u);
            tile_k[i] = load_k(p.k_base + row * p.k_row + column, i % D4 * 4u);
            tile_v[i] = load_v(p.v_base + row * p.v_row + column, i % D4 * 4u);
        }
        workgroupBarrier();
        // Four keys at a time: one rescale of the accumulator for four, and only when the maximum moves.
        for (var j = 0u; j < TILE; j += 4u) {
            var s = vec4<f32>(0.0);
#for c,t in x,0 y,1 z,2 w,3
            {
                let at = (j + ${t}u) * D4;
                var sums = q0 * tile_k[at];
#for i in 1..$quarter
                sums = fma(q${i}, tile_k[at + ${i}u], sums);
#endfor
                let key = key0 + j + ${t}u;
                s.$c = score(sums.x + sums.y + (sums.z + sums.w), n, head, query, min(key, p.tk - 1u));
            }
#endfor
            let visible = (vec4<u32>(key0 + j) + vec4<u32>(0u, 1u, 2u, 3u)) < vec4<u32>(seen);
            s = select(vec4<f32>(LOWEST), s, visible);
            let new_top = max(top, max(max(s.x, s.y), max(s.z, s.w)));
            if (new_top != top) {
                let shrink = exp(top - new_top);
                sum *= shrink;
#for i in 0..$quarter
                acc${i} *= shrink;
#endfor
                top = new_top;
            }
            let e = select(vec4<f32>(0.0), exp(s - top), visible);
            sum += e.x + e.y + (e.z + e.w);
#for c,t in x,0 y,1 z,2 w,3
            {
                let at = (j + ${t}u) * D4;
#for i in 0..$quarter
                acc${i} = fma(vec4<f32>(e.$c), tile_v[at + ${i}u], acc${i});
#endfor
            }
#endfor
        }
        workgroupBarrier();
    }
    if (query0 + thread < p.tq) {
        // A query that sees no key gets zeros.
        let scale = select(0.0, 1.0 / sum, seen > 0u);
#for i in 0..$quarter
        store_head(n, head, query, 4u * ${i}u, acc${i} * scale);
#endfor
    }
}
