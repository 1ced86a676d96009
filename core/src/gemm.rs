//! Matrix products of the reference: natively by the `gemm` crate, in a page by `tiles` of our own. The one place that hands out raw
//! pointers.

#[cfg(any(test, target_arch = "wasm32"))]
mod tiles;

/// out[m, n] = Σ_k a[m, k] · b(k, n). `out` and `a` have rows of `out_stride` and `a_stride` elements; `b_strides` are the
/// distances between consecutive k and consecutive n.
///
/// # Panics
/// If a slice is too short for its shape and strides.
pub fn product(
    out: &mut [f32],
    out_stride: usize,
    a: &[f32],
    a_stride: usize,
    b: &[f32],
    b_strides: [usize; 2],
    [m, n, k]: [usize; 3],
) {
    if m == 0 || n == 0 {
        return;
    }
    assert!(k > 0, "a product over nothing");
    assert!((m - 1) * out_stride + n <= out.len(), "product: out is too short");
    assert!((m - 1) * a_stride + k <= a.len(), "product: a is too short");
    assert!((k - 1) * b_strides[0] + (n - 1) * b_strides[1] < b.len(), "product: b is too short");
    #[cfg(target_arch = "wasm32")]
    pulp::Arch::new().dispatch(tiles::Product {
        out,
        out_stride,
        a,
        a_stride,
        b,
        b_strides,
        dims: [m, n, k],
    });
    // SAFETY: the asserts above keep every element that the strides reach inside its slice, `out` is borrowed
    // exclusively and overlaps neither input, and with `read_dst = false` its old content is not read.
    #[cfg(not(target_arch = "wasm32"))]
    #[expect(unsafe_code, reason = "gemm's interface is raw pointers; lengths are checked here")]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            out_stride as isize,
            false,
            a.as_ptr(),
            1,
            a_stride as isize,
            b.as_ptr(),
            b_strides[1] as isize,
            b_strides[0] as isize,
            0.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
