// Attention for software adapters: one thread takes 4 queries of a head over all keys, 4 at a time, with the online softmax of Milakov &
// Gimelshein (arXiv 1805.02867), so no score is ever written. K and V rows are read for 4 queries at once; the accumulators are an
// array, since a loop over D compiles in a tenth of the time of unrolled code.
#import attention/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) gid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let index = gid.x + gid.y * groups.x * 8u;
    let query_tiles = (p.tq + 3u) / 4u;
    let head = index / query_tiles % p.heads;
    let n = index / query_tiles / p.heads;
    if (n >= p.batch) {
        return;
    }
    let first_query = index % query_tiles * 4u;
    let last_query = p.tq - 1u;
    let column = head * p.head_dim;
    let d4 = (p.head_dim + 3u) / 4u;
    let kv_item = n * p.kv_lead / p.batch * p.tk;
    let seen = keys_of(n);
    var acc: array<vec4<f32>, 4u * ${quarter}u>; // [d4][4 queries]; no larger than needed: compile time grows with its square
    for (var i = 0u; i < 4u * d4; i++) {
        acc[i] = vec4<f32>(0.0);
    }
#for r in 0..4
    let query${r} = min(first_query + ${r}u, last_query);
    let q_at${r} = p.q_base + (n * p.tq + query${r}) * p.q_row + column;
    let seen${r} = select(seen, query${r} + 1u, has(CAUSAL));
    var top${r} = LOWEST;
    var sum${r} = 0.0;
#endfor
    let most = max(max(seen0, seen1), max(seen2, seen3));
    for (var key0 = 0u; key0 < most; key0 += 4u) {
        let last_key = p.tk - 1u;
#for j in 0..4
        let key${j} = min(key0 + ${j}u, last_key);
        let k_at${j} = p.k_base + (kv_item + key${j}) * p.k_row + column;
        let v_at${j} = p.v_base + (kv_item + key${j}) * p.v_row + column;
#endfor
#for r in 0..4
        var s${r} = vec4<f32>(0.0);
#endfor
        for (var d = 0u; d < p.head_dim; d += 4u) {
#for j in 0..4
            let kv${j} = load_k(k_at${j}, d);
#endfor
#for r in 0..4
            let qv${r} = load_q(q_at${r}, d);
            s${r} += vec4<f32>(dot(qv${r}, kv0), dot(qv${r}, kv1), dot(qv${r}, kv2), dot(qv${r}, kv3));
#endfor
        }
#for r in 0..4
        let scored${r} = vec4<f32>(score(s${r}.x, n, head, query${r}, key0), score(s${r}.y, n, head, query${r}, key1),
            score(s${r}.z, n, head, query${r}, key2), score(s${r}.w, n, head, query${r}, key3));
        let visible${r} = (vec4<u32>(key0) + vec4<u32>(0u, 1u, 2u, 3u)) < vec4<u32>(seen${r});
        let masked${r} = select(vec4<f32>(LOWEST), scored${r}, visible${r});
        let new_top${r} = max(top${r}, max(max(masked${r}.x, masked${r}.y), max(masked${r}.z, masked${r}.w)));
        let shrink${r} = exp(top${r} - new_top${r});
        let e${r} = select(vec4<f32>(0.0), exp(masked${r} - new_top${r}), visible${r});
        sum${r} = sum${r} * shrink${r} + (e${r}.x + e${r}.y + e${r}.z + e${r}.w);
        top${r} = new_top${r};
#endfor
        for (var i = 0u; i < d4; i++) {
#for j in 0..4
            let vv${j} = load_v(v_at${j}, 4u * i);
#endfor
#for r in 0..4
            acc[4u * i + ${r}u] = acc[4u * i + ${r}u] * shrink${r} + e${r}.x * vv0 + e${r}.y * vv1 + e${r}.z * vv2
                + e${r}.w * vv3;
#endfor
        }
    }
#for r in 0..4
    // A query that sees no key gets zeros; queries behind the end were computed again and are not stored.
    let scale${r} = select(0.0, 1.0 / sum${r}, seen${r} > 0u);
    if (first_query + ${r}u < p.tq) {
        for (var i = 0u; i < d4; i++) {
            store_head(n, head, query${r}, 4u * i, acc[4u * i + ${r}u] * scale${r});
        }
    }
#endfor
}
