// One step of K for a subgroup of 8 lanes: 32 rows by 64 columns, inside a function that has the accumulators. A lane holds rows lane,
// lane + 8, + 16, + 24 (vec4 a0 .. a3 along K) and its own 8 columns (2 vec4 of the weight); rows reach the other lanes by broadcast, since
// a software adapter reads memory lane by lane, at some 20 cycles a word, and a broadcast is one instruction.
#for c,j in x,0 y,1 z,2 w,3
        {
            let at = w_at + (k0 + ${j}u) * w_row;
            let w0 = weight(at);
            let w1 = weight(at + 1u);
#for q in 0..4
#for l in 0..8
            let s${q}${l} = vec4<f32>(subgroupBroadcast(a${q}.$c, ${l}u));
            acc${q}${l}_0 = fma(s${q}${l}, w0, acc${q}${l}_0);
            acc${q}${l}_1 = fma(s${q}${l}, w1, acc${q}${l}_1);
#endfor
#endfor
        }
#endfor
