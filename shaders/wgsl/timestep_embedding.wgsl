// Sines and cosines of a timestep. WGSL promises sin() to 2^-11 and only within [-pi, pi], exp() to a few ulp; at t = 1000 that would be
// wrong in the third digit. So both are made here: Cephes' expf, sinf and cosf (Moshier), after Cody & Waite's reductions.
struct Params { count: u32, t_base: u32, half: u32, flip: u32, exponent: f32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> t: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<$out>;

// e^x for -80 <= x <= 0.
fn exp_exact(x: f32) -> f32 {
    let n = floor(x * 1.44269504 + 0.5);
    let r = fma(n, 2.12194440e-4, fma(n, -0.693359375, x));
    var y = 1.9875691500e-4;
    y = fma(y, r, 1.3981999507e-3);
    y = fma(y, r, 8.3334519073e-3);
    y = fma(y, r, 4.1665795894e-2);
    y = fma(y, r, 1.6666665459e-1);
    y = fma(y, r, 5.0000001201e-1);
    y = fma(y, r * r, r) + 1.0;
    return ldexp(y, i32(n));
}

// (sin x, cos x) for 0 <= x < 8192: x - n pi/2 in three parts of pi/2, then the polynomials for |r| <= pi/4.
fn sin_cos(x: f32) -> vec2<f32> {
    let n = floor(x * 0.63661977 + 0.5);
    let r = fma(n, -7.54978942e-8, fma(n, -4.83751297e-4, fma(n, -1.5703125, x)));
    let z = r * r;
    var s = fma(-1.9515295891e-4, z, 8.3321608736e-3);
    s = fma(s, z, -1.6666654611e-1);
    s = fma(s * z, r, r);
    var c = fma(2.443315711809948e-5, z, -1.388731625493765e-3);
    c = fma(c, z, 4.166664568298827e-2);
    c = fma(c * z, z, fma(-0.5, z, 1.0));
    let quadrant = u32(n) & 3u;
    let swapped = select(vec2<f32>(s, c), vec2<f32>(c, s), (quadrant & 1u) == 1u);
    return vec2<f32>(select(swapped.x, -swapped.x, quadrant >= 2u),
        select(swapped.y, -swapped.y, (quadrant == 1u) || (quadrant == 2u)));
}

fn element(i: u32) {
    let column = i % (2u * p.half);
    let angle = t[p.t_base + i / (2u * p.half)] * exp_exact(p.exponent * f32(column % p.half));
    let both = sin_cos(abs(angle));
    let sine = select(both.x, -both.x, angle < 0.0);
    let is_sine = (column < p.half) != (p.flip == 1u);
    out[i] = $out(select(both.y, sine, is_sine));
}
#import shared/pointwise.wgsl
