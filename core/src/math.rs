//! Loops of the reference over long slices: scalar `expf` calls would cost more than the matrix products they follow. They are written in
//! vectors of the machine (AVX2, AVX-512, NEON, SIMD128, found at run time), since compilers vectorise such loops on some targets only, and
//! never where they optimise for size.

use pulp::{Arch, Scalar, Simd, WithSimd};

/// A function of one number, on a vector of them.
pub trait Function: Copy {
    /// Of each lane.
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s;
}

/// eˣ in f32 to 2 units in the last place, branch-free: x = n ln 2 + r with |r| ≤ ln 2 / 2, a degree-6 polynomial for eʳ
/// (Cephes `expf`, Moshier), and n added to the exponent. Above 88.37 it saturates near the largest float, below −87.3 it gives 0 to within
/// 1e-38. NaN stays NaN.
#[inline(always)]
pub fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // The magic number puts the integer part in the low bits of the mantissa: rounding without a branch.
    const MAGIC: f32 = 12_582_912.0; // 1.5 · 2²³
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    const POLYNOMIAL: [f32; 5] = [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
    let splat = |x| simd.splat_f32s(x);
    let y = simd.max_f32s(simd.min_f32s(x, splat(88.37)), splat(-87.3));
    let shifted = simd.add_f32s(simd.mul_f32s(y, splat(std::f32::consts::LOG2_E)), splat(MAGIC));
    let n = simd.sub_f32s(shifted, splat(MAGIC));
    let r = simd.sub_f32s(y, simd.mul_f32s(n, splat(LN2_HIGH)));
    let r = simd.sub_f32s(r, simd.mul_f32s(n, splat(LN2_LOW)));
    let mut p = splat(1.987_569_1e-4);
    for coefficient in POLYNOMIAL {
        p = simd.add_f32s(simd.mul_f32s(p, r), splat(coefficient));
    }
    let p = simd.add_f32s(simd.add_f32s(simd.mul_f32s(simd.mul_f32s(p, r), r), r), splat(1.0));
    // A product by 2²³ moves n to the exponent: not all machines shift by vectors.
    let exponent = simd.mul_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(1 << 23));
    let scaled = simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(p), exponent));
    simd.select_f32s(simd.equal_f32s(x, x), scaled, x)
}

/// e^(x − top)
#[derive(Clone, Copy, Debug)]
pub struct ExpFrom(pub f32);

/// x · factor
#[derive(Clone, Copy, Debug)]
pub struct Times(pub f32);

/// (x − mean)²
#[derive(Clone, Copy, Debug)]
pub struct SquareFrom(pub f32);

/// x
#[derive(Clone, Copy, Debug)]
pub struct Same;

impl Function for ExpFrom {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        exp(simd, simd.sub_f32s(x, simd.splat_f32s(self.0)))
    }
}

impl Function for Times {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        simd.mul_f32s(x, simd.splat_f32s(self.0))
    }
}

impl Function for SquareFrom {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, x: S::f32s) -> S::f32s {
        let x = simd.sub_f32s(x, simd.splat_f32s(self.0));
        simd.mul_f32s(x, x)
    }
}

impl Function for Same {
    #[inline(always)]
    fn of<S: Simd>(self, _: S, x: S::f32s) -> S::f32s {
        x
    }
}

/// Replaces every element by its image. Where an element stands does not change its bits.
pub fn map(xs: &mut [f32], f: impl Function) {
    struct Map<'a, F>(&'a mut [f32], F);
    impl<F: Function> WithSimd for Map<'_, F> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (vectors, rest) = S::as_mut_simd_f32s(self.0);
            for x in vectors {
                *x = self.1.of(simd, *x);
            }
            if !rest.is_empty() {
                let last = self.1.of(simd, simd.partial_load_f32s(rest));
                simd.partial_store_f32s(rest, last);
            }
        }
    }
    Arch::new().dispatch(Map(xs, f));
}

/// Sum of images in running parts, one per lane: closer to the exact sum than one running part.
pub fn sum(xs: &[f32], f: impl Function) -> f32 {
    struct Sum<'a, F>(&'a [f32], F);
    impl<F: Function> WithSimd for Sum<'_, F> {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            let (vectors, rest) = S::as_simd_f32s(self.0);
            // Four chains, so that an addition need not wait for the one before.
            let mut parts = [simd.splat_f32s(0.0); 4];
            let (blocks, single) = vectors.as_chunks::<4>();
            for block in blocks {
                for (part, x) in parts.iter_mut().zip(block) {
                    *part = simd.add_f32s(*part, self.1.of(simd, *x));
                }
            }
            for (part, x) in parts.iter_mut().zip(single) {
                *part = simd.add_f32s(*part, self.1.of(simd, *x));
            }
            let [a, b, c, d] = parts;
            let all = simd.add_f32s(simd.add_f32s(a, b), simd.add_f32s(c, d));
            rest.iter().fold(simd.reduce_sum_f32s(all), |sum, x| sum + self.1.of(Scalar, *x))
        }
    }
    Arch::new().dispatch(Sum(xs, f))
}

/// The largest element, −∞ of none. A NaN may count or not.
pub fn max(xs: &[f32]) -> f32 {
    struct Max<'a>(&'a [f32]);
    impl WithSimd for Max<'_> {
        type Output = f32;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> f32 {
            let (vectors, rest) = S::as_simd_f32s(self.0);
            let first = simd.splat_f32s(f32::NEG_INFINITY);
            let top = vectors.iter().fold(first, |top, x| simd.max_f32s(top, *x));
            rest.iter().copied().fold(simd.reduce_max_f32s(top), f32::max)
        }
    }
    Arch::new().dispatch(Max(xs))
}

/// Adds to every element the one of `with` at its place.
pub fn add(xs: &mut [f32], with: &[f32]) {
    combine::<false>(xs, with);
}

/// Multiplies every element by the one of `with` at its place.
pub fn multiply(xs: &mut [f32], with: &[f32]) {
    combine::<true>(xs, with);
}

fn combine<const MULTIPLY: bool>(xs: &mut [f32], with: &[f32]) {
    struct Combine<'a, const MULTIPLY: bool>(&'a mut [f32], &'a [f32]);
    impl<const MULTIPLY: bool> WithSimd for Combine<'_, MULTIPLY> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let Self(xs, with) = self;
            let length = xs.len().min(with.len());
            let (vectors, rest) = S::as_mut_simd_f32s(&mut xs[..length]);
            let (others, other_rest) = S::as_simd_f32s(&with[..length]);
            for (x, y) in vectors.iter_mut().zip(others) {
                *x = if MULTIPLY { simd.mul_f32s(*x, *y) } else { simd.add_f32s(*x, *y) };
            }
            for (x, y) in rest.iter_mut().zip(other_rest) {
                *x = if MULTIPLY { *x * y } else { *x + y };
            }
        }
    }
    Arch::new().dispatch(Combine::<MULTIPLY>(xs, with));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exp_of(x: f32) -> f32 {
        let mut xs = [x; 19];
        map(&mut xs, ExpFrom(0.0));
        assert!(xs.iter().all(|e| e.to_bits() == xs[0].to_bits()), "its place changes exp({x}): {xs:?}");
        xs[0]
    }

    #[test]
    fn exp_is_within_two_ulps() {
        for i in -8_700..8_800 {
            let x = i as f32 * 0.01;
            let want = f64::from(x).exp();
            let got = f64::from(exp_of(x));
            assert!(((got - want) / want).abs() <= 2.4e-7, "exp({x}) = {got}, not {want}");
        }
        assert!(exp_of(f32::NAN).is_nan());
        assert!(exp_of(-1e30) < 1e-37);
        assert!(exp_of(f32::INFINITY) > 2e38);
    }

    #[test]
    fn sums_and_maxima_of_any_length() {
        for length in 0..200 {
            let xs: Vec<f32> = (0..length).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
            assert_eq!(sum(&xs, Same), xs.iter().sum::<f32>());
            assert_eq!(sum(&xs, SquareFrom(2.0)), xs.iter().map(|x| (x - 2.0) * (x - 2.0)).sum::<f32>());
            assert_eq!(max(&xs), xs.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let (mut sums, mut products) = (xs.clone(), xs.clone());
            add(&mut sums, &xs);
            multiply(&mut products, &xs);
            assert!(xs.iter().zip(sums).zip(products).all(|((x, s), p)| s == x + x && p == x * x));
        }
    }
}
