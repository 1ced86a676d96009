//! Noise against PyTorch's own (`tests/golden/schedulers.py`) and against the published start of A1111's stream.

use super::{Generator, Noise};
use safetensors::SafeTensors;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/schedulers.safetensors");

/// The start that `rng_philox.py` documents: eight decimals of f64, of which we hand out the nearest f32.
#[test]
fn philox_begins_as_a1111_prints_it() {
    let begin = [-0.924_662_59_f64, -0.425_344_15, -2.643_845_7, 0.145_183_88, -0.120_866_47, -0.579_725_64];
    let drawn = Generator::new(Noise::Philox, 0).draw(1, 1, begin.len());
    for (value, printed) in drawn.into_iter().zip(begin) {
        let most = 5e-9 + printed.abs() * f64::from(f32::EPSILON) / 2.0;
        assert!((f64::from(value) - printed).abs() <= most, "{value} instead of {printed}");
    }
}

#[test]
fn philox_draws_do_not_depend_on_the_size_before() {
    let mut small = Generator::new(Noise::Philox, 7);
    let mut large = Generator::new(Noise::Philox, 7);
    assert_eq!(small.draw(1, 1, 3), large.draw(1, 1, 64)[..3]);
    let (second, same) = (small.draw(1, 1, 64), large.draw(1, 1, 3));
    assert_eq!(second[..3], same);
    assert_ne!(second[..3], Generator::new(Noise::Philox, 7).draw(1, 1, 3));
}

#[test]
fn philox_uses_all_64_bits_of_the_seed() {
    let first = |seed| Generator::new(Noise::Philox, seed).draw(1, 1, 1)[0];
    assert_ne!(first(1), first(1 + (1 << 32)));
}

#[test]
fn torch_cpu_is_torch_randn() {
    let bytes = std::fs::read(GOLDEN).expect("tests/golden/schedulers.py has been run");
    let golden = SafeTensors::deserialize(&bytes).unwrap();
    let mut compared = 0;
    for name in golden.names() {
        let Some(rest) = name.strip_prefix("randn.") else {
            continue;
        };
        let (seed, _) = rest.split_once('.').unwrap();
        let tensor = golden.tensor(name).unwrap();
        let [draws, c, h, w] = *tensor.shape() else { panic!("{name} has four axes") };
        let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        let expected: Vec<f32> = values.collect();
        let mut generator = Generator::new(Noise::TorchCpu, seed.parse().unwrap());
        for draw in 0..draws {
            let drawn = generator.draw(c, h, w);
            for (i, value) in drawn.iter().enumerate() {
                let (space, channel) = (i / c, i % c);
                let want = expected[(draw * c + channel) * h * w + space];
                // Written so that NaN fails.
                assert!((value - want).abs() <= 4e-6, "{name} draw {draw} [{i}]: {value}, torch has {want}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1000, "only {compared} numbers compared");
}

#[test]
fn draws_are_permuted_to_channels_last() {
    let plain = Generator::new(Noise::Philox, 3).draw(1, 1, 2 * 3 * 5);
    let permuted = Generator::new(Noise::Philox, 3).draw(2, 3, 5);
    for (c, y, x) in [(0, 0, 0), (1, 0, 0), (0, 2, 4), (1, 1, 3), (1, 2, 4)] {
        assert_eq!(permuted[(y * 5 + x) * 2 + c], plain[c * 15 + y * 5 + x]);
    }
    assert!(Generator::new(Noise::Philox, 3).draw(0, 3, 5).is_empty());
}

#[test]
fn names_are_read_back_and_others_list_the_known() {
    for kind in Noise::ALL {
        assert_eq!(kind.name().parse(), Ok(kind));
    }
    let error = "cpu".parse::<Noise>().unwrap_err();
    assert_eq!(error.to_string(), "unknown noise `cpu`; known: philox, torch-cpu");
}
