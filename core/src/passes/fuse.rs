//! `fuse`: a few named rewrites of a producer and its only reader into one node. Each says why it did not fire.

mod epilogue;
mod norm;
mod projections;
mod upsample;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::graph::{Node, ValueId};
use crate::program::Program;
pub use projections::merge_projections;

/// What a rewrite says of a pair.
#[derive(Debug)]
pub enum Verdict {
    /// One node does the work of both; it stands where the reader stood.
    Fused(Node),
    /// The pair is of the rewrite's kind, but this is in the way.
    NotFused(&'static str),
    /// The pair is none of the rewrite's business.
    Other,
}

/// One rewrite: the program for shapes, the producer, its only reader.
type Rewrite = fn(&Program, &Node, &Node) -> Verdict;

/// The rewrites on pairs, by name. (Those that change weights come before `hoist`: [`merge_projections`].)
const REWRITES: [(&str, Rewrite); 4] = [
    ("epilogue", epilogue::fuse),
    ("norm + modulate", norm::modulate),
    ("norm + activation", norm::activation),
    ("upsample into conv", upsample::fuse),
];

/// What was done, for printing.
#[derive(Clone, Debug, Default)]
pub struct FuseReport {
    /// Products that became one before `hoist`, in words.
    pub merged: Vec<String>,
    /// Rewrite, part, labels of producer and reader.
    pub fused: Vec<(&'static str, String, String)>,
    /// The same with the reason.
    pub not_fused: Vec<(&'static str, String, String, &'static str)>,
}

impl FuseReport {
    /// One line each.
    pub fn print(&self) -> String {
        let mut text = String::new();
        for line in &self.merged {
            let _ = writeln!(text, "merged {line}");
        }
        for (rewrite, part, pair) in &self.fused {
            let _ = writeln!(text, "fused {rewrite}: {part}: {pair}");
        }
        for (rewrite, part, pair, why) in &self.not_fused {
            let _ = writeln!(text, "not fused {rewrite}: {part}: {pair}: {why}");
        }
        text
    }
}

/// Applies the rewrites until none fires.
pub fn fuse(program: &mut Program) -> FuseReport {
    let mut report = FuseReport::default();
    let kept: BTreeSet<ValueId> = program.kept.iter().map(|&v| program.base(v).0).collect();
    for part in 0..program.parts.len() {
        let name = program.parts[part].name();
        while let Some((at, reader, rewrite, node)) = find(program, part, &kept) {
            let nodes = &mut program.parts[part].nodes;
            report.fused.push((
                rewrite,
                name.clone(),
                format!("{} + {}", nodes[at].label, nodes[reader].label),
            ));
            nodes[reader] = node;
            nodes.remove(at);
        }
        left(program, part, &kept, |rewrite, producer, reader, why| {
            report.not_fused.push((
                rewrite,
                name.clone(),
                format!("{} + {}", producer.label, reader.label),
                why,
            ));
        });
    }
    report
}

/// The first pair that can be fused.
fn find(
    program: &Program,
    part: usize,
    kept: &BTreeSet<ValueId>,
) -> Option<(usize, usize, &'static str, Node)> {
    let nodes = &program.parts[part].nodes;
    pairs(program, part, kept).into_iter().filter(|p| p.obstacle.is_none()).find_map(
        |Pair { at, reader, .. }| {
            REWRITES.into_iter().find_map(|(name, rewrite)| {
                match rewrite(program, &nodes[at], &nodes[reader]) {
                    Verdict::Fused(node) => Some((at, reader, name, node)),
                    Verdict::NotFused(_) | Verdict::Other => None,
                }
            })
        },
    )
}

/// Shows every pair that a rewrite would have taken, or has an opinion on, with what is in the way.
fn left(
    program: &Program,
    part: usize,
    kept: &BTreeSet<ValueId>,
    mut see: impl FnMut(&'static str, &Node, &Node, &'static str),
) {
    let nodes = &program.parts[part].nodes;
    for Pair { at, reader, obstacle } in pairs(program, part, kept) {
        for (name, rewrite) in REWRITES {
            match (rewrite(program, &nodes[at], &nodes[reader]), obstacle) {
                (Verdict::NotFused(why), None) | (Verdict::Fused(_) | Verdict::NotFused(_), Some(why)) => {
                    see(name, &nodes[at], &nodes[reader], why);
                }
                (Verdict::Fused(_), None) | (Verdict::Other, _) => {}
            }
        }
    }
}

/// A node and one that reads what it makes.
struct Pair {
    at: usize,
    reader: usize,
    /// Why no rewrite may take them, whatever they are.
    obstacle: Option<&'static str>,
}

/// All pairs of a part.
fn pairs(program: &Program, part: usize, kept: &BTreeSet<ValueId>) -> Vec<Pair> {
    let nodes = &program.parts[part].nodes;
    let mut readers: BTreeMap<ValueId, Vec<usize>> = BTreeMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for &input in &node.inputs {
            readers.entry(program.base(input).0).or_default().push(at);
        }
    }
    let mut pairs = Vec::new();
    for (at, node) in nodes.iter().enumerate().filter(|(_, node)| !node.op.writes_slot()) {
        let owner = program.base(node.output).0;
        let all = readers.get(&owner).map_or(&[][..], Vec::as_slice);
        for &reader in all {
            let obstacle = if kept.contains(&owner) {
                Some("other parts read it")
            } else if all.len() > 1 {
                Some("other nodes read it")
            } else if !nodes[reader].inputs.contains(&node.output) {
                Some("it is read through a view")
            } else {
                None
            };
            pairs.push(Pair { at, reader, obstacle });
        }
    }
    pairs
}
