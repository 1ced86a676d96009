//! `narrow`: activations of prompt, step and finish are stored in 16 bits. Everything that must not be stays f32: state, rows and tables,
//! noise, what a step adds up from layer to layer, the schedule's embeddings, weights' own encodings, the bias of an attention.

use std::collections::BTreeSet;

use crate::graph::{Origin, ValueId};
use crate::ops::{BinaryKind, Op};
use crate::program::{Part, PartKind, Program, Sources};
use crate::shape::DType;

/// Stores in f16 what may be.
pub fn narrow(program: &mut Program) {
    let mut narrowed = BTreeSet::new();
    let steps = program.parts.iter().filter(|p| matches!(p.kind, PartKind::Step { .. }));
    let sums: BTreeSet<ValueId> = steps.flat_map(|part| sums(program, part)).collect();
    for part in &program.parts {
        let wide = match part.kind {
            // Constants feed attention biases, schedules are tables.
            PartKind::Hoisted { sources, .. } => {
                sources.contains(Sources::SCHEDULE) || sources == Sources::CONSTANT
            }
            PartKind::Step { .. } | PartKind::Finish | PartKind::Preview => false,
        };
        for node in part.nodes.iter().filter(|_| !wide) {
            if node.op.writes_slot() || sums.contains(&program.base(node.output).0) {
                continue;
            }
            narrowed.insert(program.base(node.output).0);
            // A constant summand is stored as what it is added to.
            if let Op::Binary(_) = node.op {
                let constant = |v: &ValueId| {
                    matches!(program.values[program.base(*v).0.index()].origin, Origin::Constant(_))
                };
                narrowed.extend(node.inputs.iter().filter(|v| constant(v)).map(|&v| program.base(v).0));
            }
        }
    }
    for at in 0..program.values.len() {
        let owner = program.base(ValueId(at as u32)).0;
        if narrowed.contains(&owner) && program.values[at].dtype == DType::F32 {
            program.values[at].dtype = DType::F16;
        }
    }
}

/// What a network adds up from layer to layer, and the latent it begins with. Near the end of a schedule the answer lies in their last bits:
/// rounding them to 16 at every layer was four fifths of the error of a step. What is added to a sum is stored as the sum.
fn sums(program: &Program, part: &Part) -> BTreeSet<ValueId> {
    let mut sums = BTreeSet::new();
    for node in &part.nodes {
        let owner = program.base(node.output).0;
        let residual = match &node.op {
            Op::Linear(op) => op.residual_input(),
            Op::Conv2d(op) => op.residual_input(),
            _ => None,
        };
        let adds = matches!(node.op, Op::Binary(b) if b.kind == BinaryKind::Add) || residual.is_some();
        if adds || matches!(node.op, Op::ScaleInput(_)) {
            sums.insert(owner);
        }
        sums.extend(residual.map(|at| program.base(node.inputs[at]).0));
    }
    sums
}
