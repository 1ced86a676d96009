//! Matrix products of the reference in a page: tiles of 4 rows × 2 vectors. On x86-64 V8 has 15 vector registers for wasm. 8 sums,
//! 2 vectors of b, a broadcast element of a and a product (there is no fused multiply-add) fit; the 12 sums of the `gemm` crate's tile do
//! not. Packing included, 128 × 768 × 256 on a Zen 4 core runs at 36 GFLOP/s against 30; tiles of our own with 10 or 12 sums were no
//! faster than the crate's.

use pulp::{Simd, WithSimd};

/// Rows of a tile.
const ROWS: usize = 4;

/// Panels packed at once: with a page's vectors of 4 lanes they take two whole cache lines of a row of b. 8 and 16 are no faster.
const PANELS: usize = 4;

/// The operands of [`product`](super::product), which checks them. An element's bits depend on its row of a and column of b alone.
pub struct Product<'a> {
    pub out: &'a mut [f32],
    pub out_stride: usize,
    pub a: &'a [f32],
    pub a_stride: usize,
    pub b: &'a [f32],
    pub b_strides: [usize; 2],
    pub dims: [usize; 3],
}

impl WithSimd for Product<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [m, n, k] = self.dims;
        let width = 2 * S::F32_LANES;
        let mut packed = vec![0.0; n.div_ceil(width).min(PANELS) * width * k];
        for first in (0..n).step_by(PANELS * width) {
            let columns = (n - first).min(PANELS * width);
            pack::<S>(&mut packed, &self.b[first * self.b_strides[1]..], self.b_strides, columns, k);
            // A panel stays in the first-level cache, or for k from about 1000 in the second, while all rows of a go by.
            for (panel, at) in packed.chunks_exact(width * k).zip((first..n).step_by(width)) {
                let panel = S::as_simd_f32s(panel).0;
                let columns = (n - at).min(width);
                for row in (0..m).step_by(ROWS) {
                    // Rows past the end repeat the last one: computed and not stored.
                    let a = [0, 1, 2, 3].map(|i| &self.a[(row + i).min(m - 1) * self.a_stride..][..k]);
                    let sums = tile(simd, a, panel);
                    for (row, sums) in (row..m).zip(sums) {
                        let out = &mut self.out[row * self.out_stride + at..][..columns];
                        if let [out] = S::as_mut_simd_f32s(out).0.as_chunks_mut().0 {
                            *out = sums;
                        } else {
                            let (left, right) = out.split_at_mut(columns.min(S::F32_LANES));
                            simd.partial_store_f32s(left, sums[0]);
                            simd.partial_store_f32s(right, sums[1]);
                        }
                    }
                }
            }
        }
    }
}

/// Copies the first `columns` columns of b into panels `[K, 2 vectors]`: by vectors where they lie side by side and fill a panel, else one
/// by one. What lies past them in the last panel is left as it is: it reaches no element that is stored.
#[inline(always)]
fn pack<S: Simd>(packed: &mut [f32], b: &[f32], [down, across]: [usize; 2], columns: usize, k: usize) {
    let width = 2 * S::F32_LANES;
    let whole = if across == 1 { columns / width } else { 0 };
    for i in 0..k {
        let row = S::as_simd_f32s(&b[i * down..][..whole * width]).0.as_chunks::<2>().0;
        for (panel, [left, right]) in packed.chunks_exact_mut(width * k).zip(row) {
            let [to_left, to_right] = &mut S::as_mut_simd_f32s(panel).0.as_chunks_mut::<2>().0[i];
            (*to_left, *to_right) = (*left, *right);
        }
    }
    for column in whole * width..columns {
        let panel = &mut packed[column / width * width * k..][..width * k];
        let to = panel[column % width..].iter_mut().step_by(width);
        to.zip(b[column * across..].iter().step_by(down)).for_each(|(to, b)| *to = *b);
    }
}

/// Σ over k of 4 rows of a × a panel. Written out: where compilers optimise for size they unroll no loop over rows, and the sums
/// would live in memory.
#[inline(always)]
fn tile<S: Simd>(simd: S, [a0, a1, a2, a3]: [&[f32]; ROWS], panel: &[S::f32s]) -> [[S::f32s; 2]; ROWS] {
    let zero = simd.splat_f32s(0.0);
    let ([mut s00, mut s01], [mut s10, mut s11]) = ([zero; 2], [zero; 2]);
    let ([mut s20, mut s21], [mut s30, mut s31]) = ([zero; 2], [zero; 2]);
    for (((([left, right], x0), x1), x2), x3) in panel.as_chunks().0.iter().zip(a0).zip(a1).zip(a2).zip(a3) {
        let (left, right) = (*left, *right);
        let x = simd.splat_f32s(*x0);
        s00 = simd.mul_add_e_f32s(x, left, s00);
        s01 = simd.mul_add_e_f32s(x, right, s01);
        let x = simd.splat_f32s(*x1);
        s10 = simd.mul_add_e_f32s(x, left, s10);
        s11 = simd.mul_add_e_f32s(x, right, s11);
        let x = simd.splat_f32s(*x2);
        s20 = simd.mul_add_e_f32s(x, left, s20);
        s21 = simd.mul_add_e_f32s(x, right, s21);
        let x = simd.splat_f32s(*x3);
        s30 = simd.mul_add_e_f32s(x, left, s30);
        s31 = simd.mul_add_e_f32s(x, right, s31);
    }
    [[s00, s01], [s10, s11], [s20, s21], [s30, s31]]
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar128b};

    use super::*;

    /// Whole numbers: their products and sums are exact in f32.
    fn numbers(length: usize, salt: usize) -> Vec<f32> {
        (0..length).map(|i| ((i * 37 + salt) % 31) as f32 - 15.0).collect()
    }

    #[test]
    fn products_of_any_shape_and_stride() {
        for (m, n, k) in
            [(1, 1, 1), (3, 5, 2), (4, 64, 7), (5, 33, 16), (9, 130, 3), (2, 300, 11), (7, 16, 40)]
        {
            let (out_stride, a_stride) = (n + 3, k + 2);
            for b_strides in [[n, 1], [n + 5, 1], [1, k], [1, k + 3], [3 * n, 3]] {
                let a = numbers((m - 1) * a_stride + k, 1);
                let b = numbers((k - 1) * b_strides[0] + (n - 1) * b_strides[1] + 1, 2);
                let mut want = vec![0.5; (m - 1) * out_stride + n];
                for (row, column) in (0..m).flat_map(|row| (0..n).map(move |column| (row, column))) {
                    let terms =
                        (0..k).map(|i| a[row * a_stride + i] * b[i * b_strides[0] + column * b_strides[1]]);
                    want[row * out_stride + column] = terms.sum();
                }
                // With the machine's lanes, and with a page's 4.
                for page in [false, true] {
                    let mut out = vec![0.5; want.len()];
                    let (a, b, dims) = (&a[..], &b[..], [m, n, k]);
                    let product = Product { out: &mut out, out_stride, a, a_stride, b, b_strides, dims };
                    if page {
                        Scalar128b.vectorize(product);
                    } else {
                        Arch::new().dispatch(product);
                    }
                    assert_eq!(out, want, "{m} × {n} × {k}, strides {b_strides:?}, 4 lanes: {page}");
                }
            }
        }
    }
}
