//! `sampler_step`: with and without guidance and noise; zero coefficients on planes that are NaN, which must not spread.

use onelaunch_core::ops::{PLANES, SamplerStep, state_len};
use onelaunch_core::schedule::{ROW_DENOISED, ROW_LEN, ROW_MATRIX, ROW_NOISE_SLOT};

use crate::case::Case;
use crate::operand::{Input, x};
use crate::oracle::each;

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for latent in [[1, 1, 1, 1], [1, 3, 3, 7], [1, 4, 4, 4], [2, 2, 3, 5], [1, 5, 13, 1]] {
        for guided in [false, true] {
            for slot in [-1.0, 0.0, 1.0] {
                cases.push(case(latent, guided, slot));
            }
        }
    }
    let mut half = case([2, 2, 3, 5], true, 1.0);
    half.inputs[0] = half.inputs[0].clone().f16();
    cases.push(half);
    cases.push(unread([2, 2, 3, 5]));
    cases
}

fn case([n, h, w, c]: [usize; 4], guided: bool, slot: f32) -> Case {
    let elements = n * h * w * c;
    let mut row = x(3, [ROW_LEN]).with(ROW_NOISE_SLOT, slot);
    for skipped in [4, 11, 13, 20, 38] {
        row = row.with(skipped, 0.0);
    }
    let output = x(4, [if guided { 2 * n } else { n }, h, w, c]);
    let noise = x(5, [2, n, h, w, c]);
    let state = x(1, [state_len(elements)]).with(PLANES * elements, 2.0);
    Case::slot(SamplerStep { guided }, [output, noise, row], state.shape, state.values)
}

/// As the first step of an image finds its state: the planes of the history are whatever memory held before.
fn unread(latent: [usize; 4]) -> Case {
    let mut case = case(latent, true, -1.0);
    let elements: usize = latent.iter().product();
    for to in 0..5 {
        for unread in [1, 2, 3, 4, 6] {
            case.inputs[2].values[ROW_MATRIX + 7 * to + unread] = 0.0;
        }
    }
    let before = case.before.as_mut().expect("a state is a slot");
    before[elements..PLANES * elements].fill(f32::NAN);
    case
}

/// Guidance, then each plane as its row of the matrix says; then the denoised picture and the counter
#[must_use]
pub fn oracle(op: &SamplerStep, case: &Case) -> Vec<f64> {
    let [output, noise, row] = [0, 1, 2].map(|i| &case.inputs[i]);
    let state: Vec<f64> = case.first().into_iter().map(f64::from).collect();
    let row = |at: usize| row.at(&[at]);
    let flat = |of: &Input, at: usize| f64::from(of.values[at]);
    let latent = noise.shape.len() / noise.shape[0];
    let term = |from: usize, at: usize| match from {
        5 if op.guided => {
            let (cond, uncond) = (flat(output, at), flat(output, latent + at));
            uncond + row(2) * (cond - uncond)
        }
        5 => flat(output, at),
        6 if row(ROW_NOISE_SLOT) < 0.0 => 0.0,
        6 => flat(noise, row(ROW_NOISE_SLOT) as usize * latent + at),
        plane => state[plane * latent + at],
    };
    let times = |c: f64, from: usize, at: usize| if c == 0.0 { 0.0 } else { c * term(from, at) };
    each(&case.shape, |at| {
        let (plane, element) = (at[0] / latent, at[0] % latent);
        match plane {
            0..5 => (0..7).map(|from| times(row(ROW_MATRIX + 7 * plane + from), from, element)).sum(),
            5 => times(row(ROW_DENOISED), 0, element) + times(row(ROW_DENOISED + 1), 5, element),
            _ if at[0] == 6 * latent => state[at[0]] + 1.0,
            _ => state[at[0]],
        }
    })
}
