//! Comparison of results, written so that NaN never passes: a difference that is no number counts as infinite.

use crate::tolerance::Tolerance;

/// How far a result is from what it should be.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// Largest absolute difference, relative to the largest magnitude (or 1, if that is smaller).
    pub max: f64,
    /// L2 norm of the difference, relative to that of what it should be (or 1, if that is smaller).
    pub l2: f64,
    /// Where the largest difference is: position, what it is, what it should be.
    pub worst: (usize, f64, f64),
}

/// Compares element by element.
#[must_use]
pub fn compare(got: &[f64], want: &[f64]) -> Difference {
    let mut found = Difference { max: 0.0, l2: 0.0, worst: (0, 0.0, 0.0) };
    if got.len() != want.len() {
        let worst = (got.len().min(want.len()), f64::NAN, f64::NAN);
        return Difference { max: f64::INFINITY, l2: f64::INFINITY, worst };
    }
    let (mut scale, mut squares, mut norm) = (1.0f64, 0.0, 0.0f64);
    for (at, (&g, &w)) in got.iter().zip(want).enumerate() {
        let apart = if g == w { 0.0 } else { (g - w).abs() };
        let apart = if apart.is_nan() { f64::INFINITY } else { apart };
        if apart > found.max {
            (found.max, found.worst) = (apart, (at, g, w));
        }
        scale = scale.max(w.abs());
        squares += apart * apart;
        norm += w * w;
    }
    found.max /= scale;
    found.l2 = (squares / norm.max(1.0)).sqrt();
    if found.max.is_nan() || found.l2.is_nan() {
        (found.max, found.l2) = (f64::INFINITY, f64::INFINITY);
    }
    found
}

impl Difference {
    /// The largest of several, each measure for itself.
    #[must_use]
    pub fn worst_of(all: &[Self]) -> Self {
        let none = Self { max: 0.0, l2: 0.0, worst: (0, 0.0, 0.0) };
        all.iter().fold(none, |worst, one| {
            let at = if one.max > worst.max { one.worst } else { worst.worst };
            Self { max: worst.max.max(one.max), l2: worst.l2.max(one.l2), worst: at }
        })
    }

    /// Itself, if a tolerance holds.
    ///
    /// # Errors
    /// What is how far off where it does not.
    pub fn within(self, tolerance: &Tolerance) -> Result<Self, String> {
        if self.max <= tolerance.max && self.l2 <= tolerance.l2 {
            return Ok(self);
        }
        let ((at, got, want), Tolerance { max, l2, why }) = (self.worst, tolerance);
        Err(format!(
            "max {:.2e} (at most {max:.0e}), L2 {:.2e} (at most {l2:.0e}: {why}); element {at} is {got}, not {want}",
            self.max, self.l2
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Tolerance = Tolerance { max: 1e30, l2: 1e30, why: "" };

    #[test]
    fn nan_infinity_and_lengths_never_pass() {
        for got in [[f64::NAN, 1.0], [1.0, f64::NAN], [f64::INFINITY, 1.0]] {
            assert!(compare(&got, &[1.0, 1.0]).within(&ANY).is_err(), "{got:?}");
            assert!(compare(&[1.0, 1.0], &got).within(&ANY).is_err(), "{got:?}");
        }
        assert!(compare(&[1.0], &[1.0, 1.0]).within(&ANY).is_err());
    }

    #[test]
    fn both_measures_count() {
        let found = compare(&[10.0, 0.1], &[10.0, 0.0]);
        assert_eq!((found.max, found.l2, found.worst), (0.01, 0.01, (1, 0.1, 0.0)));
        assert!(found.within(&Tolerance { max: 0.02, l2: 0.001, why: "" }).is_err());
        assert!(found.within(&Tolerance { max: 0.001, l2: 0.02, why: "" }).is_err());
        assert!(found.within(&Tolerance { max: 0.01, l2: 0.01, why: "" }).is_ok());
        assert!(
            compare(&[0.0, -0.0], &[-0.0, 0.0]).within(&Tolerance { max: 0.0, l2: 0.0, why: "" }).is_ok()
        );
    }
}
