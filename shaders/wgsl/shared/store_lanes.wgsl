    // An array and loops only here, outside the hot loop: 64 copies of the epilogue would take long to compile. The count is not a constant, or
    // the driver would unroll the loops after all; and the array is small and used four times, since compile time grows with its square.
    let bias_0 = bias4(4u * col4);
    let bias_1 = bias4(4u * col4 + 4u);
    var rows8: array<vec4<f32>, 16>;
#for q in 0..4
    rows8 = array<vec4<f32>, 16>(
#for l in 0..8
        acc${q}${l}_0, acc${q}${l}_1,
#endfor
    );
    let first${q} = first_row + 8u * ${q}u;
    // 8 rows are of one item, so they have one gate.
    let gate${q}_0 = gate4(min(first${q}, last_row), 4u * col4);
    let gate${q}_1 = gate4(min(first${q}, last_row), 4u * col4 + 4u);
    for (var r = 0u; r < min(8u, p.m - min(first${q}, p.m)); r++) {
        store4(first${q} + r, 4u * own4, rows8[2u * r] + bias_0, gate${q}_0);
        store4(first${q} + r, 4u * own4 + 4u, rows8[2u * r + 1u] + bias_1, gate${q}_1);
    }
#endfor
