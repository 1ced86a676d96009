//! Several measurements of one thing.

use serde_json::{Value, json};

/// Milliseconds of each run, in the order they were taken; at least one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Runs(pub Vec<f64>);

impl Runs {
    /// The least: what the machine can do when nothing disturbs it.
    pub(crate) fn best(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The middle one; between the middle two if they are even in number.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len().is_multiple_of(2) {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        } else {
            sorted[middle]
        }
    }

    /// From the least to the most.
    pub(crate) fn spread(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max) - self.best()
    }

    /// For machines.
    pub(crate) fn json(&self) -> Value {
        json!({ "best_ms": self.best(), "median_ms": self.median(), "spread_ms": self.spread(), "runs_ms": self.0 })
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        format!("{:>10.3} ms best {:>10.3} median {:>9.3} spread", self.best(), self.median(), self.spread())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_median_and_spread() {
        let runs = Runs(vec![3.0, 1.0, 2.0, 10.0]);
        assert_eq!((runs.best(), runs.median(), runs.spread()), (1.0, 2.5, 9.0));
        assert_eq!(Runs(vec![5.0, 4.0, 9.0]).median(), 5.0);
        assert_eq!(Runs(vec![5.0]).spread(), 0.0);
    }
}
