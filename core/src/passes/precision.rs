//! `narrow`: activations of prompt, step and finish are stored in 16 bits. Everything that must not be stays f32: state, rows and tables,
//! noise, the schedule's embeddings, weights' own encodings, the bias of an attention.

use std::collections::BTreeSet;

use crate::graph::{Origin, ValueId};
use crate::ops::Op;
use crate::program::{PartKind, Program, Sources};
use crate::shape::DType;

/// Stores in f16 what may be.
pub fn narrow(program: &mut Program) {
    let mut narrowed = BTreeSet::new();
    for part in &program.parts {
        let wide = match part.kind {
            // Constants feed attention biases, schedules are tables.
            PartKind::Hoisted { sources, .. } => {
                sources.contains(Sources::SCHEDULE) || sources == Sources::CONSTANT
            }
            PartKind::Step { .. } | PartKind::Finish | PartKind::Preview => false,
        };
        for node in part.nodes.iter().filter(|_| !wide) {
            if !node.op.writes_slot() {
                narrowed.insert(program.base(node.output).0);
            }
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
