    // Which 8 rows and 8 columns a thread makes, and its accumulators.
    let index = gid.x + gid.y * groups.x * 8u;
    let column_tiles = p.ldw / 2u;
    let first_row = index / column_tiles * 8u;
    let col4 = index % column_tiles * 2u;
    if (first_row >= p.m) {
        return;
    }
    let w_row = panel_row(col4);
    let w_at = panel_at(col4);
    let last_row = p.m - 1u;
#for r in 0..8
    let row${r} = min(first_row + ${r}u, last_row); // rows behind the end are computed again and not stored
    var acc${r}_0 = vec4<f32>(0.0);
    var acc${r}_1 = vec4<f32>(0.0);
#endfor
