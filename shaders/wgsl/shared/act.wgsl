// Pointwise functions, by the code of core's `Act`. The code is uniform over a dispatch, so the branches do not diverge.
// Exponents are held below 80: WGSL leaves overflow of exp() to the device, and x / (1 + e^80) is 0 in f32 anyway.
const ACT_NONE: u32 = 0u;
const ACT_RELU: u32 = 1u;
const ACT_SILU: u32 = 2u;
const ACT_GELU_TANH: u32 = 3u;
const ACT_GELU_ERF: u32 = 4u;
const ACT_QUICK_GELU: u32 = 5u;
const ACT_TANH: u32 = 6u;

// x times the logistic function of u.
fn times_sigmoid(x: vec4<f32>, u: vec4<f32>) -> vec4<f32> {
    return x / (1.0 + exp(min(-u, vec4<f32>(80.0))));
}

// erf to 1.2e-7 by the complementary error function's Chebyshev fit (Numerical Recipes in C, 2nd ed., section 6.2, `erfcc`).
fn erf4(x: vec4<f32>) -> vec4<f32> {
    let z = abs(x);
    let t = 1.0 / (1.0 + 0.5 * z);
    var s = vec4<f32>(0.17087277);
    s = s * t - 0.82215223;
    s = s * t + 1.48851587;
    s = s * t - 1.13520398;
    s = s * t + 0.27886807;
    s = s * t - 0.18628806;
    s = s * t + 0.09678418;
    s = s * t + 0.37409196;
    s = s * t + 1.00002368;
    s = s * t - 1.26551223;
    let c = t * exp(max(s - z * z, vec4<f32>(-80.0)));
    return select(1.0 - c, c - 1.0, x < vec4<f32>(0.0));
}

fn act4(code: u32, x: vec4<f32>) -> vec4<f32> {
    switch code {
        case 1u: { return select(x, vec4<f32>(0.0), x < vec4<f32>(0.0)); }
        case 2u: { return times_sigmoid(x, x); }
        // x/2 (1 + tanh u) = x sigmoid(2u): one exponential and one division
        case 3u: { return times_sigmoid(x, 1.5957691 * (x + 0.044715 * x * x * x)); }
        case 4u: { return 0.5 * x * (1.0 + erf4(x * 0.70710678)); }
        case 5u: { return times_sigmoid(x, 1.702 * x); }
        // Some drivers overflow in tanh; beyond 15 it is 1 in f32. The select keeps NaN, which clamp may lose.
        case 6u: { return select(tanh(clamp(x, vec4<f32>(-15.0), vec4<f32>(15.0))), x, x != x); }
        default: { return x; }
    }
}
