//! What a plan adds up to: bytes by class, dispatches and FLOPs by part, kernels by site.

use std::collections::{BTreeMap, BTreeSet};

use onelaunch::core::backend::Planned;
use onelaunch::core::graph::{Origin, Slot};
use onelaunch::core::pipeline::Inspection;

/// Sums over a plan. All bytes are of one session with one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Weights on the device.
    pub weights: u64,
    /// Slabs.
    pub activations: u64,
    /// Packed rows and tables.
    pub tables: u64,
    /// What hoisted parts leave for others.
    pub kept: u64,
    /// Step noise, for the draws of the schedule.
    pub noise: u64,
    /// State, prompt, timesteps, row, pixels.
    pub slots: u64,
    /// Host data that no file holds.
    pub constants: u64,
    /// What lies ready for copies between host and device.
    pub staging: u64,
    /// Parts in order.
    pub parts: Vec<PartSummary>,
    /// Distinct kernels.
    pub kernels: BTreeSet<String>,
}

/// Sums over a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartSummary {
    /// Its name.
    pub name: String,
    /// Nodes.
    pub nodes: usize,
    /// Launches; split-K reductions count.
    pub dispatches: u64,
    /// Multiplications and additions.
    pub flops: u64,
    /// Nodes of each op.
    pub ops: BTreeMap<&'static str, usize>,
    /// Label, op and kernel of each node.
    pub sites: Vec<(String, &'static str, String)>,
}

impl Summary {
    /// Adds up. `draws` is how many step noises a session has room for.
    pub(crate) fn new(inspection: &Inspection, draws: usize, staging: u64) -> Self {
        let planned = &inspection.planned;
        let (program, plan) = (&planned.program, &planned.plan);
        let (mut tables, mut kept, mut noise, mut slots) = (0, 0, 0, 0);
        for &(value, bytes) in &plan.own {
            match program.values[value.index()].origin {
                Origin::Slot(Slot::Rows) => tables += bytes,
                Origin::Slot(Slot::Noise) => noise += bytes * draws as u64,
                Origin::Slot(_) => slots += bytes,
                Origin::Node | Origin::Leaf(_) | Origin::Constant(_) | Origin::View { .. } => kept += bytes,
            }
        }
        let parts: Vec<_> = (0..program.parts.len()).map(|at| part(planned, at)).collect();
        let kernels = planned.choices.iter().flatten().map(|c| c.kernel.clone()).collect();
        Self {
            weights: inspection.weight_bytes,
            activations: plan.slab_bytes(),
            tables,
            kept,
            noise,
            slots,
            constants: plan.constants.iter().map(|(_, bytes)| bytes).sum(),
            staging,
            parts,
            kernels,
        }
    }

    /// Class and bytes, in the order of printing.
    pub(crate) const fn classes(&self) -> [(&'static str, u64); 8] {
        [
            ("weights", self.weights),
            ("activations", self.activations),
            ("tables", self.tables),
            ("kept", self.kept),
            ("noise", self.noise),
            ("slots", self.slots),
            ("constants", self.constants),
            ("staging", self.staging),
        ]
    }

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.classes().iter().map(|(_, bytes)| bytes).sum()
    }
}

fn part(planned: &Planned, at: usize) -> PartSummary {
    let part = &planned.program.parts[at];
    let choices = &planned.choices[at];
    let mut ops = BTreeMap::new();
    for node in &part.nodes {
        *ops.entry(node.op.name()).or_default() += 1;
    }
    let sites = part.nodes.iter().zip(choices);
    PartSummary {
        name: part.name(),
        nodes: part.nodes.len(),
        dispatches: choices.iter().map(|c| u64::from(c.dispatches)).sum(),
        flops: planned.program.part_flops(at),
        ops,
        sites: sites.map(|(n, c)| (n.label.clone(), n.op.name(), c.kernel.clone())).collect(),
    }
}
