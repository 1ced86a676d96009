//! The bits of host noise, which are the same everywhere: natively and in browsers they are compared with the same numbers.

use onelaunch_core::noise::{Generator, Noise};

/// FNV-1a over the bits of 4096 numbers of two draws, by [`Noise::ALL`]: a change of constants, precision or library shows at once.
pub const BITS: [u64; 2] = [15_585_629_033_605_661_669, 11_915_891_713_908_255_017];

/// What they are here.
#[must_use]
pub fn bits() -> [u64; 2] {
    Noise::ALL.map(|kind| {
        let mut generator = Generator::new(kind, 123_456_789_012);
        let numbers = [generator.draw(4, 16, 32), generator.draw(4, 16, 32)].concat();
        let bytes = numbers.iter().flat_map(|value| value.to_bits().to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    })
}
