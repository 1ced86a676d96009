    // Which 32 rows and 64 columns a subgroup makes, and its accumulators.
    let index = group.x + group.y * groups.x;
    let column_tiles = (p.ldw + 15u) / 16u;
    let first_row = index / column_tiles * 32u;
    if (first_row >= p.m) {
        return;
    }
    // Lanes behind the last column compute the last ones again and store nothing; so do rows behind the end.
    let own4 = index % column_tiles * 16u + lane * 2u;
    let col4 = min(own4, p.ldw - 2u);
    let w_row = panel_row(col4);
    let w_at = panel_at(col4);
    let last_row = p.m - 1u;
#for q in 0..4
    let row${q} = min(first_row + 8u * ${q}u + lane, last_row);
#for l in 0..8
    var acc${q}${l}_0 = vec4<f32>(0.0);
    var acc${q}${l}_1 = vec4<f32>(0.0);
#endfor
#endfor
