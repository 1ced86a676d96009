//! Rows against diffusers' `step()` (made by `tests/golden/schedulers.py`): kept in f64 to 1e-10, as shipped to 5e-5.

use safetensors::SafeTensors;
use serde_json::Value;

use super::request;
use crate::schedule::timesteps;
use crate::schedule::{SamplerRequest, Schedule, SchedulerConfig, Spacing, apply_row};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/schedulers.safetensors");

/// Elements of the latents in the golden file.
const E: usize = 4;

struct Golden {
    bytes: Vec<u8>,
    cases: Vec<Value>,
}

impl Golden {
    fn open() -> Self {
        let bytes = std::fs::read(GOLDEN).expect("tests/golden/schedulers.py has been run");
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let text = &metadata.metadata().as_ref().unwrap()["json"];
        let json: Value = serde_json::from_str(text).unwrap();
        Self { bytes, cases: json["cases"].as_array().unwrap().clone() }
    }

    fn data(&self, name: &str) -> Vec<u8> {
        SafeTensors::deserialize(&self.bytes).unwrap().tensor(name).unwrap().data().to_vec()
    }

    fn f32s(&self, name: &str) -> Vec<f64> {
        let data = self.data(name);
        data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()).into()).collect()
    }

    fn f64s(&self, name: &str) -> Vec<f64> {
        self.data(name).chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
    }
}

fn number(case: &Value, field: &str) -> usize {
    usize::try_from(case[field].as_u64().unwrap()).unwrap()
}

/// `|a - b|` relative to `max(1, |b|)`. NaN where either is.
fn apart(a: f64, b: f64) -> f64 {
    (a - b).abs() / b.abs().max(1.0)
}

/// The larger one, and NaN if either is: `f64::max` would drop it.
fn worse(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn built(case: &Value) -> Schedule {
    let config = SchedulerConfig::from_json(&case["config"].to_string()).unwrap();
    let sampler = case["sampler"].as_str().unwrap().parse().unwrap();
    let eta = case["eta"].as_f64().unwrap();
    Schedule::new(&config, &SamplerRequest { eta, ..request(sampler, number(case, "steps")) })
        .unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// How the states of a case are followed.
#[derive(Clone, Copy, PartialEq)]
enum Follow {
    /// From the initial noise to the end on our own states.
    Freely,
    /// Every step from the golden's state (histories are ours).
    StepByStep,
}

/// The largest distance between our states and the golden's over one case.
fn distance(golden: &Golden, case: &Value, states: &[f64], init: f64, follow: Follow) -> f64 {
    let schedule = built(case);
    let (start, outputs, noise) = (golden.f32s("start"), golden.f32s("outputs"), golden.f32s("noise"));
    let states = &states[number(case, "xat") * E..][..(number(case, "steps") + 1) * E];
    let mut worst = apart(schedule.init_noise_sigma, init);
    assert_eq!(schedule.rows.len(), number(case, "steps"), "{case}");
    for element in 0..E {
        let mut state = [0.0; 5];
        state[0] = start[element] * schedule.init_noise_sigma;
        worst = worse(worst, apart(state[0], states[element]));
        for (i, row) in schedule.rows.iter().enumerate() {
            if follow == Follow::StepByStep {
                state[0] = states[i * E + element];
            }
            let draw = row.noise_slot.map_or(f64::NAN, |slot| noise[slot as usize * E + element]);
            apply_row(row, &mut state, outputs[i * E + element], draw);
            worst = worse(worst, apart(state[0], states[(i + 1) * E + element]));
        }
    }
    worst
}

#[test]
fn states_are_those_of_diffusers_kept_in_f64() {
    let golden = Golden::open();
    let (states, timesteps) = (golden.f64s("x64"), golden.f64s("t64"));
    let (mut worst, mut not_finite) = (0.0, 0);
    for case in &golden.cases {
        let states_of_case = &states[number(case, "xat") * E..][..(number(case, "steps") + 1) * E];
        if states_of_case.iter().any(|x| !x.is_finite()) {
            // diffusers takes the root of 1 - a' - s², which is 0 here and which rounding may leave below.
            assert!(case["eta"] == 1.0 && case["config"]["rescale_betas_zero_snr"] == true, "{case}");
            built(case); // refuses rows that are not finite
            not_finite += 1;
            continue;
        }
        let off = distance(&golden, case, &states, case["init64"].as_f64().unwrap(), Follow::Freely);
        assert!(off <= 1e-10, "{off:e} from diffusers in f64: {case}");
        for (row, t) in built(case).rows.iter().zip(&timesteps[number(case, "at")..]) {
            let off = apart(row.timestep, *t);
            assert!(off <= 1e-10, "timestep {} instead of {t}: {case}", row.timestep);
        }
        worst = worse(worst, off);
    }
    println!("{} cases, at most {worst:e} from diffusers in f64, {not_finite} not run", golden.cases.len());
    assert!(golden.cases.len() > 200 && not_finite <= 3);
}

#[test]
fn steps_are_those_of_diffusers_as_shipped() {
    let golden = Golden::open();
    let (states, timesteps) = (golden.f32s("x32"), golden.f32s("t32"));
    let (mut worst, mut compared) = (0.0, 0);
    for case in &golden.cases {
        if case["config"]["rescale_betas_zero_snr"] == Value::Bool(true) {
            continue; // f32 cannot hold the last alphas: DESIGN asks nothing here
        }
        let off = distance(&golden, case, &states, case["init32"].as_f64().unwrap(), Follow::StepByStep);
        assert!(off <= 5e-5, "{off:e} from diffusers as shipped: {case}");
        for (row, t) in built(case).rows.iter().zip(&timesteps[number(case, "at")..]) {
            let off = apart(row.timestep, *t);
            assert!(off <= 5e-5, "timestep {} instead of {t}: {case}", row.timestep);
        }
        worst = worse(worst, off);
        compared += 1;
    }
    println!("{compared} cases, at most {worst:e} per step from diffusers as shipped");
    assert!(compared > 150);
}

/// Every number of steps to 100, so that no rounding of numpy's `arange` or `linspace` is missed.
#[test]
fn whole_timesteps_are_those_of_diffusers() {
    let golden = Golden::open();
    let check = |sampler: &str, spacing: Spacing, most: usize, grid: &dyn Fn(usize) -> Vec<f64>| {
        let data = golden.data(&format!("grid.{sampler}.{spacing}"));
        let mut expected = data.chunks_exact(2).map(|b| f64::from(i16::from_le_bytes(b.try_into().unwrap())));
        for steps in 1..=most {
            let expected: Vec<f64> = expected.by_ref().take(steps).collect();
            assert_eq!(grid(steps), expected, "{sampler} {spacing}, {steps} steps");
        }
        assert_eq!(expected.next(), None);
    };
    for spacing in [Spacing::Leading, Spacing::Trailing, Spacing::Linspace] {
        check("ddim", spacing, 100, &|steps| timesteps::spaced(spacing, 1000, steps, 0, true));
        check("dpmpp_2m", spacing, 100, &|steps| timesteps::spaced_with_end(spacing, 1000, steps, 0));
    }
    for spacing in [Spacing::Leading, Spacing::Trailing] {
        check("euler", spacing, 100, &|steps| timesteps::spaced(spacing, 1000, steps, 0, false));
    }
    check("lcm", Spacing::Leading, 50, &|steps| timesteps::lcm(1000, 50, steps).unwrap());
}
