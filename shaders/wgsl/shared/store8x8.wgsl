    // An array and a loop only here, outside the hot loop: 16 copies of the epilogue would take long to compile.
    var all = array<vec4<f32>, 16>(
#for r in 0..8
        acc${r}_0, acc${r}_1,
#endfor
    );
    for (var i = 0u; i < 16u; i++) {
        store4(first_row + i / 2u, 4u * (col4 + (i & 1u)), all[i]);
    }
