// Matrix weights [K, N] as rows of vec4 along N, in panels of 64 columns: a panel lies behind the other and has rows of its own, in the last
// one narrower if N is. So the tile of a workgroup is one run of memory, which prefetchers see; whole rows of N would be a jump at every
// step of K. K is padded to 4. Packed encodings are two 16-bit floats to a word, low half first.

// First vec4 of the panel that holds vec4 `col4` of a row, counted along the row.
fn panel_of(col4: u32) -> u32 {
    return col4 / 16u * 16u;
}
// vec4 from one row to the next in the panel of `col4`.
fn panel_row(col4: u32) -> u32 {
    return min(16u, p.ldw - panel_of(col4));
}
// Where vec4 `col4` of row 0 lies.
fn panel_at(col4: u32) -> u32 {
    let first = panel_of(col4);
    return first * ((p.k + 3u) & ~3u) + (col4 - first);
}
#ifdef W_F32
fn weight(at: u32) -> vec4<f32> {
    return w[at];
}
#endif
#ifdef W_P16
fn weight(at: u32) -> vec4<f32> {
    let words = w[at];
    return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
#endif
#ifdef W_B16
// bf16 is the upper half of an f32.
fn weight(at: u32) -> vec4<f32> {
    let words = w[at];
    let low = bitcast<vec2<f32>>(words << vec2<u32>(16u));
    let high = bitcast<vec2<f32>>(words & vec2<u32>(0xffff0000u));
    return vec4<f32>(low.x, high.x, low.y, high.y);
}
#endif
