// Attention for software adapters with subgroups of 8 lanes: a subgroup takes 32 queries of a head (4 per lane) over all keys, 16 at a
// time, with the online softmax of Milakov & Gimelshein (arXiv 1805.02867), so no score is ever written. Reading memory is what costs
// there, lane by lane: each lane reads 2 of the 16 keys and values, and the others get them by broadcast. The accumulators are an array,
// since a loop over D compiles in a tenth of the time of unrolled code. D is a multiple of 4, at most 128.
#import attention/bindings.wgsl

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32) {
    let index = group.x + group.y * groups.x;
    let query_tiles = (p.tq + 31u) / 32u;
    let head = index / query_tiles % p.heads;
    let n = index / query_tiles / p.heads;
    if (n >= p.batch) {
        return;
    }
    let first_query = index % query_tiles * 32u;
    let column = head * p.head_dim;
    let d4 = p.head_dim / 4u;
    let kv_item = n * p.kv_lead / p.batch * p.tk;
    let keys = keys_of(n);
    let last_key = p.tk - 1u;
    var acc: array<vec4<f32>, 4u * ${quarter}u>; // [d4][4 queries]; no larger than needed: compile time grows with its square
    for (var i = 0u; i < 4u * d4; i++) {
        acc[i] = vec4<f32>(0.0);
    }
#for r in 0..4
    let own${r} = first_query + 8u * ${r}u + lane;
    let query${r} = min(own${r}, p.tq - 1u); // queries behind the end are computed again and not stored
    let q_at${r} = p.q_base + (n * p.tq + query${r}) * p.q_row + column;
    let seen${r} = select(keys, query${r} + 1u, has(CAUSAL));
    var top${r} = LOWEST;
    var sum${r} = 0.0;
#endfor
    // The same for all lanes, as broadcasts need it.
    let most = select(keys, min(first_query + 32u, p.tq), has(CAUSAL));
    for (var key0 = 0u; key0 < most; key0 += 16u) {
#for h in 0..2
        let own_key${h} = kv_item + min(key0 + 8u * ${h}u + lane, last_key);
        let k_at${h} = p.k_base + own_key${h} * p.k_row + column;
        let v_at${h} = p.v_base + own_key${h} * p.v_row + column;
#for b in 0..2
#for r in 0..4
        var s${r}_${h}${b} = vec4<f32>(0.0);
#endfor
#endfor
#endfor
        for (var d = 0u; d < p.head_dim; d += 4u) {
#for r in 0..4
            let q${r} = load_q(q_at${r}, d);
#endfor
#for h in 0..2
            let k${h} = load_k(k_at${h}, d);
#for b in 0..2
#for c,t in x,0 y,1 z,2 w,3
            {
                let key = subgroupBroadcast(k${h}, 4u * ${b}u + ${t}u);
#for r in 0..4
                s${r}_${h}${b}.$c += dot(q${r}, key);
#endfor
            }
#endfor
#endfor
#endfor
        }
#for r in 0..4
        var new_top${r} = top${r};
#for h in 0..2
#for b in 0..2
#for c,t in x,0 y,1 z,2 w,3
        {
            let key = key0 + 8u * ${h}u + 4u * ${b}u + ${t}u;
            let scored = score(s${r}_${h}${b}.$c, n, head, query${r}, min(key, last_key));
            s${r}_${h}${b}.$c = select(LOWEST, scored, key < seen${r});
        }
#endfor
        new_top${r} = max(new_top${r}, max(max(s${r}_${h}${b}.x, s${r}_${h}${b}.y), max(s${r}_${h}${b}.z, s${r}_${h}${b}.w)));
#endfor
#endfor
        let shrink${r} = exp(top${r} - new_top${r});
        sum${r} *= shrink${r};
        top${r} = new_top${r};
#for h in 0..2
#for b in 0..2
        // A key that is not seen weighs nothing, also where no key was seen yet and its score is the top.
        let visible${r}_${h}${b} = vec4<u32>(key0 + 8u * ${h}u + 4u * ${b}u) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(seen${r});
        let e${r}_${h}${b} = select(vec4<f32>(0.0), exp(s${r}_${h}${b} - new_top${r}), visible${r}_${h}${b});
        sum${r} += e${r}_${h}${b}.x + e${r}_${h}${b}.y + (e${r}_${h}${b}.z + e${r}_${h}${b}.w);
#endfor
#endfor
#endfor
        for (var i = 0u; i < d4; i++) {
#for r in 0..4
            var o${r} = acc[4u * i + ${r}u] * shrink${r};
#endfor
#for h in 0..2
            let v${h} = load_v(v_at${h}, 4u * i);
#for b in 0..2
#for c,t in x,0 y,1 z,2 w,3
            {
                let value = subgroupBroadcast(v${h}, 4u * ${b}u + ${t}u);
#for r in 0..4
                o${r} = fma(vec4<f32>(e${r}_${h}${b}.$c), value, o${r});
#endfor
            }
#endfor
#endfor
#endfor
#for r in 0..4
            acc[4u * i + ${r}u] = o${r};
#endfor
        }
    }
#for r in 0..4
    // A query that sees no key gets zeros.
    let scale${r} = select(0.0, 1.0 / sum${r}, seen${r} > 0u);
    if (own${r} < p.tq) {
        for (var i = 0u; i < d4; i++) {
            store_head(n, head, query${r}, 4u * i, acc[4u * i + ${r}u] * scale${r});
        }
    }
#endfor
}
