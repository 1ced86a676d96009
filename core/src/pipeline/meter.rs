//! How fast a device works, from when its chunks were seen to be done.
//!
//! A host that was busy, or that waited for something behind a chunk, sees several done at one moment: what lies between two of them
//! says nothing. So the rate is that of the last few chunks together, and grows slowly.

use std::collections::VecDeque;

/// Chunks that the rate is measured over.
const SPAN: usize = 4;
/// Most that the rate grows with a chunk, times.
const GROWTH: f64 = 2.0;

/// Cost per second of the chunks of one image.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    /// Seconds since the image was begun, and cost done by then.
    marks: VecDeque<(f64, u64)>,
    rate: Option<f64>,
}

impl Meter {
    /// At the beginning of an image; `rate` is what an earlier one was made with.
    pub fn new(rate: Option<f64>) -> Self {
        Self { marks: VecDeque::from([(0.0, 0)]), rate }
    }

    /// Everything up to `cost` was seen to be done `seconds` after the beginning.
    pub fn done(&mut self, seconds: f64, cost: u64) {
        let (since, before) = self.marks[0];
        let measured = rate(cost - before, seconds - since);
        self.rate = Some(self.rate.map_or(measured, |last| measured.min(GROWTH * last)));
        self.marks.push_back((seconds, cost));
        if self.marks.len() > SPAN {
            self.marks.pop_front();
        }
    }

    /// Cost per second, once there is one.
    pub const fn rate(&self) -> Option<f64> {
        self.rate
    }
}

/// Cost per second.
pub(super) fn rate(cost: u64, seconds: f64) -> f64 {
    cost as f64 / seconds.max(1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_that_seem_to_take_no_time_do_not_run_away_with_the_rate() {
        // A device of 10⁹ per second; every second chunk is seen done together with the one before it.
        let (mut meter, mut seconds, mut cost) = (Meter::new(None), 0.0, 0);
        for at in 0..40 {
            cost += 100_000_000;
            if at % 2 == 0 {
                seconds += 0.2;
            }
            meter.done(seconds, cost);
            let rate = meter.rate().expect("it was measured");
            assert!((0.4e9..=2.1e9).contains(&rate), "chunk {at}: {rate:e}");
        }
    }

    #[test]
    fn a_device_that_slows_down_is_believed_and_one_that_speeds_up_step_by_step() {
        let mut meter = Meter::new(Some(1e12));
        meter.done(1.0, 1_000_000_000);
        assert_eq!(meter.rate(), Some(1e9));
        meter.done(1.0, 9_000_000_000);
        assert_eq!(meter.rate(), Some(2e9));
    }
}
