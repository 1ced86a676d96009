//! Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), keyed by the seed.
//! Element i of draw n is the first Box–Muller output of counter (n, 0, i low, i high), as A1111's `rng_philox.py` has it.

/// Multipliers and key increments of the paper.
const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// The stream of one seed.
#[derive(Debug, Clone)]
pub(super) struct Philox {
    key: [u32; 2],
    offset: u32,
}

impl Philox {
    pub fn new(seed: u64) -> Self {
        Self { key: [seed as u32, (seed >> 32) as u32], offset: 0 }
    }

    /// `n` standard normal numbers; advances the offset by 1, whatever n is.
    pub fn randn(&mut self, n: usize) -> Vec<f32> {
        let element = |i: u64| {
            let random = philox4x32([self.offset, 0, i as u32, (i >> 32) as u32], self.key);
            first_box_muller(random[0], random[1])
        };
        let drawn = (0..n as u64).map(element).collect();
        self.offset = self.offset.wrapping_add(1);
        drawn
    }
}

fn philox4x32(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
        }
        let product = |i: usize, word: u32| u64::from(MULTIPLIERS[i]) * u64::from(word);
        let (p0, p1) = (product(0, counter[0]), product(1, counter[2]));
        let high = |p: u64| (p >> 32) as u32;
        counter = [high(p1) ^ counter[1] ^ key[0], p1 as u32, high(p0) ^ counter[3] ^ key[1], p0 as u32];
    }
    counter
}

/// `sqrt(-2 ln u) sin v` with u and v/2π the middles of 2³² equal parts of 0..1; the other output is dropped.
///
/// In f64 up to the last rounding: that gives the digits A1111 publishes. (Its constants are now stored as f32, which moves
/// a number by up to 2e-7, and a GPU computes all of it in f32.)
fn first_box_muller(x: u32, y: u32) -> f32 {
    const PARTS: f64 = 4_294_967_296.0;
    let u = (f64::from(x) + 0.5) / PARTS;
    let v = (f64::from(y) + 0.5) / PARTS * (2.0 * std::f64::consts::PI);
    (libm::sqrt(-2.0 * libm::log(u)) * libm::sin(v)) as f32
}
