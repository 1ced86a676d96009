// One step of K: 8 rows (vec4 a0 .. a7 along K) by 8 columns (2 vec4 of the weight), inside a function that has the accumulators.
// Named variables, since arrays indexed in loops are several times slower on SwiftShader.
#for c,j in x,0 y,1 z,2 w,3
        {
            let at = w_at + min(k0 + ${j}u, p.k - 1u) * w_row;
            let w0 = weight(at);
            let w1 = weight(at + 1u);
#for r in 0..8
            acc${r}_0 = fma(vec4<f32>(a${r}.$c), w0, acc${r}_0);
            acc${r}_1 = fma(vec4<f32>(a${r}.$c), w1, acc${r}_1);
#endfor
        }
#endfor
