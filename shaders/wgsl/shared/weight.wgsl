// Matrix weights [K, N] as rows of vec4 along N. Packed encodings are two 16-bit floats to a word, low half first.
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
