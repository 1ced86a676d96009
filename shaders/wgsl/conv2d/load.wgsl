// Channels i .. i + 3 of the pixel at element `at`; zeros outside and behind the last channel.
fn load_pixel(at: u32, i: u32) -> vec4<f32> {
    if (at == OUTSIDE) {
        return vec4<f32>(0.0);
    }
#ifdef LOAD_VEC4
    return vec4<f32>(x[(at + i) / 4u]);
#else
    var v = vec4<f32>(0.0);
#for c,j in x,0 y,1 z,2 w,3
    if (i + ${j}u < p.channels) { v.$c = f32(x[at + i + ${j}u]); }
#endfor
    return v;
#endif
}
