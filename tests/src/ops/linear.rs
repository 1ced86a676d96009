//! `linear`: around every tile (8 columns, 16 and 64 rows, 64 columns, vec4 of K), in every encoding, with every part of the epilogue.

use onelaunch_core::ops::{Act, Epilogue, Linear};
use onelaunch_core::shape::DType;
use onelaunch_core::weights::Encoding;

use super::activation::ACTS;
use crate::case::Case;
use crate::operand::{ENCODINGS, matrix, x};
use crate::oracle::{act, each, last, modulation, vector};

/// [M, N, K]
const SHAPES: [[usize; 3]; 13] = [
    [1, 1, 1],
    [1, 64, 20],
    [7, 3, 27],
    [8, 8, 4],
    [9, 9, 5],
    [16, 7, 12],
    [32, 17, 3],
    [63, 65, 15],
    [64, 64, 16],
    [65, 63, 17],
    [33, 72, 24],
    [13, 31, 37],
    [3, 5, 1031],
];

/// The cases.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (i, mnk) in SHAPES.into_iter().enumerate() {
        for encoding in [ENCODINGS[i % 3], ENCODINGS[(i + 1) % 3]] {
            tiles(&mut cases, mnk, encoding);
        }
    }
    for encoding in ENCODINGS {
        pairs(&mut cases, encoding);
        gates(&mut cases, encoding);
    }
    for act in ACTS {
        let epilogue = Epilogue { act, ..Epilogue::default() };
        let inputs = [x(1, [2, 5, 12]), matrix(2, [9, 12], Encoding::F32)];
        cases.push(Case::new(Linear { bias: false, epilogue }, inputs));
    }
    cases
}

fn tiles(cases: &mut Vec<Case>, [m, n, k]: [usize; 3], encoding: Encoding) {
    // Long sums reach 30 before tanh makes them 1.
    let mut push = |case: Case| cases.push(if k > 1000 { case.large() } else { case });
    let (a, w, bias, residual) = (x(1, [1, m, k]), matrix(2, [n, k], encoding), x(3, [n]), x(4, [1, m, n]));
    let plain = Linear { bias: false, epilogue: Epilogue::default() };
    push(Case::new(plain, [a.clone(), w.clone()]));
    let epilogue = Epilogue { act: Act::Silu, residual: true, last: Act::Tanh, ..plain.epilogue };
    let op = Linear { bias: true, epilogue };
    push(Case::new(op, [a.clone(), w.clone(), bias.clone(), residual.clone()]));
    let half = [a.clone().f16(), w.clone(), bias.clone(), residual.f16()];
    push(Case::new(op, half).stored_in(DType::F16));
    push(Case::new(Linear { bias: true, ..plain }, [a.f16(), w, bias]));
}

/// Pairs of columns, of which the last is not a whole tile.
fn pairs(cases: &mut Vec<Case>, encoding: Encoding) {
    let epilogue = Epilogue { act: Act::GeluErf, glu: true, ..Epilogue::default() };
    for columns in [2, 38, 130] {
        let (a, w) = (x(5, [2, 5, 12]), matrix(6, [columns, 12], encoding));
        let all = [a.clone(), w.clone(), x(7, [columns])];
        cases.push(Case::new(Linear { bias: true, epilogue }, all.clone()));
        let [_, w, bias] = all;
        cases.push(Case::new(Linear { bias: true, epilogue }, [a.clone().f16(), w.clone(), bias]));
        cases.push(Case::new(Linear { bias: false, epilogue }, [a, w]));
    }
}

fn gates(cases: &mut Vec<Case>, encoding: Encoding) {
    let epilogue = Epilogue { gate: Some(2), residual: true, ..Epilogue::default() };
    let (a, w, residual) = (x(5, [4, 5, 13]), matrix(6, [19, 13], encoding), x(9, [4, 5, 19]));
    for lead in [1, 2, 4] {
        let mods = x(8, [lead, 3, 19]);
        let all = [a.clone(), w.clone(), x(7, [19]), mods.clone(), residual.clone()];
        cases.push(Case::new(Linear { bias: true, epilogue }, all));
        let op = Linear { bias: false, epilogue: Epilogue { gate: Some(0), residual: false, ..epilogue } };
        cases.push(Case::new(op, [a.clone(), w.clone(), mods]));
    }
}

/// last(act(x wᵀ + bias) · gate + residual); with pairs of columns (g, v), act(g) · v in place of act
#[must_use]
pub fn oracle(op: &Linear, case: &Case) -> Vec<f64> {
    let (x, w, e) = (&case.inputs[0], &case.inputs[1], &op.epilogue);
    each(&case.shape, |at| {
        let mut rest = case.inputs[2..].iter();
        let bias = op.bias.then(|| rest.next()).flatten();
        let column = |n: usize| {
            let sum: f64 = (0..w.shape[1]).map(|k| x.at(&last(at, k)) * w.at(&[n, k])).sum();
            sum + bias.map_or(0.0, |bias| vector(bias, n))
        };
        let c = at[at.len() - 1];
        let mut out =
            if e.glu { act(e.act, column(2 * c)) * column(2 * c + 1) } else { act(e.act, column(c)) };
        if let (Some(row), Some(mods)) = (e.gate, e.gate.and_then(|_| rest.next())) {
            out *= modulation(mods, at[0], case.shape[0], row, c);
        }
        if let Some(residual) = rest.next() {
            out += residual.at(at);
        }
        act(e.last, out)
    })
}
