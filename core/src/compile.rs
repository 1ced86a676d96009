//! From a model and a size to a planned program: recordings through all passes, with the backend's choices.

use std::collections::BTreeMap;

use crate::backend::{Backend, CompileError, Planned};
use crate::graph::Origin;
use crate::model::Model;
use crate::passes::choose::choose;
use crate::passes::fuse::{FuseReport, fuse, merge_projections};
use crate::passes::hoist::{HoistOptions, Recordings, hoist};
use crate::passes::plan::{Scratch, plan};
use crate::passes::precision::narrow;
use crate::program::Program;
use crate::weights::{Encoding, LeafId, Leaves};

/// Storage of activations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Precision {
    /// 32 bits everywhere.
    #[default]
    F32,
    /// 16 bits for the activations of prompt, step and finish; state, tables, statistics and the sums of a step stay f32.
    F16,
}

impl Precision {
    /// As it is written in recipes and flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }
}

/// What a program is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProgramKey {
    /// Pictures per launch.
    pub n: usize,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Rows of the tables, R.
    pub rows: usize,
    /// Storage of activations.
    pub precision: Precision,
}

/// Largest table, bytes, that `hoist` makes.
pub const TABLE_BUDGET: u64 = 64 << 20;

/// The row bucket of a number of rows: 4, 8, 16 … 256. More is refused by the schedule.
pub fn row_bucket(rows: usize) -> usize {
    rows.next_power_of_two().max(4)
}

/// Records, merges, hoists, fuses.
pub fn program(model: &Model, leaves: &mut Leaves, key: ProgramKey) -> (Program, FuseReport) {
    let latent = model.latent_shape(key.n, key.width, key.height);
    let mut guided = model.record_step(leaves, latent, true, key.rows);
    let mut plain = model.record_step(leaves, latent, false, key.rows);
    // The same model, so the same merges.
    let merged = merge_projections(&mut guided, leaves);
    merge_projections(&mut plain, leaves);
    let finish = model.record_finish(leaves, latent);
    let preview = model.record_preview(latent);
    let recordings =
        Recordings { guided: &guided, plain: &plain, finish: &finish, preview: preview.as_ref() };
    let mut program = hoist(&recordings, HoistOptions { rows: key.rows, table_budget: TABLE_BUDGET });
    let report = FuseReport { merged, ..fuse(&mut program) };
    if key.precision == Precision::F16 {
        narrow(&mut program);
    }
    (program, report)
}

/// Leaves that a program reads.
pub fn leaves_of(program: &Program) -> Vec<LeafId> {
    let mut ids: Vec<LeafId> = program
        .parts
        .iter()
        .flat_map(|p| &p.nodes)
        .flat_map(|n| &n.inputs)
        .filter_map(|&v| match program.values[program.base(v).0.index()].origin {
            Origin::Leaf(leaf) => Some(leaf),
            _ => None,
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Chooses kernels and plans memory.
pub fn planned<B: Backend>(
    backend: &B,
    program: Program,
    encodings: &BTreeMap<LeafId, Encoding>,
) -> Result<Planned, CompileError> {
    let chooser = |op: &_, node: &_, inputs: &[_], output: &_| backend.choose(op, node, inputs, output);
    let choices = choose(&program, encodings, &chooser)?;
    let scratch: Vec<Scratch> = choices
        .iter()
        .enumerate()
        .flat_map(|(part, row)| {
            row.iter().enumerate().map(move |(node, c)| Scratch { part, node, bytes: c.scratch })
        })
        .collect();
    let plan = plan(&program, &scratch, backend.caps().alignment.max(4));
    Ok(Planned { program, plan, choices, encodings: encodings.clone() })
}
