//! What a plan adds up to: bytes by class, dispatches and FLOPs by part, kernels by site.

use std::collections::{BTreeMap, BTreeSet};

use onelaunch::core::backend::Planned;
use onelaunch::core::memory::Class;
use onelaunch::core::pipeline::Inspection;

/// Sums over a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Bytes of each class that has any: of one session with one model.
    pub classes: Vec<(Class, u64)>,
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
    /// Adds up.
    pub(crate) fn new(inspection: &Inspection) -> Self {
        let planned = &inspection.planned;
        let of = |class: Class| match class {
            Class::Weights => inspection.weight_bytes,
            class => inspection.regions.iter().filter(|r| r.class == class).map(|r| r.bytes).sum(),
        };
        let parts: Vec<_> = (0..planned.program.parts.len()).map(|at| part(planned, at)).collect();
        let kernels = planned.choices.iter().flatten().map(|c| c.kernel.clone()).collect();
        Self { classes: Class::ALL.into_iter().map(|c| (c, of(c))).collect(), parts, kernels }
    }

    /// All of it.
    pub(crate) fn total(&self) -> u64 {
        self.classes.iter().map(|(_, bytes)| bytes).sum()
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
