// Convolution for GPUs as an implicit GEMM: patches are gathered while a tile is fetched and never written to memory (Chetlur et al.,
// cuDNN, arXiv 1410.0759, section 3.2).
#import conv2d/bindings.wgsl

// Element k of the patch of output pixel `row`.
fn patch_element(row: u32, k: u32) -> u32 {
    let tap = k / p.channels;
    let at = pixel(row, tap / p.kernel_width, tap % p.kernel_width);
    return select(at + k % p.channels, OUTSIDE, at == OUTSIDE);
}

// Elements k .. k + 3 of the patch of an output pixel; zeros where it is padding or behind the patch's end.
fn load_a(row: u32, k: u32) -> vec4<f32> {
#ifdef LOAD_VEC4
    // Channels come in fours, so all four are of one tap.
    if (k >= p.k) {
        return vec4<f32>(0.0);
    }
    let at = patch_element(row, k);
    if (at == OUTSIDE) {
        return vec4<f32>(0.0);
    }
    return vec4<f32>(x[at / 4u]);
#else
    var v = vec4<f32>(0.0);
#for c,j in x,0 y,1 z,2 w,3
    if (k + ${j}u < p.k) {
        let at = patch_element(row, k + ${j}u);
        if (at != OUTSIDE) { v.$c = f32(x[at]); }
    }
#endfor
    return v;
#endif
}
#import shared/gemm_gpu.wgsl
