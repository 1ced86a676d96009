    // An array and a loop only here, outside the hot loop: 16 copies of the epilogue would take long to compile. The count is not a
    // constant, or the driver would unroll the loop after all.
    var all = array<vec4<f32>, 16>(
#for r in 0..8
        acc${r}_0, acc${r}_1,
#endfor
    );
    let bias_0 = bias4(4u * col4);
    let bias_1 = bias4(4u * col4 + 4u);
    let rows = min(8u, p.m - first_row);
    for (var r = 0u; r < rows; r++) {
        let row = first_row + r;
        store4(row, 4u * col4, all[2u * r] + bias_0, gate4(row, 4u * col4));
        store4(row, 4u * col4 + 4u, all[2u * r + 1u] + bias_1, gate4(row, 4u * col4 + 4u));
    }
