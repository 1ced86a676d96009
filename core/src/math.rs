//! The few transcendental functions of the reference, written so that the compiler vectorises them: scalar `expf` calls
//! would cost more than the matrix products they follow.

/// eˣ in f32 to 2 units in the last place, branch-free: x = n ln 2 + r with |r| ≤ ln 2 / 2, a degree-6 polynomial for eʳ
/// (Cephes `expf`, Moshier), and n added to the exponent. Above 88.37 it saturates near the largest float, below −87.3 it gives 0 to within
/// 1e-38. NaN stays NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // The magic number puts the integer part in the low bits of the mantissa: rounding without a branch.
    const MAGIC: f32 = 12_582_912.0; // 1.5 · 2²³
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let y = if x > 88.37 { 88.37 } else { x };
    let y = if y < -87.3 { -87.3 } else { y };
    let shifted = y * std::f32::consts::LOG2_E + MAGIC;
    let n = shifted - MAGIC;
    let r = y - n * LN2_HIGH - n * LN2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    let bits = (p.to_bits()).wrapping_add(shifted.to_bits() << 23);
    let scaled = f32::from_bits(bits);
    if x.is_nan() { x } else { scaled }
}

/// Replaces every element by its image, with the widest vectors of the machine.
#[inline(always)]
pub fn map(xs: &mut [f32], f: impl Fn(f32) -> f32) {
    vectorised(
        #[inline(always)]
        || {
            for x in xs.iter_mut() {
                *x = f(*x);
            }
        },
    );
}

/// Runs a loop compiled for the vector units found at run time (AVX2, AVX-512, NEON, SIMD128).
#[inline(always)]
pub fn vectorised<T>(body: impl FnOnce() -> T) -> T {
    pulp::Arch::new().dispatch(body)
}

/// Sum in eight running parts: as vectors do it, and closer to the exact sum than one running part.
#[inline(always)]
pub fn sum(xs: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut parts = [0.0f32; 16];
    let (blocks, tail) = xs.as_chunks::<16>();
    for block in blocks {
        for (part, &x) in parts.iter_mut().zip(block) {
            *part += f(x);
        }
    }
    let mut total = tail.iter().map(|&x| f(x)).sum::<f32>();
    for part in parts {
        total += part;
    }
    total
}

#[cfg(test)]
mod tests {
    #[test]
    fn exp_is_within_two_ulps() {
        for i in -8_700..8_800 {
            let x = i as f32 * 0.01;
            let want = f64::from(x).exp();
            let got = f64::from(super::exp(x));
            assert!(((got - want) / want).abs() <= 2.4e-7, "exp({x}) = {got}, not {want}");
        }
        assert!(super::exp(f32::NAN).is_nan());
        assert!(super::exp(-1e30) < 1e-37);
    }
}
